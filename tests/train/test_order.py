"""The order of the data.

Oracle: what an order is: each sequence once; and statistics of a uniform one.
Tolerances: none but five standard deviations of a mean of independent uniform ranks.
"""

import numpy as np

from clew.train.order import batches, epoch_order


def test_each_sequence_comes_once_an_epoch():
    for count in (1, 2, 17):
        assert sorted(epoch_order(count, seed=3, epoch=4)) == list(range(count))


def test_the_order_depends_on_seed_and_epoch_only():
    assert epoch_order(50, 3, 4) == epoch_order(50, 3, 4)
    orders = [tuple(epoch_order(50, seed, epoch)) for seed in range(10) for epoch in range(10)]
    assert len(set(orders)) == 100


def test_the_first_place_is_anyones():
    firsts = np.array([epoch_order(101, 0, epoch)[0] for epoch in range(400)])
    assert abs(firsts.mean() - 50) < 5 * np.sqrt((101**2 - 1) / 12 / 400)


def test_batches_are_the_order_in_pieces():
    order = [4, 2, 0, 1, 3]
    assert batches(order, 2) == [[4, 2], [0, 1], [3]]
    assert batches(order, 5) == [order]
    assert batches(order, 9) == [order]
    assert batches([], 3) == []
