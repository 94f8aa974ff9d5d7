"""The check that stands before every file: what it finds, whatever runs.

Oracle: the model, spoilt by a known amount. Tolerances: none.
"""

import pytest
import torch
from tests.export.cases import model_of

from clew.export.difference import largest_difference
from clew.models.state_tree import named_leaves

REFUSED_ABOVE = 1e-5  # what is promised of a file; differences are relative to the largest output


@pytest.fixture
def model():
    torch.manual_seed(0)
    return model_of(["rnn"], pooling="step")


def spoilt(model, amount, above=0):
    """A runner of sequences that adds ``amount`` to the logits after so many samples."""

    def run(given):
        logits, state = model(given["x"], lengths=given["lengths"])
        logits[:, above:] += amount
        return {"logits": logits, **dict(named_leaves(state, "next"))}

    return run


def test_the_model_itself_does_not_differ(model):
    assert largest_difference(model, "model", spoilt(model, 0.0)) == 0.0


@pytest.mark.parametrize("above", [0, 50, 450])
def test_a_difference_is_found_late_in_a_sequence_too(model, above):
    assert largest_difference(model, "model", spoilt(model, 1e-4, above)) > REFUSED_ABOVE


def test_no_number_is_a_difference(model):
    assert not largest_difference(model, "model", spoilt(model, float("nan"))) <= 1.0
