"""The matrices that carry a chunk's input and state to its output and next state, and back to the parameters.

With T samples a chunk and e = 0 … T,

    K[j, k] = 2 Re C B̄ Ā^(k−j) for k ≥ j, plus D for k = j,    P[j] = B̄ Ā^(T−1−j),
    Q[k] = 2 conj(C Ā^(k+1)).

Where complex numbers meet a real matrix product they are pairs of real ones, (real, imaginary) side by side:
the product of a state with Q so written is 2 Re C Ā^(k+1) s.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from clew.maths.vandermonde import power_table

__all__ = ["Maps", "as_complex", "as_real"]


@dataclass(frozen=True)
class Maps:
    """The matrices of a system for chunks of T samples.

    Attributes:
        powers: (channel, T + 1, pairs), Ā⁰ … Āᵀ.
        decay: (channel, 1, 1, pairs), Āᵀ in complex128.
        K: (channel, T, T), input to output.
        P: (channel, T, 2 · pairs), input to next state.
        Q: (channel, T, 2 · pairs), state to output; and the gradient of an output to that of the state.
    """

    powers: Tensor
    decay: Tensor
    K: Tensor
    P: Tensor
    Q: Tensor

    @classmethod
    def of(cls, A_bar: Tensor, B_bar: Tensor, C: Tensor, D: Tensor | None, size: int) -> "Maps":
        """The matrices of the system (Ā, B̄, C, D), each (channel, pairs) but D (channel,) or None."""
        table = power_table(A_bar, size + 1, dim=1)
        powers = table.to(C.dtype)
        P = as_real((B_bar[:, None] * powers[:, :-1]).flip(1))
        Q = as_real(torch.conj_physical(2 * C[:, None] * powers[:, 1:]))
        kernel = (P @ as_real(2 * torch.conj_physical(C))[..., None]).squeeze(-1).flip(1)
        if D is not None:
            kernel[:, 0] += D
        decay = table[:, -1][:, None, None]
        return cls(powers, decay, _toeplitz(kernel), P, Q)

    def parameter_gradients(
        self, B_bar: Tensor, C: Tensor, K: Tensor, P: Tensor, Q: Tensor, powers: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gradients of Ā, B̄, C, D from those of the matrices.

        Args:
            B_bar: (channel, pairs).
            C: (channel, pairs).
            K: (channel, T, T), the gradient of ``K``; what stands below the diagonal is not looked at.
            P: (channel, T, 2 · pairs), the gradient of ``P``.
            Q: (channel, T, 2 · pairs), the gradient of ``Q``.
            powers: (channel, T + 1, pairs), the gradient of ``powers`` as far as it does not come through the
                other three.
        """
        kernel = _sum_diagonals(K)
        conjugate = torch.conj_physical(self.powers)
        by_power_P = as_complex(P).flip(1)  # the gradient of B̄ Ā^e, e = 0 … T − 1
        by_power_Q = 2 * torch.conj_physical(as_complex(Q))  # the gradient of C Ā^e, e = 1 … T
        weights = 2 * as_complex(kernel[:, None] @ as_real(conjugate[:, :-1])).squeeze(1)  # of C B̄
        B_gradient = (conjugate[:, :-1] * by_power_P).sum(1) + torch.conj_physical(C) * weights
        C_gradient = (conjugate[:, 1:] * by_power_Q).sum(1) + torch.conj_physical(B_bar) * weights
        powers = powers.clone()
        powers[:, :-1] += torch.conj_physical(B_bar)[:, None] * by_power_P
        powers[:, :-1] += 2 * torch.conj_physical(B_bar * C)[:, None] * kernel[..., None]
        powers[:, 1:] += torch.conj_physical(C)[:, None] * by_power_Q
        exponents = torch.arange(1, conjugate.shape[1], device=C.device)[:, None]
        A_gradient = (exponents * conjugate[:, :-1] * powers[:, 1:]).sum(1)
        return A_gradient, B_gradient, C_gradient, kernel[:, 0].clone()


def as_real(z: Tensor) -> Tensor:
    """(..., pairs) complex as (..., 2 · pairs) real."""
    return torch.view_as_real(z).flatten(-2)


def as_complex(pairs: Tensor) -> Tensor:
    """The reverse of :func:`as_real`."""
    return torch.view_as_complex(pairs.reshape(*pairs.shape[:-1], pairs.shape[-1] // 2, 2))


def _toeplitz(kernel: Tensor) -> Tensor:
    """(channel, T, T) with kernel[k − j] at [j, k] for k ≥ j, and zero for k < j."""
    size = kernel.shape[-1]
    return torch.nn.functional.pad(kernel, (size - 1, 0)).unfold(-1, size, 1).flip(1)


def _sum_diagonals(matrix: Tensor) -> Tensor:
    """(channel, T): Σ_j matrix[j, j + l], the transpose of :func:`_toeplitz`."""
    channel, size, _ = matrix.shape
    padded = torch.nn.functional.pad(matrix, (0, size))
    return padded.as_strided((channel, size, size), (2 * size * size, 2 * size + 1, 1)).sum(1)
