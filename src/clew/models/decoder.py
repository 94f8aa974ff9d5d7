"""Token by token through a language model, its weights packed once: float32, bfloat16 or whole numbers."""

from typing import get_args

import torch
from torch import Tensor

from clew.errors import unknown_name
from clew.models.decode_weights import decode_weights
from clew.models.language_model import LanguageModel
from clew.models.packed_state import PackedState, packed_state
from clew.nn.arguments import INTEGERS
from clew.nn.backbone import States
from clew.ops import DecodeWeights, decode
from clew.ops.decode.panels import Kind

__all__ = ["Decoder"]


class Decoder:
    """A language model that reads one token at a time, in one compiled call where there is a compiler.

    It takes the states that the model gives, and the model those that it gives: a prompt is read by
    :meth:`clew.models.LanguageModel.prefill`, what comes after by :meth:`step`. The weights are a copy, so
    training the model further does not change the decoder. Activations, sums and states are float32, whatever
    the weights are kept in. There is no dropout and no gradient.

    Args:
        model: of mixers ``"mamba"`` or ``"mamba2"``, one direction, without activation and channel mixing.
        weights: how embedding, head and the linear maps are kept. ``"int8"`` is a whole number for each
            weight, and a scale for each 32 of a row; the rest stays float32.

    Raises:
        ValueError: for a model of another kind, one that is not on the CPU, or weights that are not finite.

    >>> from clew.models import LanguageModelConfig, build
    >>> model = build(LanguageModelConfig(n_tokens=256, d_model=16, n_layers=1))
    >>> decoder = Decoder(model, weights="int8")
    >>> logits, state = model.prefill(torch.tensor([list(b"to be or not")]))
    >>> logits, state = decoder.step(torch.tensor([32]), state)
    >>> logits.shape
    torch.Size([1, 256])

    Source: int8 as in llama.cpp's ``Q8_0`` (32 numbers a block), with scales in bfloat16 and float32
    activations.
    """

    def __init__(self, model: LanguageModel, weights: Kind = "float32") -> None:
        if weights not in get_args(Kind):
            raise unknown_name("weights", str(weights), get_args(Kind))
        self.config = model.config
        self.kind = weights
        self.weights: DecodeWeights = decode_weights(model, weights)
        self._kinds = tuple(type(state) for state in model.initial_state(0))

    def step(self, token: Tensor, state: States) -> tuple[Tensor, States]:
        """Read one more token.

        Args:
            token: (batch,), integers from 0 to ``n_tokens`` − 1.
            state: the state before it; the decoder's own or the model's.

        Returns:
            The logits (batch, n_tokens) float32 of the token after it, and the state, which is the model's:
            the blocks' states, one after another.

        Raises:
            ValueError: for a shape, a dtype or a token that does not fit.
        """
        token = token.long() if token.dtype in INTEGERS else token
        logits, after = decode(token, packed_state(state, self.weights.state_shapes), self.weights)
        return logits, self._state(after)

    def initial_state(self, batch_size: int) -> States:
        """The state before the first token: zeros."""
        return self._state(torch.zeros(batch_size, self.weights.state_size))

    def _state(self, packed: Tensor) -> States:
        return PackedState(packed, self.weights.state_shapes, self._kinds)
