"""The step compiled: one call, the weights read once, rows of the matrices split over the threads."""

import weakref
from typing import Any

import torch
from torch import Tensor

from clew.ops import compiled
from clew.ops.decode.weights import DecodeWeights

__all__ = ["available", "detail", "forward", "supports"]

available, detail = compiled.missing, compiled.instruction_set

# A model's arrays are checked once, not at each token.
_checked: weakref.WeakKeyDictionary[DecodeWeights, Any] = weakref.WeakKeyDictionary()


def supports(token: Tensor, state: Tensor) -> str | None:
    """Takes every call on the CPU."""
    return compiled.refusal(state)


def forward(token: Tensor, state: Tensor, weights: DecodeWeights) -> tuple[Tensor, Tensor]:
    """The logits and the state after the token, in fresh memory."""
    model = _checked.get(weights)
    if model is None:
        model = _checked[weights] = compiled.module().DecodeModel(weights)
    logits, after = torch.empty(len(token), weights.n_tokens), torch.empty(state.shape)
    model.step(compiled.argument(token), compiled.argument(state), after, logits, compiled.threads())
    return logits, after
