"""Ā or B̄ different at each sample: a scan in blocks inside each chunk of time, chunk after chunk.

A chunk's states (batch, T, channel, pairs) live only as long as the chunk. Backward they are computed again
from the state before the chunk, so that memory does not grow by the states of all samples.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from clew.maths.scan import elementwise_scan

__all__ = ["backward", "forward", "saved_shape"]

_CHUNK = 64


def saved_shape(x: Tensor, A_bar: Tensor) -> tuple[int, ...]:
    """The states before each chunk: (batch, chunk, channel, pairs)."""
    batch, time, channel = x.shape
    return batch, -(-time // _CHUNK), channel, A_bar.shape[-1]


def forward(
    x: Tensor,
    A_bar: Tensor,
    B_bar: Tensor,
    C: Tensor,
    D: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    lengths: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """As ``parallel.forward``."""
    state = C.new_zeros((x.shape[0], *C.shape)) if initial_state is None else initial_state
    outputs, borders = [], []
    for part in _parts(x.shape[1]):
        chunk = _Chunk.of(part, x, A_bar, B_bar, reset, lengths)
        borders.append(state)
        states = chunk.states(state)
        y = 2 * (states * C).real.sum(-1)
        y = y if D is None else y + D * chunk.x
        outputs.append(y if chunk.valid is None else torch.where(chunk.valid[..., None], y, 0))
        state = states[:, -1]
    return torch.cat(outputs, dim=1).to(x.dtype), state.clone(), torch.stack(borders, dim=1)


def backward(
    y_gradient: Tensor,
    final_gradient: Tensor,
    saved: Tensor,
    x: Tensor,
    A_bar: Tensor,
    B_bar: Tensor,
    C: Tensor,
    D: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    lengths: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """As ``parallel.backward``."""
    real = C.dtype.to_real()
    x_gradient = torch.zeros_like(x, memory_format=torch.contiguous_format)
    A_gradient, B_gradient, C_gradient = torch.zeros_like(A_bar), torch.zeros_like(B_bar), torch.zeros_like(C)
    D_gradient = torch.zeros(C.shape[0], dtype=real, device=C.device)
    after = final_gradient
    for index, part in reversed(list(enumerate(_parts(x.shape[1])))):
        chunk = _Chunk.of(part, x, A_bar, B_bar, reset, lengths)
        outputs = y_gradient[:, part].to(real)
        if chunk.valid is not None:
            outputs = torch.where(chunk.valid[..., None], outputs, 0)
        states = chunk.states(saved[:, index])
        adjoint, after = chunk.adjoint(2 * torch.conj_physical(C) * outputs[..., None], after)
        before = chunk.continued(torch.cat((saved[:, index, None], states[:, :-1]), dim=1))
        through = (torch.conj_physical(chunk.gain) * adjoint).real.sum(-1)
        x_gradient[:, part] = through if D is None else through + D * outputs
        _add(A_gradient, part, adjoint * torch.conj_physical(before))
        _add(B_gradient, part, adjoint * chunk.x[..., None])
        C_gradient += (2 * outputs[..., None] * torch.conj_physical(states)).sum((0, 1))
        D_gradient += (outputs * chunk.x).sum((0, 1))
    return x_gradient, A_gradient, B_gradient, C_gradient, D_gradient, after


@dataclass(frozen=True)
class _Chunk:
    """The recurrence h[k] = decay[k] h[k−1] + gain[k] x[k] over T samples.

    Attributes:
        x: (batch, T, channel), real, in the precision of the state; zero where a sample does not count.
        decay: (batch or 1, T or 1, channel, pairs); zero where a sequence begins, one where a sample does not
            count.
        gain: (batch or 1, T or 1, channel, pairs).
        reset: (batch, T) bool or None, where a sequence begins.
        valid: (batch, T) bool or None, where a sample counts.
    """

    x: Tensor
    decay: Tensor
    gain: Tensor
    reset: Tensor | None
    valid: Tensor | None

    @classmethod
    def of(
        cls,
        part: slice,
        x: Tensor,
        A_bar: Tensor,
        B_bar: Tensor,
        reset: Tensor | None,
        lengths: Tensor | None,
    ) -> "_Chunk":
        decay = A_bar[:, part] if A_bar.ndim == 4 else A_bar[None, None]
        gain = B_bar[:, part] if B_bar.ndim == 4 else B_bar[None, None]
        inputs, valid = x[:, part].to(decay.dtype.to_real()), None
        if reset is not None:
            reset = reset[:, part]
            decay = torch.where(reset[..., None, None], 0, decay)
        if lengths is not None:
            valid = torch.arange(part.start, part.start + inputs.shape[1], device=x.device) < lengths[:, None]
            decay = torch.where(valid[..., None, None], decay, 1)
            gain = torch.where(valid[..., None, None], gain, 0)
            inputs = torch.where(valid[..., None], inputs, 0)
        return cls(inputs, decay, gain, reset, valid)

    def states(self, before: Tensor) -> Tensor:
        """The states h (batch, T, channel, pairs), from the state before the chunk."""
        inputs = self.gain * self.x[..., None]
        inputs[:, 0] += self.decay[:, 0] * before
        return elementwise_scan(self.decay, inputs, 1)

    def adjoint(self, gradient: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        """The whole gradient of gain[k] x[k], and that of the state before the chunk.

        Args:
            gradient: (batch, T, channel, pairs), the gradient of h[k] by way of the output alone.
            after: (batch, channel, pairs), the gradient of the last state by way of the chunks after this
                one.
        """
        conjugate = torch.conj_physical(self.decay)
        following = conjugate if conjugate.shape[1] == 1 else conjugate.roll(-1, 1)
        gradient[:, -1] += after
        adjoint = elementwise_scan(following, gradient, 1, reverse=True)
        before = conjugate[:, 0] * adjoint[:, 0]
        if self.valid is not None:
            adjoint = torch.where(self.valid[..., None, None], adjoint, 0)
        return adjoint, before

    def continued(self, before: Tensor) -> Tensor:
        """The state h[k−1] as the recurrence sees it: zero where a sequence begins."""
        return before if self.reset is None else torch.where(self.reset[..., None, None], 0, before)


def _parts(time: int) -> list[slice]:
    """The chunks of time."""
    return [slice(start, start + _CHUNK) for start in range(0, time, _CHUNK)]


def _add(total: Tensor, part: slice, gradient: Tensor) -> None:
    """Add the gradient at a chunk's samples to that of a parameter, constant or given at each sample."""
    if total.ndim == 4:
        total[:, part] += gradient
    else:
        total += gradient.sum((0, 1))
