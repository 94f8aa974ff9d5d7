"""clew's own layout: ``config.json``, which says how to build the model, beside ``model.safetensors``."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch

from clew.models.language_config import LanguageModelConfig
from clew.version import __version__

__all__ = ["FORMAT", "is_own", "own_config", "own_content"]

FORMAT = 1


def is_own(config: Mapping[str, Any]) -> bool:
    """Whether a ``config.json`` was written by clew."""
    return "clew" in config and isinstance(config.get("model"), Mapping)


def own_content(config: LanguageModelConfig) -> dict[str, Any]:
    """What ``config.json`` says of a model."""
    model = dataclasses.asdict(config)
    return {"format": FORMAT, "model": model, "clew": __version__, "torch": torch.__version__}


def own_config(content: Mapping[str, Any]) -> LanguageModelConfig:
    """The configuration in the content of ``config.json``.

    Raises:
        ValueError: for a model that is no language model, or a format or field that is not known.

    >>> config = LanguageModelConfig(n_tokens=256)
    >>> own_config(own_content(config)) == config
    True
    """
    if content.get("format") != FORMAT:
        raise ValueError(
            f"config.json has format {content.get('format')!r}; this version of clew reads format {FORMAT}"
        )
    model = content["model"]
    if "n_tokens" not in model:
        raise ValueError("config.json describes no language model; clew.load opens the directory of a run")
    known = {field.name for field in dataclasses.fields(LanguageModelConfig)}
    unknown = sorted(set(model) - known)
    if unknown:
        raise ValueError(
            f"config.json asks for what this version of clew does not know: {', '.join(unknown)}"
        )
    return LanguageModelConfig(**model)
