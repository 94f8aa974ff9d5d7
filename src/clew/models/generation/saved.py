"""A context in a file, and back."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from clew.files import check_tensors, read_tensors, tensors_to_bytes, write_bytes
from clew.models.fingerprint import fingerprint
from clew.models.generation.context import Context
from clew.models.state_tree import named_leaves, with_leaves

if TYPE_CHECKING:
    from clew.models.language_model import LanguageModel

__all__ = ["load", "save"]

_FINGERPRINT = "fingerprint"


def save(path: str | os.PathLike[str], context: Context, model: "LanguageModel") -> None:
    """Write a context to a safetensors file, in one visible step.

    Args:
        path: where; what is there is replaced.
        context: the place to keep.
        model: the model that read it: no other one can go on from it.

    Raises:
        OSError: if it cannot be written; the file is then what it was.
    """
    write_bytes(Path(path), tensors_to_bytes(dict(named_leaves(context)) | _of(model)))


def load(path: str | os.PathLike[str], model: "LanguageModel") -> Context:
    """Read what :func:`save` wrote.

    Returns:
        The context, bit for bit: going on from it is as if nothing had stopped.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged, no context, or one of another model.
    """
    file = Path(path)
    found = read_tensors(file)
    if _FINGERPRINT not in found or "logits" not in found:
        raise ValueError(f"{file} is not the context of a language model")
    if not torch.equal(found.pop(_FINGERPRINT), _of(model)[_FINGERPRINT]):
        raise ValueError(f"{file} is the context of another model")
    like = _like(model, len(found["logits"]))
    check_tensors(file, found, dict(named_leaves(like)))
    device = like.logits.device
    context: Context = with_leaves(like, {name: leaf.to(device) for name, leaf in found.items()})
    return context


def _of(model: "LanguageModel") -> dict[str, Tensor]:
    return {_FINGERPRINT: torch.tensor(list(fingerprint(model)), dtype=torch.uint8)}


def _like(model: "LanguageModel", batch: int) -> Context:
    """A context of this model, for its structure."""
    state = model.initial_state(batch)
    weight = model.embedding.weight
    logits = torch.zeros(
        batch,
        model.config.n_tokens,
        dtype=torch.promote_types(weight.dtype, torch.float32),
        device=weight.device,
    )
    numbers = torch.zeros(batch, dtype=torch.int64, device=weight.device)
    return Context(state, logits, torch.zeros_like(logits, dtype=torch.bool), numbers, numbers)
