"""S5: one diagonal state space system with many inputs and outputs."""

import math
from typing import Literal, Self

import torch
from torch import Tensor, nn

from clew.errors import unknown_name
from clew.maths.discretize import discretize_diagonal
from clew.nn.arguments import check_sequence, check_step
from clew.nn.both_ways import NO_STATE, both_ways, check_one_way
from clew.nn.mixer import Mixer, state_dtype
from clew.nn.padding import zero_padding
from clew.nn.registry import mixers
from clew.nn.resampling import with_longer_steps
from clew.nn.shared_diagonal import (
    MODES,
    Mode,
    SharedConstants,
    SharedState,
    real_form,
    run,
    step,
    zeros,
)
from clew.nn.spectra import normal_spectrum
from clew.ops.precision import without_autocast
from clew.systems import DiscreteStateSpace, StateSpace

__all__ = ["S5"]

DISCRETIZATIONS = ("zoh", "bilinear")


@mixers.register("s5")
class S5(Mixer[SharedState, SharedConstants]):
    """h′ = Λ h + B x, y = 2 Re(C h) + D x: one system that all channels drive and read, Δ for each state.

    Λ starts with the eigenvalues of HiPPO-LegS's normal part, in blocks: so many copies of that of order
    ``d_state``/``blocks``. B starts as V* B₀ and C as C₀ V, V the eigenvectors, with B₀ of variance
    1/channels and C₀ of variance 1/``d_state``, both real; D standard normal.

    Parameters, all real: ``log_dt``, ``A_log_real`` (log(−Re Λ), so the system stays stable) and ``A_imag``
    (pairs,); ``B`` (pairs, channel, 2) and ``C`` (channel, pairs, 2), real and imaginary part; ``D``
    (channel,). Λ̄ and the gain φ = Λ⁻¹ (Λ̄ − 1) of zero-order hold, or its like, are formed in float64 and
    rounded once to the dtype of the state, float32 (float64 in a layer converted to it).

    Args:
        d_model: channels.
        d_state: N, the number of real states, even: N/2 conjugate pairs are kept, and the output takes twice
            the real part.
        blocks: into how many blocks of equal, even order Λ starts; divides N/2.
        discretization: ``"zoh"`` or ``"bilinear"``.
        mode: how ``forward`` runs: ``"scan"``, ``"recurrent"`` or ``"auto"``, which is scan. They agree.
        dt_min: the smallest Δ, in units of the continuous system's time; Δ starts log-uniform.
        dt_max: the largest.
        bidirectional: add a branch that runs backwards in time, with the same Λ, B and Δ and an output of
            its own, ``C_reverse``; it sees the present sample as well. Then there is no step and no state.

    Raises:
        ValueError: for an unknown name or numbers that do not fit.

    >>> layer = S5(d_model=4, d_state=16, blocks=2)
    >>> y, state = layer(torch.randn(2, 100, 4))
    >>> y.shape, state.real.shape
    (torch.Size([2, 100, 4]), torch.Size([2, 8]))

    Source: Smith, Warrington and Linderman, "Simplified state space layers for sequence modeling" (2023),
    section 3 (eq. 2, the discretised system, and a Δ for each state), appendix B.1 (the start, its blocks,
    and conjugate symmetry).
    """

    C_reverse: Tensor  # of a bidirectional layer

    def __init__(
        self,
        d_model: int,
        d_state: int = 64,
        *,
        blocks: int = 1,
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
        if blocks < 1 or d_state < 2 or d_state % (2 * blocks):
            raise ValueError(
                "d_state counts real states, two for each conjugate pair, in blocks of one even order: a "
                f"multiple of twice the blocks; got d_state={d_state} and blocks={blocks}"
            )
        if not 0.0 < dt_min <= dt_max < math.inf:
            raise ValueError(f"0 < dt_min ≤ dt_max is needed; got dt_min={dt_min}, dt_max={dt_max}")
        self.d_model, self.d_state, self.blocks = d_model, d_state, blocks
        self.discretization, self.mode, self.bidirectional = discretization, mode, bidirectional
        eigenvalues, V = normal_spectrum("legs", d_state // blocks)
        dtype, pairs = torch.get_default_dtype(), d_state // 2
        low, high = math.log(dt_min), math.log(dt_max)
        self.log_dt = nn.Parameter(low + (high - low) * torch.rand(pairs))
        self.A_log_real = nn.Parameter(torch.log(-eigenvalues.real).to(dtype).repeat(blocks))
        self.A_imag = nn.Parameter(eigenvalues.imag.to(dtype).repeat(blocks))
        B = torch.randn(blocks, d_state // blocks, d_model, dtype=torch.float64) / math.sqrt(d_model)
        self.B = nn.Parameter(torch.view_as_real((V.mH @ B.to(V.dtype)).flatten(0, 1)).to(dtype))
        self.C = _output(d_model, blocks, V)
        self.D = nn.Parameter(torch.randn(d_model))
        self.register_parameter("C_reverse", _output(d_model, blocks, V) if bidirectional else None)

    def forward(
        self,
        x: Tensor,
        state: SharedState | None = None,
        *,
        lengths: Tensor | None = None,
        segments: Tensor | None = None,
        dt: Tensor | None = None,
    ) -> tuple[Tensor, SharedState]:
        """Run over a whole sequence, as :meth:`clew.nn.Mixer.forward` says."""
        state, lengths, segments = check_sequence(self, x, state, lengths, segments, dt)
        before = self._rest(len(x)) if state is None else state
        if dt is not None:
            dt = zero_padding(dt[..., None], lengths)[..., 0]

        def directed(
            x: Tensor, segments: Tensor | None, dt: Tensor | None, backwards: bool
        ) -> tuple[Tensor, SharedState]:
            system = self._constants(dt, backwards)
            return run(system, x, before, self.mode, lengths=lengths, segments=segments)

        with without_autocast(x.device):
            if not self.bidirectional:
                return directed(x, segments, dt, False)
            dtype = state_dtype(self.log_dt)
            return both_ways(directed, x, dtype, lengths=lengths, segments=segments, dt=dt), NO_STATE

    def step(
        self,
        x_k: Tensor,
        state: SharedState,
        *,
        dt: Tensor | None = None,
        constants: SharedConstants | None = None,
    ) -> tuple[Tensor, SharedState]:
        """Run over one sample, as :meth:`clew.nn.Mixer.step` says; no complex tensors, so it exports."""
        state = check_step(self, x_k, state, dt, constants)
        with without_autocast(x_k.device):
            return step(self._constants(dt) if constants is None else constants, x_k, state)

    def constants(self) -> SharedConstants:
        """Λ̄, what discretisation makes of B, B, 2 C and D as real pairs in the dtype of the state."""
        check_one_way(self, "constants")
        return self._constants(None)

    def initial_state(self, batch_size: int) -> SharedState:
        """Zeros (batch, pairs)."""
        check_one_way(self, "state")
        return self._rest(batch_size)

    def system(self) -> DiscreteStateSpace:
        """The layer as one real system of order N, float64, on the state (Re h, Im h)."""
        check_one_way(self, "causal system")
        return DiscreteStateSpace(*real_form(self.constants()))

    def continuous_system(self) -> StateSpace:
        """The system before discretisation, in the time of samples: Δ Λ and Δ B for each state's own Δ."""
        check_one_way(self, "causal system")
        step_size = torch.exp(self.log_dt.double())
        A_real, A_imag = -torch.exp(self.A_log_real.double()), self.A_imag.double()
        scaled = (step_size * A_real, step_size * A_imag, step_size, torch.zeros_like(step_size))
        return StateSpace(*real_form(SharedConstants(*scaled, *self._matrices(torch.float64))))

    def resample(self, factor: float) -> Self:
        """With each Δ scaled, as :meth:`clew.nn.Mixer.resample` says."""
        return with_longer_steps(self, factor, "log_dt")

    def dynamics_parameters(self) -> tuple[str, ...]:
        """``log_dt``, A and B."""
        return ("log_dt", "A_log_real", "A_imag", "B")

    def extra_repr(self) -> str:
        """What ``repr`` shows between the brackets."""
        return (
            f"{self.d_model}, d_state={self.d_state}, blocks={self.blocks}, "
            f"discretization={self.discretization!r}, mode={self.mode!r}"
            f"{', bidirectional=True' * self.bidirectional}"
        )

    def _rest(self, batch: int) -> SharedState:
        return zeros(self.log_dt, state_dtype(self.log_dt), batch, self.d_state // 2)

    def _constants(self, dt: Tensor | None, backwards: bool = False) -> SharedConstants:
        """For ``dt`` = 1, or with the dimensions of ``dt`` before those of Λ̄ and the gain."""
        step_size = torch.exp(self.log_dt.double())
        if dt is not None:
            step_size = step_size * dt.double()[..., None]
        A_real, A_imag = -torch.exp(self.A_log_real.double()), self.A_imag.double()
        one, nothing = torch.ones_like(A_real), torch.zeros_like(A_real)
        bars = discretize_diagonal(A_real, A_imag, one, nothing, step_size, self.discretization)
        dtype = state_dtype(self.log_dt)
        A_bar_real, A_bar_imag, gain_real, gain_imag = (bar.to(dtype) for bar in bars)
        matrices = self._matrices(dtype, backwards)
        return SharedConstants(A_bar_real, A_bar_imag, gain_real, gain_imag, *matrices)

    def _matrices(
        self, dtype: torch.dtype, backwards: bool = False
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """B and 2 C as real pairs, and D; of one direction."""
        B_real, B_imag = self.B.to(dtype).unbind(-1)
        C_real, C_imag = (2 * (self.C_reverse if backwards else self.C).to(dtype)).unbind(-1)
        D = torch.zeros_like(self.D, dtype=dtype) if backwards else self.D.to(dtype)
        return B_real, B_imag, C_real, C_imag, D


def _output(channels: int, blocks: int, V: Tensor) -> nn.Parameter:
    """C₀ V (channel, pairs, 2), C₀ real of variance 1/N and V (N/blocks, pairs/blocks) for each block."""
    order = V.shape[0]
    C = torch.randn(channels, blocks, order, dtype=torch.float64) / math.sqrt(blocks * order)
    return nn.Parameter(torch.view_as_real((C.to(V.dtype) @ V).flatten(1)).to(torch.get_default_dtype()))
