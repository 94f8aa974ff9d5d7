"""A language model from a checkpoint: whoever published it, whatever layout it has."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from clew.models.build import build
from clew.models.language_model import LanguageModel
from clew.models.pretrained.fill import fill
from clew.models.pretrained.locate import locate
from clew.models.pretrained.names import EMBEDDINGS, HEAD, embedding_name, published_name
from clew.models.pretrained.own import is_own, own_config
from clew.models.pretrained.published import published_config
from clew.models.pretrained.weights import Weights

__all__ = ["load"]


def load(
    path_or_name: str | os.PathLike[str],
    *,
    revision: str | None = None,
    dtype: torch.dtype | None = None,
    device: torch.device | str = "cpu",
) -> LanguageModel:
    """See :meth:`clew.models.LanguageModel.from_pretrained`."""
    if dtype is not None and not dtype.is_floating_point:
        raise ValueError(f"dtype is a floating-point one; got {dtype}")
    folder = locate(path_or_name, revision=revision)
    content = _content(folder)
    weights = Weights(folder)
    own = is_own(content)
    config = own_config(content) if own else published_config(content, weights)
    with torch.device("meta"):
        model = build(config)
    embedding = embedding_name(weights.shapes) or EMBEDDINGS[0]
    fill(
        model,
        weights,
        (lambda name: name) if own else (lambda name: published_name(name, embedding)),
        published=not own,
        spare=() if own or not config.tied else (HEAD,),
        dtype=dtype,
        device=device,
    )
    return model.eval()


def _content(folder: Path) -> Mapping[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        raise FileNotFoundError(f"{folder} is no checkpoint: it has no config.json")
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        raise ValueError(f"{path} is not a JSON file") from None
    if not isinstance(content, Mapping):
        raise ValueError(f"{path} is no configuration: it holds no mapping")
    return content
