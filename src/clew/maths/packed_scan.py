"""A recurrence with one matrix over several sequences packed into a row."""

import torch
from torch import Tensor

__all__ = ["packed_scan"]


def packed_scan(A: Tensor, goes_on: Tensor, inputs: Tensor) -> Tensor:
    """h[k] = A h[k−1] + inputs[k], or inputs[k] where a sequence begins, in O(log time) tensor operations.

    Two steps at once are a step with A², one combined input, and a beginning wherever either step had one.
    The odd-even recursion on that needs O(time · N²) work and O(time · N) memory, where a matrix for each
    sample (A, or zero at a beginning) would need O(time · N²) memory.

    The powers of A are formed in float64 and rounded once; sums are in the dtype of ``inputs``. Nothing
    passes a beginning, not even NaN.

    Args:
        A: (N, N), the dtype of ``inputs``.
        goes_on: (batch, time) bool, false where a sequence begins; sample 0 begins one whatever is said.
        inputs: (batch, time, N), real; time ≥ 1.

    Returns:
        The states (batch, time, N). Differentiable.

    >>> A, ones = torch.eye(1), torch.ones(1, 4, 1)
    >>> packed_scan(A, torch.tensor([[False, True, False, True]]), ones).flatten().tolist()
    [1.0, 2.0, 1.0, 2.0]

    Source: Blelloch, "Prefix sums and their applications" (1990), section 1.5, segmented scans.
    """
    return _scan(A.double(), goes_on[..., None], inputs)


def _scan(A: Tensor, goes_on: Tensor, inputs: Tensor) -> Tensor:
    time = inputs.shape[1]
    if time == 1:
        return inputs
    step = A.to(inputs.dtype).mT
    even, odd = inputs[:, 0::2], inputs[:, 1::2]
    even_on, odd_on = goes_on[:, 0::2], goes_on[:, 1::2]
    pairs = odd.shape[1]
    joined = odd + torch.where(odd_on, even[:, :pairs] @ step, 0.0)
    at_odd = _scan(A @ A, even_on[:, :pairs] & odd_on, joined)
    rest = even[:, 1:] + torch.where(even_on[:, 1:], at_odd[:, : even.shape[1] - 1] @ step, 0.0)
    at_even = torch.cat((even[:, :1], rest), dim=1)
    woven = torch.stack((at_even[:, :pairs], at_odd), dim=2).flatten(1, 2)
    return torch.cat((woven, at_even[:, pairs:]), dim=1)
