"""The quickest way through a language model token by token, on this machine."""

import os
from typing import Literal, cast, get_args

import torch

from clew.errors import unknown_name
from clew.models.decode_weights import refusal
from clew.models.decoder import Decoder
from clew.models.language_model import LanguageModel
from clew.ops import backends
from clew.ops.decode.panels import Kind

__all__ = ["Weights", "quickest", "weights_named"]

Weights = Literal["auto", "model", "float32", "bfloat16", "int8"]

KEPT: dict[torch.dtype, Kind] = {
    torch.float32: "float32",
    torch.float16: "float32",  # bfloat16 would lose three bits
    torch.bfloat16: "bfloat16",
}
SHARE = 4
"""A model that takes more than this part of the memory is not copied unasked: one in four."""


def quickest(model: LanguageModel, weights: Weights = "auto") -> LanguageModel | Decoder:
    """The model, or a decoder of it where that is quicker.

    Args:
        model: in any precision, on any device.
        weights: ``"auto"`` for a decoder that keeps the weights as precise as they are, where there is a
            compiled module, the model is one that :class:`Decoder` takes and it fills at most a quarter of
            the machine's memory; ``"model"`` for the model itself; else a :class:`Decoder`'s.

    Raises:
        ValueError: for other weights, or if a decoder is asked for that does not take the model.

    >>> from clew.models import LanguageModelConfig, build
    >>> model = build(LanguageModelConfig(n_tokens=256, mixer="s4d", d_model=16, n_layers=1))
    >>> quickest(model) is model  # decoders take the mixers of Mamba
    True
    """
    kind = weights_named(weights)
    if kind == "model":
        return model
    if kind != "auto":
        return Decoder(model, kind)
    compiled = "native" in backends()["decode"].available
    if not compiled or refusal(model) is not None or _bytes(model) > _memory() / SHARE:
        return model
    return Decoder(model, KEPT[model.embedding.weight.dtype])


def weights_named(name: str) -> Weights:
    """The name, known to be one of those that :func:`quickest` takes.

    Raises:
        ValueError: for another name.
    """
    if name not in get_args(Weights):
        raise unknown_name("weights", str(name), get_args(Weights))
    return cast("Weights", name)


def _bytes(model: LanguageModel) -> int:
    return sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())


def _memory() -> float:
    """Of this machine, in bytes; no bound where the system does not say."""
    names = getattr(os, "sysconf_names", {})
    if not {"SC_PAGE_SIZE", "SC_PHYS_PAGES"} <= set(names):
        return float("inf")
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
