"""The memory of the LMU, in both of its forms, as the paper has it."""

import torch


def matrices(order):
    """Voelker, Kajić and Eliasmith, "Legendre memory units" (2019), eq. 2, entry by entry."""
    A, B = torch.zeros(order, order, dtype=torch.float64), torch.zeros(order, dtype=torch.float64)
    for i in range(order):
        B[i] = (2 * i + 1) * (-1) ** i
        for j in range(order):
            A[i, j] = (2 * i + 1) * (-1 if i < j else (-1) ** (i - j + 1))
    return A, B


def held(order, spans):
    """Ā and B̄ of zero-order hold for spans (...) in windows: e^{[A B; 0 0] s} holds both."""
    A, B = matrices(order)
    both = torch.zeros(order + 1, order + 1, dtype=torch.float64)
    both[:order, :order], both[:order, order] = A, B
    exponential = torch.linalg.matrix_exp(both * spans[..., None, None])
    return exponential[..., :order, :order], exponential[..., :order, order]
