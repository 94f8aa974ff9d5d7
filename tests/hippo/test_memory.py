"""The contract of the memory: parallel is step by step, whole is in parts, what goes in is found again.

ORACLE: the steps for the parallel path (whose values tests/hippo/test_projection.py holds); the signal itself
for what is reconstructed; finite differences for gradients.
TOLERANCES: TOLERANCES.
"""

import numpy as np
import pytest
import torch

from clew.hippo import Memory, MemoryState
from clew.hippo.stretching import stretched, stretching

# max abs(difference) / max abs(reference)
TOLERANCES = {
    "float64": 1e-11,  # two orders of summation over some tens of samples
    "float32": 1e-6,  # computed in float64, cast once
    # A smooth signal of a few cycles drawn from 40 coefficients; the Fourier series rings at its ends.
    "legs": 1e-3,
    "legt": 1e-3,
    "chebt": 1e-3,
    "lagt": 1e-3,
    "fout": 0.1,
}

MEASURES = ["legs", "legt", "lagt", "fout", "chebt"]
METHODS = ["zoh", "bilinear"]


def close(actual, expected, tolerance="float64"):
    assert actual.shape == expected.shape
    if expected.numel():
        difference = (actual - expected).abs().max() / expected.abs().max().clamp(min=1e-300)
        assert difference <= TOLERANCES[tolerance], f"{difference:.1e}"


def memory_of(measure, order=8, method="zoh", window=12.5):
    return Memory(measure, order, window=None if measure == "legs" else window, method=method)


def steps_of(memory, signal, dt=1.0, state=None):
    found = []
    for k in range(signal.shape[-1]):
        c, state = memory.step(signal[..., k], state, dt=dt[..., k] if isinstance(dt, torch.Tensor) else dt)
        found.append(c)
    return torch.stack(found, -2), state


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("dt", ["one", "a number", "shared", "each its own"])
def test_parallel_is_step_after_step(measure, method, dt):
    signal = torch.randn(2, 3, 37, dtype=torch.float64)
    dt = {
        "one": 1.0,
        "a number": 0.3,
        "shared": torch.rand(37, dtype=torch.float64) + 0.1,
        "each its own": torch.rand(2, 1, 37, dtype=torch.float64) + 0.1,
    }[dt]
    memory = memory_of(measure, method=method)
    parallel, final = memory.run(signal, dt=dt)
    stepped, last = steps_of(memory, signal, dt)
    close(parallel, stepped)
    close(final.coefficients, last.coefficients)
    close(final.time.expand(2, 3), last.time.expand(2, 3))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("measure", MEASURES)
def test_whole_is_in_parts(measure, method):
    signal = torch.randn(2, 40, dtype=torch.float64)
    memory = memory_of(measure, method=method)
    whole, final = memory.run(signal)
    first, state = memory.run(signal[:, :13])
    second, state = steps_of(memory, signal[:, 13:20], state=state)
    nothing, state = memory.run(signal[:, 20:20], state)
    third, state = memory.run(signal[:, 20:], state)
    close(torch.cat([first, second, nothing, third], -2), whole)
    close(state.coefficients, final.coefficients)


@pytest.mark.parametrize("measure", ["legs", "legt"])
def test_blocks_of_matrices_join(measure, monkeypatch):
    signal, dt = torch.randn(50, dtype=torch.float64), torch.rand(50, dtype=torch.float64) + 0.5
    memory = memory_of(measure)
    whole, _ = memory.run(signal, dt=dt)
    monkeypatch.setattr("clew.hippo.memory.BLOCK_ENTRIES", 7 * memory.order**2)
    parts, _ = memory.run(signal, dt=dt)
    close(parts, whole)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dt", [1.0, 1e-9, 1e9])
def test_scaled_legs_at_time_zero(method, dt):
    """The 1/t: what was before t = 0 has no weight, and the first sample is remembered as a constant."""
    memory = Memory("legs", 5, method=method)
    constant = torch.tensor([3.0, 0.0, 0.0, 0.0, 0.0], dtype=torch.float64)
    c, state = memory.step(3.0, dt=dt)
    close(c, constant)
    close(memory.project([3.0, 3.0], dt=dt)[1], constant)
    assert state.time == dt
    warm = MemoryState(torch.randn(5, dtype=torch.float64), torch.zeros((), dtype=torch.float64))
    close(memory.step(3.0, warm, dt=dt)[0], constant)


@pytest.mark.parametrize("method", METHODS)
def test_scaled_legs_has_no_time_scale_and_layers_have(method):
    """Slower samples change nothing: only ratios of times count. A window does have a scale."""
    signal = torch.randn(30, dtype=torch.float64)
    scaled = Memory("legs", 6, method=method)
    close(scaled.project(signal, dt=17.0), scaled.project(signal))
    window = Memory("legt", 6, window=10, method=method)
    close(window.project(signal, dt=0.5), Memory("legt", 6, window=20, method=method).project(signal))
    assert (window.project(signal, dt=0.5) - window.project(signal)).abs().max() > 0.1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("measure", MEASURES)
def test_the_past_is_found_again(measure, method):
    length, window = 1200, 400
    moments = torch.arange(length, dtype=torch.float64) + 0.5
    signal = torch.stack([torch.sin(moments / 60), torch.cos(moments / 45) + 0.5])
    memory = memory_of(measure, order=40, method=method, window=60 if measure == "lagt" else window)
    back = length if measure == "legs" else window
    ago = back - torch.arange(back, dtype=torch.float64) - 0.5
    at = 1 - ago / (memory.window or length)
    past = memory.reconstruct(memory.project(signal)[:, -1], at)
    assert past.shape == (2, back)
    error = (past - signal[:, -back:]).norm() / signal[:, -back:].norm()
    assert error < TOLERANCES[measure]


def test_fewer_coefficients_are_a_coarser_memory():
    signal = torch.randn(300, dtype=torch.float64)
    at = (torch.arange(300, dtype=torch.float64) + 0.5) / 300
    errors = []
    for order in (1, 4, 16, 64):
        memory = Memory("legs", order)
        errors.append((memory.reconstruct(memory.project(signal)[-1], at) - signal).norm())
    assert errors == sorted(errors, reverse=True)


def test_the_state_does_not_grow():
    memory = memory_of("legs")
    _, early = memory.run(torch.randn(3, dtype=torch.float64))
    _, late = memory.run(torch.randn(5000, dtype=torch.float64))
    assert [each.shape for each in early] == [each.shape for each in late] == [(8,), ()]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("measure", MEASURES)
def test_gradients(measure, method):
    memory = memory_of(measure, order=4, method=method, window=3.0)
    signal = torch.randn(2, 5, dtype=torch.float64, requires_grad=True)
    dt = (torch.rand(5, dtype=torch.float64) + 0.5).requires_grad_()
    start = torch.randn(2, 4, dtype=torch.float64, requires_grad=True)
    time = torch.tensor(2.0, dtype=torch.float64)

    def run(signal, dt, start):
        coefficients, state = memory.run(signal, MemoryState(start, time), dt=dt)
        return coefficients, state.coefficients

    def stepped(signal, dt, start):
        return steps_of(memory, signal, dt, MemoryState(start, time))[0]

    assert torch.autograd.gradcheck(run, (signal, dt, start))
    assert torch.autograd.gradcheck(stepped, (signal, dt, start))


@pytest.mark.parametrize("method", METHODS)
def test_gradients_from_time_zero_are_finite(method):
    memory = Memory("legs", 4, method=method)
    signal = torch.randn(5, dtype=torch.float64, requires_grad=True)
    dt = torch.ones(5, dtype=torch.float64, requires_grad=True)
    memory.project(signal, dt=dt).sum().backward()
    assert torch.isfinite(signal.grad).all()
    assert torch.isfinite(dt.grad).all()


@pytest.mark.parametrize("measure", MEASURES)
def test_dtypes_lists_and_strides(measure):
    memory = memory_of(measure)
    signal = torch.randn(30, 2, dtype=torch.float64).T
    wanted = memory.project(signal.contiguous())
    close(memory.project(signal), wanted)
    close(memory.project(signal.numpy()), wanted)
    close(memory.project(signal.tolist()), wanted)
    narrow, state = memory.run(signal.float())
    assert narrow.dtype == torch.float32
    assert state.coefficients.dtype == torch.float64
    close(narrow, wanted.float(), "float32")
    assert memory.project(signal.bfloat16()).dtype == torch.float32
    assert memory.reconstruct(narrow[:, -1], [0.5]).dtype == torch.float32


def test_empty_and_single():
    memory = memory_of("legt")
    coefficients, state = memory.run(torch.zeros(2, 0, dtype=torch.float64))
    assert coefficients.shape == (2, 0, 8)
    assert state.coefficients.shape == (2, 8)
    assert memory.project(torch.zeros(0, 5)).shape == (0, 5, 8)
    close(memory.project([2.0])[0], memory.step(2.0)[0])


@pytest.mark.parametrize("order", [1, 2, 17])
def test_stretching_with_and_without_its_matrix(order):
    ratio = torch.tensor([0.0, 0.3, 0.999, 1.0], dtype=torch.float64)
    c = torch.randn(4, order, dtype=torch.float64)
    E = stretching(order, ratio)
    close((E @ c[..., None])[..., 0], stretched(ratio, c))
    close(E[3], torch.eye(order, dtype=torch.float64))
    assert (E[0] == 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"measure": "legz"}, "unknown measure 'legz'"),
        ({"measure": "legs", "window": 10}, "has no window"),
        ({"measure": "legt"}, "needs window="),
        ({"measure": "legt", "window": 0}, "positive number; got 0"),
        ({"measure": "legs", "method": "euler"}, "unknown method 'euler'"),
        ({"measure": "legs", "order": 0}, "at least 1; got 0"),
        ({"measure": "fout", "window": 4, "order": 3}, "even, got 3"),
        ({"measure": "legt", "window": 4, "alpha": 0.5}, "belong to 'lagt'"),
        ({"measure": "lagt", "window": 4, "beta": -1.0}, "beta is a positive"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        Memory(**({"order": 4} | arguments))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda memory: memory.project(1.0), r"signal must be \(..., L\)"),
        (lambda memory: memory.project([1j]), "signal must be real"),
        (lambda memory: memory.project([1.0, 2.0], dt=0.0), "dt must be positive"),
        (lambda memory: memory.project([1.0, 2.0], dt=[1.0, np.nan]), "dt must be positive"),
        (lambda memory: memory.project([1.0, 2.0], dt=[1.0, 1.0, 1.0]), "does not broadcast"),
        (lambda memory: memory.step([1.0], MemoryState(torch.ones(3), torch.ones(()))), r"not \(..., 4\)"),
        (lambda memory: memory.step([1.0] * 3, MemoryState(torch.ones(2, 4), torch.ones(()))), "does not go"),
        (lambda memory: memory.reconstruct(torch.ones(3), [0.5]), "coefficients must be"),
        (lambda memory: memory.reconstruct(torch.ones(4), 0.5), r"at must be \(M,\)"),
        (lambda memory: memory.reconstruct(torch.ones(4), [2.0]), "got 2.0"),
    ],
)
def test_refusals_of_calls(call, message):
    with pytest.raises(ValueError, match=message):
        call(Memory("legs", 4))


def test_a_memory_is_a_value():
    memory = Memory("legs", 4)
    with pytest.raises(AttributeError):
        memory.order = 5
    assert repr(memory).startswith("Memory(measure='legs', order=4")
