"""One call equals several: chunks of time, packed sequences, rows of their own length; values and gradients.

Oracle: the same operation called on the pieces, whose values are checked in test_values.py.
Tolerances: cases.TOLERANCES["gradients"], which holds for values and gradients in float64.
"""

import itertools

import pytest
import torch
from tests.ops.cases import (
    TOLERANCES,
    assert_near,
    every,
    every_backend,
    gradients,
    leaves,
    lengths_of,
    random_segments,
)

from clew.ops import use_backend

OVER_TIME = {"decay", "inputs", "x", "A_bar", "B_bar", "dt", "B", "C", "z"}


def piece(arguments, rows, times, time):
    """The arguments of some rows and samples."""
    part = {}
    for name, value in arguments.items():
        if (value.shape[:1] == (3,) and value.ndim > 2) or name == "initial_state":
            value = value[rows]
        if name in OVER_TIME and value.ndim > 2 and value.shape[1] == time:
            value = value[:, times]
        elif name == "A" and value.ndim > 2 and value.shape[-3] == time:
            value = value[..., times, :, :]
        part[name] = value
    return part


def assert_same(whole, pieces, arguments):
    """Equal results, and equal gradients of everything."""
    for index, (one, several) in enumerate(zip(whole, pieces, strict=True)):
        assert_near(several, one, TOLERANCES["gradients"], f"result {index}")
    expected = gradients(whole, arguments)
    for name, gradient in gradients(pieces, arguments).items():
        assert_near(gradient, expected[name], TOLERANCES["gradients"], name)


@every_backend
@pytest.mark.parametrize("borders", [(1, 2), (64, 65), (50, 50, 99)], ids=str)
@every("state")
def test_chunks(case, borders, backend):
    time, arguments = 130, leaves(case.build(130, torch.float64))
    with use_backend(backend):
        whole = case.run(arguments)
        outputs, state = [], arguments["initial_state"]
        for start, stop in zip((0, *borders), (*borders, time), strict=True):
            part = piece(arguments, slice(None), slice(start, stop), time)
            y, state = case.run(part | {"initial_state": state})
            outputs.append(y)
    assert_same(whole, (torch.cat(outputs, dim=1), state), arguments)


@every_backend
@every("segments")
def test_packed_sequences(case, backend):
    time, arguments = 70, leaves(case.build(70, torch.float64))
    segments = random_segments(time)
    segments[1] = 5  # a row that is one sequence
    segments[2, :3] = torch.tensor([1, 2, 2])  # one sample, then a sequence across the border of chunks
    segments[2, 3:] = 3
    with use_backend(backend):
        whole = case.run(arguments | {"segments": segments})
        rows, finals = [], []
        for row in range(3):
            changes = (segments[row, 1:] != segments[row, :-1]).nonzero().flatten() + 1
            borders = [0, *changes.tolist(), time]
            outputs = []
            for start, stop in itertools.pairwise(borders):
                part = piece(arguments, slice(row, row + 1), slice(start, stop), time)
                if start > 0:
                    del part["initial_state"]
                y, state = case.run(part)
                outputs.append(y)
            rows.append(torch.cat(outputs, dim=1))
            finals.append(state)
    assert_same(whole, (torch.cat(rows), torch.cat(finals)), arguments)


@every_backend
@pytest.mark.parametrize("time", [9, 64, 130])
@every("lengths")
def test_rows_of_several_lengths(case, time, backend):
    arguments = leaves(case.build(time, torch.float64))
    lengths = lengths_of(time)
    with use_backend(backend):
        whole = case.run(arguments | {"lengths": lengths})
        rows, finals = [], []
        for row, length in enumerate(lengths.tolist()):
            y, state = case.run(piece(arguments, slice(row, row + 1), slice(0, length), time))
            rows.append(torch.nn.functional.pad(y, (0, 0) * (y.ndim - 2) + (0, time - length)))
            finals.append(state)
    assert_same(whole, (torch.cat(rows), torch.cat(finals)), arguments)


@every_backend
@every("lengths")
def test_lengths_beyond_the_ends_count_as_the_ends(case, backend):
    arguments = case.build(9, torch.float64)
    with use_backend(backend):
        beyond = case.run(arguments | {"lengths": torch.tensor([-3, 50, 5])})
        within = case.run(arguments | {"lengths": torch.tensor([0, 9, 5])})
    assert all(torch.equal(a, b) for a, b in zip(beyond, within, strict=True))


@every_backend
@every()
def test_the_past_does_not_see_the_future(case, backend):
    arguments = leaves(case.build(70, torch.float64))
    with use_backend(backend):
        y = case.run(arguments)[0]
    early = y[:, :33]
    (gradient,) = torch.autograd.grad(early.abs().sum(), arguments[case.signal])
    assert gradient[:, :33].any()
    # A transform spreads one rounding over all samples; everything else is exact.
    allowed = TOLERANCES["gradients"] * gradient.abs().max() if case.operation == "fft_conv" else 0
    assert gradient[:, 33:].abs().max() <= allowed
