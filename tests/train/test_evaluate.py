"""How good a model is on a split.

Oracle: the model called on one sequence at a time, without padding, and the formulas in numpy; for values
numpy's mean of squares and scikit-learn's ``r2_score``.
Tolerances: 2e-6 relative for the mean of float32 losses; none for predicted classes; see below for values.
"""

import json
import warnings

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score
from tests.train.toy import toy_data, toy_model, toy_values

from clew.data import IGNORE, Split
from clew.train import ValueEvaluation, evaluate
from clew.train.evaluation import MOST_PAIRS, record
from clew.train.objective import prepare

RTOL = 2e-6
VALUE_RTOL = {
    "numbers": 1e-12,  # float64 sums of the same numbers in another order
    "batches": 1e-5,  # values of padded batches against single sequences, in float32
}


@pytest.mark.parametrize("target", ["sequence", "step"])
@pytest.mark.parametrize("batch_size", [1, 3, 8, 100])
def test_an_evaluation_is_that_of_one_sequence_at_a_time(target, batch_size):
    model, split = toy_model(target).eval(), toy_data(target).validation
    losses, predictions, targets = [], [], []
    for inputs, wanted in zip(split.inputs, split.targets, strict=True):
        with torch.no_grad():
            logits = model(inputs[None])[0].double().reshape(-1, 3)
        for row, one in zip(logits.numpy(), wanted.reshape(-1).tolist(), strict=True):
            if one != IGNORE:
                losses.append(np.log(np.exp(row).sum()) - row[one])
                predictions.append(int(row.argmax()))
                targets.append(one)
    found = evaluate(model, split, batch_size)
    np.testing.assert_allclose(found.loss, np.mean(losses), rtol=RTOL)
    assert found.accuracy == np.mean(np.equal(predictions, targets))
    assert found.predictions.tolist() == predictions
    assert found.targets.tolist() == targets


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_as_it_was(training):
    model = toy_model().train(training)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    random = torch.get_rng_state()
    first, second = (evaluate(model, toy_data().validation) for _ in range(2))
    assert first.loss == second.loss
    assert all(module.training == training for module in model.modules())
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_nothing_to_evaluate_is_said():
    with pytest.raises(ValueError, match="the split has no targets"):
        evaluate(toy_model(), Split((), ()))
    with pytest.raises(ValueError, match="the split has no targets"):
        evaluate(toy_model(), Split((torch.zeros(2, 2),), (torch.tensor(IGNORE),)))


@pytest.mark.parametrize("target", ["sequence", "step"])
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_an_evaluation_of_values_is_that_of_one_sequence_at_a_time(target, batch_size):
    data, model = toy_values(target), toy_model(target, values=True).eval()
    prepare(model, data)
    predictions, targets = [], []
    for inputs, wanted in zip(data.validation.inputs, data.validation.targets, strict=True):
        with torch.no_grad():
            values = model(inputs[None])[0].reshape(-1, 2)
        asked = ~wanted.reshape(-1, 2).isnan().any(1)
        predictions.append(values[asked])
        targets.append(wanted.reshape(-1, 2)[asked])
    found = evaluate(model, data.validation, batch_size)
    predictions, targets = torch.cat(predictions), torch.cat(targets)
    torch.testing.assert_close(found.predictions, predictions, rtol=VALUE_RTOL["batches"], atol=0)
    assert torch.equal(found.targets, targets)
    assert torch.equal(found.trivial, data.target_mean)
    scaled = ((predictions - targets) / data.target_std).double().square().mean()
    assert found.loss == pytest.approx(scaled.item(), rel=1e-3)  # of 1e4 ± 1e3 in float32
    assert found.count == targets.numel()


def test_numbers_of_values_are_those_of_numpy_and_sklearn():
    generator = np.random.default_rng(0)
    targets = generator.normal([3.0, -100.0], [0.1, 30.0], (50, 2)).astype(np.float32)
    predictions = (targets + generator.normal(0, [0.05, 40.0], (50, 2))).astype(np.float32)
    trivial = np.array([2.5, -90.0], np.float32)
    found = ValueEvaluation(0.0, *map(torch.from_numpy, (predictions, targets, trivial)))
    exact, wanted = predictions.astype(float), targets.astype(float)
    numbers = {
        found.mean_squared_error: np.mean((exact - wanted) ** 2),
        found.root_mean_squared_error: np.sqrt(np.mean((exact - wanted) ** 2)),
        found.trivial_mean_squared_error: np.mean((trivial.astype(float) - wanted) ** 2),
        found.explained: r2_score(wanted, exact),
    }
    np.testing.assert_allclose(list(numbers), list(numbers.values()), rtol=VALUE_RTOL["numbers"])


@pytest.mark.parametrize("targets", [[[1.0], [1.0]], [[1.0]]])
@pytest.mark.parametrize("off", [0.0, 0.5])
def test_what_is_explained_of_a_constant_is_all_or_nothing(targets, off):
    wanted = torch.tensor(targets)
    found = ValueEvaluation(0.0, wanted + off, wanted, torch.zeros(1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's, of a single target, for which it has no number
        known = r2_score(wanted, wanted + off)
    assert found.explained == (known if len(targets) > 1 else float(off == 0))


def test_values_that_nothing_asked_for_do_not_count():
    nan = torch.nan
    predictions = torch.tensor([[1.0, 5.0, 9.0], [2.0, 7.0, 9.0], [4.0, 6.0, 9.0]])
    targets = torch.tensor([[1.5, nan, nan], [nan, 6.0, nan], [3.0, 8.0, nan]])
    found = ValueEvaluation(0.0, predictions, targets, torch.zeros(3))
    assert found.count == 4
    assert found.mean_squared_error == (0.25 + 1 + 1 + 4) / 4
    known = [r2_score([1.5, 3.0], [1.0, 4.0]), r2_score([6.0, 8.0], [7.0, 6.0])]
    assert found.explained == pytest.approx(np.mean(known), rel=VALUE_RTOL["numbers"])
    kept = record(found, "test", 0)
    assert kept["targets"] == [[1.5, None, None], [None, 6.0, None], [3.0, 8.0, None]]
    assert kept["predictions"] == [[1.0, None, None], [None, 7.0, None], [4.0, 6.0, None]]
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept


def test_so_many_pairs_are_kept():
    values = torch.arange(MOST_PAIRS + 5.0)[:, None]
    kept = record(ValueEvaluation(0.0, values, values + 1, torch.zeros(1)), "test", 0)
    assert len(kept["predictions"]) == len(kept["targets"]) == MOST_PAIRS
    assert (kept["count"], kept["mean_squared_error"]) == (MOST_PAIRS + 5, 1.0)


def test_no_values_to_evaluate_is_said():
    empty = Split((torch.zeros(2, 2),), (torch.full((2,), torch.nan),))
    with pytest.raises(ValueError, match="the split has no targets"):
        evaluate(toy_model(values=True), empty)
