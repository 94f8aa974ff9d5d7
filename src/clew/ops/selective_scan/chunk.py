"""The scan over one chunk of T samples and its gradients, written out.

Axes are (T, batch, group, state, channel of the group): channels lie innermost, where they are many, and
a contraction over the state or over channels is a batched matrix product. All tensors with all five axes are
in memory that the caller lends, so that no chunk asks the system for pages anew.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from clew.maths.softplus import softplus

__all__ = ["BUFFERS", "Chunk", "ChunkGradients", "put", "take"]

BUFFERS = 4
"""How many tensors with all five axes are alive at a time."""


class ChunkGradients(NamedTuple):
    """Gradients of what a chunk reads, in its layout; ``before`` is that of the state before it."""

    x: Tensor
    dt: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    before: Tensor


@dataclass(frozen=True)
class Chunk:
    """h[k] = decay[k] h[k−1] + (Δ x)[k] B[k], everything in the dtype of the accumulation.

    Attributes:
        A: (group, state, channel).
        x: (T, batch, group, 1, channel).
        delta: like ``x``, the step sizes Δ.
        slope: like ``x``, the derivative of Δ by dt; None where it is one.
        B: (T, batch, group, 1, state).
        C: (T, batch, group, 1, state).
        reset: (T, batch, 1, 1, 1) bool or None, where a sequence begins.
        room: the lent memory, one (T, batch, group, state, channel) for each of BUFFERS; the first two hold
            exp(Δ A) and the states.
    """

    A: Tensor
    x: Tensor
    delta: Tensor
    slope: Tensor | None
    B: Tensor
    C: Tensor
    reset: Tensor | None
    room: tuple[Tensor, ...]

    @classmethod
    def of(
        cls,
        part: slice,
        x: Tensor,
        dt: Tensor,
        A: Tensor,
        B: Tensor,
        C: Tensor,
        dt_bias: Tensor | None,
        reset: Tensor | None,
        dt_softplus: bool,
        room: Tensor,
    ) -> "Chunk":
        """The samples ``part`` of signals that are (batch, time, group, ·); the rest as it is here."""
        x, delta, B, C = (take(signal, part, A.dtype) for signal in (x, dt, B, C))
        delta = delta if dt_bias is None else delta + dt_bias
        slope = torch.sigmoid(delta) if dt_softplus else None
        delta = softplus(delta) if dt_softplus else delta
        begins = None if reset is None else reset[:, part, None, None, None].transpose(0, 1)
        return cls(A, x, delta, slope, B, C, begins, room[:, : len(x)].unbind())

    def states(self, before: Tensor) -> Tensor:
        """The states, from (batch, group, state, channel) before the chunk."""
        decays, states, *_ = self.room
        torch.mul(self.delta, self.A, out=decays).exp_()
        torch.mul(self.delta * self.x, self.B.mT, out=states)
        for decay, reset, state in zip(decays.unbind(), self._begins(), states.unbind(), strict=True):
            state.addcmul_(decay, before if reset is None else before.masked_fill(reset, 0))
            before = state
        return states

    def outputs(self, states: Tensor, D: Tensor | None) -> Tensor:
        """C h + D x, like ``x``; D (group, 1, channel)."""
        y = self.C @ states
        return y if D is None else y.addcmul_(D, self.x)

    def gradients(self, before: Tensor, outputs: Tensor, after: Tensor, D: Tensor | None) -> ChunkGradients:
        """Gradients of everything in the chunk, once :meth:`states` has run.

        With λ[k] the gradient of everything with respect to h[k]: λ[k] = C[k] ∂y[k] + decay[k+1] λ[k+1].

        Args:
            before: (batch, group, state, channel), the state before the chunk.
            outputs: like ``x``, the gradient of C h + D x.
            after: (batch, group, state, channel), the gradient of the last state by way of what comes after.
            D: (group, 1, channel) or None.
        """
        decays, states, adjoint, exponent = self.room
        torch.mul(outputs, self.C.mT, out=adjoint)
        # First decay[k] λ[k], the gradient of h[k−1] by way of h[k]; then that of Δ A in the exponent.
        steps = zip(adjoint.unbind(), decays.unbind(), exponent.unbind(), self._begins(), strict=True)
        for gradient, decay, through, reset in reversed(list(steps)):
            gradient += after
            after = torch.mul(gradient, decay, out=through)
            if reset is not None:
                after.masked_fill_(reset, 0)
        before_gradient = after.clone()
        exponent[1:] *= states[:-1]
        exponent[0] *= before
        if self.reset is not None:
            exponent.masked_fill_(self.reset, 0)
        inputs = self.B @ adjoint
        delta = torch.mul(exponent, self.A, out=decays).sum(-2, keepdim=True).addcmul_(inputs, self.x)
        x = inputs * self.delta
        return ChunkGradients(
            x=x if D is None else x.addcmul_(D, outputs),
            dt=delta if self.slope is None else delta.mul_(self.slope),
            A=exponent.mul_(self.delta).sum((0, 1)),
            B=(self.delta * self.x) @ adjoint.mT,
            C=outputs @ states.mT,
            before=before_gradient,
        )

    def _begins(self) -> tuple[Tensor | None, ...]:
        """For each sample, which rows (batch, 1, 1, 1) begin a sequence there."""
        return (None,) * len(self.x) if self.reset is None else self.reset.unbind()


def take(signal: Tensor, part: slice, dtype: torch.dtype) -> Tensor:
    """(T, batch, group, 1, ·), the samples ``part`` of (batch, time, group, ·)."""
    return signal[:, part].transpose(0, 1).unsqueeze(-2).to(dtype)


def put(signal: Tensor, part: slice, values: Tensor) -> None:
    """The reverse of :func:`take`: write the samples ``part``."""
    signal[:, part] = values.squeeze(-2).transpose(0, 1)
