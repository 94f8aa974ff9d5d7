"""Mamba-2's chunked scan: (batch, time, head, head_dim, state), one group."""

import sys
import types
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.compare import Absent, Contender, with_gradients
from benchmarks.regime import Regime, Surroundings
from clew.ops import ssd

__all__ = ["REGIMES"]

SIZE = (1, 2048, 24, 64, 128)


def inputs_of(batch: int, time: int, head: int, head_dim: int, state: int) -> list[Tensor]:
    """x, Δ, A, B, C with Δ positive and A negative."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(batch, time, head, head_dim, generator=generator)
    steps = torch.exp(-7 + 4.6 * torch.rand(batch, time, head, generator=generator))
    B, C = (torch.randn(batch, time, 1, state, generator=generator) for _ in range(2))
    return [x, steps, -torch.linspace(1.0, 16.0, head), B, C]


def _clew(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
    return ssd(x, dt, A, B, C, dt_softplus=False)[0]


def _listing(checkouts: Path | None, inputs: list[Tensor], chunk: int) -> Contender | Absent:
    """``ssd_minimal_discrete`` of github.com/state-spaces/mamba, which is listing 1 of the paper."""
    name = f"ssd_minimal, chunk {chunk}"
    folder = None if checkouts is None else checkouts / "mamba/mamba_ssm/modules"
    if folder is None or not (folder / "ssd_minimal.py").is_file():
        return Absent(name, "no checkout of state-spaces/mamba named")
    # The file imports a kernel for GPUs beside what is wanted of it.
    for module in ("mamba_ssm", "mamba_ssm.ops", "mamba_ssm.ops.triton"):
        sys.modules.setdefault(module, types.ModuleType(module))
    kernel = types.ModuleType("mamba_ssm.ops.triton.ssd_combined")
    kernel.mamba_chunk_scan_combined = None  # type: ignore[attr-defined]
    sys.modules[kernel.__name__] = kernel
    sys.path.insert(0, str(folder))
    from ssd_minimal import ssd_minimal_discrete

    x, dt, A, B, C = inputs

    def run() -> Tensor:
        heads = (tensor.expand(-1, -1, x.shape[2], -1) for tensor in (B, C))
        y: Tensor = ssd_minimal_discrete(x * dt[..., None], A * dt, *heads, chunk)[0]
        return y

    return Contender(name, run)


def _contenders(backward: bool, surroundings: Surroundings) -> Sequence[Contender | Absent]:
    inputs = [tensor.requires_grad_(backward) for tensor in inputs_of(*SIZE)]
    weight = torch.randn(SIZE[:4])
    found = [
        Contender("clew", partial(_clew, *inputs)),
        *(_listing(surroundings.checkouts, inputs, chunk) for chunk in (64, 256)),
    ]
    return [
        contender
        if isinstance(contender, Absent)
        else Contender(contender.name, with_gradients(contender.run, inputs, weight))
        if backward
        else Contender(contender.name, contender.run, read=lambda y: [y])
        for contender in found
    ]


REGIMES = tuple(
    Regime(
        f"SSD, {'forward and backward' if backward else 'forward'}",
        " × ".join(f"{number:,}" for number in SIZE),
        partial(_contenders, backward),
    )
    for backward in (False, True)
)
