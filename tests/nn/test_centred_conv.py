"""The convolution that sees both sides: which samples, with odd and even widths, and where a sequence ends.

Oracle: ``torch.nn.functional.conv1d`` with ``padding="same"``, sequence by sequence. Tolerances: TOLERANCES.
"""

import pytest
import torch
from torch.nn.functional import conv1d, pad, silu

from clew.nn.centred_conv import centred_conv

TOLERANCES = {"float64": 1e-12}  # the same few products, summed in another order


def close(actual, wanted):
    torch.testing.assert_close(actual, wanted, rtol=0, atol=TOLERANCES["float64"])


def same(x, weight, bias):
    """x (time, channel)."""
    left = (weight.shape[1] - 1) // 2
    padded = pad(x.mT[None], (left, weight.shape[1] - 1 - left))
    return silu(conv1d(padded, weight[:, None], bias, groups=len(weight)))[0].mT


@pytest.mark.parametrize("width", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("time", [1, 2, 11])
def test_it_is_torchs_padding(width, time):
    x, weight, bias = (torch.randn(*shape).double() for shape in ((2, time, 3), (3, width), (3,)))
    wanted = torch.stack([same(row, weight, bias) for row in x])
    close(centred_conv(x, weight, bias), wanted)
    if width % 2:  # for an even one torch copies the input, and warns of it
        theirs = conv1d(x.mT, weight[:, None], bias, groups=3, padding="same").mT
        close(wanted, silu(theirs))


@pytest.mark.parametrize("width", [2, 3, 4])
def test_sequences_do_not_see_one_another(width):
    x, weight, bias = (torch.randn(*shape).double() for shape in ((2, 9, 3), (3, width), (3,)))
    segments = torch.tensor([[0, 0, 0, 1, 0, 0, 1, 1, 1], [0, 0, 0, 0, 0, 0, 0, 2, 2]])
    lengths = torch.tensor([9, 5])
    y = centred_conv(x, weight, bias, segments=segments, lengths=lengths)
    runs = [(0, 0, 3), (0, 3, 4), (0, 4, 6), (0, 6, 9), (1, 0, 5)]
    for row, start, end in runs:
        close(y[row, start:end], same(x[row, start:end], weight, bias))


def test_gradients():
    leaves = [torch.randn(*shape).double().requires_grad_() for shape in ((1, 6, 2), (2, 4), (2,))]
    segments = torch.tensor([[0, 0, 0, 0, 1, 1]])

    def run(x, weight, bias):
        return centred_conv(x, weight, bias, segments=segments, lengths=torch.tensor([5]))[:, :5]

    assert torch.autograd.gradcheck(run, leaves)
