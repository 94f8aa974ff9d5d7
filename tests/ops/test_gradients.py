"""Gradients of every argument, the states among them, and the one derivative that there is not.

Oracle: autograd through oracles.py in float64, and finite differences (gradcheck).
Tolerances: cases.TOLERANCES["gradients"]; those of gradcheck are its own, 1e-6 for steps of 1e-6 in float64.
"""

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


def compare(case, arguments, backend, keep=slice(None), tolerance=TOLERANCES["gradients"]):
    with use_backend(backend):
        ours = leaves(arguments)
        actual = gradients(case.run(ours)[keep], ours)
    oracle = leaves(arguments)
    for name, expected in gradients(case.expected(oracle)[keep], oracle).items():
        assert_near(actual[name], expected, tolerance, name)


@every_backend
@pytest.mark.parametrize("time", [1, 2, 7])
@every()
def test_equal_those_of_the_equation(case, time, backend):
    compare(case, case.build(time, torch.float64), backend)


@every_backend
@every("state")
def test_equal_those_of_the_equation_over_several_chunks(case, backend):
    compare(case, case.build(131, torch.float64), backend)


@every_backend
@every("state")
def test_through_the_final_state_alone(case, backend):
    compare(case, case.build(9, torch.float64), backend, keep=slice(1, None))


@every_backend
@every("state")
def test_through_the_outputs_alone(case, backend):
    compare(case, case.build(9, torch.float64), backend, keep=slice(0, 1))


@every_backend
@pytest.mark.parametrize("view", [lambda part: part.sum(0), lambda part: part.mT], ids=["sum", "transposed"])
@every("state")
def test_from_gradients_with_gaps(case, view, backend):
    # A sum over rows hands all of them one gradient, not a copy each; a transposed one lies by columns.
    arguments = case.build(9, torch.float64)
    ours, oracle = leaves(arguments), leaves(arguments)
    with use_backend(backend):
        actual = gradients([view(part) for part in case.run(ours)], ours)
    for name, expected in gradients([view(part) for part in case.expected(oracle)], oracle).items():
        assert_near(actual[name], expected, TOLERANCES["gradients"], name)


@every_backend
@every("segments")
def test_of_packed_rows(case, backend):
    compare(case, case.build(70, torch.float64) | {"segments": random_segments(70)}, backend)


@every_backend
@pytest.mark.parametrize("packed", [False, True], ids=["", "packed"])
@every("lengths")
def test_of_rows_of_several_lengths(case, packed, backend):
    arguments = case.build(70, torch.float64) | {"lengths": lengths_of(70)}
    if packed:
        arguments["segments"] = random_segments(70)
    compare(case, arguments, backend)


@every_backend
@pytest.mark.parametrize("time", [3, 66])
@every()
def test_equal_finite_differences(case, time, backend):
    arguments = leaves(case.build(time, torch.float64, batch=1))
    names = list(arguments)

    def run(*values):
        with use_backend(backend):
            return case.run(dict(zip(names, values, strict=True)))

    assert torch.autograd.gradcheck(run, tuple(arguments.values()), fast_mode=time > 3)


@every_backend
@every()
def test_keep_shape_and_dtype(case, backend):
    arguments = leaves(case.build(5, torch.bfloat16))
    with use_backend(backend):
        found = gradients(case.run(arguments), arguments)
    for name, gradient in found.items():
        assert (gradient.shape, gradient.dtype) == (arguments[name].shape, arguments[name].dtype)
        assert gradient.isfinite().all()


@every_backend
@every("lengths")
def test_nothing_flows_into_the_padding(case, backend):
    arguments = leaves(case.build(70, torch.float64))
    arguments["lengths"] = lengths_of(70)
    with torch.no_grad():
        for row, length in enumerate(arguments["lengths"]):
            arguments["x"][row, length:] = torch.nan
    with use_backend(backend):
        results = case.run(arguments)
    found = gradients(results, arguments)
    assert all(result.isfinite().all() for result in results)
    assert all(gradient.isfinite().all() for gradient in found.values())
    for row, length in enumerate(arguments["lengths"]):
        assert not found["x"][row, length:].any()


@every_backend
@every()
def test_of_an_empty_batch(case, backend):
    arguments = leaves(case.build(70, torch.float32, batch=0))
    with use_backend(backend):
        found = gradients(case.run(arguments), arguments)
    assert not any(gradient.any() for gradient in found.values())


@every()
def test_the_same_bits_twice(case):
    arguments = leaves(case.build(130, torch.float32))
    first = gradients(case.run(arguments), arguments)
    second = gradients(case.run(arguments), arguments)
    assert all(torch.equal(first[name], second[name]) for name in first)


@every()
def test_a_second_derivative_is_refused_with_a_reason(case):
    arguments = leaves(case.build(5, torch.float32))
    total = sum(result.abs().square().sum() for result in case.run(arguments))
    (gradient,) = torch.autograd.grad(total, arguments[case.signal], create_graph=True)
    with pytest.raises(RuntimeError, match=f"{case.operation} is differentiable once.*use_backend"):
        gradient.abs().sum().backward()


@every()
def test_the_reference_has_second_derivatives(case):
    arguments = leaves(case.build(5, torch.float64))
    with use_backend("reference"):
        total = sum(result.abs().square().sum() for result in case.run(arguments))
    (gradient,) = torch.autograd.grad(total, arguments[case.signal], create_graph=True)
    gradient.abs().sum().backward()
    assert all(value.grad is not None for value in arguments.values())
