"""A language model's weights as decoding takes them."""

import functools
import math
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from clew.ops.decode.panels import Panels

__all__ = ["DecodeWeights", "Mamba2Layer", "MambaLayer", "Norm"]


@dataclass(frozen=True)
class Norm:
    """Over the channels of a sample: by their root mean square, by mean and variance, or none.

    Attributes:
        kind: which.
        weight: (channel,) float32, or None without a norm.
        bias: (channel,) float32, for ``"layer"`` alone.
        epsilon: what is added to the mean square or the variance.
    """

    kind: Literal["rms", "layer", "none"]
    weight: Tensor | None = None
    bias: Tensor | None = None
    epsilon: float = 0.0


@dataclass(frozen=True)
class MambaLayer:
    """A block around :class:`clew.nn.Mamba`: x + W_out((C · h + D u) silu(z)) of the normed x.

    Tensors are float32 without gaps. Where it says so, zeros fill them up to a multiple of 16.

    Attributes:
        norm: before the mixer.
        in_proj: parts v and z, inner channels each.
        taps: (width, inner channel, filled up), the last row for the present sample.
        conv_bias: (inner channel, filled up), or None.
        x_proj: parts r (``rank``), B (state) and C (state).
        dt_proj: its bias is b_Δ.
        A: (inner channel, state), not filled up.
        D: (inner channel, filled up).
        out_proj: back to the channels.
        rank: the size of r.
        selection_epsilon: ε of the norm of r, B and C without weights; None for no norm.
        step_size: what B is multiplied with.
    """

    norm: Norm
    in_proj: Panels
    taps: Tensor
    conv_bias: Tensor | None
    x_proj: Panels
    dt_proj: Panels
    A: Tensor
    D: Tensor
    out_proj: Panels
    rank: int
    selection_epsilon: float | None
    step_size: float

    @property
    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of a row's state: the convolution's last inputs, and h."""
        inner, states = self.A.shape
        return (self.taps.shape[0] - 1, inner), (inner, states)


@dataclass(frozen=True)
class Mamba2Layer:
    """A block around :class:`clew.nn.Mamba2`: x + W_out norm((h C + D u) silu(z)) of the normed x.

    Tensors are as in :class:`MambaLayer`.

    Attributes:
        norm: before the mixer.
        in_proj: parts z (inner channels), v (those of the convolution) and d (heads).
        taps: (width, inner channel + 2 · group · state, filled up).
        conv_bias: likewise, or None.
        dt_bias: (head, filled up), and so are A and D.
        A: negative.
        D: what u is multiplied with.
        inner_norm: (inner channel,), the weights of the norm over each group.
        out_proj: back to the channels.
        inner: inner channels.
        heads: each has inner / heads of them.
        groups: of heads that share B and C.
        states: of each inner channel.
        inner_epsilon: ε of the norm over each group.
        step_size: what Δ is multiplied with.
    """

    norm: Norm
    in_proj: Panels
    taps: Tensor
    conv_bias: Tensor | None
    dt_bias: Tensor
    A: Tensor
    D: Tensor
    inner_norm: Tensor
    out_proj: Panels
    inner: int
    heads: int
    groups: int
    states: int
    inner_epsilon: float
    step_size: float

    @property
    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of a row's state: the convolution's last inputs, and h."""
        convolved = self.inner + 2 * self.groups * self.states
        head = self.heads, self.inner // self.heads, self.states
        return (self.taps.shape[0] - 1, convolved), head


@dataclass(frozen=True, eq=False)
class DecodeWeights:
    """A whole model.

    Attributes:
        n_tokens: rows of the embedding and of the head.
        channels: between the layers.
        embedding: (token, channel).
        layers: in order.
        norm: before the head.
        head: (token, channel), the embedding itself where the two are tied.
    """

    n_tokens: int
    channels: int
    embedding: Panels
    layers: tuple[MambaLayer | Mamba2Layer, ...]
    norm: Norm
    head: Panels

    @functools.cached_property
    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of a row's states in the order in which they lie in memory."""
        return tuple(shape for layer in self.layers for shape in layer.state_shapes)

    @functools.cached_property
    def state_size(self) -> int:
        """How many numbers they are."""
        return sum(map(math.prod, self.state_shapes))
