"""DSS: the diagonal state spaces whose one complex weight stands for B and C."""

import math
from typing import Literal, Self

import torch
from torch import Tensor, nn

from clew.errors import unknown_name
from clew.maths import pairs
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

__all__ = ["DSS"]

KERNELS = ("exp", "softmax")
# The ε of the published reciprocal, x̄ / (|x|² + ε).
EPSILON = 1e-7
# The logarithm of how much a growing mode may grow over normalize_length. The published kernel, which is not
# run as a recurrence, knows no bound. In float32 a state overflows past e⁸⁸.
GROWTH = 40.0


@mixers.register("dss")
class DSS(Mixer[DiagonalState, DiagonalConstants]):
    """For each channel h′ = Λ h + b x, y = Re(W h) + D x: all channels share Λ, and b is no parameter.

    Discretised by zero-order hold with the channel's own Δ, and with z = Δ Λ, the kernels are

    - ``"exp"``: K[l] = Re Σ W (e^z − 1)/Λ e^{lz}, which is b = 1; Λ = −exp(Λ_re) + i Λ_im decays;
    - ``"softmax"``: K[l] = Re Σ W/Λ · softmax(0, z, 2z, …, (L−1) z)[l], which is b = 1/(e^{Lz} − 1), so every
      mode weighs L = ``normalize_length`` samples with weights that sum to 1; Λ = Λ_re + i Λ_im. The kernel
      depends on L, so L is fixed, and a sequence of any length runs the same system.

    A softmax mode with Re Λ > 0, to which training may come, grows: it weighs the oldest of L samples most,
    and what is older still more, so that past L samples from rest the output grows without a bound. Up to
    there it cannot overflow: Re z is taken as 40/L at most, where the published kernel has no limit.

    The eigenvalues come without their conjugates, and the output takes the real part once: as published,
    ``d_state``/2 of them, above the real axis. Λ starts with those of Skew-HiPPO, HiPPO-LegS's normal part of
    order ``d_state``; real and imaginary part of W start standard normal, D likewise.

    Parameters, all real: ``log_dt`` (channel,); ``Lambda_real`` and ``Lambda_imag`` (pairs,), Λ_re and Λ_im;
    ``W`` (channel, pairs, 2), real and imaginary part; ``D`` (channel,). Λ̄ = e^z and b̄ are formed in float64
    and rounded once to the dtype of the state, float32 (float64 in a layer converted to it).

    Args:
        d_model: channels.
        d_state: number of real states of each channel, even: twice the paper's N.
        kernel: ``"exp"`` or ``"softmax"``.
        normalize_length: L, in samples, for ``"softmax"`` alone, which needs it.
        mode: how ``forward`` runs: ``"convolution"``, ``"scan"``, ``"recurrent"``, or ``"auto"``, which
            takes what :func:`clew.nn.diagonal.choose_mode` says is fastest. They agree.
        dt_min: the smallest Δ, in units of the continuous system's time; Δ starts log-uniform.
        dt_max: the largest.
        bidirectional: add a branch that runs backwards in time, with the same Λ and Δ and a weight of its
            own, ``W_reverse``, that does not see the present sample: its kernel is off by one, as in the
            published code. Then there is no step and no state.

    Raises:
        ValueError: for an unknown name, numbers that do not fit, or a ``normalize_length`` that is missing or
            has no use; in calls, for ``segments`` or ``dt`` in mode ``"convolution"``, whose one kernel knows
            neither.

    >>> layer = DSS(d_model=4, d_state=16)
    >>> y, state = layer(torch.randn(2, 100, 4))
    >>> y.shape, state.real.shape
    (torch.Size([2, 100, 4]), torch.Size([2, 4, 8]))

    Source: Gupta, Gu and Berant, "Diagonal state spaces are as effective as structured state spaces" (2022),
    proposition 1 (a) and (b), sections 3.3 (the layer), 3.5 (Skew-HiPPO), 3.6 (the recurrence) and appendix
    A.2 (the reciprocal with ε, and a positive real part). The paper has one Δ a channel; its code may have
    two, for real and imaginary part.
    """

    discretization = "zoh"
    W_reverse: Tensor  # of a bidirectional layer

    def __init__(
        self,
        d_model: int,
        d_state: int = 64,
        *,
        kernel: Literal["exp", "softmax"] = "exp",
        normalize_length: float | None = None,
        mode: Mode = "auto",
        dt_min: float = 1e-3,
        dt_max: float = 1e-1,
        bidirectional: bool = False,
    ) -> None:
        super().__init__()
        if kernel not in KERNELS:
            raise unknown_name("kernel", kernel, KERNELS)
        if mode not in MODES:
            raise unknown_name("mode", mode, MODES)
        if d_model < 1:
            raise ValueError(f"d_model is at least 1; got {d_model}")
        if not 0.0 < dt_min <= dt_max < math.inf:
            raise ValueError(f"0 < dt_min ≤ dt_max is needed; got dt_min={dt_min}, dt_max={dt_max}")
        _check_normalize_length(kernel, normalize_length)
        self.d_model, self.d_state, self.bidirectional = d_model, d_state, bidirectional
        self.kernel, self.normalize_length, self.mode = kernel, normalize_length, mode
        Lambda, _ = initial_spectrum("legs", d_state)
        low, high = math.log(dt_min), math.log(dt_max)
        dtype = torch.get_default_dtype()
        self.log_dt = nn.Parameter(low + (high - low) * torch.rand(d_model))
        self.Lambda_real = nn.Parameter(
            (torch.log(-Lambda.real) if kernel == "exp" else Lambda.real).to(dtype)
        )
        self.Lambda_imag = nn.Parameter(Lambda.imag.to(dtype))
        self.W = nn.Parameter(torch.randn(d_model, d_state // 2, 2))
        self.D = nn.Parameter(torch.randn(d_model))
        reverse = nn.Parameter(torch.randn_like(self.W)) if bidirectional else None
        self.register_parameter("W_reverse", reverse)

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
        """Λ̄, b̄, W/2 (for twice the real part is taken) and D as real pairs in the dtype of the state."""
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
        """One real system of order ``d_state`` per channel, float64, on the state (Re h, Im h).

        Its A and B are the rounded Λ̄ and b̄ that the layer itself runs on.
        """
        check_one_way(self, "causal system")
        return DiscreteStateSpace(*real_form(self.constants()), dt=torch.exp(self.log_dt.double()))

    def continuous_system(self) -> StateSpace:
        """The systems before discretisation, alike."""
        check_one_way(self, "causal system")
        step_size = torch.exp(self.log_dt.double())[:, None]
        shape = (self.d_model, self.d_state // 2)
        real, imag, b_real, b_imag = (part.expand(shape) for part in self._equation(step_size))
        return StateSpace(
            *real_form(DiagonalConstants(real, imag, b_real, b_imag, *_output(self.W, torch.float64), self.D))
        )

    def resample(self, factor: float) -> Self:
        """With Δ scaled, and ``normalize_length`` so many samples fewer: the equation stays as it is."""
        longer = with_longer_steps(self, factor, "log_dt")
        if longer.normalize_length is not None:
            longer.normalize_length /= factor
        return longer

    def dynamics_parameters(self) -> tuple[str, ...]:
        """``log_dt``, Λ and W: all of the kernel's, as published."""
        names = ("log_dt", "Lambda_real", "Lambda_imag", "W")
        return (*names, "W_reverse") if self.bidirectional else names

    def extra_repr(self) -> str:
        """What ``repr`` shows between the brackets."""
        length = "" if self.normalize_length is None else f", normalize_length={self.normalize_length:g}"
        return (
            f"{self.d_model}, d_state={self.d_state}, kernel={self.kernel!r}{length}, mode={self.mode!r}"
            f"{', bidirectional=True' * self.bidirectional}"
        )

    def _constants(self, dt: Tensor | None, backwards: bool = False) -> DiagonalConstants:
        """For ``dt`` = 1, or with the dimensions of ``dt`` before those of Λ̄ and b̄; of one direction."""
        dtype = state_dtype(self.log_dt)
        step_size = torch.exp(self.log_dt.double())[:, None]
        equation = self._equation(step_size)
        if dt is not None:
            step_size = step_size * dt.double()[..., None, None]
        bars = discretize_diagonal(*equation, step_size, self.discretization)
        A_bar_real, A_bar_imag, b_bar_real, b_bar_imag = (bar.to(dtype) for bar in bars)
        W_real, W_imag = _output(self.W_reverse if backwards else self.W, dtype)
        D = torch.zeros_like(self.D, dtype=dtype) if backwards else self.D.to(dtype)
        return DiagonalConstants(A_bar_real, A_bar_imag, b_bar_real, b_bar_imag, W_real, W_imag, D)

    def _equation(self, step_size: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Λ and b as real pairs, float64, (pairs,) or (channel, pairs); ``step_size`` is Δ (channel, 1)."""
        real, imag = self.Lambda_real.double(), self.Lambda_imag.double()
        if self.normalize_length is None:
            return -torch.exp(real), imag, torch.ones_like(real), torch.zeros_like(real)
        horizon = self.normalize_length * step_size
        real = torch.minimum(real, GROWTH / horizon)
        return real, imag.expand_as(real), *_normaliser(real, imag, horizon)


def _output(W: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """W/2 as a real pair."""
    real, imag = (W.to(dtype) / 2).unbind(-1)
    return real, imag


def _normaliser(real: Tensor, imag: Tensor, horizon: Tensor) -> tuple[Tensor, Tensor]:
    """1/(e^{Lz} − 1) for Lz = ``horizon`` Λ, through Λ · r(Λ (e^{Lz} − 1)) with r(x) = x̄/(|x|² + ε).

    Where Re Λ > 0 the same is −e^{−Lz}/(e^{−Lz} − 1), in which nothing overflows; there ε stands beside
    |Λ (e^{−Lz} − 1)|², as in the published code. (That stops the gradient of its e^{−Lz}. Ours has it.)
    """
    grows = real > 0
    sign = torch.where(grows, -1.0, 1.0)
    decayed = pairs.exp((sign * horizon * real, sign * horizon * imag))
    rest_real, rest_imag = decayed[0] - 1.0, decayed[1]
    size = real * real + imag * imag
    bounded = size / (size * (rest_real * rest_real + rest_imag * rest_imag) + EPSILON)
    inverse = rest_real * bounded, -rest_imag * bounded
    grown = pairs.multiply(inverse, (-decayed[0], -decayed[1]))
    return torch.where(grows, grown[0], inverse[0]), torch.where(grows, grown[1], inverse[1])


def _check_normalize_length(kernel: str, normalize_length: float | None) -> None:
    if kernel == "softmax":
        if normalize_length is None or not 0.0 < normalize_length < math.inf:
            raise ValueError(
                "kernel='softmax' needs normalize_length, the samples over which weights sum to 1, above 0: "
                f"for instance the length of the training sequences; got {normalize_length}"
            )
    elif normalize_length is not None:
        raise ValueError(
            f"normalize_length is for kernel='softmax' alone; got {normalize_length} with kernel={kernel!r}"
        )
