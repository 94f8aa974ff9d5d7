"""One layer of a model: norm, mixer, activation, channel mixing, residual."""

import copy
from collections.abc import Callable
from typing import Any, Self

from torch import Tensor, nn

from clew.errors import unknown_name
from clew.nn.arguments import check_lengths
from clew.nn.dropout import Dropout
from clew.nn.mixer import Mixer
from clew.nn.norm import norm_layer
from clew.nn.padding import zero_padding

__all__ = ["ACTIVATIONS", "CHANNEL_MIXINGS", "Block"]

State = tuple[Tensor, ...]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "relu": nn.ReLU,
    "none": nn.Identity,
}
CHANNEL_MIXINGS = ("glu", "mlp", "none")


class Block(nn.Module):
    """x + dropout(channel_mixing(dropout(activation(mixer(norm(x)))))).

    All but the mixer acts on each sample alone, so a block runs in parallel and by steps as its mixer does;
    its state is the mixer's. Where the weights have 16 bits and x has 32, the sum does too, and what is added
    to it is computed in 16 bits from the normed x.

    Args:
        mixer: what mixes over time.
        norm: ``"layer"``, ``"rms"`` or ``"none"``.
        norm_epsilon: what the norm adds to the variance or the mean square; torch's own number for ``None``.
        activation: after the mixer: ``"gelu"``, ``"silu"``, ``"relu"`` or ``"none"``.
        channel_mixing: ``"glu"`` (a linear map to twice the channels, one half gating the other), ``"mlp"``
            (two linear maps with the activation between) or ``"none"``.
        dropout: probability, after the activation and after the channel mixing.
        expansion: hidden channels of the ``"mlp"``, in multiples of the block's.

    Raises:
        ValueError: for an unknown name.

    Source: the gated form is the block of S4D: Gu et al., "On the parameterization and initialization of
    diagonal state space models" (2022), section 5; the gate is that of Dauphin et al., "Language modeling
    with gated convolutional networks" (2017), section 3.
    """

    def __init__(
        self,
        mixer: Mixer[Any, Any],
        *,
        norm: str = "layer",
        norm_epsilon: float | None = None,
        activation: str = "gelu",
        channel_mixing: str = "glu",
        dropout: float = 0.0,
        expansion: int = 2,
    ) -> None:
        super().__init__()
        channels = mixer.d_model
        if activation not in ACTIVATIONS:
            raise unknown_name("activation", activation, ACTIVATIONS)
        self.norm = norm_layer(norm, channels, norm_epsilon)
        self.mixer = mixer
        self.activation = ACTIVATIONS[activation]()
        self.dropout = Dropout(dropout)
        self.channel_mixing = _channel_mixing(channel_mixing, channels, activation, expansion)

    def forward(
        self,
        x: Tensor,
        state: State | None = None,
        *,
        lengths: Tensor | None = None,
        segments: Tensor | None = None,
        dt: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """Run over a whole sequence, as :meth:`clew.nn.Mixer.forward` does."""
        lengths = check_lengths(x, lengths)
        x = zero_padding(x, lengths)
        y, state = self.mixer(self._normed(x), state, lengths=lengths, segments=segments, dt=dt)
        return zero_padding(x + self._after(y), lengths), state

    def step(
        self, x_k: Tensor, state: State, *, dt: Tensor | None = None, constants: State | None = None
    ) -> tuple[Tensor, State]:
        """Run over one sample, as :meth:`clew.nn.Mixer.step` does."""
        y_k, state = self.mixer.step(self._normed(x_k), state, dt=dt, constants=constants)
        return x_k + self._after(y_k), state

    def resample(self, factor: float) -> Self:
        """A copy with the mixer's :meth:`clew.nn.Mixer.resample`; the rest acts on each sample alone."""
        mixer = self.mixer.resample(factor)
        block = copy.deepcopy(self)
        block.mixer = mixer
        return block

    def constants(self) -> State:
        """What the mixer's step computes from the parameters alone."""
        constants: State = self.mixer.constants()
        return constants

    def initial_state(self, batch_size: int) -> State:
        """The mixer's state before the first sample."""
        state: State = self.mixer.initial_state(batch_size)
        return state

    def _normed(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(x)
        dtype = next(self.mixer.parameters()).dtype
        return normed.to(dtype) if dtype.itemsize == 2 else normed

    def _after(self, y: Tensor) -> Tensor:
        mixed: Tensor = self.dropout(self.channel_mixing(self.dropout(self.activation(y))))
        return mixed


def _channel_mixing(name: str, channels: int, activation: str, expansion: int) -> nn.Module:
    if name == "glu":
        return nn.Sequential(nn.Linear(channels, 2 * channels), nn.GLU(dim=-1))
    if name == "mlp":
        hidden = expansion * channels
        return nn.Sequential(
            nn.Linear(channels, hidden), ACTIVATIONS[activation](), nn.Linear(hidden, channels)
        )
    if name == "none":
        return nn.Identity()
    raise unknown_name("channel_mixing", name, CHANNEL_MIXINGS)
