"""Dropout that does not depend on how a batch is divided.

Oracle: one process with the whole batch; for the distribution, its mean and rate. Tolerances: TOLERANCES.
"""

import pytest
import torch

from clew.nn import Dropout

TOLERANCES = {"rate": 0.01}  # five standard deviations of the mean of 40,000 draws with p = 0.2


def test_rate_and_scale():
    y = Dropout(0.2)(torch.ones(100, 20, 20))
    assert abs(float((y == 0).float().mean()) - 0.2) < TOLERANCES["rate"]
    assert y[y != 0].unique().tolist() == [1.25]


def test_processes_draw_together_what_one_would_draw():
    x = torch.randn(6, 7, 5)
    torch.manual_seed(3)
    whole = Dropout(0.5)(x)
    parts = []
    for rows in (slice(0, 2), slice(2, 6)):
        dropout = Dropout(0.5)
        dropout.set_rows(6, rows)
        torch.manual_seed(3)
        parts.append(dropout(x[rows]))
    assert torch.equal(torch.cat(parts), whole)


def test_processes_stay_in_step():
    """After a call the generator stands where that of one process would stand."""
    stands = []
    for rows in (None, slice(1, 2)):
        dropout = Dropout(0.5)
        dropout.set_rows(None if rows is None else 4, rows)
        torch.manual_seed(3)
        dropout(torch.ones(4 if rows is None else 1, 9))
        stands.append(torch.rand(1))
    assert torch.equal(*stands)


def test_all_rows_again():
    dropout = Dropout(0.5)
    dropout.set_rows(4, slice(0, 2))
    dropout.set_rows(None, None)
    assert dropout(torch.ones(3, 2)).shape == (3, 2)


def test_a_batch_of_other_rows_is_refused():
    dropout = Dropout(0.5)
    dropout.set_rows(4, slice(0, 2))
    with pytest.raises(ValueError, match="dropout was told of 2 rows and got a batch of 3"):
        dropout(torch.ones(3, 2))


def test_evaluation_and_zero_leave_all_as_it_is():
    x = torch.randn(3, 2)
    assert Dropout(0.0)(x) is x
    assert Dropout(0.9).eval()(x) is x


@pytest.mark.parametrize("p", [-0.1, 1.0, 1.5])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(ValueError, match=f"at least 0 and below 1; got {p}"):
        Dropout(p)
