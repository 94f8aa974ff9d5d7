"""A recurrent network without its nonlinearity.

ORACLE: ``torch.nn.RNN``'s own matrices in a linear loop written out here; and its own forward pass where the
nonlinearity does nothing (tanh near 0, relu on positive numbers).
TOLERANCES: the table in conftest.py.
"""

import pytest
import torch
from torch import nn

from clew.systems import DiscreteStateSpace


def with_ones(x: torch.Tensor) -> torch.Tensor:
    return torch.cat((x, torch.ones_like(x[..., :1])), dim=-1)


@pytest.mark.parametrize("mode", ["recurrent", "convolution", "scan"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_against_its_matrices_by_hand(mode, bias, nonlinearity, agree):
    rnn = nn.RNN(3, 5, bias=bias, nonlinearity=nonlinearity, dtype=torch.float64)
    x, h = torch.randn(2, 11, 3, dtype=torch.float64), torch.randn(2, 5, dtype=torch.float64)
    expected, state = [], h
    for x_k in x.unbind(1):
        state = state @ rnn.weight_hh_l0.T + x_k @ rnn.weight_ih_l0.T
        if bias:
            state = state + rnn.bias_hh_l0 + rnn.bias_ih_l0
        expected.append(state)
    system = DiscreteStateSpace.from_rnn(rnn)
    assert (system.order, system.inputs, system.outputs) == (5, 3 + bias, 5)
    y, final = system.run(with_ones(x) if bias else x, h, mode)
    agree(y, torch.stack(expected, 1))
    agree(final, state)


def test_the_network_itself_where_relu_does_nothing(agree):
    rnn = nn.RNN(3, 5, nonlinearity="relu", batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        for weight in rnn.parameters():
            weight.abs_()
        rnn.weight_hh_l0.mul_(0.2)
    x = torch.rand(2, 9, 3, dtype=torch.float64)
    y, _ = DiscreteStateSpace.from_rnn(rnn).run(with_ones(x))
    agree(y, rnn(x)[0])


def test_tanh_is_not_linear_and_has_no_kernel(agree):
    """What the parallel views stand on fails with tanh: superposition, and one answer to all impulses."""
    rnn = nn.RNN(1, 8, bias=False, batch_first=True, dtype=torch.float64)
    system = DiscreteStateSpace.from_rnn(rnn)
    a, b = torch.randn(2, 50, 1, dtype=torch.float64)
    impulse = torch.zeros(50, 1, dtype=torch.float64)
    impulse[0] = 1.0

    def tanh(x):
        return rnn(x[None])[0][0]

    agree(system.run(a)[0] + system.run(b)[0], system.run(a + b)[0])
    agree(system.run(100 * impulse)[0] / 100, system.kernel(50)[..., 0])
    missed = (tanh(a + b) - tanh(a) - tanh(b)).norm() / tanh(a + b).norm()
    assert missed > 0.01
    assert (tanh(100 * impulse) / 100).norm() < 0.1 * tanh(impulse).norm()


def test_gradients_reach_the_weights():
    rnn = nn.RNN(3, 5)
    y, _ = DiscreteStateSpace.from_rnn(rnn).run(torch.ones(4, 4), mode="scan")
    y.sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in rnn.parameters())


def test_dtype_is_the_networks():
    assert DiscreteStateSpace.from_rnn(nn.RNN(3, 5)).dtype == torch.float32


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.RNN(3, 5, num_layers=2), r"got 2 layer\(s\) and 1 direction"),
        (nn.RNN(3, 5, bidirectional=True), r"got 1 layer\(s\) and 2 direction"),
        (nn.LSTM(3, 5), "got LSTM"),
        (nn.GRU(3, 5), "got GRU"),
        (nn.RNNCell(3, 5), "got RNNCell"),
        (nn.Linear(3, 5), "got Linear"),
        ("rnn", "got str"),
    ],
)
def test_refusals(network, message):
    with pytest.raises(ValueError, match=message):
        DiscreteStateSpace.from_rnn(network)
