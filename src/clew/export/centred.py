"""Mamba's short convolution around each sample, as a step: what it sees of other samples comes with each."""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, pad

from clew.export.constants import Constants
from clew.nn import Mamba, Mamba2, Mixer
from clew.nn.padding import zero_padding

__all__ = ["Centred"]


class Centred(nn.Module):
    """A layer with ``conv_padding="same"`` whose step takes samples that :meth:`with_neighbours` made.

    The convolution's state, in a causal layer the inputs before the present one, is set at each sample to all
    the others that it sees, before and after; the taps are put in that order.

    Args:
        mixer: a layer of one direction, with two taps or more.
    """

    def __init__(self, mixer: Mamba | Mamba2) -> None:
        super().__init__()
        self.mixer: Mixer[Any, Any] = mixer
        self.d_model, self.width = mixer.d_model, mixer.d_conv
        self.present = (self.width - 1) // 2  # as clew.nn.centred_conv has it
        # Of what ``in_proj`` makes, Mamba convolves what comes first, Mamba-2 what comes after the gate.
        self.first = 0 if isinstance(mixer, Mamba) else mixer.expand * mixer.d_model
        self.known = Constants(mixer.constants())

    def with_neighbours(self, x: Tensor, lengths: Tensor) -> Tensor:
        """``x`` (batch, time, channel) and after it what the convolution sees of other samples."""
        time, known = x.shape[1], self.known()
        rows = slice(self.first, self.first + len(known.conv1d_weight))
        v = zero_padding(linear(x, known.in_proj_weight[rows], known.in_proj_bias[rows]), lengths)
        v = pad(v, (0, 0, self.present, self.width - 1 - self.present))
        others = [v[:, k : k + time] for k in range(self.width) if k != self.present]
        return torch.cat((x, *others), dim=-1)

    def step(
        self, x_k: Tensor, state: tuple[Tensor, ...], *, constants: Any
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """As :meth:`clew.nn.Mixer.step`, of a sample with its neighbours."""
        x_k, others = x_k[:, : self.d_model], x_k[:, self.d_model :]
        seen = torch.stack(others.chunk(self.width - 1, dim=-1), dim=1)
        stepped = self.mixer.step(x_k, cast(Any, state)._replace(conv=seen), constants=constants)
        return cast(tuple[Tensor, tuple[Tensor, ...]], stepped)

    def constants(self) -> Any:
        """Those of the layer, the tap of the present sample the last."""
        known: Any = self.known()
        taps = known.conv1d_weight
        first, present, last = taps.split([self.present, 1, self.width - 1 - self.present], dim=-1)
        return known._replace(conv1d_weight=torch.cat((first, last, present), dim=-1))

    def initial_state(self, batch_size: int) -> tuple[Tensor, ...]:
        """The layer's."""
        state: tuple[Tensor, ...] = self.mixer.initial_state(batch_size)
        return state
