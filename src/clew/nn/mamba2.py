"""Mamba-2's layer: heads whose whole state decays by one number that the input chooses."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, silu

from clew.errors import unknown_name
from clew.maths.softplus import softplus
from clew.nn.arguments import check_step
from clew.nn.mixer import state_dtype
from clew.nn.padding import zero_padding
from clew.nn.registry import mixers
from clew.nn.resampling import with_longer_steps
from clew.nn.rms import rms_normed
from clew.nn.selective import step_bias, widened
from clew.nn.selective_mixer import ConvPadding, SelectiveMixer
from clew.ops import causal_conv_step, ssd, ssd_step
from clew.ops.precision import without_autocast

__all__ = ["Mamba2", "Mamba2Constants", "Mamba2State"]

LARGEST_HEAD = 64
NORMS: dict[str, Callable[[int, float], nn.RMSNorm | nn.LayerNorm | None]] = {
    "rms": nn.RMSNorm,
    "layer": nn.LayerNorm,
    "none": lambda channels, epsilon: None,
}


class Mamba2State(NamedTuple):
    """What the convolution and the scan have seen.

    Attributes:
        conv: (batch, d_conv − 1, inner channel + 2 · group · state): its last inputs, the oldest first.
        scan: (batch, head, head_dim, state): h.
    """

    conv: Tensor
    scan: Tensor


class Mamba2Constants(NamedTuple):
    """A = −exp(A_log) (head,), and the parameters and ``step_size`` in the dtype of the state.

    The names are those of the parameters, ``_`` in place of dots; a bias that the layer lacks is zero, and
    what its norm lacks is of no size.
    """

    in_proj_weight: Tensor
    in_proj_bias: Tensor
    conv1d_weight: Tensor
    conv1d_bias: Tensor
    dt_bias: Tensor
    step_size: Tensor
    A: Tensor
    D: Tensor
    norm_weight: Tensor
    norm_bias: Tensor
    out_proj_weight: Tensor
    out_proj_bias: Tensor


@mixers.register("mamba2")
class Mamba2(SelectiveMixer[Mamba2State, Mamba2Constants]):
    """SSD: h[k] = exp(Δ[k] A) h[k−1] + Δ[k] u[k] B[k]ᵀ, one Δ and A for each head; Δ, B, C from the sample.

    The whole of the published layer around it, with inner channels, ``expand`` times as many, in heads:

        (z, v, d) = W_in x,    (u, B, C) = silu(causal convolution of v),    Δ = softplus(d + b_Δ),
        y = W_out RMSNorm((h C + D u) · silu(z)),

    the norm over each of the ``n_groups`` groups of inner channels by itself. Heads of a group share B and C.
    It is its own gate and mixes channels: :class:`clew.nn.Block` around it needs no activation and no channel
    mixing. Parameters have the names, shapes and start of the published code: ``in_proj``, ``conv1d``,
    ``dt_bias``, ``A_log``, ``D``, ``norm``, ``out_proj``. A starts uniform from −16 to −1, D at 1, b_Δ so
    that softplus(b_Δ) is log-uniform from ``dt_min`` to ``dt_max``.

    A is discretised by the zero-order hold, B by Euler's rule. ``dt`` multiplies Δ after the softplus, and so
    does the buffer ``step_size``, 1 unless the layer was resampled; the convolution goes by samples, whatever
    lies between them. Everything is computed in the dtype of the state, float32 at least, and rounded once,
    at the output.

    Args:
        d_model: channels.
        d_state: N, the number of real states of each inner channel.
        d_conv: taps of the convolution.
        expand: how many inner channels for each channel.
        head_dim: inner channels of a head; the largest divisor of their number up to 64, for ``None``.
        n_groups: how many B and C there are; divides the number of heads.
        dt_min: as in :class:`Mamba`, and ``dt_max``.
        dt_max: the largest Δ at the start.
        conv_bias: whether the convolution has a bias.
        bias: whether ``in_proj`` and ``out_proj`` have one.
        norm: behind the gate: "rms"; "layer", which also takes the mean of the group away and has a bias; or
            "none".
        norm_epsilon: added to the mean square, or to the variance.
        bidirectional: as in :class:`Mamba`, and the next two.
        share_directions: run the same layer backwards, and not another one.
        conv_padding: "causal", or "same" where there are two directions.

    Raises:
        ValueError: for numbers out of range.

    >>> layer = Mamba2(d_model=4, d_state=16, head_dim=2, n_groups=2)
    >>> y, state = layer(torch.randn(2, 100, 4))
    >>> y.shape, state.conv.shape, state.scan.shape
    (torch.Size([2, 100, 4]), torch.Size([2, 3, 72]), torch.Size([2, 4, 2, 16]))

    Source: Dao and Gu, "Transformers are SSMs: Generalized Models and Efficient Algorithms Through Structured
    State Space Duality" (2024), section 7 (the block, its heads and its norm); the order of ``in_proj``, the
    gate before the norm, its ε = 1e-5 and the start from its code.
    """

    step_size: Tensor

    def __init__(
        self,
        d_model: int,
        d_state: int = 128,
        *,
        d_conv: int = 4,
        expand: int = 2,
        head_dim: int | None = None,
        n_groups: int = 1,
        dt_min: float = 1e-3,
        dt_max: float = 1e-1,
        conv_bias: bool = True,
        bias: bool = False,
        norm: Literal["rms", "layer", "none"] = "rms",
        norm_epsilon: float = 1e-5,
        bidirectional: bool = False,
        share_directions: bool = False,
        conv_padding: ConvPadding = "causal",
    ) -> None:
        super().__init__()
        sizes = {
            "d_model": d_model,
            "d_state": d_state,
            "d_conv": d_conv,
            "expand": expand,
            "head_dim": 1 if head_dim is None else head_dim,
            "n_groups": n_groups,
        }
        for name, size in sizes.items():
            if size < 1:
                raise ValueError(f"{name} is at least 1; got {size}")
        inner = expand * d_model
        if head_dim is None:
            head_dim = max(size for size in range(1, LARGEST_HEAD + 1) if inner % size == 0)
        if inner % head_dim or inner // head_dim % n_groups:
            raise ValueError(
                "head_dim divides expand · d_model, and n_groups the number of heads; got "
                f"head_dim={head_dim} for {inner} inner channels and n_groups={n_groups}"
            )
        self.d_model, self.d_state, self.d_conv, self.expand = d_model, d_state, d_conv, expand
        self.head_dim, self.n_groups, self.norm_epsilon = head_dim, n_groups, norm_epsilon
        heads, convolved = inner // head_dim, inner + 2 * n_groups * d_state
        self.in_proj = nn.Linear(d_model, inner + convolved + heads, bias=bias)
        self.conv1d = nn.Conv1d(convolved, convolved, d_conv, groups=convolved, bias=conv_bias)
        self.dt_bias = nn.Parameter(step_bias(heads, dt_min, dt_max))
        self.register_buffer("step_size", torch.ones(()))
        self.A_log = nn.Parameter(torch.log(torch.empty(heads).uniform_(1.0, 16.0)))
        self.D = nn.Parameter(torch.ones(heads))
        if norm not in NORMS:
            raise unknown_name("norm", norm, NORMS)
        self.norm = NORMS[norm](inner, norm_epsilon)
        self.out_proj = nn.Linear(inner, d_model, bias=bias)
        options: dict[str, Any] = {"conv_bias": conv_bias, "bias": bias, "norm": norm}
        options |= {"d_conv": d_conv, "expand": expand, "head_dim": head_dim, "n_groups": n_groups}
        options |= {"norm_epsilon": norm_epsilon, "dt_min": dt_min, "dt_max": dt_max}
        other = partial(Mamba2, d_model, d_state, **options)
        self._set_directions(bidirectional, share_directions, conv_padding, other)

    def step(
        self,
        x_k: Tensor,
        state: Mamba2State,
        *,
        dt: Tensor | None = None,
        constants: Mamba2Constants | None = None,
    ) -> tuple[Tensor, Mamba2State]:
        """Run over one sample, as :meth:`clew.nn.Mixer.step` says."""
        state = check_step(self, x_k, state, dt, constants)
        with without_autocast(x_k.device):
            known = self.constants() if constants is None else constants
            z, v, delta = self._driven(x_k.to(known.A.dtype), known, dt)
            taps, bias = known.conv1d_weight[:, 0], known.conv1d_bias
            v, conv = causal_conv_step(v, taps, bias, state=state.conv, activation="silu")
            u, B, C = self._parts(v)
            y, scan = ssd_step(u, delta, known.A, B, C, known.D, state=state.scan, dt_softplus=False)
            y = self._read(y, z, known)
        return y.to(x_k.dtype), Mamba2State(conv, scan)

    def resample(self, factor: float) -> Self:
        """With ``step_size`` scaled, as :meth:`clew.nn.Mixer.resample` says; the convolution stays as it is.

        No parameter could take the factor: B is made by a SiLU and Δ by a softplus.
        """
        longer = with_longer_steps(self, factor)
        longer.step_size *= factor
        if self.reverse is not None:
            longer.reverse = self.reverse.resample(factor)
        return longer

    def extra_repr(self) -> str:
        """What ``repr`` shows between the brackets, before the parts."""
        return (
            f"{self.d_model}, d_state={self.d_state}, d_conv={self.d_conv}, expand={self.expand}, "
            f"head_dim={self.head_dim}, n_groups={self.n_groups}{self._directions()}"
        )

    def _run(
        self,
        x: Tensor,
        state: Mamba2State | None,
        lengths: Tensor | None,
        segments: Tensor | None,
        dt: Tensor | None,
    ) -> tuple[Tensor, Mamba2State]:
        before = self._rest(len(x)) if state is None else state
        if x.numel() == 0:
            return x, before
        with without_autocast(x.device):
            known = self._known()
            z, v, delta = self._driven(zero_padding(x, lengths).to(known.A.dtype), known, dt)
            weight, bias = known.conv1d_weight, known.conv1d_bias
            v, conv = self._convolved(v, weight, bias, before.conv, lengths, segments)
            u, B, C = self._parts(v)
            y, scan = ssd(
                u,
                delta,
                known.A,
                B,
                C,
                known.D,
                dt_softplus=False,
                initial_state=before.scan,
                segments=segments,
                lengths=lengths,
            )
            return zero_padding(self._read(y, z, known), lengths).to(x.dtype), Mamba2State(conv, scan)

    def _driven(self, x: Tensor, known: Mamba2Constants, dt: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """The gate z and v (..., channels of their own), and Δ (..., head)."""
        inner = self.expand * self.d_model
        sizes = [inner, inner + 2 * self.n_groups * self.d_state, inner // self.head_dim]
        z, v, raw = torch.split(linear(x, known.in_proj_weight, known.in_proj_bias), sizes, dim=-1)
        delta = known.step_size * softplus(raw + known.dt_bias)
        return z, v, delta if dt is None else delta * dt.to(delta.dtype)[..., None]

    def _parts(self, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The input u (..., head, head_dim), B and C (..., group, state)."""
        inner, matrix = self.expand * self.d_model, self.n_groups * self.d_state
        u, B, C = torch.split(v, [inner, matrix, matrix], dim=-1)
        heads, grouped = (len(self.A_log), self.head_dim), (self.n_groups, self.d_state)
        outer = v.shape[:-1]
        return u.reshape(*outer, *heads), B.reshape(*outer, *grouped), C.reshape(*outer, *grouped)

    def _read(self, y: Tensor, z: Tensor, known: Mamba2Constants) -> Tensor:
        """The gate, the norm of each group and ``out_proj``, of y (..., head, head_dim)."""
        gated = y.flatten(-2) * silu(z)
        if self.norm is not None:
            grouped = gated.reshape(*z.shape[:-1], self.n_groups, z.shape[-1] // self.n_groups)
            if isinstance(self.norm, nn.LayerNorm):
                grouped = grouped - grouped.mean(-1, keepdim=True)
            gated = rms_normed(grouped, self.norm_epsilon).flatten(-2) * known.norm_weight
            if isinstance(self.norm, nn.LayerNorm):
                gated = gated + known.norm_bias
        return linear(gated, known.out_proj_weight, known.out_proj_bias)

    def _known(self) -> Mamba2Constants:
        like = self.A_log
        return Mamba2Constants(
            widened(self.in_proj.weight, like),
            widened(self.in_proj.bias, like, self.in_proj.out_features),
            widened(self.conv1d.weight, like),
            widened(self.conv1d.bias, like, self.conv1d.in_channels),
            widened(self.dt_bias, like),
            widened(self.step_size, like),
            -torch.exp(widened(like, like)),
            widened(self.D, like),
            widened(getattr(self.norm, "weight", None), like),
            widened(getattr(self.norm, "bias", None), like),
            widened(self.out_proj.weight, like),
            widened(self.out_proj.bias, like, self.d_model),
        )

    def _dynamics(self) -> tuple[str, ...]:
        return ("A_log", "D", "dt_bias")

    def _rest(self, batch: int) -> Mamba2State:
        like = torch.zeros(0, dtype=state_dtype(self.A_log), device=self.A_log.device)
        return Mamba2State(
            like.new_zeros((batch, self.d_conv - 1, self.conv1d.in_channels)),
            like.new_zeros((batch, len(self.A_log), self.head_dim, self.d_state)),
        )
