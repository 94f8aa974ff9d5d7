"""What training makes small: the cross entropy of classes, the squared error of values.

Oracle: the formulas in float64 numpy, one target after another. Tolerances: relative 1e-12 for float64.
"""

import numpy as np
import pytest
import torch
from tests.train.toy import toy_data, toy_model, toy_values

from clew.data import IGNORE
from clew.train.objective import (
    cross_entropy_sum,
    objective_of,
    prepare,
    squared_error_sum,
    targets_in,
)

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


@pytest.mark.parametrize("shape", [(1, 1), (7, 2), (3, 5, 2), (2, 1, 1)])
def test_squared_errors_are_those_of_the_formula(shape):
    values = torch.randn(*shape, dtype=torch.float64, requires_grad=True)
    targets, std = torch.randn(*shape, dtype=torch.float64), torch.tensor([0.5, 40.0][: shape[-1]]).double()
    targets.view(-1)[1::3] = torch.nan
    loss, error = squared_error_sum(values, targets, std)
    loss.backward()
    wanted_loss, wanted_error, gradient = 0.0, 0.0, np.zeros(shape)
    for index, target in np.ndenumerate(targets.numpy()):
        if not np.isnan(target):
            off, deviation = values.detach().numpy()[index] - target, std.numpy()[index[-1]]
            wanted_loss += (off / deviation) ** 2
            wanted_error += off**2
            gradient[index] = 2 * off / deviation**2
    np.testing.assert_allclose(loss.item(), wanted_loss, rtol=RTOL)
    np.testing.assert_allclose(error.item(), wanted_error, rtol=RTOL)
    np.testing.assert_allclose(values.grad, gradient, rtol=RTOL)
    assert not error.requires_grad


def test_values_that_nothing_is_asked_of_move_nothing():
    values = torch.randn(2, 3, 4, requires_grad=True)
    loss, error = squared_error_sum(values, torch.full((2, 3, 4), torch.nan), torch.ones(4))
    loss.backward()
    assert (loss.item(), error.item()) == (0.0, 0.0)
    assert (values.grad == 0).all()


def test_values_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"values \(2, 3\) do not fit targets \(2, 1\)"):
        squared_error_sum(torch.zeros(2, 3), torch.zeros(2, 1), torch.ones(3))


def test_each_value_that_is_asked_for_is_counted():
    targets = (torch.tensor([[1.0, torch.nan], [2.0, 3.0]]), torch.full((1, 2), torch.nan))
    assert targets_in(targets).tolist() == [3, 0]


def test_a_regressor_learns_values_at_scale_one():
    data, model = toy_values(), toy_model(values=True)
    prepare(model, data)
    targets = torch.stack(data.train.targets)
    np.testing.assert_allclose(model.head.mean, targets.numpy().mean(0), rtol=1e-6)
    np.testing.assert_allclose(model.head.std, targets.numpy().std(0), rtol=1e-6)
    np.testing.assert_allclose(model.input_mean, torch.cat(data.train.inputs).numpy().mean(0), rtol=1e-6)
    # One deviation off in each of the two values is a loss of 2, whatever their units.
    loss, _ = objective_of(model).sums(targets[:1] + model.head.std, targets[:1])
    assert loss.item() == pytest.approx(2, rel=1e-3)  # 1e4 and 800 in float32
    assert objective_of(model).measure == "mean_squared_error"
    assert objective_of(toy_model()).measure == "accuracy"
    prepare(toy_model(), toy_data())
