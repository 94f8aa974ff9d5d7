"""LRU: the linear recurrent unit."""

import math
from typing import Self

import torch
from torch import Tensor, nn

from clew.errors import unknown_name
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
from clew.ops.precision import without_autocast
from clew.systems import DiscreteStateSpace, StateSpace

__all__ = ["LRU"]


@mixers.register("lru")
class LRU(Mixer[SharedState, SharedConstants]):
    """h[k] = λ h[k−1] + γ B x[k], y[k] = Re(C h[k]) + D x[k], with complex λ inside the unit circle.

    λ = exp(−exp(ν) + i exp(θ)), of modulus r < 1 wherever training goes; γ starts at √(1 − r²), at which
    white noise drives every state to the same size, and is then trained as a parameter of its own.

    Parameters, all real: ``nu_log``, ``theta_log`` and ``gamma_log`` (state,); ``B`` (state, channel, 2) and
    ``C`` (channel, state, 2), real and imaginary part; ``D`` (channel,). The numbers λ and γ are formed in
    float64 and rounded once to the dtype of the state, float32 (float64 in a layer converted to it).

    With ``dt`` a state decays by λ^dt between two samples; a sample still enters as γ B x.

    Args:
        d_model: channels.
        d_state: number of complex states. They come without their conjugates, and the output takes the real
            part once; so as a real system the layer is of order 2 ``d_state``.
        r_min: r starts uniform in area on the ring between this radius
        r_max: and this one, at most 1.
        max_phase: the angle of λ starts uniform between 0 and this, in radians.
        mode: how ``forward`` runs: ``"scan"``, ``"recurrent"`` or ``"auto"``, which is scan. They agree.
        bidirectional: add a branch that runs backwards in time, with the same λ, γ and B and an output of
            its own, ``C_reverse``; it sees the present sample as well, as S5's does (the paper has no such
            layer: this is ours). Then there is no step and no state.

    Raises:
        ValueError: for an unknown mode or numbers out of range.

    >>> layer = LRU(d_model=4, d_state=16)
    >>> y, state = layer(torch.randn(2, 100, 4))
    >>> y.shape, state.real.shape
    (torch.Size([2, 100, 4]), torch.Size([2, 16]))

    Source: Orvieto et al., "Resurrecting recurrent neural networks for long sequences" (2023), sections 3.3
    (the exponential parametrisation), 3.4 (γ), and lemma 3.2 (the ring). The angle starts as its section 4
    says: the shorter ``max_phase`` for long memories.
    """

    C_reverse: Tensor  # of a bidirectional layer

    def __init__(
        self,
        d_model: int,
        d_state: int = 64,
        *,
        r_min: float = 0.9,
        r_max: float = 0.999,
        max_phase: float = 2 * math.pi,
        mode: Mode = "auto",
        bidirectional: bool = False,
    ) -> None:
        super().__init__()
        if mode not in MODES:
            raise unknown_name("mode", mode, MODES)
        if d_model < 1 or d_state < 1:
            raise ValueError(f"d_model and d_state are at least 1; got {d_model} and {d_state}")
        if not 0.0 <= r_min < r_max <= 1.0:
            raise ValueError(f"0 ≤ r_min < r_max ≤ 1 is needed; got r_min={r_min}, r_max={r_max}")
        if not 0.0 < max_phase <= 2 * math.pi:
            raise ValueError(f"max_phase is above 0 and at most 2π; got {max_phase}")
        self.d_model, self.d_state = d_model, d_state
        self.mode, self.bidirectional = mode, bidirectional
        self.r_min, self.r_max, self.max_phase = r_min, r_max, max_phase
        dtype = torch.get_default_dtype()
        # 1 − rand lies in (0, 1]: neither logarithm below is of zero.
        area = r_max**2 - (r_max**2 - r_min**2) * torch.rand(d_state, dtype=torch.float64)
        phase = max_phase * (1 - torch.rand(d_state, dtype=torch.float64))
        area = area.clamp(max=1 - 1e-12)
        self.nu_log = nn.Parameter(torch.log(-0.5 * torch.log(area)).to(dtype))
        self.theta_log = nn.Parameter(torch.log(phase).to(dtype))
        self.gamma_log = nn.Parameter((0.5 * torch.log1p(-area)).to(dtype))
        self.B = nn.Parameter(torch.randn(d_state, d_model, 2) / math.sqrt(2 * d_model))
        self.C = nn.Parameter(torch.randn(d_model, d_state, 2) / math.sqrt(d_state))
        self.D = nn.Parameter(torch.randn(d_model))
        reverse = nn.Parameter(torch.randn_like(self.C) / math.sqrt(d_state)) if bidirectional else None
        self.register_parameter("C_reverse", reverse)

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
            dtype = state_dtype(self.nu_log)
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
        """λ, γ, B, C and D as real pairs in the dtype of the state."""
        check_one_way(self, "constants")
        return self._constants(None)

    def initial_state(self, batch_size: int) -> SharedState:
        """Zeros (batch, state)."""
        check_one_way(self, "state")
        return self._rest(batch_size)

    def system(self) -> DiscreteStateSpace:
        """The layer as one real system of order 2 ``d_state``, float64, on the state (Re h, Im h)."""
        check_one_way(self, "causal system")
        return DiscreteStateSpace(*real_form(self.constants()))

    def continuous_system(self) -> StateSpace:
        """There is none.

        Raises:
            ValueError: always.
        """
        raise ValueError("an LRU is defined in discrete time and has no continuous system")

    def resample(self, factor: float) -> Self:
        """With λ^factor in λ's place and γ as it is, as :meth:`clew.nn.Mixer.resample` says."""
        return with_longer_steps(self, factor, "nu_log", "theta_log")

    def dynamics_parameters(self) -> tuple[str, ...]:
        """ν, θ and γ, and B that γ scales."""
        return ("nu_log", "theta_log", "gamma_log", "B")

    def extra_repr(self) -> str:
        """What ``repr`` shows between the brackets."""
        return (
            f"{self.d_model}, d_state={self.d_state}, r_min={self.r_min}, r_max={self.r_max}, "
            f"max_phase={self.max_phase:.4g}, mode={self.mode!r}"
            f"{', bidirectional=True' * self.bidirectional}"
        )

    def _rest(self, batch: int) -> SharedState:
        return zeros(self.nu_log, state_dtype(self.nu_log), batch, self.d_state)

    def _constants(self, dt: Tensor | None, backwards: bool = False) -> SharedConstants:
        """With λ^dt = exp(dt (−exp ν + i exp θ)), and γ, with the dimensions of ``dt`` before their own.

        They are those of one direction.
        """
        rate, angle = torch.exp(self.nu_log.double()), torch.exp(self.theta_log.double())
        if dt is not None:
            rate, angle = rate * dt.double()[..., None], angle * dt.double()[..., None]
        size, gain = torch.exp(-rate), torch.exp(self.gamma_log.double()).expand_as(rate)
        dtype = state_dtype(self.nu_log)
        real, imag, gain = (
            part.to(dtype) for part in (size * torch.cos(angle), size * torch.sin(angle), gain)
        )
        B_real, B_imag = self.B.to(dtype).unbind(-1)
        C_real, C_imag = (self.C_reverse if backwards else self.C).to(dtype).unbind(-1)
        nothing, D = torch.zeros_like(gain), self.D.to(dtype)
        D = torch.zeros_like(D) if backwards else D
        return SharedConstants(real, imag, gain, nothing, B_real, B_imag, C_real, C_imag, D)
