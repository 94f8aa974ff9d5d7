"""AdamW over a model's parameter groups, and its state as named tensors."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import AdamW

from clew.files.tensors import check_tensors
from clew.models import LanguageModel, SequenceModel
from clew.train.task import Settings

__all__ = ["build_optimiser", "optimiser_tensors", "restore_optimiser"]

_KEYS = ("exp_avg", "exp_avg_sq", "step")


def build_optimiser(model: SequenceModel | LanguageModel, config: Settings) -> AdamW:
    """AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 2).

    Args:
        model: says in ``parameter_groups`` which parameters decay, and which have the rate of the dynamics.
        config: the rates.
    """
    groups = model.parameter_groups(config.learning_rate, config.dynamics_learning_rate, config.weight_decay)
    optimiser = AdamW([dict(group) for group in groups])
    trained = sorted(id(parameter) for group in groups for parameter in group["params"])
    wanted = sorted(id(parameter) for parameter in model.parameters() if parameter.requires_grad)
    assert trained == wanted, "every trained parameter is in one group"
    return optimiser


def optimiser_tensors(optimiser: AdamW, model: nn.Module) -> dict[str, Tensor]:
    """The state of ``optimiser``, by parameter: ``head.weight.exp_avg``…; empty before its first step."""
    return {
        f"{name}.{key}": optimiser.state[parameter][key]
        for name, parameter in model.named_parameters()
        if parameter in optimiser.state
        for key in _KEYS
    }


def restore_optimiser(
    optimiser: AdamW, model: nn.Module, tensors: Mapping[str, Tensor], path: Path, steps: int
) -> None:
    """Set the state of ``optimiser`` to ``tensors``; the learning rates are the scheduler's to set.

    Args:
        optimiser: over the parameters of ``model``, without a state.
        model: names the parameters.
        tensors: from :func:`optimiser_tensors`.
        path: the file they are from, for messages.
        steps: how many steps had been taken.

    Raises:
        ValueError: if the tensors are not those of this model's parameters.
    """
    named = dict(model.named_parameters())
    shapes = {"exp_avg": torch.zeros_like, "exp_avg_sq": torch.zeros_like, "step": lambda _: torch.zeros(())}
    trained = {name: parameter for name, parameter in named.items() if parameter.requires_grad and steps}
    check_tensors(
        path,
        tensors,
        {f"{name}.{key}": shapes[key](value) for name, value in trained.items() for key in _KEYS},
    )
    content = optimiser.state_dict()
    names = {id(parameter): name for name, parameter in named.items()}
    ordered = [names[id(parameter)] for group in optimiser.param_groups for parameter in group["params"]]
    content["state"] = {
        index: {key: tensors[f"{name}.{key}"] for key in _KEYS} for index, name in enumerate(ordered) if steps
    }
    optimiser.load_state_dict(content)
