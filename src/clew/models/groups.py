"""Which parameters decay, and which learn at their own rate."""

from typing import TypedDict

from torch import nn

from clew.nn.mixer import Mixer

__all__ = ["Group", "parameter_groups"]


class Group(TypedDict):
    """One of an optimiser's groups."""

    name: str
    params: list[nn.Parameter]
    lr: float
    weight_decay: float


def parameter_groups(
    model: nn.Module, learning_rate: float, dynamics_learning_rate: float, weight_decay: float
) -> list[Group]:
    """Every trainable parameter of ``model`` in exactly one group.

    ``dynamics``: what a mixer calls its dynamics (A, Δ and B of linear layers): no decay, which would pull
    poles to where no data wants them, and a learning rate of their own. ``plain``: biases, gains of norms
    and whatever else has one dimension: no decay. ``decayed``: the rest.

    Args:
        model: any module; the mixers inside it are asked.
        learning_rate: of all but the dynamics.
        dynamics_learning_rate: of the dynamics.
        weight_decay: of ``decayed``.

    Returns:
        The groups that are not empty, in a fixed order.

    Source: the grouping is that of the published S4: Gu, Goel and Ré, "Efficiently modeling long sequences
    with structured state spaces" (2022), appendix D.
    """
    dynamics = {
        id(module.get_parameter(name))
        for module in model.modules()
        if isinstance(module, Mixer)
        for name in module.dynamics_parameters()
    }
    groups = [
        Group(name="decayed", params=[], lr=learning_rate, weight_decay=weight_decay),
        Group(name="plain", params=[], lr=learning_rate, weight_decay=0.0),
        Group(name="dynamics", params=[], lr=dynamics_learning_rate, weight_decay=0.0),
    ]
    decayed, plain, of_dynamics = (group["params"] for group in groups)
    for parameter in model.parameters():
        if not parameter.requires_grad:
            continue
        if id(parameter) in dynamics:
            of_dynamics.append(parameter)
        elif parameter.dim() <= 1:
            plain.append(parameter)
        else:
            decayed.append(parameter)
    return [group for group in groups if group["params"]]
