"""The three views, and what the kernel, the matrix, the terms and single steps have to do with them.

ORACLE: a loop in numpy whose gradients are derived by hand (the adjoint recurrence), and the worked example.
TOLERANCES: the table in conftest.py; 1e-10 throughout, in float64.
"""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from clew.systems import DiscreteStateSpace

MODES = ["recurrent", "convolution", "scan"]
NAMES = ["A", "B", "C", "D", "x", "state"]


def answer(values, mode, weights, *, stateful=True):
    """Output, final state and gradients of one run."""
    leaves = {name: value.clone().requires_grad_() for name, value in zip(NAMES, values, strict=True)}
    system = DiscreteStateSpace(*(leaves[name] for name in "ABCD"))
    y, final = system.run(leaves["x"], leaves["state"] if stateful else None, mode)
    loss = ((y * weights[0].conj()).sum() + (final * weights[1].conj()).sum()).real
    used = [leaves[name] for name in NAMES if stateful or name != "state"]
    # One sample from a zero state does not meet A: its gradient is zero, whether or not the graph has it.
    gradients = torch.autograd.grad(loss, used, allow_unused=True, materialize_grads=True)
    return y, final, dict(zip(NAMES, gradients, strict=False))


@hypothesis.settings(max_examples=25, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(
    sizes=st.tuples(*[st.integers(1, 5)] * 3),
    length=st.integers(1, 70),
    dtype=st.sampled_from([torch.float64, torch.complex128]),
    stateful=st.booleans(),
    radius=st.sampled_from([0.5, 0.99, 1.0, 1.03]),
    seed=st.integers(0, 1000),
)
@pytest.mark.parametrize("mode", MODES)
def test_outputs_and_gradients(mode, make, loop, agree, sizes, length, dtype, stateful, radius, seed):
    N, P, M = sizes
    matrices = make(N, P, M, radius=radius, dtype=dtype, seed=seed)
    torch.manual_seed(seed)
    x, state = torch.randn(length, P, dtype=dtype), torch.randn(N, dtype=dtype) * stateful
    weights = torch.randn(length, M, dtype=dtype), torch.randn(N, dtype=dtype)
    expected = loop([matrix.numpy() for matrix in matrices], *(v.numpy() for v in (x, state, *weights)))
    y, final, gradients = answer([*matrices, x, state], mode, weights, stateful=stateful)
    agree(y, expected.y)
    agree(final, expected.final)
    for name, gradient in gradients.items():
        agree(gradient, expected.gradients[name])


@pytest.mark.parametrize("mode", MODES)
def test_batches_broadcast(mode, make, agree):
    """Each entry of a batch is as if alone, and gradients of what is shared are sums."""
    A, B, C, D = make(3, 2, 4)
    A = torch.stack([A, 0.5 * A, -A])  # three systems that share B, C and D
    x, state = torch.randn(2, 1, 9, 2, dtype=torch.float64), torch.randn(3, 3, dtype=torch.float64)
    weights = torch.randn(2, 3, 9, 4, dtype=torch.float64), torch.randn(2, 3, 3, dtype=torch.float64)
    y, final, gradients = answer([A, B, C, D, x, state], mode, weights)
    assert y.shape == (2, 3, 9, 4)
    assert final.shape == (2, 3, 3)
    total = torch.zeros_like(B)
    for i in range(2):
        for j in range(3):
            alone = answer([A[j], B, C, D, x[i, 0], state[j]], "recurrent", [w[i, j] for w in weights])
            agree(y[i, j], alone[0])
            agree(final[i, j], alone[1])
            total += alone[2]["B"]
    agree(gradients["B"], total)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("split", [0, 1, 4, 10, 11])
def test_in_two_parts(mode, split, make, agree):
    system = DiscreteStateSpace(*make(4, 2, 3))
    x = torch.randn(2, 11, 2, dtype=torch.float64)
    y, final = system.run(x, mode="recurrent")
    first, state = system.run(x[:, :split], mode=mode)
    second, state = system.run(x[:, split:], state, mode=mode)
    agree(torch.cat((first, second), dim=1), y)
    agree(state, final)


def test_single_steps(make, agree):
    system = DiscreteStateSpace(*make(4, 2, 3))
    x = torch.randn(5, 7, 2, dtype=torch.float64)
    y, final = system.run(x)
    state = None
    for k in range(7):
        y_k, state = system.step(x[:, k], state)
        agree(y_k, y[:, k])
    agree(state, final)


@pytest.mark.parametrize("mode", MODES)
def test_no_samples(mode, make):
    system = DiscreteStateSpace(*make(4, 2, 3))
    state = torch.randn(5, 4, dtype=torch.float64)
    y, final = system.run(torch.zeros(5, 0, 2), state, mode)
    assert y.shape == (5, 0, 3)
    assert torch.equal(final, state)
    assert torch.equal(system.run(torch.zeros(5, 0, 2), state[0], mode)[1], state[:1].expand(5, 4))
    assert torch.equal(system.run(torch.zeros(0, 2), mode=mode)[1], torch.zeros(4, dtype=torch.float64))


@pytest.mark.parametrize("mode", MODES)
def test_no_inputs_in_the_batch(mode, make):
    y, final = DiscreteStateSpace(*make(4, 2, 3)).run(torch.zeros(0, 6, 2), mode=mode)
    assert y.shape == (0, 6, 3)
    assert final.shape == (0, 4)


@pytest.mark.parametrize("mode", MODES)
def test_layout_in_memory_does_not_matter(mode, make, agree):
    matrices = make(4, 3, 2)
    x = torch.randn(3, 8, 2, dtype=torch.float64).permute(2, 1, 0)
    y, final = DiscreteStateSpace(*(matrix.mT.contiguous().mT for matrix in matrices)).run(x, mode=mode)
    expected = DiscreteStateSpace(*matrices).run(x.contiguous())
    agree(y, expected[0])
    agree(final, expected[1])


@pytest.mark.parametrize("mode", MODES)
def test_pure_delay(mode):
    """A nilpotent A: the output is the input two samples late."""
    system = DiscreteStateSpace([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[1], [0], [0]], [[0, 0, 1]])
    x = torch.randn(10, 1, dtype=torch.float64)
    y, final = system.run(x, mode=mode)
    torch.testing.assert_close(y, torch.cat((torch.zeros(2, 1), x[:-2])), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(final, x[-3:].flip(0).squeeze(1), rtol=1e-12, atol=1e-12)


class Count(TorchDispatchMode):
    """Counts the tensor operations that run."""

    def __init__(self):
        super().__init__()
        self.operations = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.operations += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("mode", ["convolution", "scan"])
def test_no_loop_over_time(mode, make):
    system = DiscreteStateSpace(*make(3, 2, 2))
    counts = []
    for length in (64, 64**2):
        with Count() as count:
            system.run(torch.randn(length, 2, dtype=torch.float64), torch.ones(3), mode)
        counts.append(count.operations)
    assert counts[1] <= 2 * counts[0] + 20


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_kernel_is_powers(make, agree, dtype):
    A, B, C, D = make(3, 2, 4, batch=(2,), dtype=dtype)
    kernel = DiscreteStateSpace(A, B, C, D).kernel(6)
    assert kernel.dtype == dtype
    for lag in range(6):
        agree(kernel[:, lag], C.numpy() @ np.linalg.matrix_power(A.numpy(), lag) @ B.numpy())


def test_matrix_is_the_run(make, agree):
    system = DiscreteStateSpace(*make(3, 2, 4, batch=(5,)))
    x = torch.randn(5, 6, 2, dtype=torch.float64)
    T = system.matrix(6)
    assert T.shape == (5, 24, 12)
    agree((T @ x.flatten(-2)[..., None]).reshape(5, 6, 4), system.run(x)[0])
    blocks = T.reshape(5, 6, 4, 6, 2).transpose(2, 3)
    for i in range(6):
        for j in range(6):
            same_lag = blocks[:, i - j, 0] if i >= j else torch.zeros(5, 4, 2, dtype=torch.float64)
            assert torch.equal(blocks[:, i, j], same_lag)


def test_terms_sum_to_the_output(make, agree):
    matrices = make(3, 2, 4)
    system = DiscreteStateSpace(*matrices)
    x = torch.randn(5, 6, 2, dtype=torch.float64)
    y, _ = system.run(x)
    for k in range(6):
        terms = system.terms(x, k)
        assert terms.shape == (5, k + 1, 4)
        agree(terms.sum(1) + x[:, k] @ matrices[3].mT, y[:, k])


def test_nothing_of_no_length(make):
    system = DiscreteStateSpace(*make(3, 2, 4))
    assert system.kernel(0).shape == (0, 4, 2)
    assert system.matrix(0).shape == (0, 0)


@pytest.mark.parametrize("what", ["kernel", "matrix", "terms", "step"])
def test_gradients_of_the_rest(what, make):
    matrices = tuple(matrix.requires_grad_() for matrix in make(2, 2, 2))
    x = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)

    def compute(A, B, C, D, x):
        system = DiscreteStateSpace(A, B, C, D)
        if what == "terms":
            return system.terms(x, 3)
        return system.step(x, torch.ones(2)) if what == "step" else getattr(system, what)(4)

    assert torch.autograd.gradcheck(compute, (*matrices, x))
