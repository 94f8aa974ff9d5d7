"""Between a run in memory and its checkpoints: everything that the next step depends on.

The learning-rate schedule is a function of the number of steps, and the order of the data one of seed and
epoch; so the position says where both are.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import AdamW

from clew.files.tensors import check_tensors
from clew.runs import Checkpoint
from clew.train.optimiser import optimiser_tensors, restore_optimiser
from clew.train.position import Position
from clew.train.task import Steps

__all__ = ["restore", "take"]


def take(
    steps: Steps,
    optimiser: AdamW,
    position: Position,
    best: Mapping[str, Tensor] | None,
    metrics_size: int,
) -> Checkpoint:
    """The checkpoint of this moment.

    Args:
        steps: its model, with parameters and buffers, and what it keeps itself.
        optimiser: over the parameters of the model.
        position: how far the run has come.
        best: the weights of the lowest validation loss so far.
        metrics_size: of the lines in ``metrics.jsonl`` up to now, in bytes.
    """
    random, model, memory = {"cpu": torch.get_rng_state()}, steps.model, steps.memory()
    device = next(model.parameters()).device
    if device.type == "cuda":
        random["cuda"] = torch.cuda.get_rng_state(device)
    tensors: dict[str, Mapping[str, Tensor]] = {
        "model": model.state_dict(),
        "optimiser": optimiser_tensors(optimiser, model),
        "random": random,
    }
    if best is not None:
        tensors["best"] = best
    if memory:
        tensors["memory"] = memory
    state = {"position": dataclasses.asdict(position), "metrics_size": metrics_size}
    return Checkpoint(position.epoch, position.batch, state, tensors)


def restore(
    checkpoint: Checkpoint, path: Path, model: nn.Module, optimiser: AdamW
) -> tuple[Position, dict[str, Tensor] | None, int]:
    """Put ``model``, ``optimiser`` and torch's generators in the state of ``checkpoint``.

    Args:
        checkpoint: from :func:`take`, by way of the disk.
        path: its folder, for messages.
        model: of the same configuration.
        optimiser: over the parameters of ``model``, without a state.

    Returns:
        The position, the best weights so far, and the size of the metrics.

    Raises:
        ValueError: if the checkpoint is not of such a run.
    """
    try:
        position = Position(**checkpoint.state["position"])
        metrics_size = int(checkpoint.state["metrics_size"])
        weights, moments, random = (checkpoint.tensors[stem] for stem in ("model", "optimiser", "random"))
        generator = random["cpu"]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a checkpoint of training: {error}") from None
    best = checkpoint.tensors.get("best")
    wanted = model.state_dict()
    check_tensors(path / "model.safetensors", weights, wanted)
    if best is not None:
        check_tensors(path / "best.safetensors", best, wanted)
    model.load_state_dict(weights)
    restore_optimiser(optimiser, model, moments, path / "optimiser.safetensors", position.step)
    torch.set_rng_state(generator)
    device = next(model.parameters()).device
    if device.type == "cuda" and "cuda" in random:
        torch.cuda.set_rng_state(random["cuda"], device)
    return position, None if best is None else dict(best), metrics_size
