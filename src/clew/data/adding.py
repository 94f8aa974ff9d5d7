"""The adding problem: the sum of two marked values among many; generated."""

import numpy as np
import torch

from clew.data.dataset import Dataset, Split
from clew.data.generated import at_least, generated, generator, uniform, whole_numbers
from clew.data.registry import datasets

__all__ = ["adding"]


@datasets.register("adding")
def adding(
    length: int = 100,
    sequences: int = 2000,
    test_sequences: int = 500,
    validation: float = 0.15,
    seed: int = 0,
) -> Dataset:
    """Add the two values that are marked.

    A sequence has T = ``length`` frames of two channels: a value, uniform in [0, 1], and a marker, 1 in two
    frames and 0 in all others. One marked frame is uniform among the first ⌊T/2⌋, the other among the rest.
    The target is the sum of the two marked values: one number for the whole sequence.

    **The trivial answer** is the mean, 1: its mean squared error is the variance of the sum of two uniform
    numbers, 2 · 1/12 = 1/6 ≈ 0.1667, and no model without memory does better.

    Args:
        length: T, the frames of a sequence.
        sequences: to learn from, of which ``validation`` is held out.
        test_sequences: to test on.
        validation: the share of ``sequences`` held out to stop by.
        seed: of values, places and that share.

    Raises:
        ValueError: for an option out of range.

    Source: M. Arjovsky, A. Shah and Y. Bengio, "Unitary evolution recurrent neural networks", ICML 2016,
    section "Adding problem", and Q. V. Le, N. Jaitly and G. E. Hinton, "A simple way to initialize recurrent
    networks of rectified linear units", 2015, section 4.1; after S. Hochreiter and J. Schmidhuber, "Long
    short-term memory", Neural Computation 9 (8), 1997, experiment 4, where values lie in [−1, 1], lengths
    and places are drawn otherwise, and the target is 0.5 + (x₁ + x₂) / 4.
    """
    options = {
        "length": length,
        "sequences": sequences,
        "test_sequences": test_sequences,
        "validation": validation,
        "seed": seed,
    }
    at_least(options, {"length": 2, "sequences": 1, "test_sequences": 0, "seed": 0})
    inputs, sums = _draw(generator("adding", seed), sequences + test_sequences, length)
    return generated(
        "adding",
        options,
        Split(inputs[:sequences].unbind(), sums[:sequences].unbind()),
        Split(inputs[sequences:].unbind(), sums[sequences:].unbind()),
        channels=("value", "marker"),
        values=("sum",),
        target="sequence",
        texts=(
            f"Of {length} values between 0 and 1 two are marked, one in each half: what is their sum? Always "
            "answering their mean, 1, has a mean squared error of 1/6.",
            "generated after M. Arjovsky, A. Shah, Y. Bengio (2016), Unitary evolution recurrent neural "
            "networks, https://arxiv.org/abs/1511.06464, Q. V. Le, N. Jaitly, G. E. Hinton (2015), "
            "https://arxiv.org/abs/1504.00941, and S. Hochreiter, J. Schmidhuber (1997), Long short-term "
            "memory",
        ),
    )


def _draw(draws: np.random.PCG64, count: int, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs (sequence, time, channel) and sums (sequence, 1), float32.

    A sequence at a time, so that the float64 draws take no memory beside long sequences. That one is drawn
    twice is too improbable (at the least length below 10⁻⁷) to look for it.
    """
    half = length // 2
    first, second = whole_numbers(draws, count, half, 1), whole_numbers(draws, count, length - half, 1) + half
    marked = torch.from_numpy(np.concatenate([first, second], axis=1))
    inputs, rows = torch.zeros(count, length, 2), torch.arange(count)[:, None]
    for row in inputs:
        row[:, 0] = torch.from_numpy(uniform(draws, length))
    inputs[rows, marked, 1] = 1.0
    # The sum of what is shown, rounded once.
    return inputs, inputs[rows, marked, 0].double().sum(1, keepdim=True).float()
