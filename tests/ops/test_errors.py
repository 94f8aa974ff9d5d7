"""What the operations refuse: each a ValueError that names the argument, what it got and what was wanted.

Oracle: the table below.
Tolerances: none.
"""

import pytest
import torch

from clew.ops import (
    causal_conv,
    diagonal_ssm,
    fft_conv,
    linear_scan,
    matrix_scan,
    selective_scan,
    selective_scan_step,
    ssd,
)
from clew.ops.segments import reset_mask

X = torch.ones(2, 5, 3)
PAIRS = torch.ones(3, 4, dtype=torch.complex64)
A, BC = -torch.ones(3, 4), torch.ones(2, 5, 4)
HEADS, SHARED = X[..., None], BC[:, :, None]
INTEGERS = torch.zeros(2, 5, dtype=torch.int64)

REFUSED = {
    "inputs without time": (lambda: linear_scan(X[0, 0], X[0, 0]), r"inputs has shape \(3,\)"),
    "decay of another size": (lambda: linear_scan(torch.ones(2), X), r"decay has shape \(2,\).*\(2, 5, 3\)"),
    "decay with more dimensions": (lambda: linear_scan(X[None], X), r"decay has shape \(1, 2, 5, 3\)"),
    "state of another size": (
        lambda: linear_scan(X, X, initial_state=X),
        r"initial_state has shape .*wanted \(2, 3\)",
    ),
    "integer inputs": (lambda: linear_scan(X, X.long()), "inputs has dtype torch.int64"),
    "segments of another size": (
        lambda: linear_scan(X, X, segments=INTEGERS[:, :4]),
        r"segments has shape \(2, 4\); wanted \(batch, time\) = \(2, 5\)",
    ),
    "segments that are not integers": (
        lambda: linear_scan(X, X, segments=INTEGERS.float()),
        "segments has dtype torch.float32",
    ),
    "matrix of another size": (
        lambda: matrix_scan(torch.eye(4), X),
        r"A has shape \(1, 4, 4\) and inputs \(2, 5, 3\)",
    ),
    "matrices at other times": (
        lambda: matrix_scan(torch.ones(4, 3, 3), X),
        "A has 4 time steps and inputs has 5",
    ),
    "rows that do not broadcast": (
        lambda: matrix_scan(torch.ones(3, 5, 3, 3), X),
        r"leading dimensions do not broadcast: A \(3,\), inputs \(2,\)",
    ),
    "matrix state of another size": (
        lambda: matrix_scan(torch.eye(3), X, initial_state=torch.ones(2, 4)),
        r"initial_state has shape \(2, 4\); wanted \(..., 3\)",
    ),
    "kernel of other channels": (lambda: fft_conv(X, X[0, :, :2]), r"x has shape .* kernel \(5, 2\)"),
    "mixing kernel without out": (lambda: fft_conv(X, X[0], mixing=True), r"\(..., length, out, channel\)"),
    "kernel without taps": (lambda: fft_conv(X, X[0, :0]), "no taps"),
    "kernel of other rows": (lambda: fft_conv(X, torch.ones(3, 5, 3)), "do not broadcast"),
    "integer kernel": (lambda: fft_conv(X, X[0].long()), "kernel has dtype torch.int64"),
    "complex x": (
        lambda: diagonal_ssm(X + 0j, PAIRS, PAIRS, PAIRS),
        "x has shape .*complex64; wanted .* real",
    ),
    "x without batch": (lambda: diagonal_ssm(X[0], PAIRS, PAIRS, PAIRS), r"x has shape \(5, 3\)"),
    "C of other channels": (
        lambda: diagonal_ssm(X, PAIRS, PAIRS, PAIRS[:2]),
        r"C has shape \(2, 4\).*3 channels",
    ),
    "A_bar of other pairs": (
        lambda: diagonal_ssm(X, PAIRS[:, :2], PAIRS, PAIRS),
        r"A_bar has shape \(3, 2\); wanted \(3, 4\) or, per sample, \(2, 5, 3, 4\)",
    ),
    "real B_bar": (lambda: diagonal_ssm(X, PAIRS, PAIRS.real, PAIRS), "B_bar has dtype torch.float32"),
    "D of other channels": (
        lambda: diagonal_ssm(X, PAIRS, PAIRS, PAIRS, torch.ones(2)),
        r"D has shape \(2,\)",
    ),
    "complex D": (
        lambda: diagonal_ssm(X, PAIRS, PAIRS, PAIRS, PAIRS[:, 0]),
        "D has .*complex64; wanted .* real",
    ),
    "diagonal state of another size": (
        lambda: diagonal_ssm(X, PAIRS, PAIRS, PAIRS, initial_state=PAIRS),
        r"initial_state has shape \(3, 4\); wanted \(2, 3, 4\)",
    ),
    "real diagonal state": (
        lambda: diagonal_ssm(X, PAIRS, PAIRS, PAIRS, initial_state=torch.ones(2, 3, 4)),
        "initial_state has dtype torch.float32",
    ),
    "lengths of another size": (
        lambda: diagonal_ssm(X, PAIRS, PAIRS, PAIRS, lengths=torch.tensor([5])),
        r"lengths has shape \(1,\) .*\(batch,\) = \(2,\)",
    ),
    "lengths that are not integers": (
        lambda: diagonal_ssm(X, PAIRS, PAIRS, PAIRS, lengths=torch.tensor([5.0, 4.0])),
        "lengths has .*float32",
    ),
    "segments with lengths, of another size": (
        lambda: diagonal_ssm(X, PAIRS, PAIRS, PAIRS, segments=INTEGERS[:1]),
        r"segments has shape \(1, 5\)",
    ),
    "A of other channels": (
        lambda: selective_scan(X, X, A[:2], BC, BC),
        r"A has shape \(2, 4\); wanted \(channel, state\) with 3 channels",
    ),
    "B of other states": (
        lambda: selective_scan(X, X, A, BC[..., :3], BC),
        r"B has shape \(2, 5, 3\); wanted \(batch, time, state\) = \(2, 5, 4\)",
    ),
    "C unlike B": (lambda: selective_scan(X, X, A, BC, BC[:, :, None]), r"C has shape \(2, 5, 1, 4\)"),
    "groups that do not divide": (
        lambda: selective_scan(X, X, A, SHARED.expand(-1, -1, 2, -1), SHARED.expand(-1, -1, 2, -1)),
        "B has 2 groups, which do not divide 3 channels",
    ),
    "steps of other channels": (
        lambda: selective_scan(X, X[..., :2], A, BC, BC),
        r"dt has shape \(2, 5, 2\)",
    ),
    "complex A": (lambda: selective_scan(X, X, A + 0j, BC, BC), "A has dtype torch.complex64; wanted a real"),
    "gate of another time": (
        lambda: selective_scan(X, X, A, BC, BC, z=X[:, :4]),
        r"z has shape \(2, 4, 3\); wanted \(2, 5, 3\)",
    ),
    "selective state of another size": (
        lambda: selective_scan(X, X, A, BC, BC, initial_state=A),
        r"initial_state has shape \(3, 4\); wanted \(2, 3, 4\)",
    ),
    "selective lengths of another size": (
        lambda: selective_scan(X, X, A, BC, BC, lengths=torch.tensor([5])),
        r"lengths has shape \(1,\) .*\(batch,\) = \(2,\)",
    ),
    "a sequence for a step": (
        lambda: selective_scan_step(X, X, A, BC, BC, state=A.expand(2, 3, 4)),
        r"x has shape \(2, 1, 5, 3\); wanted \(batch, time, channel\)",
    ),
    "channels without heads": (lambda: ssd(X, X, A[:, 0], SHARED, SHARED), "head_dim"),
    "B without groups": (
        lambda: ssd(HEADS, X, A[:, 0], BC, BC),
        r"B has shape \(2, 5, 4\); wanted \(batch, time, group, state\)",
    ),
    "A of each state": (lambda: ssd(HEADS, X, A, SHARED, SHARED), r"A has shape \(3, 4\); wanted \(3,\)"),
    "heads that groups do not divide": (
        lambda: ssd(HEADS, X, A[:, 0], SHARED.expand(-1, -1, 2, -1), SHARED),
        "B has 2 groups, which do not divide 3 heads",
    ),
    "integer heads": (lambda: ssd(HEADS.long(), X, A[:, 0], SHARED, SHARED), "x has dtype torch.int64"),
    "weight of a Conv1d": (
        lambda: causal_conv(X, torch.ones(3, 1, 4)),
        r"weight has shape \(3, 1, 4\); wanted \(channel, width\) with 3 channels",
    ),
    "no taps": (lambda: causal_conv(X, torch.ones(3, 0)), "at least one tap"),
    "bias of other channels": (lambda: causal_conv(X, A, torch.ones(2)), r"bias has shape \(2,\)"),
    "unknown activation": (lambda: causal_conv(X, A, activation="silo"), "did you mean 'silu'"),
    "last inputs of another width": (
        lambda: causal_conv(X, A, initial_state=torch.ones(2, 4, 3)),
        r"initial_state has shape \(2, 4, 3\); wanted \(batch, width − 1, channel\) = \(2, 3, 3\)",
    ),
    "short convolution of integers": (lambda: causal_conv(X.long(), A), "x has dtype torch.int64"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_is_refused(what):
    call, message = REFUSED[what]
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_sequence_begins_where_the_number_changes():
    segments = torch.tensor([[3, 3, 1, 3, 3], [0, 1, 2, 2, 2]])
    expected = [[False, False, True, True, False], [False, True, True, False, False]]
    assert reset_mask(segments, 2, 5).tolist() == expected
    assert reset_mask(segments[:, :1], 2, 1).tolist() == [[False], [False]]
    assert reset_mask(segments[:, :0], 2, 0).shape == (2, 0)
