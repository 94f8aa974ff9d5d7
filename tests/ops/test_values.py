"""What the operations compute, in every backend, form of arguments, dtype and memory layout.

Oracle: oracles.py, the equations as nested loops in numpy float64, on the same (rounded) arguments.
Tolerances: cases.TOLERANCES.
"""

import pytest
import torch
from tests.ops.cases import (
    TOLERANCES,
    assert_near,
    complex_of,
    every,
    every_backend,
    lengths_of,
    random_segments,
    to_numpy,
)

import clew
from clew.ops import use_backend

LOW = (torch.bfloat16, torch.float16)


def compare(case, arguments, backend, tolerance):
    with use_backend(backend):
        results = case.run(arguments)
    for index, (result, expected) in enumerate(zip(results, case.expected(to_numpy(arguments)), strict=True)):
        assert_near(result, expected, tolerance, f"result {index}")
    return results


@every_backend
@pytest.mark.parametrize("time", [1, 2, 3, 8, 65, 131])
@every()
def test_equals_its_equation(case, time, backend):
    compare(case, case.build(time, torch.float64), backend, TOLERANCES[torch.float64])


@every_backend
@every("state")
def test_starts_from_zero_without_a_state(case, backend):
    arguments = case.build(9, torch.float64)
    del arguments["initial_state"]
    compare(case, arguments, backend, TOLERANCES[torch.float64])


@every_backend
@pytest.mark.parametrize("time", [1, 7, 150])
@every("segments")
def test_packed_rows_equal_the_equation(case, time, backend):
    arguments = case.build(time, torch.float64) | {"segments": random_segments(time)}
    compare(case, arguments, backend, TOLERANCES[torch.float64])


@every_backend
@pytest.mark.parametrize("time", [1, 7, 64, 150])
@pytest.mark.parametrize("packed", [False, True], ids=["", "packed"])
@every("lengths")
def test_rows_of_several_lengths_equal_the_equation(case, packed, time, backend):
    arguments = case.build(time, torch.float64) | {"lengths": lengths_of(time)}
    if packed:
        arguments["segments"] = random_segments(time)
    compare(case, arguments, backend, TOLERANCES[torch.float64])


@every_backend
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@every()
def test_keeps_the_dtype_and_accumulates_in_float32(case, dtype, backend):
    arguments = case.build(70, dtype)
    signal = arguments[case.signal]
    complex_results = signal.is_complex() or any(
        value.is_complex() for value in arguments.values() if case.operation != "diagonal_ssm"
    )
    results = compare(case, arguments, backend, TOLERANCES[torch.float32 if complex_results else dtype])
    assert results[0].dtype == (complex_of(dtype) if complex_results else dtype)
    if len(results) > 1:
        complex_state = complex_results or case.operation == "diagonal_ssm"
        assert results[1].dtype == (torch.complex64 if complex_state else torch.float32)
        assert_near(
            results[1], case.expected(to_numpy(arguments))[1], TOLERANCES[torch.float32], "final state"
        )


@every_backend
@every("state")
def test_a_wider_state_widens_the_accumulation(case, backend):
    arguments = case.build(5, torch.float32)
    state = arguments["initial_state"]
    arguments["initial_state"] = state.to(torch.complex128 if state.is_complex() else torch.float64)
    results = compare(case, arguments, backend, TOLERANCES[torch.float32])
    with use_backend(backend):
        narrow = case.run(case.build(5, torch.float32))
    assert results[0].dtype == narrow[0].dtype
    assert results[1].dtype == torch.promote_types(narrow[1].dtype, torch.float64)


@every_backend
@every()
def test_any_strides(case, backend):
    arguments = case.build(12, torch.float64)
    strided = {}
    for name, value in arguments.items():
        room = torch.zeros([2 * size for size in value.shape], dtype=value.dtype)
        strided[name] = room[tuple(slice(None, None, 2) for _ in value.shape)].copy_(value)
        assert not strided[name].is_contiguous() or value.numel() == 0
    results = compare(case, strided, backend, TOLERANCES[torch.float64])
    assert all(result.is_contiguous() for result in results)


@every_backend
@every()
def test_reads_its_arguments_and_leaves_them(case, backend):
    arguments = case.build(9, torch.float64)
    copies = {name: value.clone() for name, value in arguments.items()}
    with use_backend(backend):
        results = case.run(arguments)
    for result in results:
        result.zero_()
    for name, value in arguments.items():
        assert torch.equal(value, copies[name]), name


@every_backend
@every()
def test_empty_batch(case, backend):
    with use_backend(backend):
        results = case.run(case.build(70, torch.float32, batch=0))
    assert all(result.shape[0] == 0 for result in results)


@every_backend
@every()
def test_empty_time_leaves_the_state_alone(case, backend):
    arguments = case.build(0, torch.float32)
    if "kernel" in arguments:
        arguments["kernel"] = case.build(4, torch.float32)["kernel"]
    with use_backend(backend):
        results = case.run(arguments)
    assert results[0].numel() == 0
    if "state" in case.takes:
        assert torch.equal(results[1], arguments["initial_state"])
        del arguments["initial_state"]
        with use_backend(backend):
            assert not case.run(arguments)[1].any()


@every()
def test_the_same_bits_twice(case):
    arguments = case.build(200, torch.float32)
    first, second = case.run(arguments), case.run(arguments)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@every_backend
@every()
def test_autocast_does_not_lower_the_precision(case, backend):
    arguments = case.build(70, torch.float32)
    with use_backend(backend), torch.autocast("cpu", torch.bfloat16):
        compare(case, arguments, backend, TOLERANCES[torch.float32])


def test_the_namespace_has_every_operation_in_the_suite():
    from tests.ops.cases import CASES

    # decode is a step of a whole model, without gradients: its own suite is tests/ops/test_decode.py.
    assert {case.operation for case in CASES} == set(clew.backends()) - {"decode"}
