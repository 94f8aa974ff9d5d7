"""An S4D layer as the linear map alone, discretised at each call: (batch, time, channel), N = 64."""

import sys
import types
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.compare import Absent, Contender, with_gradients
from benchmarks.peers.kernels import LinearScan, compile_kernels
from benchmarks.regime import Regime, Surroundings
from clew.nn import S4D

__all__ = ["REGIMES"]

SIZES = ((8, 1024, 256), (16, 784, 128), (1, 16384, 256), (1, 65536, 64))
STATE = 64


def _layer(channel: int) -> S4D:
    torch.manual_seed(0)
    layer = S4D(channel, STATE, init="lin", dt_min=1e-3, dt_max=1e-1)
    nn.init.constant_(layer.B, 0.0)
    with torch.no_grad():
        layer.B[..., 0] = 1.0  # the peers have no B
    return layer


def _parameters(layer: S4D) -> list[Tensor]:
    return [layer.log_dt, layer.A_log_real, layer.A_imag, layer.C, layer.D]


def _of_mode(layer: S4D, mode: Any, x: Tensor) -> Callable[[], Tensor]:
    def run() -> Tensor:
        layer.mode = mode
        return layer(x)[0]

    return run


def _state_spaces(checkouts: Path | None, layer: S4D, x: Tensor) -> Contender | Absent:
    """``models/s4/s4d.py`` of github.com/state-spaces/s4 without its activation and mixing of channels."""
    name = "state-spaces s4d.py"
    folder = None if checkouts is None else checkouts / "s4"
    if folder is None or not (folder / "models/s4/s4d.py").is_file():
        return Absent(name, "no checkout of state-spaces/s4 named")
    stub = types.ModuleType("src.models.nn")
    stub.DropoutNd = nn.Dropout  # type: ignore[attr-defined] # not used: dropout is 0
    sys.modules.setdefault("src", types.ModuleType("src"))
    sys.modules.setdefault("src.models", types.ModuleType("src.models"))
    sys.modules["src.models.nn"] = stub
    sys.path.insert(0, str(folder / "models/s4"))
    from s4d import S4D as Theirs

    theirs = Theirs(layer.d_model, STATE, transposed=False)
    theirs.activation, theirs.output_linear = nn.Identity(), nn.Identity()
    with torch.no_grad():
        theirs.kernel.log_dt.copy_(layer.log_dt)
        theirs.kernel.log_A_real.copy_(layer.A_log_real)
        theirs.kernel.A_imag.copy_(layer.A_imag)
        theirs.kernel.C.copy_(layer.C)
        theirs.D.copy_(layer.D)
    kernel = theirs.kernel
    parameters = [kernel.log_dt, kernel.log_A_real, kernel.A_imag, kernel.C, theirs.D]
    return Contender(name, with_gradients(lambda: theirs(x)[0], [x, *parameters], _weight(x)), tolerance=2e-2)


def _kernels(surroundings: Surroundings, layer: S4D, x: Tensor) -> Contender | Absent:
    """The tuned scan under clew's discretisation."""
    name = "tuned kernels"
    kernels = compile_kernels(surroundings.kernels, "diagonal_ssm")
    if isinstance(kernels, str):
        return Absent(name, kernels)

    def run() -> Tensor:
        known = layer.constants()
        B = torch.complex(known.B_bar_real, known.B_bar_imag)
        C = 2 * B * torch.complex(known.C_real, known.C_imag)
        planes = (known.A_bar_real, known.A_bar_imag, C.real, C.imag)
        y: Tensor = LinearScan.apply(kernels, x, *(plane.T.contiguous() for plane in planes), known.D)
        return y

    return Contender(name, with_gradients(run, [x, *_parameters(layer)], _weight(x)))


def _jax(layer: S4D, x: Tensor) -> Contender | Absent:
    """The kernel by a Vandermonde product and the convolution by FFT, compiled by JAX."""
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        return Absent("JAX, jit", "jax is not installed")

    def s4d(x: Any, log_dt: Any, log_real: Any, imag: Any, C: Any, D: Any) -> Any:
        time = x.shape[1]
        A = -jnp.exp(log_real) + 1j * imag
        dtA = A * jnp.exp(log_dt)[:, None]
        weights = (C[..., 0] + 1j * C[..., 1]) * (jnp.exp(dtA) - 1) / A
        powers = jnp.exp(dtA[..., None] * jnp.arange(time))
        kernel = 2 * jnp.einsum("hn,hnl->lh", weights, powers).real
        spectrum = jnp.fft.rfft(x, 2 * time, axis=1) * jnp.fft.rfft(kernel, 2 * time, axis=0)
        return jnp.fft.irfft(spectrum, 2 * time, axis=1)[:, :time] + D * x

    @jax.jit
    def forward_and_backward(weight: Any, *inputs: Any) -> Any:
        y, pullback = jax.vjp(s4d, *inputs)
        return (y, *pullback(weight))

    given = [jnp.asarray(tensor.detach().numpy()) for tensor in (_weight(x), x, *_parameters(layer))]

    def run() -> Any:
        return jax.block_until_ready(forward_and_backward(*given))

    def read(found: Any) -> list[Tensor]:
        import numpy as np

        return [torch.from_numpy(np.array(array)) for array in found]

    return Contender("JAX, jit", run, read, tolerance=2e-2)


def _weight(x: Tensor) -> Tensor:
    return torch.randn(x.shape, generator=torch.Generator().manual_seed(1))


def _contenders(size: tuple[int, int, int], surroundings: Surroundings) -> Sequence[Contender | Absent]:
    layer = _layer(size[2])
    x = torch.randn(size, requires_grad=True)
    inputs, weight = [x, *_parameters(layer)], _weight(x)
    own = [
        Contender(name, with_gradients(_of_mode(layer, mode, x), inputs, weight))
        for name, mode in (("clew", "auto"), ("clew, scan", "scan"), ("clew, convolution", "convolution"))
    ]
    theirs = [_state_spaces(surroundings.checkouts, layer, x), _jax(layer, x)]
    return [*own, _kernels(surroundings, layer, x), *theirs]


REGIMES = tuple(
    Regime(
        "S4D layer, forward and backward",
        " × ".join(f"{number:,}" for number in size) + f", N = {STATE}",
        partial(_contenders, size),
    )
    for size in SIZES
)
