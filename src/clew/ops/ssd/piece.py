"""The dual form over one piece of one row: T ≤ 64 samples of one sequence, values and gradients.

Axes: T samples, head h, its dimension p, group g, state n. Heads of a group share B and C, so what meets
these runs over (head of the group · p) at once: a state is (g, n, h/g, p).
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from clew.ops.groups import in_groups
from clew.ops.ssd.decays import decay_matrix
from clew.ops.ssd.scratch import Scratch

__all__ = ["Piece", "PieceGradients"]

# e^−10,000 is zero in every dtype, and sums of 64 such exponents keep their digits.
_LEAST = -1e4


class PieceGradients(NamedTuple):
    """Gradients of what a piece reads besides the state, in the layout of the signals."""

    x: Tensor
    delta: Tensor
    exponent: Tensor
    B: Tensor
    C: Tensor
    D: Tensor


@dataclass(frozen=True)
class Piece:
    """One piece, everything in the dtype of the accumulation.

    Attributes:
        x: (T, h, p).
        delta: (T, h, 1).
        B: (g, T, n).
        C: (g, T, n).
        sums: (T, h), the running sum of exponents, float64.
        entering: (T, h, 1), the decay of the state before the piece by each sample.
        leaving: (T, h, 1), the decay of each sample's input by the end.
        across: (g, 1, h/g, 1), that of the state over the whole piece.
        scratch: lends all that is large.
    """

    x: Tensor
    delta: Tensor
    B: Tensor
    C: Tensor
    sums: Tensor
    entering: Tensor
    leaving: Tensor
    across: Tensor
    scratch: Scratch

    @classmethod
    def of(
        cls, scratch: Scratch, x: Tensor, delta: Tensor, exponent: Tensor, B: Tensor, C: Tensor
    ) -> "Piece":
        """From x (T, h, p), delta and exponent (T, h), B and C (T, g, n)."""
        dtype = delta.dtype
        sums = exponent.double().clamp(min=_LEAST).cumsum(0)
        return cls(
            x.to(dtype),
            delta[..., None],
            B.to(dtype).transpose(0, 1),
            C.to(dtype).transpose(0, 1),
            sums,
            sums.exp().to(dtype)[..., None],
            (sums[-1] - sums).exp_().to(dtype)[..., None],
            sums[-1].exp().to(dtype).view(B.shape[1], 1, -1, 1),
            scratch,
        )

    def write_outputs(self, before: Tensor, D: Tensor | None, y: Tensor) -> None:
        """Write the outputs to y (T, h, p), contiguous, from the state before the piece."""
        torch.bmm(self.C, before.flatten(2), out=self._by_group(y))
        y *= self.entering
        if D is not None:
            y.addcmul_(D[:, None], self.x)
        inputs = torch.mul(self.x, self.delta, out=self._like_x("inputs"))
        weights = self._decays()
        self._times_products(weights, out=weights)
        within = torch.bmm(weights, inputs.transpose(0, 1), out=self._by_head("within"))
        y += within.transpose(0, 1)

    def write_next_state(self, before: Tensor, after: Tensor) -> None:
        """Write the state after the piece to ``after``, which is not ``before``."""
        torch.mul(before, self.across, out=after)
        inputs = torch.mul(self.x, self.delta * self.leaving, out=self._like_x("inputs"))
        after.flatten(2).baddbmm_(self.B.mT, self._by_group(inputs))

    def gradients(
        self, state: Tensor, outputs: Tensor, after: Tensor, D: Tensor | None, before: Tensor
    ) -> PieceGradients:
        """Gradients of everything in the piece.

        Args:
            state: (g, n, h/g, p), the state before the piece.
            outputs: (T, h, p), the gradient of y, contiguous.
            after: (g, n, h/g, p), the gradient of the state after the piece.
            D: (h,) or None.
            before: (g, n, h/g, p): the gradient of the state before the piece is written here.
        """
        inputs = torch.mul(self.x, self.delta, out=self._like_x("inputs"))
        # Within the piece: y = (decays ∘ C Bᵀ) inputs. A sample's decay to itself is one, no matter which
        # exponents: it has no part in their gradient.
        decays = self._decays()
        weights = self._times_products(decays, out=self._pairs("weights"))
        within = torch.bmm(weights.mT, outputs.transpose(0, 1), out=self._by_head("within"))
        pairs = self._pairs("weights")
        torch.bmm(outputs.transpose(0, 1), inputs.permute(1, 2, 0), out=pairs).mul_(decays)
        products = in_groups(pairs, 0, len(self.B)).sum(1)
        self._times_products(pairs, out=pairs)
        pairs.diagonal(dim1=-2, dim2=-1).zero_()
        exponent = (pairs.sum(-1) - pairs.sum(-2)).mT
        # From the state before to the outputs.
        entering = torch.mul(outputs, self.entering, out=self._like_x("entering"))
        C_gradient = (products @ self.B).baddbmm_(self._by_group(entering), state.flatten(2).mT)
        entered = self._like_x("product")
        torch.bmm(self.C, state.flatten(2), out=self._by_group(entered))
        exponent += entered.mul_(entering).sum(-1)
        exponent = exponent.flip(0).cumsum(0).flip(0)
        # From the state before to the state after.
        torch.mul(after, self.across, out=before)
        through = torch.mul(before, state, out=self.scratch.lend("through", state.shape))
        exponent += through.sum(1).sum(-1).flatten()
        before.flatten(2).baddbmm_(self.C.mT, self._by_group(entering))
        # From the inputs to the state after.
        left = torch.mul(inputs, self.leaving, out=self._like_x("entering"))
        B_gradient = (products.mT @ self.C).baddbmm_(self._by_group(left), after.flatten(2).mT)
        leaving = self._like_x("leaving")
        torch.bmm(self.B, after.flatten(2), out=self._by_group(leaving))
        exponent[1:] += torch.mul(leaving, left, out=self._like_x("product")).sum(-1)[:-1].cumsum(0)
        gradient = leaving.mul_(self.leaving).add_(within.transpose(0, 1))
        delta = torch.mul(gradient, self.x, out=self._like_x("product")).sum(-1)
        x = gradient.mul_(self.delta)
        return PieceGradients(
            x=x if D is None else x.addcmul_(D[:, None], outputs),
            delta=delta,
            exponent=exponent,
            B=B_gradient.transpose(0, 1),
            C=C_gradient.transpose(0, 1),
            D=torch.mul(outputs, self.x, out=self._like_x("product")).sum((0, 2)),
        )

    def _decays(self) -> Tensor:
        """The decays between all samples (h, T, T), lower triangular."""
        return decay_matrix(self.sums.mT.contiguous(), out=self._pairs("decays"))

    def _times_products(self, pairs: Tensor, out: Tensor) -> Tensor:
        """The pairs (h, T, T) times C[i] · B[j] of the head's group."""
        products = (self.C @ self.B.mT)[:, None]
        group = len(products)
        torch.mul(in_groups(pairs, 0, group), products, out=in_groups(out, 0, group))
        return out

    def _by_group(self, signal: Tensor) -> Tensor:
        """A view (g, T, h/g · p) of (T, h, p)."""
        return signal.view(len(signal), len(self.B), -1).transpose(0, 1)

    def _like_x(self, name: str) -> Tensor:
        return self.scratch.lend(name, self.x.shape)

    def _by_head(self, name: str) -> Tensor:
        time, head, head_dim = self.x.shape
        return self.scratch.lend(name, torch.Size((head, time, head_dim)))

    def _pairs(self, name: str) -> Tensor:
        time, head, _ = self.x.shape
        return self.scratch.lend(name, torch.Size((head, time, time)))
