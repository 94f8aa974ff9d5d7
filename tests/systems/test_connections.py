"""Series, parallel and feedback.

ORACLE: the systems run one after the other, or sample by sample around the loop, the algebraic loop solved by
hand; products and sums of their frequency responses; python-control's series, parallel and feedback, for
continuous systems and for converted discrete ones.
TOLERANCES: the table in conftest.py; "loop" below.
"""

import control
import numpy as np
import pytest
import torch

from clew.systems import DiscreteStateSpace, StateSpace, feedback, parallel, series

LOOP = 1e-9  # relative: a loop of random systems may amplify a hundredfold

OMEGA = torch.tensor([0.0, 0.3, 1.0, 3.0], dtype=torch.float64)


def systems(make, kind, *sizes, radius=0.6, batch=()):
    """One system for each (N, P, M), stable and small."""
    built = []
    for seed, (N, P, M) in enumerate(sizes):
        A, B, C, D = make(N, P, M, radius=radius, seed=seed, batch=batch)
        if kind is StateSpace:
            A = A - torch.eye(N)
        built.append(kind(A, 0.3 * B, C, 0.3 * D))
    return built


@pytest.mark.parametrize("kind", [StateSpace, DiscreteStateSpace])
def test_series(kind, make, agree):
    first, second = systems(make, kind, (3, 2, 4), (2, 4, 1))
    both = series(first, second)
    assert (both.order, both.inputs, both.outputs) == (5, 2, 1)
    agree(
        both.frequency_response(OMEGA),
        second.frequency_response(OMEGA) @ first.frequency_response(OMEGA),
        "closed form",
    )


@pytest.mark.parametrize("kind", [StateSpace, DiscreteStateSpace])
def test_parallel(kind, make, agree):
    first, second = systems(make, kind, (3, 2, 4), (2, 2, 4))
    expected = first.frequency_response(OMEGA) + second.frequency_response(OMEGA)
    agree(parallel(first, second).frequency_response(OMEGA), expected, "closed form")


@pytest.mark.parametrize("sign", [-1.0, 1.0, 0.5])
@pytest.mark.parametrize("kind", [StateSpace, DiscreteStateSpace])
def test_feedback(kind, sign, make, agree):
    forward, back = systems(make, kind, (3, 2, 4), (2, 4, 2))
    G, K = forward.frequency_response(OMEGA), back.frequency_response(OMEGA)
    expected = torch.linalg.solve(torch.eye(4) - sign * G @ K, G)
    agree(feedback(forward, back, sign).frequency_response(OMEGA), expected)


@pytest.mark.parametrize("kind", [StateSpace, DiscreteStateSpace])
def test_feedback_of_the_output_itself(kind, make, agree):
    (forward,) = systems(make, kind, (3, 2, 2))
    G = forward.frequency_response(OMEGA)
    expected = torch.linalg.solve(torch.eye(2) + G, G)
    closed = feedback(forward)
    assert closed.order == 3
    agree(closed.frequency_response(OMEGA), expected)


def test_discrete_series_is_one_run_after_the_other_states_included(make, agree):
    first, second = systems(make, DiscreteStateSpace, (3, 2, 4), (2, 4, 1))
    x, h1, h2 = (torch.randn(*shape, dtype=torch.float64) for shape in ((20, 2), (3,), (2,)))
    between, final1 = first.run(x, h1)
    expected, final2 = second.run(between, h2)
    y, final = series(first, second).run(x, torch.cat([h1, h2]))
    agree(y, expected)
    agree(final, torch.cat([final1, final2]))


@pytest.mark.parametrize("feedthrough", ["both", "singular"])
def test_discrete_feedback_sample_by_sample(feedthrough, make):
    """Around the loop by hand: y[k] solves y = G(x − w), w = K(y), within the sample."""
    forward, back = systems(make, DiscreteStateSpace, (3, 2, 2), (2, 2, 2))
    if feedthrough == "singular":  # I + D₁ D₂ = 0
        D = torch.eye(2, dtype=torch.float64)
        forward = DiscreteStateSpace(forward.A, forward.B, forward.C, D)
        back = DiscreteStateSpace(back.A, back.B, back.C, -D)
    h1, h2 = (torch.zeros(n, dtype=torch.float64) for n in (3, 2))
    x = torch.randn(25, 2, dtype=torch.float64)
    expected = []
    G0, K0 = forward.kernel(1)[0] + forward.D, back.kernel(1)[0] + back.D
    for x_k in x:
        y0, w0 = forward.C @ forward.A @ h1, back.C @ back.A @ h2
        # y = y0 + G0 (x − w), w = w0 + K0 y
        y_k = torch.linalg.solve(torch.eye(2) + G0 @ K0, y0 + G0 @ (x_k - w0))
        w_k = w0 + K0 @ y_k
        _, h1 = forward.step(x_k - w_k, h1)
        _, h2 = back.step(y_k, h2)
        expected.append(y_k)
    expected = torch.stack(expected)
    closed = feedback(forward, back)
    assert closed.order == (10 if feedthrough == "singular" else 5)
    found, state = closed.run(x)
    assert (found - expected).abs().max() <= LOOP * expected.abs().max()
    assert (state[:5] - torch.cat([h1, h2])).abs().max() <= LOOP * max(state.abs().max(), 1)


@pytest.mark.parametrize("kind", [StateSpace, DiscreteStateSpace])
@pytest.mark.parametrize("connection", ["series", "parallel", "feedback"])
def test_against_python_control(kind, connection, make, agree):
    first, second = systems(make, kind, (3, 2, 2), (2, 2, 2))
    ours = {"series": series, "parallel": parallel, "feedback": feedback}[connection](first, second)
    theirs = getattr(control, connection)(first.to_control(), second.to_control())
    agree(
        ours.frequency_response(OMEGA).movedim(0, -1),
        theirs(1j * OMEGA.numpy() if kind is StateSpace else np.exp(1j * OMEGA.numpy())),
    )


def test_batches_gradients_and_dt(make):
    first, second = systems(make, DiscreteStateSpace, (2, 1, 1), (2, 1, 1), batch=(3,))
    for connect in (series, parallel, feedback):
        whole = connect(first, second)
        for k in range(3):
            one, two = (DiscreteStateSpace(*(m[k] for m in each.matrices)) for each in (first, second))
            torch.testing.assert_close(whole.kernel(9)[k], connect(one, two).kernel(9))
    single = StateSpace(*(m[0] for m in first.matrices)).discretize([0.1, 0.2])
    assert series(single, single).dt is single.dt
    leaves = [m.requires_grad_() for m in (*first.matrices, *second.matrices)]

    def kernels(*leaves):
        one, two = DiscreteStateSpace(*leaves[:4]), DiscreteStateSpace(*leaves[4:])
        return tuple(connect(one, two).kernel(3) for connect in (series, parallel, feedback))

    assert torch.autograd.gradcheck(kernels, leaves)


LAG = StateSpace([[-1.0]], [[1.0]], [[1.0]])
STEP = LAG.discretize(0.1)
WIDE = StateSpace([[-1.0]], [[1.0, 1.0]], [[1.0]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: series(LAG, STEP), "a StateSpace and a DiscreteStateSpace cannot be connected"),
        (lambda: series(LAG, WIDE), "first has 1 outputs and second 2 inputs"),
        (lambda: parallel(LAG, WIDE), "first has 1 inputs and 1 outputs, second 2 and 1"),
        (lambda: feedback(LAG, WIDE), "forward has 1 inputs and 1 outputs, back 2 and 1"),
        (lambda: feedback(WIDE), "as many inputs as outputs, got 2 and 1"),
        (lambda: series(STEP, LAG.discretize(0.2)), "dt=0.1 and dt=0.2"),
        (lambda: feedback(StateSpace([[-1]], [[1]], [[1]], [[-1]])), "the loop has no solution"),
        (
            lambda: series(
                StateSpace(torch.zeros(2, 1, 1), [[1]], [[1]]), StateSpace(torch.zeros(3, 1, 1), [[1]], [[1]])
            ),
            r"the batches \(2,\) and \(3,\) do not broadcast",
        ),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
