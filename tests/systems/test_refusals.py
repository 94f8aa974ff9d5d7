"""What systems refuse, and that the message says which argument, what it got, and what was wanted.

ORACLE: the rules. TOLERANCES: none.
"""

import numpy as np
import pytest
import torch

from clew.systems import DiscreteStateSpace, StateSpace

NAN, INFINITY = float("nan"), float("inf")
GOOD = {"A": torch.zeros(2, 2), "B": torch.ones(2, 3), "C": torch.ones(4, 2), "D": torch.ones(4, 3)}

MATRICES = [
    ({"A": torch.zeros(2, 3)}, r"^A must be \(\.\.\., N, N\) with N ≥ 1, got shape \(2, 3\)$"),
    ({"A": torch.zeros(3)}, r"^A must be a matrix, .* got shape \(3,\)$"),
    ({"A": 1.0}, r"^A must be a matrix, .* got shape \(\)$"),
    ({"A": torch.zeros(0, 0)}, r"^A must be .* N ≥ 1, got shape \(0, 0\)$"),
    ({"B": torch.zeros(3, 1)}, r"^B must be \(\.\.\., 2, P\) .* A is 2 × 2, got shape \(3, 1\)$"),
    ({"B": torch.zeros(2, 0), "D": None}, r"^B must be .* P ≥ 1.*got shape \(2, 0\)$"),
    ({"C": torch.zeros(2, 4)}, r"^C must be \(\.\.\., M, 2\) .*got shape \(2, 4\)$"),
    ({"D": torch.zeros(3, 4)}, r"^D must be \(\.\.\., 4, 3\), .*got shape \(3, 4\)$"),
    ({"A": [[NAN, 0], [0, 1]]}, "^A must be finite"),
    ({"B": [[INFINITY, 0, 0], [0, 0, 1]]}, "^B must be finite"),
    ({"C": np.full((4, 2), -INFINITY)}, "^C must be finite"),
    ({"D": torch.full((4, 3), NAN)}, "^D must be finite"),
    ({"A": [[1, 2], [3]]}, "^A must be an array of numbers"),
    ({"A": [["a", "b"], ["c", "d"]]}, "^A must be an array of numbers"),
    ({"A": None}, "^A must be an array of numbers"),
    (
        {"A": torch.zeros(5, 2, 2), "B": torch.ones(4, 2, 3)},
        r"must broadcast, got A \(5,\), B \(4,\), C \(\)",
    ),
]


@pytest.mark.parametrize("kind", [StateSpace, DiscreteStateSpace])
@pytest.mark.parametrize(("wrong", "message"), MATRICES)
def test_matrices(kind, wrong, message):
    with pytest.raises(ValueError, match=message):
        kind(**(GOOD | wrong))


@pytest.mark.parametrize("kind", [StateSpace, DiscreteStateSpace])
def test_devices(kind):
    elsewhere = GOOD | {"B": torch.ones(2, 3, device="meta")}
    with pytest.raises(ValueError, match=r"A on cpu, B on meta, .*: move them to one"):
        kind(**elsewhere)


@pytest.mark.parametrize("dt", [0, -0.1, NAN, INFINITY, True, "fast", [0.1, -0.1], 1j, torch.tensor(NAN)])
def test_steps(dt):
    with pytest.raises(ValueError, match=r"^dt must be"):
        DiscreteStateSpace(**GOOD, dt=dt)
    with pytest.raises(ValueError, match=r"^dt must be"):
        StateSpace(**GOOD).discretize(dt)


def test_steps_without_their_systems():
    with pytest.raises(
        ValueError, match=r"^dt must broadcast to the batch \(\) of systems, got shape \(3,\)$"
    ):
        DiscreteStateSpace(**GOOD, dt=[1, 2, 3])


SYSTEM = DiscreteStateSpace(**GOOD)
RUNS = [
    (
        lambda: SYSTEM.run(torch.zeros(7, 2)),
        r"^x must be \(\.\.\., L, 3\) for this system, got shape \(7, 2\)$",
    ),
    (lambda: SYSTEM.run(torch.zeros(3)), r"^x must be .* got shape \(3,\)$"),
    (lambda: SYSTEM.run("abc"), "^x must be an array of numbers"),
    (
        lambda: SYSTEM.run(torch.zeros(7, 3), torch.zeros(3)),
        r"^state must be \(\.\.\., 2\), got shape \(3,\)$",
    ),
    (lambda: SYSTEM.run(torch.zeros(7, 3), 0.0), r"^state must be \(\.\.\., 2\), got shape \(\)$"),
    (lambda: SYSTEM.run(torch.zeros(5, 7, 3), torch.zeros(4, 2)), r"x \(5,\), state \(4,\)$"),
    (lambda: SYSTEM.run(torch.zeros(7, 3, device="meta")), "^x is on meta and the system on cpu"),
    (
        lambda: SYSTEM.run(torch.zeros(7, 3), mode="recurent"),
        "unknown mode 'recurent'; did you mean 'recurrent'",
    ),
    (lambda: SYSTEM.step(torch.zeros(2)), r"^x_k must be \(\.\.\., 3\), got shape \(2,\)$"),
    (lambda: SYSTEM.step(0.0), r"^x_k must be \(\.\.\., 3\), got shape \(\)$"),
    (lambda: SYSTEM.terms(torch.zeros(7, 3), 7), "^k must be a sample of x, from 0 to 6, got 7$"),
    (lambda: SYSTEM.terms(torch.zeros(7, 3), -1), "^k must be a sample of x"),
    (lambda: SYSTEM.terms(torch.zeros(7, 3), 1.0), "^k must be a sample of x"),
    (lambda: SYSTEM.kernel(-1), "^length must be a whole number ≥ 0, got -1$"),
    (lambda: SYSTEM.matrix(2.5), "^length must be a whole number ≥ 0, got 2.5$"),
    (lambda: SYSTEM.frequency_response([[1.0]]), r"^omega must be .*\(1, 1\)$"),
    (lambda: SYSTEM.frequency_response(NAN), "^omega must be a finite"),
    (lambda: StateSpace(**GOOD).frequency_response([1.0, 0.0]), "^omega holds a frequency .* pole"),
    (lambda: StateSpace(**GOOD).impulse_response([-1.0]), "^t must be finite times ≥ 0"),
    (lambda: StateSpace(**GOOD).simulate(torch.zeros(3, 3), [1, 2]), r"^t must be \(3,\).*got shape \(2,\)$"),
    (lambda: StateSpace(**GOOD).simulate(torch.zeros(3, 3), [1, 2, 1.5]), "^t must not decrease"),
    (lambda: StateSpace(**GOOD).simulate(torch.zeros(3, 3), [1, NAN, 2]), "^t must be finite"),
    (
        lambda: StateSpace(**GOOD).discretize(0.1, "zho"),
        "unknown discretisation method 'zho'; did you mean 'zoh'",
    ),
]


@pytest.mark.parametrize(("call", "message"), RUNS)
def test_calls(call, message):
    with pytest.raises(ValueError, match=message):
        call()
