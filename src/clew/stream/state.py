"""The file that a stream goes on from: the state's tensors, the counts, and the fingerprint of the model."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from clew.models import SequenceModel
from clew.models.state_tree import named_leaves, with_leaves
from clew.runs.atomic import write_bytes
from clew.runs.tensors import check_tensors, read_tensors, tensors_to_bytes

__all__ = ["fingerprint", "read_state", "write_state"]

_FINGERPRINT = "stream.fingerprint"
_COUNTS = "stream.counts"
_STATE = "state"

Counts = tuple[int, int, int]


def fingerprint(model: SequenceModel) -> bytes:
    """The SHA-256 of a model's configuration and weights: a state means nothing to any other model."""
    digest = hashlib.sha256(
        json.dumps(dataclasses.asdict(model.config), sort_keys=True, default=str).encode()
    )
    for name, tensor in sorted(model.state_dict().items()):
        tensor = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype};".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return digest.digest()


def write_state(path: Path, state: Any, counts: Counts, model: bytes) -> None:
    """Write the file, in one visible step.

    Args:
        path: where; what is there is replaced.
        state: a tree of tensors, as a model's ``step`` returns it.
        counts: samples, sequences and samples of this sequence so far.
        model: its :func:`fingerprint`.

    Raises:
        OSError: if it cannot be written; the file is then what it was.
    """
    write_bytes(path, tensors_to_bytes(_named(state, counts, model)))


def read_state(path: Path, like: Any, model: bytes) -> tuple[Any, Counts]:
    """Read what :func:`write_state` wrote.

    Args:
        path: the file.
        like: a state of the model, for its structure.
        model: the model's :func:`fingerprint`.

    Returns:
        The state, bit for bit, and the counts.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged, no state of a stream, or one of another model.
    """
    found = read_tensors(path)
    wanted = _named(like, (0, 0, 0), model)
    if _FINGERPRINT not in found or _COUNTS not in found:
        raise ValueError(f"{path} is not the state of a stream")
    if not torch.equal(found[_FINGERPRINT], wanted[_FINGERPRINT]):
        raise ValueError(f"{path} is the state of a stream of another model")
    check_tensors(path, found, wanted)
    samples, sequence, sample = found[_COUNTS].tolist()
    return with_leaves(like, found, _STATE), (samples, sequence, sample)


def _named(state: Any, counts: Counts, model: bytes) -> dict[str, Tensor]:
    own = {
        _FINGERPRINT: torch.tensor(list(model), dtype=torch.uint8),
        _COUNTS: torch.tensor(counts, dtype=torch.int64),
    }
    return own | dict(named_leaves(state, _STATE))
