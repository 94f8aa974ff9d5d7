"""A recurrence with one matrix and a gate: what packs several sequences into a row for a dense system."""

import torch
from torch import Tensor

__all__ = ["gated_scan"]


def gated_scan(A: Tensor, gates: Tensor, inputs: Tensor) -> Tensor:
    """h[k] = gates[k] A h[k−1] + inputs[k], h[−1] = 0, in O(log time) tensor operations.

    The gates are numbers, so they commute with A: two steps at once are a step with the matrix A², the
    product of their gates and one combined input. The odd-even recursion on that needs O(time · N²) work
    and O(time · N) memory, where a matrix for each sample would need O(time · N²) memory.

    The powers of A are formed in float64 and rounded once; sums are in the dtype of ``inputs``.

    Args:
        A: (N, N), the dtype of ``inputs``.
        gates: (batch, time), the dtype of ``inputs``; 0 where a sequence begins and 1 elsewhere, or any
            number.
        inputs: (batch, time, N), real; time ≥ 1.

    Returns:
        The states (batch, time, N). Differentiable.

    >>> A, ones = torch.eye(1), torch.ones(1, 4, 1)
    >>> gated_scan(A, torch.tensor([[1.0, 1.0, 0.0, 1.0]]), ones).flatten().tolist()
    [1.0, 2.0, 1.0, 2.0]

    Source: Blelloch, "Prefix sums and their applications" (1990), section 1.4.1, with the operator of one
    step.
    """
    return _scan(A.double(), gates, inputs)


def _scan(A: Tensor, gates: Tensor, inputs: Tensor) -> Tensor:
    time = inputs.shape[1]
    if time == 1:
        return inputs
    step = A.to(inputs.dtype).mT
    even, odd = inputs[:, 0::2], inputs[:, 1::2]
    even_gates, odd_gates = gates[:, 0::2], gates[:, 1::2]
    pairs = odd.shape[1]
    joined = odd + odd_gates[..., None] * (even[:, :pairs] @ step)
    at_odd = _scan(A @ A, even_gates[:, :pairs] * odd_gates, joined)
    rest = even[:, 1:] + even_gates[:, 1:, None] * (at_odd[:, : even.shape[1] - 1] @ step)
    at_even = torch.cat((even[:, :1], rest), dim=1)
    woven = torch.stack((at_even[:, :pairs], at_odd), dim=2).flatten(1, 2)
    return torch.cat((woven, at_even[:, pairs:]), dim=1)
