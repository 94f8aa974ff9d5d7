"""What tells a model, weights included, from any other."""

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING, Union

import torch

if TYPE_CHECKING:
    from clew.models.language_model import LanguageModel
    from clew.models.sequence_model import SequenceModel

__all__ = ["fingerprint"]


def fingerprint(model: Union["SequenceModel", "LanguageModel"]) -> bytes:
    """The SHA-256 of a model's configuration and weights: a state means nothing to any other model."""
    digest = hashlib.sha256(
        json.dumps(dataclasses.asdict(model.config), sort_keys=True, default=str).encode()
    )
    for name, tensor in sorted(model.state_dict().items()):
        tensor = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype};".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.digest()
