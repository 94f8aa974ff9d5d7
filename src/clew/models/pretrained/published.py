"""The language model that a published checkpoint holds, told by its tensors and the fields of its config."""

from collections.abc import Mapping
from typing import Any

import torch

from clew.models.language_config import LanguageModelConfig
from clew.models.pretrained.fields import Fields
from clew.models.pretrained.layer import Shapes, has, size
from clew.models.pretrained.mamba import mamba_options
from clew.models.pretrained.mamba2 import mamba2_options
from clew.models.pretrained.names import EMBEDDINGS, HEAD, LAYER, embedding_name
from clew.models.pretrained.weights import Weights

__all__ = ["published_config"]

# The original's multiple; Hugging Face's vocabularies count the rows that were added.
PADDING = 8


def published_config(config: Mapping[str, Any], weights: Weights) -> LanguageModelConfig:
    """The configuration of the language model in a published checkpoint.

    The tensors tell the code it comes from and the mixer. The fields of ``config.json`` go before the sizes
    that could be read off the tensors, so that a tensor of a wrong shape is seen; what is absent is read off.

    Args:
        config: the content of ``config.json``.
        weights: the tensors.

    Raises:
        ValueError: where no model of this library has such tensors, or a field asks for what there is not.
    """
    shapes = weights.shapes
    embedding = embedding_name(shapes)
    fields = Fields(config, original=embedding == EMBEDDINGS[1])
    _check_supported(fields)
    mixer = _mixer(fields, shapes)
    table = () if embedding is None else shapes[embedding]
    d_model = fields.whole("d_model") or (table[1] if len(table) == 2 else None)
    n_tokens = fields.whole("vocab_size") or (table[0] if table else None)
    if d_model is None or n_tokens is None:
        raise ValueError(f"config.json has no hidden_size or vocab_size, and the weights no {EMBEDDINGS[0]}")
    make = mamba_options if mixer == "mamba" else mamba2_options
    has_shift = "backbone.norm_f.bias" in shapes
    return LanguageModelConfig(
        n_tokens=n_tokens,
        mixer=mixer,
        mixer_options=make(fields, shapes, d_model),
        d_model=d_model,
        n_layers=fields.whole("n_layers") or _layers(shapes),
        norm="rms" if fields.flag("rms_norm", not has_shift) else "layer",
        norm_epsilon=fields.number("norm_epsilon", 1e-5),
        tied=_tied(fields, weights, embedding),
        padded_to=_padded(fields, n_tokens, table),
    )


def _check_supported(fields: Fields) -> None:
    _, attention = fields.raw("attn_layer_idx")
    if attention:
        raise ValueError(
            f"attn_layer_idx in config.json is {attention!r}: models with attention layers are not supported"
        )
    _, hidden = fields.raw("d_intermediate")
    if hidden:
        raise ValueError(
            f"d_intermediate in config.json is {hidden!r}: models with a network beside each mixer are not "
            "supported"
        )
    _, layer = fields.raw("layer")
    if layer not in (None, "Mamba1", "Mamba2"):
        raise ValueError(f"layer in ssm_cfg is Mamba1 or Mamba2; {layer!r} is not supported")


def _mixer(fields: Fields, shapes: Shapes) -> str:
    """By tensors that one of the mixers has and the other has not."""
    first = size(shapes, "A_log", 1) is not None or has(shapes, "x_proj.weight")
    second = has(shapes, "dt_bias") or has(shapes, "norm.weight")
    if first == second:
        some = ", ".join(sorted(shapes)[:3])
        raise ValueError(
            f"no checkpoint of Mamba, Mamba-2 or Falcon-Mamba: these have {LAYER}0.mixer.x_proj.weight or "
            f"{LAYER}0.mixer.dt_bias, and here the tensors are {some}, …"
        )
    mixer, layer = ("mamba", "Mamba1") if first else ("mamba2", "Mamba2")
    _, said = fields.raw("layer")
    if said not in (None, layer):
        raise ValueError(f"layer in ssm_cfg is {said!r}, and the tensors are those of {layer}")
    return mixer


def _layers(shapes: Shapes) -> int:
    numbers = {name.removeprefix(LAYER).split(".")[0] for name in shapes if name.startswith(LAYER)}
    return len(numbers)


def _tied(fields: Fields, weights: Weights, embedding: str | None) -> bool:
    """As the field says, or else whether the head is absent or equal to the embedding."""
    if HEAD not in weights.shapes or embedding is None:
        return fields.flag("tied", True)
    same = weights.shapes[HEAD] == weights.shapes[embedding]
    return fields.flag("tied", same and torch.equal(weights[HEAD], weights[embedding]))


def _padded(fields: Fields, n_tokens: int, table: tuple[int, ...]) -> int | None:
    """The rows of the embedding, where they are more than the tokens."""
    if not table or table[0] == n_tokens:
        return None
    multiple = fields.whole("pad_vocab_size_multiple") or PADDING
    return -(-n_tokens // multiple) * multiple
