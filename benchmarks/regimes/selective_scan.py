"""Mamba's scan with softplus, the skip D and the gate z: (batch, time, channel, state)."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import silu, softplus

from benchmarks.compare import Absent, Contender, with_gradients
from benchmarks.peers.kernels import SelectiveScan, compile_kernels
from benchmarks.regime import Regime, Surroundings
from clew.ops import selective_scan

__all__ = ["REGIMES", "work"]

SIZES = ((1, 2048, 1536, 16), (8, 1024, 256, 16), (8, 1021, 250, 13), (1, 16384, 256, 16))
# The kernels of transformers keep (batch, channel, time, state) and slice it at each step: their backward
# pass takes minutes, being quadratic in time.
QUADRATIC = "its backward pass is quadratic in time: minutes"


def inputs_of(batch: int, time: int, channel: int, state: int) -> list[Tensor]:
    """x, dt, z, dt_bias, A, B, C, D as a Mamba layer has them at its start."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    x, z, dt = (normal(batch, time, channel) for _ in range(3))
    B, C = (normal(batch, time, state) for _ in range(2))
    A = -torch.arange(1.0, state + 1).repeat(channel, 1)
    steps = torch.exp(torch.linspace(-6.9, -2.3, channel))  # Δ from 0.001 to 0.1
    return [x, 0.1 * dt, z, torch.log(torch.expm1(steps)), A, B, C, torch.ones(channel)]


def _clew(
    x: Tensor, dt: Tensor, z: Tensor, bias: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor
) -> Tensor:
    return selective_scan(x, dt, A, B, C, D, z=z, dt_bias=bias)[0]


def _loop(
    x: Tensor, dt: Tensor, z: Tensor, bias: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor
) -> Tensor:
    """A careful loop: everything unbound once, one state at a time."""
    step = softplus(dt + bias)
    h = x.new_zeros(x.shape[0], x.shape[2], A.shape[1])
    outputs = []
    for x_k, dt_k, B_k, C_k in zip(*(t.unbind(1) for t in (x, step, B, C)), strict=True):
        h = torch.exp(dt_k[..., None] * A) * h + (dt_k * x_k)[..., None] * B_k[:, None]
        outputs.append((h @ C_k[..., None])[..., 0])
    return (torch.stack(outputs, 1) + D * x) * silu(z)


def _mambapy() -> Callable[..., Tensor] | str:
    try:
        from mambapy.mamba import MambaBlock
    except ImportError:
        return "mambapy is not installed"

    def run(
        x: Tensor, dt: Tensor, z: Tensor, bias: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor
    ) -> Tensor:
        # The method reads nothing of its block.
        return MambaBlock.selective_scan(None, x, softplus(dt + bias), A, B, C, D) * silu(z)

    return run


def _transformers(use_mambapy: bool) -> Callable[..., Tensor] | str:
    try:
        from transformers.models.mamba.modeling_mamba import mamba_selective_scan
    except ImportError:
        return "this transformers has no mamba_selective_scan"

    def run(
        x: Tensor, dt: Tensor, z: Tensor, bias: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor
    ) -> Tensor:
        x, dt, z, B, C = (t.transpose(1, 2) for t in (x, dt, z, B, C))
        y: Tensor = mamba_selective_scan(
            x, dt, A, B, C, D, z, bias, delta_softplus=True, use_mambapy=use_mambapy
        )
        return y.transpose(1, 2)

    return run


def _kernels(surroundings: Surroundings, channel: int, state: int) -> Callable[..., Tensor] | str:
    if channel % 16 or state != 16:
        return "made for other sizes"
    kernels = compile_kernels(surroundings.kernels, "selective_scan")
    return kernels if isinstance(kernels, str) else partial(SelectiveScan.apply, kernels)


def _contenders(
    size: tuple[int, int, int, int], backward: bool, surroundings: Surroundings
) -> Sequence[Contender | Absent]:
    inputs = [tensor.requires_grad_(backward) for tensor in inputs_of(*size)]
    weight = torch.randn(size[:3])
    found: list[Contender | Absent] = []
    for name, run in (
        ("clew", _clew),
        ("tuned kernels", _kernels(surroundings, size[2], size[3])),
        ("careful loop", _loop),
        ("mambapy", _mambapy()),
        ("transformers, mambapy", _transformers(use_mambapy=True)),
        ("transformers", QUADRATIC if backward else _transformers(use_mambapy=False)),
    ):
        if isinstance(run, str):
            found.append(Absent(name, run))
            continue
        forward = partial(run, *inputs)
        if backward:
            found.append(Contender(name, with_gradients(forward, inputs, weight)))
        else:
            found.append(Contender(name, forward, read=lambda y: [y]))
    return found


def work(shape: str) -> tuple[Callable[[], object], Callable[[], list[Tensor]]]:
    """Forward and backward for :mod:`benchmarks.memory`; ``shape`` is ``batch,time,channel,state``."""
    size = tuple(int(part) for part in shape.split(","))

    def run(*sizes: int) -> list[Tensor]:
        inputs = [tensor.requires_grad_() for tensor in inputs_of(*sizes)]
        y = _clew(*inputs)
        weight = torch.ones_like(y)
        return [y, weight, *inputs, *torch.autograd.grad(y, inputs, weight)]

    return partial(run, 1, 64, *size[2:]), partial(run, *size)


REGIMES = tuple(
    Regime(
        f"selective scan, {'forward and backward' if backward else 'forward'}",
        " × ".join(f"{number:,}" for number in size[:3]) + f", N = {size[3]}",
        partial(_contenders, size, backward),
    )
    for size in SIZES
    for backward in (False, True)
)
