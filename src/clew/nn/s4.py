"""S4: a bank of state space systems, one per channel, whose matrix is diagonal plus low rank."""

import math
from typing import Literal, Self

import torch
from torch import Tensor, nn

from clew.errors import unknown_name
from clew.maths.dplr_bilinear import discretize_dplr
from clew.nn.arguments import check_sequence, check_step
from clew.nn.both_ways import NO_STATE, both_ways, check_one_way
from clew.nn.dplr import MODES, DPLRConstants, DPLRState, Mode, dense, run, step
from clew.nn.dplr_varying import DPLREquation, run_varying
from clew.nn.mixer import Mixer, state_dtype
from clew.nn.padding import continues, valid, zero_padding
from clew.nn.registry import mixers
from clew.nn.resampling import with_longer_steps
from clew.nn.spectra import initial_low_rank
from clew.ops.precision import without_autocast
from clew.systems import DiscreteStateSpace, StateSpace

__all__ = ["S4"]

# Where −Re Λ starts at the least: that of LegT and FouT is 0, whose logarithm there is not.
SLOWEST = 1e-4


@mixers.register("s4")
class S4(Mixer[DPLRState, DPLRConstants]):
    """For each channel h′ = (Λ − P P*) h + B x, y = 2 Re(C h) + D x, discretised bilinearly with its own Δ.

    Λ − P P* is a HiPPO matrix in the basis of its normal part's eigenvectors. One of each conjugate pair is
    kept, with P* h = 2 Re Σ P̄ h. With the same P on both sides the matrix is stable, wherever training goes.

    Parameters, all real: ``log_dt`` (channel,); ``A_log_real`` (channel, pairs), log(−Re Λ), and ``A_imag``;
    ``P`` (channel, rank, pairs, 2); ``B`` and ``C`` (channel, pairs, 2), real and imaginary part; ``D``
    (channel,). C is C itself, at every length (published code trains C̃ = C (I − Ā^L), which binds it to one).

    The discrete system is formed in float64 and rounded once to the dtype of the state, float32 (float64 in a
    layer converted to it); everything downstream works on the rounded values. What the ways to run cost, with
    N = ``d_state``, for each channel:

    - ``step``: O(N) numbers and operations.
    - The convolution: once for all rows, N³ log₂ length operations for the powers of Ā that C̃ and the final
      state need, and O(length · N) for the kernel. Its memory is that of x, of N² log₂ length and of
      √length · N numbers, never of length · N.
    - ``segments``: half of those powers, ½ log₂ length passes over x, and √length steps from chunk to chunk.
    - ``dt``: a loop over the samples, each solved for in O(N) operations for all rows and channels at once,
      without an Ā of its own. Autograd keeps one state for every 32 samples, and runs each of those blocks
      again.

    Args:
        d_model: channels.
        d_state: N, the number of real states of each channel, even: N/2 conjugate pairs are kept, and the
            output takes twice the real part.
        init: where Λ, P and B start: ``"legs"``, ``"legt"`` (rank 2) or ``"fout"``; see
            :func:`clew.nn.spectra.initial_low_rank`. Re Λ starts at −1e-4 at most, where that of LegT and
            FouT is 0. C starts complex normal of variance 1, D normal.
        mode: how ``forward`` runs: ``"convolution"``, ``"scan"`` (in chunks), ``"recurrent"``, or ``"auto"``:
            convolution, for ``segments`` scan, for ``dt`` recurrent. They agree.
        dt_min: the smallest Δ, in units of the continuous system's time; Δ starts log-uniform.
        dt_max: the largest.
        bidirectional: add a branch that runs backwards in time, with the same Λ, P, B and Δ and an output of
            its own, ``C_reverse``, that does not see the present sample: its kernel is off by one, as in the
            published code. It costs as much again; and there is no step and no state.

    Raises:
        ValueError: for an unknown name, an odd ``d_state``, or no 0 < ``dt_min`` ≤ ``dt_max``; in calls, for
            ``segments`` or ``dt`` in mode ``"convolution"``, and for ``dt`` in mode ``"scan"``.

    >>> layer = S4(d_model=4, d_state=16)
    >>> y, state = layer(torch.randn(2, 100, 4))
    >>> y.shape, state.real.shape
    (torch.Size([2, 100, 4]), torch.Size([2, 4, 8]))
    >>> y_k, state = layer.step(torch.randn(2, 4), state)

    Source: Gu, Goel and Ré, "Efficiently modeling long sequences with structured state spaces" (2022),
    sections 2 and 3, appendix D for Δ; Goel, Gu, Donahue and Ré, "It's raw! Audio generation with state-space
    models" (2022), section 4.2, for Λ − P P*. Re Λ from −1e-4 is the published code's.
    """

    discretization: Literal["bilinear"] = "bilinear"
    C_reverse: Tensor  # of a bidirectional layer

    def __init__(
        self,
        d_model: int,
        d_state: int = 64,
        *,
        init: Literal["legs", "legt", "fout"] = "legs",
        mode: Mode = "auto",
        dt_min: float = 1e-3,
        dt_max: float = 1e-1,
        bidirectional: bool = False,
    ) -> None:
        super().__init__()
        if mode not in MODES:
            raise unknown_name("mode", mode, MODES)
        if d_model < 1:
            raise ValueError(f"d_model is at least 1; got {d_model}")
        if not 0.0 < dt_min <= dt_max < math.inf:
            raise ValueError(f"0 < dt_min ≤ dt_max is needed; got dt_min={dt_min}, dt_max={dt_max}")
        self.d_model, self.d_state, self.init, self.mode = d_model, d_state, init, mode
        self.bidirectional = bidirectional
        A, P, B = initial_low_rank(init, d_state)
        low, high = math.log(dt_min), math.log(dt_max)
        dtype = torch.get_default_dtype()
        self.log_dt = nn.Parameter(low + (high - low) * torch.rand(d_model))
        self.A_log_real = nn.Parameter(torch.log((-A.real).clamp(min=SLOWEST)).to(dtype).repeat(d_model, 1))
        self.A_imag = nn.Parameter(A.imag.to(dtype).repeat(d_model, 1))
        self.P = nn.Parameter(torch.view_as_real(P).to(dtype).repeat(d_model, 1, 1, 1))
        self.B = nn.Parameter(torch.view_as_real(B).to(dtype).repeat(d_model, 1, 1))
        self.C = nn.Parameter(torch.randn(d_model, d_state // 2, 2) * math.sqrt(0.5))
        self.D = nn.Parameter(torch.randn(d_model))
        reverse = nn.Parameter(torch.randn_like(self.C) * math.sqrt(0.5)) if bidirectional else None
        self.register_parameter("C_reverse", reverse)

    def forward(
        self,
        x: Tensor,
        state: DPLRState | None = None,
        *,
        lengths: Tensor | None = None,
        segments: Tensor | None = None,
        dt: Tensor | None = None,
    ) -> tuple[Tensor, DPLRState]:
        """Run over a whole sequence, as :meth:`clew.nn.Mixer.forward` says."""
        state, lengths, segments = check_sequence(self, x, state, lengths, segments, dt)
        if self.mode == "convolution" and segments is not None:
            raise ValueError(
                "mode='convolution' has one kernel for all and takes no segments: take mode='scan'"
            )
        if self.mode in ("convolution", "scan") and dt is not None:
            raise ValueError(
                f"mode={self.mode!r} has one matrix for all and takes no dt: take mode='recurrent'"
            )
        if dt is not None:
            dt = zero_padding(dt[..., None], lengths)[..., 0]

        def directed(
            x: Tensor, segments: Tensor | None, dt: Tensor | None, backwards: bool
        ) -> tuple[Tensor, DPLRState]:
            before = self._rest(len(x)) if state is None else state
            if dt is not None and x.numel():
                return self._run_varying(x, before, segments, dt, lengths, backwards)
            return run(
                self._constants(None, backwards),
                x,
                before,
                self.mode,
                lengths=lengths,
                segments=segments,
                at_rest=state is None,
            )

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
        state: DPLRState,
        *,
        dt: Tensor | None = None,
        constants: DPLRConstants | None = None,
    ) -> tuple[Tensor, DPLRState]:
        """Run over one sample, as :meth:`clew.nn.Mixer.step` says; no complex tensors, so it exports."""
        state = check_step(self, x_k, state, dt, constants)
        return step(self._constants(dt) if constants is None else constants, x_k, state)

    def constants(self) -> DPLRConstants:
        """Ā as ā, U and W, B̄, C and D, as real tensors in the dtype of the state."""
        check_one_way(self, "constants")
        return self._constants(None)

    def initial_state(self, batch_size: int) -> DPLRState:
        """Zeros (batch, channel, pairs)."""
        check_one_way(self, "state")
        return self._rest(batch_size)

    def _rest(self, batch: int) -> DPLRState:
        shape = (batch, self.d_model, self.d_state // 2)
        dtype, device = state_dtype(self.log_dt), self.log_dt.device
        return DPLRState(
            torch.zeros(shape, dtype=dtype, device=device), torch.zeros(shape, dtype=dtype, device=device)
        )

    def system(self) -> DiscreteStateSpace:
        """One real system of order N per channel, float64, on the state (Re h, Im h).

        Its A and B are made of the rounded numbers that the layer itself runs on.
        """
        check_one_way(self, "causal system")
        A, B, C, D = dense(self.constants())
        return DiscreteStateSpace(
            A, B[..., None], C[:, None], D[:, None, None], dt=torch.exp(self.log_dt.double())
        )

    def continuous_system(self) -> StateSpace:
        """The systems before discretisation, alike."""
        check_one_way(self, "causal system")
        Lambda = self._eigenvalues(), self.A_imag
        P, B, C = (part.unbind(-1) for part in (self.P, self.B, self.C))
        W = (2 * P[0], 2 * P[1])  # P* h = 2 Re Σ P̄ h
        system = dense(DPLRConstants._make((*Lambda, *P, *W, *B, *C, self.D)))
        return StateSpace(system.A, system.B[..., None], system.C[:, None], system.D[:, None, None])

    def dynamics_parameters(self) -> tuple[str, ...]:
        """``log_dt``, Λ, P and B."""
        return ("log_dt", "A_log_real", "A_imag", "P", "B")

    def resample(self, factor: float) -> Self:
        """With Δ scaled, as :meth:`clew.nn.Mixer.resample` says."""
        return with_longer_steps(self, factor, "log_dt")

    def extra_repr(self) -> str:
        """What ``repr`` shows between the brackets."""
        return (
            f"{self.d_model}, d_state={self.d_state}, init={self.init!r}, mode={self.mode!r}"
            f"{', bidirectional=True' * self.bidirectional}"
        )

    def _run_varying(
        self,
        x: Tensor,
        state: DPLRState,
        segments: Tensor | None,
        dt: Tensor,
        lengths: Tensor | None,
        backwards: bool,
    ) -> tuple[Tensor, DPLRState]:
        """With ``dt``, which is 0 past each row's length, so that the state stays there."""
        dtype = state_dtype(self.log_dt)
        P, B, C = (
            torch.view_as_complex(part.to(dtype).contiguous())
            for part in (self.P, self.B, self.C_reverse if backwards else self.C)
        )
        Lambda = torch.complex(self._eigenvalues().to(dtype), self.A_imag.to(dtype))
        D = torch.zeros_like(self.D, dtype=dtype) if backwards else self.D.to(dtype)
        steps = (dt.double()[..., None] * torch.exp(self.log_dt.double())).to(dtype)
        u = zero_padding(x, lengths).to(dtype)
        goes_on = None if segments is None else continues(segments)
        if goes_on is not None and lengths is not None:
            goes_on = goes_on | ~valid(lengths, x.shape[1])
        y, h = run_varying(DPLREquation(Lambda, P, B, C, D), u, torch.complex(*state), steps, goes_on)
        return zero_padding(y.to(x.dtype), lengths), DPLRState(h.real.contiguous(), h.imag.contiguous())

    def _eigenvalues(self) -> Tensor:
        """Re Λ, float64."""
        return -torch.exp(self.A_log_real.double())

    def _constants(self, dt: Tensor | None, backwards: bool = False) -> DPLRConstants:
        """For ``dt`` = 1, or with the dimensions of ``dt`` before those of Ā and B̄; of one direction."""
        dtype = state_dtype(self.log_dt)
        step_size = torch.exp(self.log_dt.double())[:, None]
        if dt is not None:
            step_size = step_size * dt.double()[..., None, None]
        P_real, P_imag = self.P.double().unbind(-1)
        B_real, B_imag = self.B.double().unbind(-1)
        A = (self._eigenvalues(), self.A_imag.double())
        bars = discretize_dplr(A, (P_real, P_imag), (B_real, B_imag), step_size)
        rounded = (part.to(dtype) for pair in bars for part in pair)
        C = (self.C_reverse if backwards else self.C).to(dtype)
        D = torch.zeros_like(self.D, dtype=dtype) if backwards else self.D.to(dtype)
        return DPLRConstants._make((*rounded, *C.unbind(-1), D))
