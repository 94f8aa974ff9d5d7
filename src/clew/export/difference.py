"""How far an exported model is from the model: both run on the same random samples."""

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from clew.export.interface import What, has_step
from clew.models import SequenceModel
from clew.models.state_tree import named_leaves

__all__ = ["Runner", "largest_difference"]

Runner = Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]
"""From inputs by name to outputs by name."""

BATCHES = (1, 3)
LENGTHS = (1, 7, 50, 500)  # torch's own scan takes some ms a sample: longer ones would take a minute
STEPS = 20


@torch.no_grad()
def largest_difference(model: SequenceModel, what: What, runner: Runner) -> float:
    """The largest difference of any output, over several batches and lengths.

    The samples are normal, with the mean and deviation of the training data. A whole sequence has 1, 7, 50
    and 500 samples, in batches of 1 and of 3 with random lengths; the step is run over 20 samples one after
    the other, each carrying its own state.

    Args:
        model: the model.
        what: which part of it was exported.
        runner: runs what was exported.

    Returns:
        max |difference| / max(1, max |reference|) over answers and states; NaN if either has one.
    """
    generator = torch.Generator().manual_seed(0)
    pairs = (_sequences if what == "model" else _steps)(model, runner, generator)
    errors = [
        (given.double() - wanted.double()).abs().max() / wanted.double().abs().max().clamp(min=1)
        for given, wanted in pairs
        if wanted.numel()
    ]
    return torch.stack(errors).max().item()


def _sequences(
    model: SequenceModel, runner: Runner, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    for batch in BATCHES:
        for time in LENGTHS:
            x = _samples(model, (batch, time), generator)
            lengths = torch.randint(0, time + 1, (batch,), generator=generator)
            lengths[0] = time
            given = runner({"x": x, "lengths": lengths})
            answers, state = model(x, lengths=lengths)
            yield given[model.answers], answers
            for name, wanted in named_leaves(state, "next") if has_step(model) else ():
                yield given[name], wanted


def _steps(
    model: SequenceModel, runner: Runner, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    constants = model.constants()
    for batch in BATCHES:
        state = model.initial_state(batch)
        carried = dict(named_leaves(state, "state"))
        for x_k in _samples(model, (STEPS, batch), generator):
            given = runner({"x_k": x_k, **carried})
            answers, state = model.step(x_k, state, constants=constants)
            yield given[model.answers], answers
            for name, wanted in named_leaves(state):
                carried[f"state.{name}"] = given[f"next.{name}"]
                yield given[f"next.{name}"], wanted


def _samples(model: SequenceModel, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    mean, std = model.input_mean, model.input_std
    return mean + std * torch.randn(*shape, len(mean), generator=generator, dtype=mean.dtype)
