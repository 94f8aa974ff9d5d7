"""Which tokens a step sees.

Oracle: the text itself: every token is its own position, so rows say where they are from.
Tolerances: none.
"""

import numpy as np
import pytest
import torch

from clew.data import IGNORE, TextSplit
from clew.train.text.rows import Rows, window


def counted(count: int, starts=(0,)) -> TextSplit:
    """A text whose tokens are 0, 1, 2, …, with documents that begin at ``starts``."""
    tokens = np.arange(count, dtype=np.uint32)
    begins = np.array(starts, dtype=np.int64)
    return TextSplit(memoryview(bytes(count)), tokens, begins, begins)


@pytest.mark.parametrize(
    ("count", "length", "batch"), [(101, 10, 4), (11, 10, 3), (1000, 7, 16), (35, 10, 2)]
)
def test_a_pass_sees_no_token_twice_and_leaves_out_less_than_two_rows(count, length, batch):
    rows = Rows(count, length, batch, seed=3, carry=False)
    each = max(1, (count - 1) // length - 1)
    starts = np.concatenate([rows.starts(step) for step in range(3 * each)])
    for passed in range(3 * batch):
        here = np.sort(starts[passed * each : (passed + 1) * each])
        assert (np.diff(here) == length).all()
        assert here[0] >= 0
        assert here[-1] + length <= count - 1  # the last target
        assert here[0] + (count - 1 - here[-1] - length) < 2 * length
    assert len({tuple(starts[k * each : (k + 1) * each]) for k in range(3 * batch)}) > (1 if each > 1 else 0)
    assert rows.begins(0)
    assert rows.begins(5)


def test_rows_are_a_function_of_seed_and_step():
    one, two, other = (Rows(500, 9, 4, seed, carry=False) for seed in (1, 1, 2))
    assert [one.starts(step).tolist() for step in (7, 3)] == [two.starts(step).tolist() for step in (7, 3)]
    assert one.starts(0).tolist() != other.starts(0).tolist()


@pytest.mark.parametrize("count", [200, 217, 250])
def test_carried_rows_go_on_where_the_last_ended(count):
    rows = Rows(count, 10, 4, seed=0, carry=True)
    steps = max(1, (count - 1) // 4 // 10 - 1)
    assert rows.starts(0)[0] == 0, "the first pass begins where the text does"
    for step in range(4 * steps):
        assert rows.begins(step) == (step % steps == 0)
        if not rows.begins(step):
            assert (rows.starts(step) == rows.starts(step - 1) + 10).all()
        assert (np.diff(rows.starts(step)) == (count - 1) // 4).all()
        assert rows.starts(step)[-1] + 10 <= count - 1


@pytest.mark.parametrize(("count", "carry"), [(10, False), (40, True)])
def test_a_text_too_short_for_a_row_is_an_error(count, carry):
    with pytest.raises(ValueError, match=f"has {count} tokens: too few for a row of 10"):
        Rows(count, 10, 4, 0, carry)


def test_a_window_asks_for_the_next_token_within_documents():
    split = counted(20, (0, 4, 10))
    got = window(split, np.array([2, 4, 11, 17]), 5)
    assert got.inputs.tolist()[0] == [2, 3, 4, 5, 6]
    assert got.targets.tolist() == [
        [3, IGNORE, 5, 6, 7],
        [5, 6, 7, 8, 9],
        [12, 13, 14, 15, 16],
        [18, 19, IGNORE, IGNORE, IGNORE],
    ]
    assert got.segments is not None
    assert got.segments.tolist()[:2] == [[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]]
    assert got.fresh.tolist() == [False, True, False, False]
    assert window(split, np.array([4, 11]), 5).segments is None
    assert got.inputs.dtype == got.targets.dtype == torch.int64
