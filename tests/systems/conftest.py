"""What the suite of systems shares: its tolerances, and a loop in numpy with gradients derived by hand."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch

# max abs(difference) / max abs(reference)
TOLERANCES = {
    # float64: the views order their sums differently, over a few hundred samples and condition 1e3 at most.
    "float64": 1e-10,
    # float32, 16,384 samples, time constants up to 16,384; powers are formed in float64.
    "float32": 1e-4,
    # float32, one step after another: every step rounds the state, and a steady input rounds it one way.
    "float32 steps": 3e-4,
    # float32, accumulated in float64: a few units in the last place.
    "float32 accumulated": 1e-6,
    # a scan's 16 steps within a block round alike where the input is steady: 16 · 2⁻²⁴, and some levels
    "float32 in blocks": 4e-6,
    # Two float64 closed forms of a well-conditioned problem.
    "closed form": 1e-12,
}


class Answer(NamedTuple):
    """What a run gives, and the gradients of Re(⟨w, y⟩ + ⟨v, final⟩), conjugated as torch has them."""

    y: np.ndarray
    final: np.ndarray
    gradients: dict[str, np.ndarray]


def _loop(matrices, x, state, weight_y, weight_final) -> Answer:
    """One system, one input (L, P): the recurrence, then its adjoint λ[k] = Aᴴ λ[k+1] + Cᴴ w[k]."""
    A, B, C, D = matrices
    h, states, outputs = state, [], []
    for x_k in x:
        h = A @ h + B @ x_k
        states.append(h)
        outputs.append(C @ h + D @ x_k)
    gradients = {name: np.zeros_like(value) for name, value in zip("ABCD", matrices, strict=True)}
    gradients["x"] = np.zeros_like(x)
    adjoint = weight_final
    for k in reversed(range(len(x))):
        adjoint = adjoint + C.conj().T @ weight_y[k]
        before = states[k - 1] if k else state
        gradients["A"] += np.outer(adjoint, before.conj())
        gradients["B"] += np.outer(adjoint, x[k].conj())
        gradients["C"] += np.outer(weight_y[k], states[k].conj())
        gradients["D"] += np.outer(weight_y[k], x[k].conj())
        gradients["x"][k] = B.conj().T @ adjoint + D.conj().T @ weight_y[k]
        adjoint = A.conj().T @ adjoint
    gradients["state"] = adjoint
    return Answer(np.stack(outputs), h, gradients)


@pytest.fixture
def loop() -> Callable[..., Answer]:
    return _loop


@pytest.fixture
def agree() -> Callable[..., None]:
    """Assert that something is the reference, to the tolerance of that name."""

    def check(actual: torch.Tensor, expected: torch.Tensor | np.ndarray, tolerance: str = "float64") -> None:
        actual = actual.detach().resolve_conj().numpy()
        expected = expected.detach().numpy() if isinstance(expected, torch.Tensor) else np.asarray(expected)
        assert actual.shape == expected.shape
        if not expected.size:
            return
        difference = np.abs(actual - expected).max() / max(np.abs(expected).max(), 1e-300)
        assert difference <= TOLERANCES[tolerance], f"{difference:.1e} > {TOLERANCES[tolerance]:.0e}"

    return check


@pytest.fixture
def make() -> Callable[..., list[torch.Tensor]]:
    """Random matrices A, B, C, D with poles inside a circle of the given radius."""

    def build(N: int, P: int, M: int, *, batch=(), radius: float = 0.95, dtype=torch.float64, seed: int = 0):
        generator = torch.Generator().manual_seed(seed)

        def draw(*shape: int) -> torch.Tensor:
            return torch.randn(*batch, *shape, generator=generator, dtype=dtype)

        A = draw(N, N)
        largest = torch.linalg.eigvals(A).abs().amax(-1)[..., None, None]
        return [A * (radius / largest).to(A.dtype.to_real()), draw(N, P), draw(M, N), draw(M, P)]

    return build
