"""How far the views of a trained model are apart: parallel modes against one sample at a time."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, get_args

import torch
from torch import Tensor

from clew.data import Batch
from clew.models import SequenceModel, build
from clew.nn import Mixer, mixers
from clew.train.report.measure.stream import stream

__all__ = ["STEPS", "Agreement", "agreements"]

STEPS = "step by step"
"""The view that the others are compared with: it is the definition."""


@dataclass(frozen=True)
class Agreement:
    """The largest differences between the views of one part of a model, over the same sequences.

    Attributes:
        part: such as ``"layer 1"``, or for the whole model what it gives: ``"logits"`` or ``"values"``.
        differences: for each parallel view, max |view − step by step|.
        largest: max |difference| between any two of the views, step by step among them.
        scale: max |value| step by step.
    """

    part: str
    differences: Mapping[str, float]
    largest: float
    scale: float


def agreements(model: SequenceModel, batch: Batch) -> tuple[Agreement, ...]:
    """Compare the views of each layer, on the input that it has in the model, and of the whole model.

    The parallel views are the values of the mixer's option ``mode``, or ``"parallel"`` where it has none.

    Args:
        model: in evaluation mode.
        batch: sequences; the padding is not compared.

    Returns:
        One entry for each layer, then one for the answers.
    """
    views = _views(model)
    result = []
    with torch.inference_mode():
        for number, x in enumerate(_mixer_inputs(model, batch)):
            outputs = {
                name: _mixer(view, number)(x, lengths=batch.lengths)[0] for name, view in views.items()
            }
            outputs[STEPS] = _by_steps(_mixer(model, number), x)
            seen = {name: output[batch.mask] for name, output in outputs.items()}
            result.append(_compare(f"layer {number + 1}", seen))
        answers = {name: view(batch.inputs, lengths=batch.lengths)[0] for name, view in views.items()}
        every = stream(model, batch.inputs)
        if model.config.pooling == "step":
            seen = {name: answer[batch.mask] for name, answer in (answers | {STEPS: every}).items()}
        else:
            seen = answers | {STEPS: every[torch.arange(len(every)), batch.lengths - 1]}
        result.append(_compare(model.answers, seen))
    return tuple(result)


def _views(model: SequenceModel) -> dict[str, SequenceModel]:
    """The model once for each mode that its mixer can be built with."""
    config = model.config
    parameter = inspect.signature(mixers[config.mixer], eval_str=True).parameters.get("mode")
    modes = [mode for mode in get_args(parameter.annotation) if mode != "auto"] if parameter else []
    views = {}
    for mode in modes:
        try:
            view = build(replace(config, mixer_options={**config.mixer_options, "mode": mode}))
        except ValueError:  # the mixer has no such mode with these options: tanh has no convolution
            continue
        view.load_state_dict(model.state_dict())
        views[mode] = view.eval()
    return views or {"parallel": model}


def _mixer(model: SequenceModel, number: int) -> Mixer[Any, Any]:
    """The mixer of layer ``number``, from 0."""
    mixer: Mixer[Any, Any] = model.backbone.blocks[number].mixer  # type: ignore[assignment]
    return mixer


def _mixer_inputs(model: SequenceModel, batch: Batch) -> list[Tensor]:
    """What each mixer gets, (batch, time, channel), when the whole model runs."""
    inputs: list[Tensor] = []
    hooks = [
        _mixer(model, number).register_forward_pre_hook(lambda _, arguments: inputs.append(arguments[0]))
        for number in range(len(model.backbone.blocks))
    ]
    model(batch.inputs, lengths=batch.lengths)
    for hook in hooks:
        hook.remove()
    return inputs


def _by_steps(mixer: Mixer[Any, Any], x: Tensor) -> Tensor:
    """The outputs of ``mixer`` over ``x`` (batch, time, channel), one sample at a time."""
    state, constants = mixer.initial_state(len(x)), mixer.constants()
    outputs = []
    for sample in x.unbind(1):
        y, state = mixer.step(sample, state, constants=constants)
        outputs.append(y)
    return torch.stack(outputs, dim=1)


def _compare(part: str, outputs: Mapping[str, Tensor]) -> Agreement:
    """The differences between ``outputs``, all of one shape, subtracted in float64."""
    exact = {name: output.double() for name, output in outputs.items()}
    steps = exact[STEPS]
    differences = {
        name: float((output - steps).abs().max()) for name, output in exact.items() if name != STEPS
    }
    largest = max(float((one - other).abs().max()) for one, other in combinations(exact.values(), 2))
    return Agreement(part, differences, largest, float(steps.abs().max()))
