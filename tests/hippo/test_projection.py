"""What the memory holds, measure by measure.

ORACLE: for LegS and LagT the projection itself, interval by interval of a piecewise constant signal, by
Gauss's quadrature with numpy.polynomial and scipy.special. LegT, FouT and ChebT read what leaves the window
from their state, so they are compared with the exact solution of their differential equation
(scipy.linalg.expm, float64), and their distance to the projection is measured and held.
TOLERANCES: TOLERANCES; DISTANCES for the projection.
"""

import math

import numpy as np
import pytest
import scipy.linalg
import scipy.special

import clew.hippo

# max abs(difference) / max abs(reference)
TOLERANCES = {
    # Two float64 answers over some tens of samples.
    "exact": 1e-11,
    # The reconstruction of eight sinusoids from 64 coefficients: what was asked of the integrators.
    "zoh": 1e-5,
    "bilinear": 5e-3,
}

# ‖c − projection‖ / ‖projection‖ of SIGNAL, order 32, as measured, with room for a fifth more.
DISTANCES = {"legt": (1e-7, 2e-5), "chebt": (1e-7, 2e-5), "fout": (1e-3, 0.1)}

POINTS, WEIGHTS = np.polynomial.legendre.leggauss(40)
POINTS, WEIGHTS = (POINTS + 1) / 2, WEIGHTS / 2


def piecewise(functions, edges, values):
    """Σ over the intervals between edges of values · ∫ functions(s) ds: functions (point) -> (point, N)."""
    total = 0.0
    for left, right, value in zip(edges[:-1], edges[1:], values, strict=True):
        total = total + value * (right - left) * (WEIGHTS @ functions(left + (right - left) * POINTS))
    return total


def legendre(order, s):
    n = np.arange(order)
    return np.sqrt(2 * n + 1) * scipy.special.eval_legendre(n, 2 * s[:, None] - 1)


def close(actual, expected, tolerance="exact"):
    difference = np.abs(np.asarray(actual) - expected).max() / np.abs(expected).max()
    assert difference <= TOLERANCES[tolerance], f"{difference:.1e}"


def some_signal(length):
    generator = np.random.default_rng(3)
    return generator.standard_normal(length), generator.uniform(0.2, 2.0, length)


@pytest.mark.parametrize("order", [1, 4, 30])
def test_legs_is_the_projection_of_the_whole_past(order):
    signal, dt = some_signal(25)
    edges = np.concatenate([[0.0], np.cumsum(dt)])
    found = clew.hippo.Memory("legs", order).project(signal, dt=dt)
    for k in (0, 1, 7, 24):
        wanted = piecewise(lambda s: legendre(order, s), edges[: k + 2] / edges[k + 1], signal[: k + 1])
        close(found[k], wanted)


@pytest.mark.parametrize(("alpha", "beta"), [(None, None), (0.0, 0.2), (0.5, 1.0), (0.3, 2.0)])
def test_lagt_is_the_projection_of_the_weighted_past(alpha, beta):
    order, window = 12, 6.0
    signal, dt = some_signal(25)
    edges = np.concatenate([[0.0], np.cumsum(dt)])
    memory = clew.hippo.Memory("lagt", order, window=window, alpha=alpha, beta=beta)
    found = memory.project(signal, dt=dt)
    alpha, beta = alpha or 0.0, beta or 1.0
    total = math.gamma(1 - alpha) * beta ** (alpha - 1)
    n = np.arange(order)
    norm = np.sqrt(scipy.special.gamma(n + 1) / scipy.special.gamma(n + alpha + 1))

    def basis_times_weight(s):  # √ζ s^α e^{−(1−β)s/2} L_n(s) times s^{−α} e^{−βs}/ζ: the powers of s cancel
        laguerre = norm * scipy.special.eval_genlaguerre(n, alpha, s[:, None])
        return laguerre * np.exp(-(1 + beta) / 2 * s)[:, None] / math.sqrt(total)

    for k in (0, 1, 7, 24):
        ago = (edges[k + 1] - edges[: k + 2][::-1]) / window
        close(found[k], piecewise(basis_times_weight, ago, signal[: k + 1][::-1]))


@pytest.mark.parametrize("measure", ["legt", "fout", "chebt", "lagt"])
@pytest.mark.parametrize("steps", ["equal", "unequal"])
def test_sliding_memories_solve_their_equation(measure, steps):
    order, window = 16, 9.5
    signal, dt = some_signal(30)
    dt = np.full(30, 0.7) if steps == "equal" else dt
    A, B = (each.numpy() / window for each in clew.hippo.transition(measure, order))
    augmented = np.zeros((order + 1, order + 1))
    augmented[:order, :order], augmented[:order, order:] = A, B
    c, wanted = np.zeros(order), []
    for x_k, step in zip(signal, dt, strict=True):
        flow = scipy.linalg.expm(augmented * step)
        c = flow[:order, :order] @ c + flow[:order, order] * x_k
        wanted.append(c)
    memory = clew.hippo.Memory(measure, order, window=window)
    close(memory.project(signal, dt=0.7 if steps == "equal" else dt), np.array(wanted))


@pytest.mark.parametrize("measure", ["legt", "fout", "chebt", "lagt"])
def test_bilinear_is_the_trapezoidal_rule(measure):
    order, window = 8, 20.0
    signal, dt = some_signal(30)
    A, B = (each.numpy() / window for each in clew.hippo.transition(measure, order))
    c, wanted = np.zeros(order), []
    for x_k, step in zip(signal, dt, strict=True):
        implicit = np.eye(order) - step / 2 * A
        c = np.linalg.solve(implicit, c + step / 2 * A @ c + step * B[:, 0] * x_k)
        wanted.append(c)
    memory = clew.hippo.Memory(measure, order, window=window, method="bilinear")
    close(memory.project(signal, dt=dt), np.array(wanted))


def test_bilinear_legs_is_the_trapezoidal_rule_with_the_middle_of_the_step_as_time():
    order = 8
    signal, dt = some_signal(30)
    A, B = (each.numpy() for each in clew.hippo.transition("legs", order))
    c, time, wanted = np.eye(order)[0] * signal[0], dt[0], [np.eye(order)[0] * signal[0]]
    for x_k, step in zip(signal[1:], dt[1:], strict=True):
        rate = step / (time + step / 2)
        c = np.linalg.solve(np.eye(order) - rate / 2 * A, c + rate / 2 * A @ c + rate * B[:, 0] * x_k)
        time += step
        wanted.append(c)
    close(clew.hippo.Memory("legs", order, method="bilinear").project(signal, dt=dt), np.array(wanted))


SIGNAL_LENGTH = 10_000


def sinusoids(length=SIGNAL_LENGTH):
    """Eight of them, 1 to 8 cycles over the whole, of random amplitudes and phases; in mid-interval."""
    generator = np.random.default_rng(0)
    moments = (np.arange(length) + 0.5) / length
    cycles = np.arange(1, 9)
    waves = np.sin(2 * np.pi * cycles * moments[:, None] + generator.uniform(0, 2 * np.pi, 8))
    return moments, waves @ generator.standard_normal(8)


@pytest.mark.parametrize("method", ["zoh", "bilinear"])
def test_legs_draws_ten_thousand_samples_again(method):
    moments, signal = sinusoids()
    memory = clew.hippo.Memory("legs", order=64, method=method)
    coefficients, _ = memory.run(signal)
    past = memory.reconstruct(coefficients[-1], moments).numpy()
    error = np.linalg.norm(past - signal) / np.linalg.norm(signal)
    print(f"{method}: relative L2 error {error:.1e}")  # shown by pytest -rP
    assert error <= TOLERANCES[method]


@pytest.mark.parametrize("measure", ["legt", "fout", "chebt"])
def test_distance_of_sliding_memories_to_the_projection(measure):
    order, window = 32, 2500
    _, signal = sinusoids()
    found = clew.hippo.Memory(measure, order, window=window).project(signal)[-1].numpy()
    n = np.arange(order)

    def kernels(s):
        if measure == "legt":
            return legendre(order, 1 - s)
        if measure == "chebt":
            scale = np.where(n, math.sqrt(2), 1.0) * math.sqrt(8) / math.pi
            return scale * scipy.special.eval_chebyt(n, 1 - 2 * s[:, None])
        angle = 2 * np.pi * (n // 2) * s[:, None]
        return np.where(n % 2, np.sin(angle), np.cos(angle)) * np.where(n // 2, math.sqrt(2), 1.0)

    points, weights = np.polynomial.legendre.leggauss(4)
    s = (np.arange(window)[:, None] + (points + 1) / 2) / window  # in each interval, the latest first
    values = signal[-window:][::-1, None] * weights / 2 / window
    projection = values.flatten() @ kernels(s.flatten())
    distance = np.linalg.norm(found - projection) / np.linalg.norm(projection)
    print(f"{measure}: distance to the projection {distance:.1e}")  # shown by pytest -rP
    least, most = DISTANCES[measure]
    assert least < distance < most
