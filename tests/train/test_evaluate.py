"""How good a model is on a split.

Oracle: the model called on one sequence at a time, without padding, and the formulas in numpy.
Tolerances: 2e-6 relative for the mean of float32 losses; none for predictions.
"""

import numpy as np
import pytest
import torch
from tests.train.toy import toy_data, toy_model

from clew.data import IGNORE, Split
from clew.train import evaluate

RTOL = 2e-6


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
