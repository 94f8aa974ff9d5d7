"""The cross entropy that training makes small.

Oracle: the formula in float64 numpy, one target after another. Tolerances: relative 1e-12 for float64.
"""

import numpy as np
import pytest
import torch

from clew.data import IGNORE
from clew.train.objective import cross_entropy_sum, targets_in

RTOL = 1e-12


def _loop(logits, targets):
    loss, right = 0.0, 0
    for row, target in zip(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1), strict=True):
        if target != IGNORE:
            loss += np.log(np.exp(row).sum()) - row[target]
            right += int(row.argmax() == target)
    return loss, right


@pytest.mark.parametrize("shape", [(1,), (7,), (3, 5), (2, 1)])
def test_sums_are_those_of_the_formula(shape):
    logits = torch.randn(*shape, 4, dtype=torch.float64)
    targets = torch.randint(4, shape)
    targets.view(-1)[1::3] = IGNORE
    loss, right = cross_entropy_sum(logits, targets)
    wanted = _loop(logits.numpy(), targets.numpy())
    np.testing.assert_allclose(loss, wanted[0], rtol=RTOL)
    assert int(right) == wanted[1]


def test_a_target_that_asks_for_nothing_moves_nothing():
    logits = torch.randn(2, 3, 4, requires_grad=True)
    loss, right = cross_entropy_sum(logits, torch.full((2, 3), IGNORE))
    loss.backward()
    assert (loss.item(), right.item()) == (0.0, 0)
    assert (logits.grad == 0).all()


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"logits \(2, 3, 4\) do not fit targets \(2,\)"):
        cross_entropy_sum(torch.zeros(2, 3, 4), torch.zeros(2, dtype=torch.int64))


def test_targets_are_counted():
    targets = (torch.tensor([1, IGNORE, 2]), torch.tensor([IGNORE]), torch.tensor([0]))
    assert targets_in(targets).tolist() == [2, 0, 1]
    assert targets_in((torch.tensor(1), torch.tensor(IGNORE))).tolist() == [1, 0]
