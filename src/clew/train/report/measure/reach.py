"""How far back a system listens: the length of its kernel."""

import torch
from torch import Tensor

from clew.systems import DiscreteStateSpace
from clew.systems.gramians import discrete_factor

__all__ = ["SHARE", "kernel_length"]

SHARE = 0.99
"""A kernel is over once this share of its energy has passed."""

DOUBLINGS = 25
"""Kernels of more than 2²⁵ samples are not told from endless ones."""


def kernel_length(system: DiscreteStateSpace) -> Tensor:
    """The number of samples in which ``SHARE`` of the energy Σ |C Āˡ B̄|² has passed, D aside.

    The energy from lag l on is |C Āˡ Z|², Z Zᵀ the Gramian of what reaches the state, so the length is found
    by halving, without the kernel itself.

    Args:
        system: float64; all inputs and outputs of one count together.

    Returns:
        float64 with the system's leading dimensions: samples, at least 1; infinite where a pole does not lie
        inside the unit circle, or no such sample is found.

    >>> import clew
    >>> kernel_length(clew.DiscreteStateSpace([[0.5]], [[1.0]], [[1.0]])).item()  # 1, ½, ¼, ⅛: 255/256 of it
    4.0
    """
    A, B, C = system.A, system.B, system.C
    fades = system.poles().abs().amax(-1) < 1
    A = torch.where(fades[..., None, None], A, torch.zeros_like(A))
    Z = discrete_factor(A, B)
    wanted = (1 - SHARE) * _energy(C @ Z)
    powers = [A]
    for _ in range(DOUBLINGS - 1):
        if not bool((_energy(C @ powers[-1] @ Z) > wanted).any()):
            break
        powers.append(powers[-1] @ powers[-1])
    length = torch.zeros_like(wanted)
    reached = torch.eye(A.shape[-1], dtype=A.dtype).expand_as(A)
    for exponent in reversed(range(len(powers))):
        further = reached @ powers[exponent]
        goes_on = _energy(C @ further @ Z) > wanted
        reached = torch.where(goes_on[..., None, None], further, reached)
        length = length + goes_on * 2.0**exponent
    return torch.where(fades & (length < 2.0**DOUBLINGS - 1), length + 1, torch.inf)


def _energy(response: Tensor) -> Tensor:
    return response.abs().square().sum((-1, -2))
