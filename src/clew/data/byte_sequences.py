"""Sequences of bytes, kept as bytes and made one-hot where they are asked for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import torch
from torch import Tensor

__all__ = ["BYTES", "ByteSequences"]

BYTES = tuple(f"byte {number}" for number in range(256))
"""The names of the channels."""


@dataclass(frozen=True, eq=False, repr=False)
class ByteSequences(Sequence[Tensor]):
    """The inputs of a ``Split`` of texts: one-hot frames in a thousandth of their memory.

    Each sequence, (time, channel) float32 with a channel for each of the 256 bytes, is made anew when it is
    asked for; slices, sums and selections stay bytes.

    Args:
        texts: the bytes of each sequence, at least one.

    Raises:
        ValueError: if a text is empty.

    >>> one, two = ByteSequences((b"ab", b"c"))
    >>> one.shape, one.argmax(dim=1).tolist(), two.argmax(dim=1).tolist()
    (torch.Size([2, 256]), [97, 98], [99])
    """

    texts: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if not all(self.texts):
            raise ValueError(f"text {self.texts.index(b'')} is empty")

    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, index: int) -> Tensor: ...

    @overload
    def __getitem__(self, index: slice) -> "ByteSequences": ...

    def __getitem__(self, index: int | slice) -> "Tensor | ByteSequences":
        if isinstance(index, slice):
            return ByteSequences(self.texts[index])
        text = self.texts[index]
        frames = torch.zeros(len(text), len(BYTES))
        frames[torch.arange(len(text)), torch.from_numpy(_numbers(text).astype(np.int64))] = 1
        return frames

    def __add__(self, others: "ByteSequences") -> "ByteSequences":
        return ByteSequences(self.texts + others.texts)

    def select(self, indices: Iterable[int]) -> "ByteSequences":
        """The sequences at ``indices``, in that order."""
        return ByteSequences(tuple(self.texts[index] for index in indices))

    def lengths(self) -> list[int]:
        """How many bytes each has."""
        return [len(text) for text in self.texts]

    def mean_and_std(self) -> tuple[Tensor, Tensor]:
        """(channel,) float32 each: the share of each byte in all frames, and one deviation for all channels.

        It is the root of the channels' mean variance. By its own deviation, √(p (1 − p)), a byte that comes
        once in 10⁸ would be an input of 10⁴; so all bytes are equally far apart, as with an embedding.
        """
        counts = np.zeros(len(BYTES), dtype=np.int64)
        for text in self.texts:
            counts += np.bincount(_numbers(text), minlength=len(BYTES))
        shares = torch.from_numpy(counts / max(1, counts.sum()))
        std = (shares * (1 - shares)).mean().sqrt().float()
        return shares.float(), torch.where(std == 0, torch.ones_like(std), std).repeat(len(BYTES))


def _numbers(text: bytes) -> np.ndarray:
    """(byte,) uint8."""
    return np.frombuffer(text, dtype=np.uint8)
