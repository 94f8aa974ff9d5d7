"""A system found again from its input and output.

ORACLE: the system that made the data: its kernel, D and poles.
TOLERANCES: TOLERANCES.
"""

import pytest
import torch

from clew.systems import DiscreteStateSpace, identify

# max abs(difference) / max abs(reference) of the kernel
TOLERANCES = {
    "exact": 1e-9,  # no noise: three least squares problems of a condition of some thousands
    "noise": 0.05,  # a hundredth of noise, 3,000 samples
}


def noise(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def distance(found, truth):
    kernel = truth.kernel(60)
    return (found.kernel(60) - kernel).abs().max() / kernel.abs().max()


@pytest.mark.parametrize("sizes", [(1, 1, 1), (2, 1, 1), (4, 2, 3), (3, 3, 1), (5, 1, 4)])
def test_without_noise_it_is_exact(sizes, make):
    truth = DiscreteStateSpace(*make(*sizes, radius=0.9))
    x = noise(400, sizes[1])
    y, _ = truth.run(x, noise(sizes[0]))  # not at rest
    found = identify(x, y, sizes[0], dt=0.25)
    assert found.order == sizes[0]
    assert found.dt == 0.25
    assert distance(found, truth) < TOLERANCES["exact"]
    torch.testing.assert_close(found.D, truth.D, rtol=0, atol=TOLERANCES["exact"] * 10)


def test_several_records(make):
    truth = DiscreteStateSpace(*make(3, 2, 2, radius=0.9))
    x = noise(5, 40, 2)
    y, _ = truth.run(x, noise(5, 3))
    assert distance(identify(x, y, 3), truth) < TOLERANCES["exact"]
    assert distance(identify(x.numpy(), y.numpy(), 3, rows=5), truth) < TOLERANCES["exact"]


@pytest.mark.parametrize("rows", [None, 20])
def test_with_noise_it_is_near(rows, make):
    truth = DiscreteStateSpace(*make(3, 1, 1, radius=0.9))
    x = noise(3000, 1)
    y, _ = truth.run(x)
    y = y + 0.01 * y.std() * noise(3000, 1)
    assert distance(identify(x, y, 3, rows=rows), truth) < TOLERANCES["noise"]


def test_a_pure_delay_has_twice_the_states():
    x = noise(100, 1)
    y = torch.cat((torch.zeros(2, 1), x[:-2]))
    found = identify(x, y, 2)
    assert found.order == 4
    wanted = torch.zeros(5, dtype=torch.float64)
    wanted[2] = 1
    torch.testing.assert_close(found.impulse_response(5)[:, 0, 0], wanted, rtol=0, atol=TOLERANCES["exact"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"order": 0}, "order is at least 1, got 0"),
        ({"rows": 2}, "rows must exceed the order, 2; got 2"),
        ({"x": torch.zeros(100)}, "x must be"),
        ({"y": torch.zeros(99, 1)}, "as many samples are wanted"),
        ({"y": torch.full((100, 1), torch.nan)}, "y must be real and finite"),
        ({"x": torch.ones(100, 1)}, "x is not rich enough"),
        ({"x": torch.randn(12, 1), "y": torch.randn(12, 1)}, "too few"),
    ],
)
def test_refusals(arguments, message):
    given = {"x": torch.randn(100, 1), "y": torch.randn(100, 1), "order": 2} | arguments
    with pytest.raises(ValueError, match=message):
        identify(**given)
