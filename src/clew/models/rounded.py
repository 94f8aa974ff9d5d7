"""A model with its weights as a decoder keeps them."""

import copy

import torch
from torch import nn

from clew.models.language_model import LanguageModel
from clew.ops.decode.panels import Kind, pack, unpack

__all__ = ["rounded"]


def rounded(model: LanguageModel, weights: Kind) -> LanguageModel:
    """A float32 copy whose embedding, head and linear maps have the values that a :class:`Decoder` keeps.

    It runs in parallel, so it says quickly what the rounding costs: its loss on a text, less the model's.

    Args:
        model: a language model.
        weights: ``"float32"``, ``"bfloat16"`` or ``"int8"``, as for :class:`Decoder`.

    >>> from clew.models import LanguageModelConfig, build
    >>> model = build(LanguageModelConfig(n_tokens=256, d_model=16, n_layers=1))
    >>> weight, near = model.embedding.weight, rounded(model, "int8").embedding.weight
    >>> bool((weight - near).abs().max() < weight.abs().max() / 250)
    True
    """
    other = copy.deepcopy(model).float()
    with torch.no_grad():
        for part in other.modules():
            if isinstance(part, nn.Linear | nn.Embedding):
                part.weight.copy_(unpack(pack(part.weight, weights)))
    return other
