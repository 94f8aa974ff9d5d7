"""Mamba's layer: a state space system whose step and whose input and output matrices the input chooses."""

import math
from functools import partial
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from clew.maths.softplus import softplus
from clew.nn.arguments import check_step
from clew.nn.mixer import state_dtype
from clew.nn.padding import zero_padding
from clew.nn.registry import mixers
from clew.nn.resampling import with_longer_steps
from clew.nn.rms import rms_normed
from clew.nn.selective import step_bias, widened
from clew.nn.selective_mixer import ConvPadding, SelectiveMixer
from clew.ops import causal_conv_step, selective_scan, selective_scan_step
from clew.ops.precision import without_autocast

__all__ = ["Mamba", "MambaConstants", "MambaState"]


class MambaState(NamedTuple):
    """What the convolution and the scan have seen.

    Attributes:
        conv: (batch, d_conv − 1, inner channel): the convolution's last inputs, the oldest first.
        scan: (batch, inner channel, state): h.
    """

    conv: Tensor
    scan: Tensor


class MambaConstants(NamedTuple):
    """A = −exp(A_log) (inner channel, state), and the parameters in the dtype of the state.

    The names are those of the parameters, ``_`` in place of dots; a bias that the layer lacks is zero, and
    ``step_size``, which A contains and B does not, is 1 in a layer without ``selection_norm_epsilon``.
    """

    in_proj_weight: Tensor
    in_proj_bias: Tensor
    conv1d_weight: Tensor
    conv1d_bias: Tensor
    x_proj_weight: Tensor
    x_proj_bias: Tensor
    dt_proj_weight: Tensor
    dt_proj_bias: Tensor
    step_size: Tensor
    A: Tensor
    D: Tensor
    out_proj_weight: Tensor
    out_proj_bias: Tensor


@mixers.register("mamba")
class Mamba(SelectiveMixer[MambaState, MambaConstants]):
    """S6: h[k] = exp(Δ[k] A) h[k−1] + Δ[k] B[k] u[k], where Δ, B and C are functions of the sample.

    The whole of the published layer around it, with inner channels, ``expand`` times as many:

        (v, z) = W_in x,    u = silu(causal convolution of v),    (r, B, C) = W_x u,
        Δ = softplus(W_Δ r + b_Δ),    y = W_out ((C · h + D u) · silu(z)).

    It is its own gate and mixes channels: :class:`clew.nn.Block` around it needs no activation and no channel
    mixing. Parameters have the names, shapes and start of the published code, so its checkpoints fit:
    ``in_proj``, ``conv1d``, ``x_proj``, ``dt_proj``, ``A_log``, ``D``, ``out_proj``. A starts at −1 … −N in
    every channel, D at 1, b_Δ so that softplus(b_Δ) is log-uniform from ``dt_min`` to ``dt_max``.

    A is discretised by the zero-order hold, B by Euler's rule. Δ is in the layer's own units of time, and
    ``dt`` multiplies it after the softplus; the convolution goes by samples, whatever lies between them.
    Everything is computed in the dtype of the state, float32 at least, and rounded once, at the output.

    With ``selection_norm_epsilon`` r, B and C are each divided by their root mean square, as Falcon-Mamba
    has it, r before W_Δ: r / √(mean r² + ε). Then Δ is multiplied by the buffer ``step_size``, 1 unless the
    layer was resampled.

    Args:
        d_model: channels.
        d_state: N, the number of real states of each inner channel.
        d_conv: taps of the convolution.
        expand: how many inner channels for each channel.
        dt_rank: the size of r, from which each sample's Δ is made; a sixteenth of ``d_model``, rounded up,
            for ``None``.
        dt_min: the smallest Δ at the start, before a sample changes it; a state fades with exp(Δ A) at each.
        dt_max: the largest Δ at the start.
        conv_bias: whether the convolution has a bias.
        bias: whether ``in_proj`` and ``out_proj`` have one.
        x_proj_bias: whether ``x_proj`` has one; that of ``dt_proj``, b_Δ, is always there.
        selection_norm_epsilon: ε of the norm of r, B and C, 1e-6 in Falcon-Mamba; ``None`` for no norm.
        bidirectional: add a run backwards in time, through a layer with weights of its own, ``reverse``; the
            two outputs are summed. Then there is no step and no state.
        share_directions: run the same layer backwards in its place: whoever reads the sequence from its end
            gets the output from its end. (Vim and Caduceus share the projections in and out alone.)
        conv_padding: "causal", or, where there are two directions, "same": the convolution sees
            ⌊(d_conv − 1)/2⌋ samples before the present one and ⌊d_conv/2⌋ after it, in each direction's own
            time, within its sequence.

    Raises:
        ValueError: for numbers out of range.

    >>> layer = Mamba(d_model=4, d_state=16)
    >>> y, state = layer(torch.randn(2, 100, 4))
    >>> y.shape, state.conv.shape, state.scan.shape
    (torch.Size([2, 100, 4]), torch.Size([2, 3, 8]), torch.Size([2, 8, 16]))

    Source: Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces" (2023), algorithm
    2, section 3.4 (the block) and 3.6 (the start of Δ and A); shapes and the start of W_Δ from its code. The
    norm: Zuo and others, "Falcon Mamba: The First Competitive Attention-free 7B Language Model" (2024),
    section 2; without weights as in its checkpoints.
    """

    step_size: Tensor | None

    def __init__(
        self,
        d_model: int,
        d_state: int = 16,
        *,
        d_conv: int = 4,
        expand: int = 2,
        dt_rank: int | None = None,
        dt_min: float = 1e-3,
        dt_max: float = 1e-1,
        conv_bias: bool = True,
        bias: bool = False,
        x_proj_bias: bool = False,
        selection_norm_epsilon: float | None = None,
        bidirectional: bool = False,
        share_directions: bool = False,
        conv_padding: ConvPadding = "causal",
    ) -> None:
        super().__init__()
        rank = math.ceil(d_model / 16) if dt_rank is None else dt_rank
        sizes = {"d_model": d_model, "d_state": d_state, "d_conv": d_conv, "expand": expand, "dt_rank": rank}
        for name, size in sizes.items():
            if size < 1:
                raise ValueError(f"{name} is at least 1; got {size}")
        self.d_model, self.d_state, self.d_conv, self.expand = d_model, d_state, d_conv, expand
        self.dt_rank, self.selection_norm_epsilon = rank, selection_norm_epsilon
        inner = expand * d_model
        self.in_proj = nn.Linear(d_model, 2 * inner, bias=bias)
        self.conv1d = nn.Conv1d(inner, inner, d_conv, groups=inner, bias=conv_bias)
        self.x_proj = nn.Linear(inner, rank + 2 * d_state, bias=x_proj_bias)
        self.dt_proj = nn.Linear(rank, inner)
        nn.init.uniform_(self.dt_proj.weight, -(rank**-0.5), rank**-0.5)
        with torch.no_grad():
            self.dt_proj.bias.copy_(step_bias(inner, dt_min, dt_max))
        self.A_log = nn.Parameter(torch.log(torch.arange(1.0, d_state + 1)).repeat(inner, 1))
        self.register_buffer("step_size", None if selection_norm_epsilon is None else torch.ones(()))
        self.D = nn.Parameter(torch.ones(inner))
        self.out_proj = nn.Linear(inner, d_model, bias=bias)
        options: dict[str, Any] = {"conv_bias": conv_bias, "bias": bias, "x_proj_bias": x_proj_bias}
        options |= {"d_conv": d_conv, "expand": expand, "dt_rank": rank, "dt_min": dt_min, "dt_max": dt_max}
        options["selection_norm_epsilon"] = selection_norm_epsilon
        other = partial(Mamba, d_model, d_state, **options)
        self._set_directions(bidirectional, share_directions, conv_padding, other)

    def step(
        self,
        x_k: Tensor,
        state: MambaState,
        *,
        dt: Tensor | None = None,
        constants: MambaConstants | None = None,
    ) -> tuple[Tensor, MambaState]:
        """Run over one sample, as :meth:`clew.nn.Mixer.step` says."""
        state = check_step(self, x_k, state, dt, constants)
        with without_autocast(x_k.device):
            known = self.constants() if constants is None else constants
            v, z = linear(x_k.to(known.A.dtype), known.in_proj_weight, known.in_proj_bias).chunk(2, -1)
            taps, bias = known.conv1d_weight[:, 0], known.conv1d_bias
            u, conv = causal_conv_step(v, taps, bias, state=state.conv, activation="silu")
            raw, B, C = self._selected(u, known)
            delta = softplus(raw + known.dt_proj_bias)
            delta = delta if dt is None else delta * dt.to(delta.dtype)[:, None]
            y, scan = selective_scan_step(
                u, delta, known.A, B, C, known.D, z=z, state=state.scan, dt_softplus=False
            )
            y = linear(y, known.out_proj_weight, known.out_proj_bias)
        return y.to(x_k.dtype), MambaState(conv, scan)

    def resample(self, factor: float) -> Self:
        """With each Δ scaled, as :meth:`clew.nn.Mixer.resample` says.

        Δ enters as Δ A and Δ B alone, so A and what ``x_proj`` makes B of are scaled in its place: the copy
        has parameters like any other. Where B is normed the factor goes to ``step_size``. The convolution
        stays as it is.
        """
        if self.step_size is None:
            longer = with_longer_steps(self, factor, "A_log")
            rows = slice(self.dt_rank, self.dt_rank + self.d_state)
            with torch.no_grad():
                for part in longer.x_proj.parameters():
                    part[rows] *= factor
        else:
            longer = with_longer_steps(self, factor)
            longer.step_size = factor * self.step_size
        if self.reverse is not None:
            longer.reverse = self.reverse.resample(factor)
        return longer

    def extra_repr(self) -> str:
        """What ``repr`` shows between the brackets, before the parts."""
        epsilon = self.selection_norm_epsilon
        norm = "" if epsilon is None else f", selection_norm_epsilon={epsilon}"
        return (
            f"{self.d_model}, d_state={self.d_state}, d_conv={self.d_conv}, expand={self.expand}, "
            f"dt_rank={self.dt_rank}{norm}{self._directions()}"
        )

    def _run(
        self,
        x: Tensor,
        state: MambaState | None,
        lengths: Tensor | None,
        segments: Tensor | None,
        dt: Tensor | None,
    ) -> tuple[Tensor, MambaState]:
        before = self._rest(len(x)) if state is None else state
        if x.numel() == 0:
            return x, before
        with without_autocast(x.device):
            known = self._known()
            u = zero_padding(x, lengths).to(known.A.dtype)
            v, z = linear(u, known.in_proj_weight, known.in_proj_bias).chunk(2, -1)
            weight, bias = known.conv1d_weight, known.conv1d_bias
            u, conv = self._convolved(v, weight, bias, before.conv, lengths, segments)
            delta, B, C = self._selected(u, known)
            if dt is not None:
                delta = softplus(delta + known.dt_proj_bias) * dt.to(delta.dtype)[..., None]
            y, scan = selective_scan(
                u,
                delta,
                known.A,
                B,
                C,
                known.D,
                z=z,
                dt_bias=known.dt_proj_bias if dt is None else None,
                dt_softplus=dt is None,
                initial_state=before.scan,
                segments=segments,
                lengths=lengths,
            )
            y = linear(y, known.out_proj_weight, known.out_proj_bias)
            return zero_padding(y, lengths).to(x.dtype), MambaState(conv, scan)

    def _selected(self, u: Tensor, known: MambaConstants) -> tuple[Tensor, Tensor, Tensor]:
        """What the sample chooses: Δ before bias and softplus (..., inner channel), B and C (..., state)."""
        sizes = [self.dt_rank, self.d_state, self.d_state]
        low, B, C = torch.split(linear(u, known.x_proj_weight, known.x_proj_bias), sizes, dim=-1)
        if self.selection_norm_epsilon is not None:
            low, B, C = (rms_normed(part, self.selection_norm_epsilon) for part in (low, B, C))
            B = B * known.step_size
        return linear(low, known.dt_proj_weight), B, C

    def _known(self) -> MambaConstants:
        like, inner = self.A_log, self.expand * self.d_model
        A, one = -torch.exp(widened(like, like)), like.new_ones((), dtype=state_dtype(like))
        step_size = one if self.step_size is None else widened(self.step_size, like)
        return MambaConstants(
            widened(self.in_proj.weight, like),
            widened(self.in_proj.bias, like, 2 * inner),
            widened(self.conv1d.weight, like),
            widened(self.conv1d.bias, like, inner),
            widened(self.x_proj.weight, like),
            widened(self.x_proj.bias, like, self.x_proj.out_features),
            widened(self.dt_proj.weight, like),
            widened(self.dt_proj.bias, like),
            step_size,
            A if self.step_size is None else step_size * A,
            widened(self.D, like),
            widened(self.out_proj.weight, like),
            widened(self.out_proj.bias, like, self.d_model),
        )

    def _dynamics(self) -> tuple[str, ...]:
        return ("A_log", "D", "dt_proj.bias")

    def _rest(self, batch: int) -> MambaState:
        inner, like = self.expand * self.d_model, torch.zeros(0, dtype=state_dtype(self.A_log))
        like = like.to(self.A_log.device)
        return MambaState(
            like.new_zeros((batch, self.d_conv - 1, inner)), like.new_zeros((batch, inner, self.d_state))
        )
