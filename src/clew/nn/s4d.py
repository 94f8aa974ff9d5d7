"""S4D: a bank of diagonal state space systems, one per channel."""

import math
from typing import Literal, Self

import torch
from torch import Tensor, nn

from clew.errors import unknown_name
from clew.maths.discretize import discretize_diagonal
from clew.nn.arguments import check_sequence, check_step
from clew.nn.both_ways import NO_STATE, both_ways, check_one_way
from clew.nn.diagonal import MODES, DiagonalConstants, DiagonalState, Mode, check_mode, real_form, run, step
from clew.nn.mixer import Mixer, state_dtype
from clew.nn.padding import zero_padding
from clew.nn.registry import mixers
from clew.nn.resampling import with_longer_steps
from clew.nn.spectra import initial_spectrum
from clew.ops.precision import without_autocast
from clew.systems import DiscreteStateSpace, StateSpace

__all__ = ["S4D"]

DISCRETIZATIONS = ("zoh", "bilinear")


@mixers.register("s4d")
class S4D(Mixer[DiagonalState, DiagonalConstants]):
    """For each channel a diagonal system h′ = A h + B x, y = 2 Re(C h) + D x, discretised with its own Δ.

    Parameters, all real: ``log_dt`` (channel,); ``A_log_real`` (channel, pairs), log(−Re A), and
    ``A_imag``; ``B`` and ``C`` (channel, pairs, 2), real and imaginary part; ``D`` (channel,). A is so kept
    in the left half plane, and the system stable, wherever training goes.

    Ā and B̄ are formed in float64 and rounded once to the dtype of the state, float32 (float64 in a layer
    converted to it); everything downstream works on the rounded values.

    Args:
        d_model: channels.
        d_state: N, the number of real states of each channel, even: N/2 conjugate pairs are kept, and the
            output takes twice the real part.
        init: where A and B start: ``"legs"``, ``"lin"``, ``"inv"`` or ``"real"``; see
            :func:`clew.nn.spectra.initial_spectrum`. C starts complex normal of variance 1, D normal.
        discretization: ``"zoh"`` or ``"bilinear"``.
        mode: how ``forward`` runs: ``"convolution"``, ``"scan"``, ``"recurrent"``, or ``"auto"``, which
            takes what :func:`clew.nn.diagonal.choose_mode` says is fastest. They agree.
        dt_min: the smallest Δ, in units of the continuous system's time; Δ starts log-uniform.
        dt_max: the largest.
        bidirectional: add a branch that runs backwards in time, with the same A, B and Δ and an output of
            its own, ``C_reverse``, that does not see the present sample (S4's kernel is off by one so); then
            there is no step and no state.

    Raises:
        ValueError: for an unknown name, an odd ``d_state``, or no 0 < ``dt_min`` ≤ ``dt_max``; in calls,
            for ``segments`` or ``dt`` in mode ``"convolution"``, whose one kernel knows neither.

    >>> layer = S4D(d_model=4, d_state=16)
    >>> y, state = layer(torch.randn(2, 100, 4))
    >>> y.shape, state.real.shape
    (torch.Size([2, 100, 4]), torch.Size([2, 4, 8]))
    >>> y_k, state = layer.step(torch.randn(2, 4), state)

    Source: Gu, Gupta, Goel and Ré, "On the parameterization and initialization of diagonal state space
    models" (2022), sections 3 and 4; Δ from 0.001 to 0.1: Gu, Goel and Ré, "Efficiently modeling long
    sequences with structured state spaces" (2022), appendix D.
    """

    C_reverse: Tensor  # of a bidirectional layer

    def __init__(
        self,
        d_model: int,
        d_state: int = 64,
        *,
        init: Literal["legs", "lin", "inv", "real"] = "legs",
        discretization: Literal["zoh", "bilinear"] = "zoh",
        mode: Mode = "auto",
        dt_min: float = 1e-3,
        dt_max: float = 1e-1,
        bidirectional: bool = False,
    ) -> None:
        super().__init__()
        if discretization not in DISCRETIZATIONS:
            raise unknown_name("discretization", discretization, DISCRETIZATIONS)
        if mode not in MODES:
            raise unknown_name("mode", mode, MODES)
        if d_model < 1:
            raise ValueError(f"d_model is at least 1; got {d_model}")
        if not 0.0 < dt_min <= dt_max < math.inf:
            raise ValueError(f"0 < dt_min ≤ dt_max is needed; got dt_min={dt_min}, dt_max={dt_max}")
        self.d_model, self.d_state, self.bidirectional = d_model, d_state, bidirectional
        self.init, self.discretization, self.mode = init, discretization, mode
        A, B = initial_spectrum(init, d_state)
        low, high = math.log(dt_min), math.log(dt_max)
        dtype = torch.get_default_dtype()
        self.log_dt = nn.Parameter(low + (high - low) * torch.rand(d_model))
        self.A_log_real = nn.Parameter(torch.log(-A.real).to(dtype).repeat(d_model, 1))
        self.A_imag = nn.Parameter(A.imag.to(dtype).repeat(d_model, 1))
        self.B = nn.Parameter(torch.view_as_real(B).to(dtype).repeat(d_model, 1, 1))
        self.C = nn.Parameter(torch.randn(d_model, d_state // 2, 2) * math.sqrt(0.5))
        self.D = nn.Parameter(torch.randn(d_model))
        reverse = nn.Parameter(torch.randn_like(self.C) * math.sqrt(0.5)) if bidirectional else None
        self.register_parameter("C_reverse", reverse)

    def forward(
        self,
        x: Tensor,
        state: DiagonalState | None = None,
        *,
        lengths: Tensor | None = None,
        segments: Tensor | None = None,
        dt: Tensor | None = None,
    ) -> tuple[Tensor, DiagonalState]:
        """Run over a whole sequence, as :meth:`clew.nn.Mixer.forward` says."""
        state, lengths, segments = check_sequence(self, x, state, lengths, segments, dt)
        check_mode(self.mode, segments, dt)
        if dt is not None:
            dt = zero_padding(dt[..., None], lengths)[..., 0]

        def directed(
            x: Tensor, segments: Tensor | None, dt: Tensor | None, backwards: bool
        ) -> tuple[Tensor, DiagonalState]:
            system = self._constants(dt, backwards)
            return run(system, x, state, self.mode, lengths=lengths, segments=segments)

        with without_autocast(x.device):
            if not self.bidirectional:
                return directed(x, segments, dt, False)
            dtype = state_dtype(self.log_dt)
            return both_ways(
                directed, x, dtype, lengths=lengths, segments=segments, dt=dt, without_present=True
            ), NO_STATE

    def step(
        self,
        x_k: Tensor,
        state: DiagonalState,
        *,
        dt: Tensor | None = None,
        constants: DiagonalConstants | None = None,
    ) -> tuple[Tensor, DiagonalState]:
        """Run over one sample, as :meth:`clew.nn.Mixer.step` says; no complex tensors, so it exports."""
        state = check_step(self, x_k, state, dt, constants)
        return step(self._constants(dt) if constants is None else constants, x_k, state)

    def constants(self) -> DiagonalConstants:
        """Ā, B̄, C and D as real pairs in the dtype of the state."""
        check_one_way(self, "constants")
        return self._constants(None)

    def initial_state(self, batch_size: int) -> DiagonalState:
        """Zeros (batch, channel, pairs)."""
        check_one_way(self, "state")
        shape = (batch_size, self.d_model, self.d_state // 2)
        dtype, device = state_dtype(self.log_dt), self.log_dt.device
        return DiagonalState(
            torch.zeros(shape, dtype=dtype, device=device), torch.zeros(shape, dtype=dtype, device=device)
        )

    def system(self) -> DiscreteStateSpace:
        """One real system of order N per channel, float64, on the state (Re h, Im h).

        Its A and B are the rounded Ā and B̄ that the layer itself runs on.
        """
        check_one_way(self, "causal system")
        return DiscreteStateSpace(*real_form(self.constants()), dt=torch.exp(self.log_dt.double()))

    def continuous_system(self) -> StateSpace:
        """The systems before discretisation, alike."""
        check_one_way(self, "causal system")
        A_real = -torch.exp(self.A_log_real.double())
        B_real, B_imag, C_real, C_imag = *self.B.unbind(-1), *self.C.unbind(-1)
        whole = DiagonalConstants(A_real, self.A_imag, B_real, B_imag, C_real, C_imag, self.D)
        return StateSpace(*real_form(whole))

    def resample(self, factor: float) -> Self:
        """With Δ scaled, as :meth:`clew.nn.Mixer.resample` says."""
        return with_longer_steps(self, factor, "log_dt")

    def dynamics_parameters(self) -> tuple[str, ...]:
        """``log_dt``, A and B."""
        return ("log_dt", "A_log_real", "A_imag", "B")

    def extra_repr(self) -> str:
        """What ``repr`` shows between the brackets."""
        return (
            f"{self.d_model}, d_state={self.d_state}, init={self.init!r}, "
            f"discretization={self.discretization!r}, mode={self.mode!r}"
            f"{', bidirectional=True' * self.bidirectional}"
        )

    def _constants(self, dt: Tensor | None, backwards: bool = False) -> DiagonalConstants:
        """For ``dt`` = 1, or with the dimensions of ``dt`` before those of Ā and B̄; of one direction."""
        dtype = state_dtype(self.log_dt)
        step_size = torch.exp(self.log_dt.double())[:, None]
        if dt is not None:
            step_size = step_size * dt.double()[..., None, None]
        A_real, A_imag = -torch.exp(self.A_log_real.double()), self.A_imag.double()
        B_real, B_imag = self.B.double().unbind(-1)
        bars = discretize_diagonal(A_real, A_imag, B_real, B_imag, step_size, self.discretization)
        A_bar_real, A_bar_imag, B_bar_real, B_bar_imag = (bar.to(dtype) for bar in bars)
        C_real, C_imag = (self.C_reverse if backwards else self.C).to(dtype).unbind(-1)
        D = torch.zeros_like(self.D, dtype=dtype) if backwards else self.D.to(dtype)
        return DiagonalConstants(A_bar_real, A_bar_imag, B_bar_real, B_bar_imag, C_real, C_imag, D)
