"""A matrix in panels of 16 rows, 32, 16 or 8 bits a number: decoding reads it from first byte to last.

The rows of a panel lie side by side, so that a product with a vector gives 16 numbers at once without a sum
across them. A panel is a row of blocks:

- ``"float32"``: 2 columns of 16 numbers each.
- ``"bfloat16"``: 2 columns, the two numbers of a row next to each other.
- ``"int8"``: 32 columns of 16 whole numbers from −127 to 127, then 16 scales in bfloat16, one for each row.
  A scale is the least bfloat16 that is at least max |w| / 127 over the row's 32 numbers w, which become
  w / scale, rounded: the error of each is at most half a scale.

Zeros fill up rows and columns. Layouts are the same on every machine of least-significant-byte-first order.
"""

import contextlib
import mmap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import pad

__all__ = ["ROWS", "Kind", "Panels", "pack", "padded", "unpack", "unpadded"]

ROWS, LARGEST, SMALLEST = 16, 127, 2.0**-120
Kind = Literal["float32", "bfloat16", "int8"]
LARGE_PAGE = 2 << 20
BLOCK = {"float32": 2, "bfloat16": 2, "int8": 32}


@dataclass(frozen=True)
class Panels:
    """A matrix, and what is added to its product.

    Attributes:
        panels: (panel, byte) uint8.
        kind: how a number is kept.
        parts: how many rows each part has; a part begins with a panel of its own.
        columns: how many there are, without the zeros.
        bias: (16 · panels,) float32, zero where no row is, or None.
    """

    panels: Tensor
    kind: Kind
    parts: tuple[int, ...]
    columns: int
    bias: Tensor | None = None


def padded(tensor: Tensor, parts: Sequence[int], dim: int = 0) -> Tensor:
    """Each part of the dimension filled up with zeros to a multiple of 16; contiguous, float32.

    >>> padded(torch.ones(18), (17, 1)).view(3, 16).sum(1)
    tensor([16.,  1.,  1.])
    """
    moved = tensor.detach().float().movedim(dim, -1)
    filled = [pad(part, (0, -part.shape[-1] % ROWS)) for part in torch.split(moved, list(parts), -1)]
    return torch.cat(filled, -1).movedim(-1, dim).contiguous()


def unpadded(tensor: Tensor, parts: Sequence[int]) -> Tensor:
    """What :func:`padded` filled up, along its first dimension."""
    sizes = [-(-part // ROWS) * ROWS for part in parts]
    return torch.cat([some[:part] for some, part in zip(torch.split(tensor, sizes), parts, strict=True)])


def pack(
    weight: Tensor, kind: Kind, *, parts: Sequence[int] | None = None, bias: Tensor | None = None
) -> Panels:
    """The matrix in panels.

    Args:
        weight: (row, column), floating point.
        kind: how a number is kept.
        parts: rows of each part that has to begin with a panel of its own; their sum is the number of rows.
        bias: (row,).

    Raises:
        ValueError: for weights that are not finite, if they shall become whole numbers.

    >>> packed = pack(torch.randn(20, 40), "int8")
    >>> packed.panels.shape, unpack(packed).shape
    (torch.Size([2, 1088]), torch.Size([20, 40]))
    """
    rows, columns = weight.shape
    parts = (rows,) if parts is None else tuple(parts)
    block = BLOCK[kind]
    wide = pad(padded(weight, parts), (0, -columns % block))
    # (panel, block, column in it, row in the panel)
    wide = wide.view(-1, ROWS, wide.shape[1] // block, block).permute(0, 2, 3, 1)
    if kind == "int8":
        if not wide.isfinite().all():
            raise ValueError("weights that are not finite cannot become whole numbers")
        scale = _at_least(wide.abs().amax(2) / LARGEST)
        whole = (wide / scale.float().clamp(min=SMALLEST).unsqueeze(2)).round().to(torch.int8)
        data = torch.cat((whole.flatten(2).view(torch.uint8), scale.view(torch.uint8)), -1)
    elif kind == "bfloat16":
        data = wide.transpose(2, 3).to(torch.bfloat16).contiguous().flatten(2).view(torch.uint8)
    else:
        data = wide.contiguous().flatten(2).view(torch.uint8)
    return Panels(
        _in_large_pages(data.flatten(1)), kind, parts, columns, None if bias is None else padded(bias, parts)
    )


def unpack(packed: Panels) -> Tensor:
    """The matrix (row, column) in float32, as decoding takes it: rounded where :func:`pack` rounded."""
    block = BLOCK[packed.kind]
    count = len(packed.panels)
    if packed.kind == "int8":
        blocks = packed.panels.view(count, -1, block * ROWS + 2 * ROWS)
        whole = blocks[..., : block * ROWS].contiguous().view(torch.int8).view(count, -1, block, ROWS)
        scale = blocks[..., block * ROWS :].contiguous().view(torch.bfloat16)
        wide = whole.float() * scale.float().unsqueeze(2)
    elif packed.kind == "bfloat16":
        pairs = packed.panels.view(torch.bfloat16).view(count, -1, ROWS, block)
        wide = pairs.transpose(2, 3).float()
    else:
        wide = packed.panels.view(torch.float32).view(count, -1, block, ROWS)
    rows = wide.permute(0, 3, 1, 2).reshape(count * ROWS, -1)
    return unpadded(rows[:, : packed.columns], packed.parts)


def _in_large_pages(data: Tensor) -> Tensor:
    """The same without gaps, in memory that the system is asked to map in large pages.

    All of it is read for each token, and with pages of 4 KiB the processor spends a sixth of the time on
    finding them.
    """
    if data.nbytes < LARGE_PAGE or not hasattr(mmap, "MADV_HUGEPAGE"):
        return data.contiguous()
    memory = mmap.mmap(-1, data.nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with contextlib.suppress(OSError):  # a kernel without them
        memory.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(memory, dtype=data.dtype).view(data.shape).copy_(data)


def _at_least(scale: Tensor) -> Tensor:
    """The least bfloat16 that is at least so large: a float's upper half, one more if the lower has bits."""
    bits = scale.contiguous().view(torch.int32)
    return ((bits + 0xFFFF) >> 16).to(torch.int16).view(torch.bfloat16)
