"""The learning rates of each step.

Oracle: the closed form, written out here in numpy for all steps at once.
Tolerances: relative 1e-12, for the order of float64 operations.
"""

import numpy as np
import pytest
import torch

from clew.train.schedule import learning_rate_factor, warmup_cosine

RTOL = 1e-12


def _closed_form(steps, warmup_steps):
    rise = np.arange(1, warmup_steps + 1) / max(warmup_steps, 1)
    fall = (1 + np.cos(np.linspace(0, np.pi, steps - warmup_steps, endpoint=False))) / 2
    return np.concatenate([rise, fall])


CASES = [(1, 0), (1, 1), (10, 0), (10, 3), (10, 10), (997, 50)]


@pytest.mark.parametrize(("steps", "warmup_steps"), CASES)
def test_the_factor_is_the_closed_form(steps, warmup_steps):
    factors = [learning_rate_factor(step, steps, warmup_steps) for step in range(steps)]
    np.testing.assert_allclose(factors, _closed_form(steps, warmup_steps), rtol=RTOL)
    assert learning_rate_factor(steps, steps, warmup_steps) == 0.0


@pytest.mark.parametrize("taken", [0, 1, 2, 3, 7])
def test_the_scheduler_goes_on_where_it_was(taken):
    parameters = [torch.nn.Parameter(torch.ones(2)) for _ in range(2)]
    optimiser = torch.optim.AdamW(
        [{"params": [parameters[0]], "lr": 0.1}, {"params": [parameters[1]], "lr": 0.02}]
    )
    schedule = warmup_cosine(optimiser, 10, 0.3, taken)
    for step in range(taken, 10):
        factor = _closed_form(10, 3)[step]
        np.testing.assert_allclose(schedule.get_last_lr(), [0.1 * factor, 0.02 * factor], rtol=RTOL)
        assert [group["lr"] for group in optimiser.param_groups] == schedule.get_last_lr()
        sum(parameter.sum() for parameter in parameters).backward()
        optimiser.step()
        schedule.step()
