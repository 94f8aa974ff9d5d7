"""S4D: a bank of diagonal state space systems, one per channel."""

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
from torch import Tensor, nn

from clew.errors import unknown_name
from clew.maths.discretize import discretize_diagonal
from clew.nn.arguments import check_sequence, check_step
from clew.nn.mixer import Mixer, state_dtype
from clew.nn.padding import last_valid, zero_padding
from clew.nn.registry import mixers
from clew.nn.spectra import initial_spectrum

if TYPE_CHECKING:
    from clew.systems import DiscreteStateSpace, StateSpace

__all__ = ["S4D", "S4DConstants", "S4DState"]

DISCRETIZATIONS = ("zoh", "bilinear")
MODES = ("auto", "convolution", "scan", "recurrent")


class S4DState(NamedTuple):
    """h, one complex number for each conjugate pair, as real tensors (batch, channel, pairs)."""

    real: Tensor
    imag: Tensor


class S4DConstants(NamedTuple):
    """What a step needs, each (channel, pairs) but ``D`` (channel,)."""

    A_bar_real: Tensor
    A_bar_imag: Tensor
    B_bar_real: Tensor
    B_bar_imag: Tensor
    C_real: Tensor
    C_imag: Tensor
    D: Tensor


@mixers.register("s4d")
class S4D(Mixer[S4DState, S4DConstants]):
    """A bank of diagonal state space systems, one per channel."""

    def __init__(
        self,
        d_model: int,
        d_state: int = 64,
        *,
        init: Literal["legs", "lin", "inv", "real"] = "legs",
        discretization: Literal["zoh", "bilinear"] = "zoh",
        mode: Literal["auto", "convolution", "scan", "recurrent"] = "auto",
        dt_min: float = 1e-3,
        dt_max: float = 1e-1,
    ) -> None:
        super().__init__()
        if discretization not in DISCRETIZATIONS:
            raise unknown_name("discretization", discretization, DISCRETIZATIONS)
        if mode not in MODES:
            raise unknown_name("mode", mode, MODES)
        if not 0.0 < dt_min <= dt_max:
            raise ValueError(f"0 < dt_min ≤ dt_max is needed; got dt_min={dt_min}, dt_max={dt_max}")
        self.d_model, self.d_state = d_model, d_state
        self.init, self.discretization, self.mode = init, discretization, mode
        A, B = initial_spectrum(init, d_state)
        pairs = len(A)
        low, high = math.log(dt_min), math.log(dt_max)
        self.log_dt = nn.Parameter(low + (high - low) * torch.rand(d_model))
        self.A_log_real = nn.Parameter(torch.log(-A.real).float().repeat(d_model, 1))
        self.A_imag = nn.Parameter(A.imag.float().repeat(d_model, 1))
        self.B = nn.Parameter(torch.view_as_real(B).float().repeat(d_model, 1, 1))
        self.C = nn.Parameter(torch.randn(d_model, pairs, 2) * math.sqrt(0.5))
        self.D = nn.Parameter(torch.randn(d_model))

    def forward(
        self,
        x: Tensor,
        state: S4DState | None = None,
        *,
        lengths: Tensor | None = None,
        segments: Tensor | None = None,
        dt: Tensor | None = None,
    ) -> tuple[Tensor, S4DState]:
        """Run over a whole sequence; see :meth:`clew.nn.Mixer.forward`."""
        check_sequence(self, x, state, lengths, segments, dt)
        assert segments is None and dt is None
        state = self.initial_state(len(x)) if state is None else state
        constants = self.constants()
        outputs, states = [], []
        before = state
        for x_k in zero_padding(x, lengths).unbind(1):
            y_k, before = self.step(x_k, before, constants=constants)
            outputs.append(y_k)
            states.append(before)
        y = torch.stack(outputs, 1)
        if lengths is None:
            return y, before
        real = last_valid(torch.stack([s.real for s in states], 1), lengths, state.real)
        imag = last_valid(torch.stack([s.imag for s in states], 1), lengths, state.imag)
        return zero_padding(y, lengths), S4DState(real, imag)

    def step(
        self, x_k: Tensor, state: S4DState, *, dt: Tensor | None = None, constants: S4DConstants | None = None
    ) -> tuple[Tensor, S4DState]:
        """Run over one sample; see :meth:`clew.nn.Mixer.step`. No complex tensors: it exports."""
        check_step(self, x_k, state, dt, constants)
        k = self._constants(dt) if constants is None else constants
        u = x_k.to(k.D.dtype)[..., None]
        h_real = k.A_bar_real * state[0] - k.A_bar_imag * state[1] + k.B_bar_real * u
        h_imag = k.A_bar_real * state[1] + k.A_bar_imag * state[0] + k.B_bar_imag * u
        y_k = 2 * (k.C_real * h_real - k.C_imag * h_imag).sum(-1) + k.D * u[..., 0]
        return y_k.to(x_k.dtype), S4DState(h_real, h_imag)

    def constants(self) -> S4DConstants:
        """Ā, B̄, C and D as real pairs in the dtype of the state."""
        return self._constants(None)

    def initial_state(self, batch_size: int) -> S4DState:
        """Zeros."""
        shape = (batch_size, self.d_model, self.d_state // 2)
        zeros = torch.zeros(shape, dtype=state_dtype(self.log_dt), device=self.log_dt.device)
        return S4DState(zeros, zeros.clone())

    def system(self) -> "DiscreteStateSpace":
        raise NotImplementedError

    def continuous_system(self) -> "StateSpace":
        raise NotImplementedError

    def dynamics_parameters(self) -> tuple[str, ...]:
        """Log Δ, A and B."""
        return ("log_dt", "A_log_real", "A_imag", "B")

    def _constants(self, dt: Tensor | None) -> S4DConstants:
        out = state_dtype(self.log_dt)
        step = torch.exp(self.log_dt.double())[..., None]
        if dt is not None:
            step = step * dt.double()[..., None, None]
        A_real = -torch.exp(self.A_log_real.double())
        B = self.B.double()
        bars = discretize_diagonal(
            A_real, self.A_imag.double(), B[..., 0], B[..., 1], step, self.discretization
        )
        A_bar_real, A_bar_imag, B_bar_real, B_bar_imag = (bar.to(out) for bar in bars)
        C = self.C.to(out)
        return S4DConstants(
            A_bar_real, A_bar_imag, B_bar_real, B_bar_imag, C[..., 0], C[..., 1], self.D.to(out)
        )
