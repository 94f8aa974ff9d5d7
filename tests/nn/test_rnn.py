"""The RNN beside torch's own.

Oracle: ``torch.nn.RNN`` in float64 with the same weights, and its packed sequences. Tolerances: TOLERANCES.
"""

import pytest
import torch

from clew.nn import RNN

TOLERANCES = {
    "float64": 1e-12,  # the same operations in another order
    "orthogonal": 1e-6,  # made in float32
}


def close(actual, wanted):
    torch.testing.assert_close(actual, wanted, rtol=0, atol=TOLERANCES["float64"])


@pytest.fixture
def pair():
    """Ours and torch's, of one set of weights; torch adds two biases."""
    ours = RNN(3, 5).double()
    theirs = torch.nn.RNN(3, 5, batch_first=True).double()
    with torch.no_grad():
        theirs.weight_hh_l0.copy_(ours.A)
        theirs.weight_ih_l0.copy_(ours.B)
        theirs.bias_hh_l0.copy_(0.25 * ours.b)
        theirs.bias_ih_l0.copy_(0.75 * ours.b)
    return ours, theirs


def test_tanh_is_torchs(pair):
    ours, theirs = pair
    x, start = torch.randn(4, 30, 3).double(), torch.randn(4, 5).double()
    y, final = ours(x, (start,))
    hidden, last = theirs(x, start[None])
    close(y, hidden @ ours.C.mT)
    close(final.hidden, last[0])


def test_lengths_are_torchs_packed_sequences(pair):
    ours, theirs = pair
    x, lengths = torch.randn(4, 30, 3).double(), torch.tensor([30, 17, 1, 4])
    y, final = ours(x, lengths=lengths)
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    hidden, last = theirs(packed)
    hidden, _ = torch.nn.utils.rnn.pad_packed_sequence(hidden, batch_first=True)
    close(y, hidden @ ours.C.mT)
    close(final.hidden, last[0])


def test_tanh_starts_within_torchs_bounds():
    layer = RNN(4, 400)
    for parameter in layer.parameters():
        assert 0.9 / 20 < parameter.abs().max() <= 1 / 20


def test_the_linear_one_starts_orthogonal_but_for_its_decay():
    A = RNN(4, 16, nonlinearity=None).A.double()
    wanted = 0.99**2 * torch.eye(16, dtype=torch.float64)
    torch.testing.assert_close(A.mT @ A, wanted, rtol=0, atol=TOLERANCES["orthogonal"])


def test_the_linear_one_has_no_bias_and_tanh_has_one():
    assert RNN(4, nonlinearity=None).b is None
    assert RNN(4).b.shape == (4,)


def test_dynamics_are_those_of_the_linear_one():
    assert RNN(4, nonlinearity=None).dynamics_parameters() == ("A", "B")
    assert RNN(4).dynamics_parameters() == ()
