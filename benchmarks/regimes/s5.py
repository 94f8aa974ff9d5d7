"""S5's shape: into P complex states, a scan over them, and out: (batch, time, channel), P = 64."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from benchmarks.compare import Absent, Contender, with_gradients
from benchmarks.regime import Regime, Surroundings
from clew.nn.shared_diagonal import SharedConstants, run, zeros

__all__ = ["REGIMES"]

SIZE = (8, 1024, 256)
STATES = 64


def _parameters(channel: int) -> list[Tensor]:
    """Ā (P,), B̄ (P, channel), C (channel, P), complex, and D (channel,)."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.complex64, generator=generator)

    angles = torch.linspace(0.0, 3.0, STATES)
    A = torch.polar(torch.exp(-torch.logspace(-3, -1, STATES)), angles)
    B, C = 0.1 * normal(STATES, channel), normal(channel, STATES) / STATES
    return [tensor.requires_grad_() for tensor in (A, B, C, torch.ones(channel))]


def _clew(x: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    one, nothing = torch.ones(STATES), torch.zeros(STATES)
    system = SharedConstants(A.real, A.imag, one, nothing, B.real, B.imag, C.real, C.imag, D)
    rest = zeros(x, x.dtype, len(x), STATES)
    return run(system, x, rest, "auto")[0]


def _s5_pytorch(inputs: list[Tensor], weight: Tensor) -> Contender | Absent:
    try:
        from s5.s5_model import apply_ssm
    except ImportError:
        return Absent("s5-pytorch", "s5-pytorch is not installed")
    x, A, B, C, D = inputs

    def run() -> Tensor:
        rows: Tensor = torch.vmap(lambda row: apply_ssm(A, B, C, D, row)[0])(x)
        return rows

    return Contender("s5-pytorch", with_gradients(run, inputs, weight))


def _contenders(surroundings: Surroundings) -> Sequence[Contender | Absent]:
    x = torch.randn(SIZE, requires_grad=True)
    weight = torch.randn(SIZE)
    inputs = [x, *_parameters(SIZE[-1])]
    own = Contender("clew", with_gradients(partial(_clew, *inputs), inputs, weight))
    return [own, _s5_pytorch(inputs, weight)]


REGIMES = (
    Regime(
        "S5's shape, forward and backward",
        " × ".join(f"{number:,}" for number in SIZE) + f", P = {STATES}",
        _contenders,
    ),
)
