"""A system that is diagonal plus low rank per channel, run with a step of its own for each row and sample.

The bilinear step h[k] = h[k−1] + Δ (A (h[k−1] + h[k])/2 + B x[k]) of A = Λ − P P* is solved as it stands, by
Woodbury's identity: with v = Λ h[k−1] + B x[k], d = 1/(1 − Δ/2 Λ) and G = I + Δ/2 P* d P, a real matrix,

h[k] = h[k−1] + Δ d (v − P t), t = G⁻¹ P* (h[k−1] + Δ/2 d v).

So of the discrete system of each sample only Δ d and G are formed, not Ā and B̄. All is in the dtype of the
state: each sample's numbers act once, and no power is taken of them.

Source: Gu, Goel and Ré, "Efficiently modeling long sequences with structured state spaces" (2022), appendix
C.2 (the step in O(N)), with (h[k−1] + h[k])/2 as the unknown.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

__all__ = ["DPLREquation", "run_varying"]

# Samples that autograd keeps at a time; of the others it keeps one state a block.
BLOCK = 32
# Numbers of a state, all rows and channels together, times samples whose Δ d is formed at a time. Measured
# forward and backward on one thread of a Zen 3, batch 1 … 32, channels 4 … 256: from 65,536 to 262,144 it is
# all the same; a quarter of the one takes up to 1.4 times as long, four times the other, which leaves the
# cache, up to 1.8.
AT_A_TIME = 131_072


class DPLREquation(NamedTuple):
    """h′ = (Λ − P P*) h + B x, y = 2 Re(C h) + D x on conjugate pairs, where P* h = 2 Re Σ P̄ h.

    Attributes:
        Lambda: (channel, pairs), complex, Re Λ ≤ 0.
        P: (channel, rank, pairs), complex, rank 1 or 2.
        B: (channel, pairs), complex.
        C: (channel, pairs), complex.
        D: (channel,), real.
    """

    Lambda: Tensor
    P: Tensor
    B: Tensor
    C: Tensor
    D: Tensor


def run_varying(
    equation: DPLREquation, x: Tensor, h: Tensor, steps: Tensor, goes_on: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Run over a whole sequence, a sample after the other for all rows and channels at once.

    Of each block of samples autograd keeps no more than the state before it, and runs it again in the
    backward pass.

    Args:
        equation: in the dtype of the state, and its complex one.
        x: (batch, time, channel), time ≥ 1, in the dtype of the state.
        h: (batch, channel, pairs), complex: before sample 0.
        steps: Δ (batch, time, channel), in the dtype of the state. Where it is 0 the state stays.
        goes_on: (batch, time) bool: where it is false the state starts at 0; true unless given.

    Returns:
        y (batch, time, channel) and the state after the last sample.
    """
    x_first, steps_first = (part.transpose(0, 1).contiguous() for part in (x, steps))
    first = None if goes_on is None else goes_on.T[..., None, None]
    size = max(1, min(BLOCK, AT_A_TIME // max(1, h.numel())))

    def block(start: int, h: Tensor) -> tuple[Tensor, Tensor]:
        outputs = []
        for k in range(start, min(start + BLOCK, x.shape[1]), size):
            here = slice(k, min(k + size, start + BLOCK))
            kept = None if first is None else first[here]
            y, h = _few(equation, x_first[here], h, steps_first[here], kept)
            outputs += y
        return torch.stack(outputs, dim=1), h

    outputs = []
    for start in range(0, x.shape[1], BLOCK):
        if torch.is_grad_enabled() and x.shape[1] > BLOCK:
            y, h = checkpoint(block, start, h, use_reentrant=False, preserve_rng_state=False)
        else:
            y, h = block(start, h)
        outputs.append(y)
    return torch.cat(outputs, dim=1) + equation.D * x, h


def _few(
    equation: DPLREquation, x: Tensor, h: Tensor, steps: Tensor, goes_on: Tensor | None
) -> tuple[list[Tensor], Tensor]:
    """A few samples (time, batch, channel): 2 Re(C h) (batch, channel) after each, and the last state."""
    Lambda, P, B, C, _ = equation
    rows, output = _real(P), _real(2.0 * C.conj())
    step = steps[..., None]
    past, imag = 1.0 - 0.5 * step * Lambda.real, 0.5 * step * Lambda.imag
    scale = step / (past * past + imag * imag)
    moves = torch.complex(scale * past, scale * imag)  # Δ d
    driven = _complex(x[..., None] * _real(B))
    each = zip(driven.unbind(0), moves.unbind(0), _inverse(P, moves).unbind(0), strict=True)
    outputs = []
    for k, (driven_k, moves_k, G_inverse) in enumerate(each):
        if goes_on is not None:
            h = torch.where(goes_on[k], h, 0.0)
        v = torch.addcmul(driven_k, Lambda, h)
        middle = _real(torch.addcmul(h, moves_k, v, value=0.5))
        along = 2.0 * torch.linalg.vecdot(rows, middle[..., None, :])
        t = (G_inverse * along[..., None, :]).sum(-1)
        rest = _real(v)
        for rank in range(rows.shape[-2]):
            rest = torch.addcmul(rest, rows[:, rank], t[..., rank, None], value=-1)
        h = torch.addcmul(h, moves_k, _complex(rest))
        outputs.append(torch.linalg.vecdot(output, _real(h)))
    return outputs, h


def _inverse(P: Tensor, moves: Tensor) -> Tensor:
    """G⁻¹ (time, batch, channel, rank, rank), real, from Δ d; G is never singular where Re Λ ≤ 0."""
    products = _real(P[:, :, None] * P[:, None].conj())  # Re(P̄_a P_b d) = (P_a P̄_b) · d on (Re, Im)
    crossed: Tensor = torch.linalg.vecdot(products, _real(moves)[..., None, None, :])
    if P.shape[-2] == 1:
        return 1.0 / (1.0 + crossed)
    assert P.shape[-2] == 2, "P has one or two columns"
    a, b, c, d = 1.0 + crossed[..., 0, 0], crossed[..., 0, 1], crossed[..., 1, 0], 1.0 + crossed[..., 1, 1]
    adjugate = torch.stack((torch.stack((d, -b), -1), torch.stack((-c, a), -1)), -2)
    return adjugate / (a * d - b * c)[..., None, None]


def _real(z: Tensor) -> Tensor:
    """(…, pairs) complex as (…, 2 · pairs) real: the dot product of two of these is Re Σ conj(z) z′."""
    return torch.view_as_real(z.resolve_conj()).flatten(-2)


def _complex(parts: Tensor) -> Tensor:
    """What :func:`_real` was made of."""
    return torch.view_as_complex(parts.reshape(*parts.shape[:-1], -1, 2))
