"""Discretisation, dense and diagonal.

ORACLE: ``scipy.signal.cont2discrete`` for zoh, gbt, Euler and backward differences; closed forms for the
integrator and the Jordan block; mpmath for stiff A; Python's complex arithmetic for the diagonal form.
TOLERANCES: max abs(difference) / max abs(reference), in TOLERANCES.
"""

import cmath
import itertools

import hypothesis
import hypothesis.strategies as st
import mpmath
import numpy as np
import pytest
import scipy.signal
import torch

from clew.maths.discretize import METHODS, discretize, discretize_diagonal

TOLERANCES = {
    # float64, and matrices of condition up to 100: two solvers in two orders of operations.
    "float64": 1e-12,
    # Formed in float64 and cast once: half a unit in the last place of float32.
    "float32": 6e-8,
    # A closed form on both sides, elementwise: a few roundings.
    "diagonal": 1e-14,
}

# Our name -> scipy's name and α; scipy's Tustin has these A and B (and other C and D).
SCIPY = {
    ("zoh", None): ("zoh", None),
    ("bilinear", None): ("bilinear", None),
    ("forward_euler", None): ("euler", None),
    ("backward_euler", None): ("backward_diff", None),
    ("gbt", 0.0): ("gbt", 0.0),
    ("gbt", 0.3): ("gbt", 0.3),
    ("gbt", 1.0): ("gbt", 1.0),
}
CALLS = [*((method, None) for method in METHODS if method != "gbt"), ("gbt", 0.3)]


def error(actual: torch.Tensor, expected: np.ndarray) -> float:
    return np.abs(actual.detach().numpy() - expected).max() / np.abs(expected).max()


def check(actual: tuple[torch.Tensor, ...], expected: tuple[np.ndarray, ...], kind: str = "float64") -> None:
    for one, other in zip(actual, expected, strict=True):
        assert error(one, other) <= TOLERANCES[kind]


def stable(order: int, inputs: int) -> tuple[torch.Tensor, torch.Tensor]:
    A = torch.randn(order, order, dtype=torch.float64)
    return A - (A.abs().sum(-1).max() + 0.1) * torch.eye(order), torch.randn(
        order, inputs, dtype=torch.float64
    )


@hypothesis.given(
    order=st.integers(1, 6),
    inputs=st.integers(1, 3),
    dt=st.floats(1e-4, 3.0),
    call=st.sampled_from(list(SCIPY)),
)
def test_against_scipy(order, inputs, dt, call):
    A, B = stable(order, inputs)
    name, alpha = SCIPY[call]
    system = A.numpy(), B.numpy(), np.zeros((1, order)), np.zeros((1, inputs))
    expected = scipy.signal.cont2discrete(system, dt, method=name, alpha=alpha)[:2]
    check(discretize(A, B, dt, *call), expected)


def test_double_integrator():
    """Singular and defective: e^{ΔA} = I + ΔA, and the input moves the position by Δ²/2."""
    A, B = torch.tensor([[0.0, 1.0], [0.0, 0.0]], dtype=torch.float64), torch.tensor([[0.0], [1.0]]).double()
    dt = 0.3
    expected = {
        "zoh": ([[1, dt], [0, 1]], [[dt**2 / 2], [dt]]),
        "bilinear": ([[1, dt], [0, 1]], [[dt**2 / 2], [dt]]),
        "forward_euler": ([[1, dt], [0, 1]], [[0], [dt]]),
        "backward_euler": ([[1, dt], [0, 1]], [[dt**2], [dt]]),
        "dirac": ([[1, dt], [0, 1]], [[0], [1]]),
        "mamba": ([[1, dt], [0, 1]], [[0], [dt]]),
    }
    for method, matrices in expected.items():
        check(discretize(A, B, dt, method), tuple(np.array(matrix) for matrix in matrices), "diagonal")


def test_jordan_block():
    rate, dt = -2.0, 0.7
    A = torch.tensor([[rate, 1.0], [0.0, rate]], dtype=torch.float64)
    decay = np.exp(rate * dt)
    # ∫₀^Δ e^{rs} ds and ∫₀^Δ s e^{rs} ds, by parts
    first = (decay - 1) / rate
    second = (dt * decay - first) / rate
    expected = decay * np.array([[1, dt], [0, 1]]), np.array([[second], [first]])
    check(discretize(A, torch.tensor([[0.0], [1.0]]).double(), dt), expected)


def test_stiff():
    A = np.array([[0.0, 1.0], [-1e6, -1e6]])
    B = np.array([[0.0], [1e6]])
    block = np.zeros((3, 3))
    block[:2, :2], block[:2, 2:] = A, B
    with mpmath.workdps(60):
        whole = np.array(mpmath.expm(mpmath.matrix(block.tolist()), method="taylor").tolist(), dtype=object)
    whole = whole.astype(float)
    check(discretize(torch.tensor(A), torch.tensor(B), 1.0), (whole[:2, :2], whole[:2, 2:]))


def test_mamba_and_dirac_share_the_exponential():
    A, B = stable(4, 2)
    (zoh, _), (mamba, euler), (dirac, impulse) = (discretize(A, B, 0.2, m) for m in ("zoh", "mamba", "dirac"))
    assert torch.equal(zoh, mamba)
    assert torch.equal(zoh, dirac)
    assert torch.equal(euler, 0.2 * B)
    assert torch.equal(impulse, B)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_steps_of_a_batch(call):
    A, B = (torch.stack(each) for each in zip(*(stable(3, 2) for _ in range(4)), strict=True))
    dt = torch.tensor([[0.1], [2.0], [0.01], [1.0]])
    whole = discretize(A, B, dt.squeeze(), *call)
    crossed = discretize(A, B[0], dt, *call)
    assert crossed[0].shape == (4, 4, 3, 3)
    assert crossed[1].shape[-2:] == (3, 2)
    for i, j in itertools.product(range(4), repeat=2):
        alone = discretize(A[j], B[0], dt[i].item(), *call)
        torch.testing.assert_close(crossed[0][i, j], alone[0], rtol=1e-13, atol=1e-15)
        torch.testing.assert_close(crossed[1].expand(4, 4, 3, 2)[i, j], alone[1], rtol=1e-13, atol=1e-15)
    torch.testing.assert_close(
        whole[0][2], discretize(A[2], B[2], dt[2].item(), *call)[0], rtol=1e-13, atol=1e-15
    )


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_square_input_matrix_is_not_a_batch_of_vectors(call):
    A, B = torch.stack([stable(3, 3)[0] for _ in range(3)]), torch.randn(3, 3, dtype=torch.float64)
    _, B_bar = discretize(A, B, 0.4, *call)
    for k in range(3):
        alone = discretize(A[k], B, 0.4, *call)[1]
        torch.testing.assert_close(B_bar.expand(3, 3, 3)[k], alone, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("call", CALLS, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64, torch.complex128])
def test_dtypes(call, dtype):
    A, B = (matrix.to(dtype) for matrix in stable(3, 2))
    if dtype.is_complex:
        A = A + 0.5j * torch.eye(3)
    wide = torch.complex128 if dtype.is_complex else torch.float64
    expected = tuple(each.numpy() for each in discretize(A.to(wide), B.to(wide), 0.25, *call))
    actual = discretize(A, B, 0.25, *call)
    assert actual[0].dtype == actual[1].dtype == dtype
    check(actual, expected, "float32")


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_gradients(call):
    A, B = stable(3, 2)
    dt = torch.tensor([0.2, 1.5], dtype=torch.float64)
    arguments = tuple(each.requires_grad_() for each in (A, B, dt))
    assert torch.autograd.gradcheck(lambda a, b, step: discretize(a, b, step, *call), arguments)


@pytest.mark.parametrize("call", [("zoh", None), ("bilinear", None)], ids=str)
def test_gradients_at_a_singular_matrix(call):
    A = torch.tensor([[0.0, 1.0], [0.0, 0.0]], dtype=torch.float64, requires_grad=True)
    B = torch.ones(2, 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a, b: discretize(a, b, 0.3, *call), (A, B))


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_diagonal_against_complex_numbers(call):
    method, alpha = call
    a = torch.tensor(
        [0.0, 1e-9 + 1e-10j, -1e-3, -0.5 + 3j, -1 - 200j, -300 + 1j, -1e8 + 1j], dtype=torch.complex128
    )
    b = torch.randn(len(a), dtype=torch.complex128)
    dt = 0.5
    share = {"bilinear": 0.5, "forward_euler": 0.0, "backward_euler": 1.0, "gbt": alpha}.get(method)
    expected_a, expected_b = [], []
    for each, gain in zip(a.tolist(), b.tolist(), strict=True):
        z = each * dt
        if share is not None:
            expected_a.append((1 + (1 - share) * z) / (1 - share * z))
            expected_b.append(dt * gain / (1 - share * z))
            continue
        expected_a.append(cmath.exp(z))
        with mpmath.workdps(40):
            phi = complex(mpmath.expm1(z) / z) if z else 1.0
        expected_b.append({"zoh": dt * phi, "mamba": dt, "dirac": 1.0}[method] * gain)
    a_re, a_im, b_re, b_im = discretize_diagonal(a.real, a.imag, b.real, b.imag, dt, *call)
    for actual, wanted in ((torch.complex(a_re, a_im), expected_a), (torch.complex(b_re, b_im), expected_b)):
        expected = torch.tensor(wanted, dtype=torch.complex128)
        relative = (actual - expected).abs() / expected.abs().clamp(min=1e-30)
        assert relative.max() <= TOLERANCES["diagonal"]


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_diagonal_is_dense(call):
    a, b = torch.randn(4, dtype=torch.complex128) - 1, torch.randn(4, dtype=torch.complex128)
    dense = discretize(torch.diag(a), b[:, None], 0.4, *call)
    a_re, a_im, b_re, b_im = discretize_diagonal(a.real, a.imag, b.real, b.imag, 0.4, *call)
    check(
        (torch.complex(a_re, a_im), torch.complex(b_re, b_im)),
        (dense[0].diagonal().numpy(), dense[1][:, 0].numpy()),
    )


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_diagonal_gradients_at_zero_and_far(call):
    a_re = torch.tensor([0.0, -1e-8, -0.3, -50.0], dtype=torch.float64)
    a_im = torch.tensor([0.0, 1e-8, 0.2, 90.0], dtype=torch.float64)
    arguments = (a_re, a_im, torch.randn_like(a_re), torch.randn_like(a_re), torch.full_like(a_re, 0.5))
    arguments = tuple(each.requires_grad_() for each in arguments)
    assert torch.autograd.gradcheck(lambda *each: discretize_diagonal(*each, *call), arguments)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_diagonal_has_no_nan_for_extreme_poles(call):
    values = torch.tensor([0.0, -1e-38, -1e-20, -1e3, -1e15, -1e30])
    grid = torch.cartesian_prod(values, -values, torch.tensor([1e-3, 1e-15, 1e-30]))
    real, imag, dt = (each.clone().requires_grad_() for each in grid.unbind(1))
    ones = torch.ones_like(real)
    results = discretize_diagonal(real, imag, ones, ones, dt, *call)
    gradients = torch.autograd.grad(sum(each.sum() for each in results), (real, imag, dt))
    assert all(torch.isfinite(each).all() for each in results[:2])
    assert not any(torch.isnan(each).any() for each in (*results, *gradients))


def test_diagonal_is_exported_without_complex_tensors():
    class Module(torch.nn.Module):
        def forward(self, a_re, a_im, dt):
            return discretize_diagonal(a_re, a_im, torch.ones_like(a_re), torch.zeros_like(a_re), dt)

    program = torch.export.export(Module(), (-torch.ones(4), torch.ones(4), torch.rand(2, 1)))
    values = [
        node.meta["val"] for node in program.graph.nodes if isinstance(node.meta.get("val"), torch.Tensor)
    ]
    assert values
    assert not any(value.is_complex() for value in values)


NOT_STEPS = [0.0, -1.0, float("nan"), float("inf"), True, "1"]
NOT_STEPS += [torch.tensor([0.1, 0.0]), torch.tensor(float("nan")), torch.tensor(1j)]


@pytest.mark.parametrize("dt", NOT_STEPS)
def test_steps_that_are_refused(dt):
    A, B = torch.zeros(2, 1, 1), torch.ones(1, 1)
    with pytest.raises(ValueError, match=r"dt must be (a positive, finite|positive and finite|real)"):
        discretize(A, B, dt)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (("zho",), "did you mean 'zoh'"),
        (("gbt",), "needs alpha"),
        (("gbt", 1.5), "needs alpha"),
        (("gbt", float("nan")), "needs alpha"),
        (("zoh", 0.5), "leave it out"),
    ],
)
def test_methods_that_are_refused(call, message):
    one = torch.ones(1, 1)
    with pytest.raises(ValueError, match=message):
        discretize(one, one, 0.1, *call)
    with pytest.raises(ValueError, match=message):
        discretize_diagonal(one, one, one, one, 0.1, *call)


@pytest.mark.parametrize(
    ("A", "call"),
    [
        (torch.tensor([[2.0]]), ("bilinear",)),
        (torch.tensor([[1.0, 5.0], [0.0, -3.0]]), ("backward_euler",)),
        (torch.tensor([[[4.0]], [[-1.0]]]), ("gbt", 0.25)),
        (torch.tensor([[2.0, 0.0], [0.1, 2.0]]) @ torch.eye(2), ("bilinear",)),
    ],
)
def test_singular_implicit_part_is_refused(A, call):
    with pytest.raises(ValueError, match="singular"):
        discretize(A, torch.ones(A.shape[-1], 1), 1.0, *call)


def test_stiff_is_not_mistaken_for_singular():
    A = torch.tensor([[-1e18, 0.0], [0.0, -1.0]], dtype=torch.float64)
    A_bar, _ = discretize(A, torch.ones(2, 1, dtype=torch.float64), 1.0, "bilinear")
    torch.testing.assert_close(A_bar.diagonal(), torch.tensor([-1.0, 1 / 3], dtype=torch.float64))


def test_what_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="NaN or infinite"):
        discretize(torch.tensor([[float("inf")]]), torch.ones(1, 1), 1.0)
