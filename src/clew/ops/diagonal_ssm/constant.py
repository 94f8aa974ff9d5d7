"""Ā and B̄ constant: chunks of time, within which everything is a matrix product.

Within a chunk of T samples the output is the kernel's Toeplitz matrix applied to the input, plus what the
state before the chunk contributes; the state after the chunk is linear in both:

    y = x K + s Q,    s′ = Āᵀ s + x P,    K[j, k] = 2 Re C Ā^(k−j) B̄ for k ≥ j, D on the diagonal besides,
    P[j] = B̄ Ā^(T−1−j),    Q[k] = 2 Re C Ā^(k+1).

Only the recurrence of s from chunk to chunk is a scan. Backward, the same matrices transposed carry the
gradients, and the gradients of the matrices lead to those of the powers, of which there are T only.

Shapes: inputs and outputs (channel, batch, chunk, T); states (channel, batch, chunk, pairs), complex, which
are (…, 2 · pairs) where they meet a matrix.
"""

import torch
from torch import Tensor

from clew.maths.scan import elementwise_scan
from clew.ops.diagonal_ssm.chunk_maps import Maps, as_complex, as_real
from clew.ops.diagonal_ssm.chunks import Chunks

__all__ = ["backward", "forward", "saved_shape"]


def saved_shape(x: Tensor, A_bar: Tensor, reset: Tensor | None) -> tuple[int, ...]:
    """The states before each chunk; nothing for packed rows, whose chunks depend on values."""
    batch, time, channel = x.shape
    return (0,) if reset is not None else (channel, batch, -(-time // _chunk_size(time)), A_bar.shape[-1])


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
    chunks = Chunks.of(x, _chunk_size(x.shape[1]), reset, lengths)
    maps = Maps.of(A_bar, B_bar, C, D, chunks.size)
    inputs = chunks.split(x.to(C.dtype.to_real()))
    states = _border_states(chunks, maps, inputs, initial_state)
    outputs = (as_real(states).flatten(1, 2) @ maps.Q.mT).baddbmm_(inputs.flatten(1, 2), maps.K)
    y = chunks.join(outputs.reshape(inputs.shape)).to(x.dtype)
    added = as_complex(chunks.to_right(chunks.take_last(inputs)) @ maps.P)
    final_state = maps.powers[:, chunks.rest] * chunks.take_last(states) + added
    return y, final_state.transpose(0, 1), states if reset is None else states.new_empty(0)


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
    chunks = Chunks.of(x, _chunk_size(x.shape[1]), reset, lengths)
    maps = Maps.of(A_bar, B_bar, C, D, chunks.size)
    inputs, outputs = (chunks.split(t.to(C.dtype.to_real())) for t in (x, y_gradient))
    states = saved if reset is None else _border_states(chunks, maps, inputs, initial_state)
    final = final_gradient.transpose(0, 1)
    last_inputs, last_states = chunks.to_right(chunks.take_last(inputs)), chunks.take_last(states)

    # Gradients of the states before each chunk: from the chunk's outputs and from the state after it.
    adjoint = as_complex(outputs.flatten(1, 2) @ maps.Q).reshape(states.shape)
    chunks.add_to_last(adjoint, torch.conj_physical(maps.powers[:, chunks.rest]) * final)
    decay = torch.conj_physical(maps.decay)
    if chunks.continues is not None:
        decay = torch.where(chunks.continues.roll(-1, 1)[..., None], decay, 0)
    adjoint = elementwise_scan(decay, adjoint, 2, reverse=True)
    after = torch.zeros_like(adjoint)
    after[:, :, :-1] = adjoint[:, :, 1:]
    if chunks.continues is not None:
        after[:, :, :-1].masked_fill_(~chunks.continues[:, 1:, None], 0)

    through = as_real(after).flatten(1, 2)
    inputs_gradient = (outputs.flatten(1, 2) @ maps.K.mT).baddbmm_(through, maps.P.mT).reshape(inputs.shape)
    chunks.add_to_last(inputs_gradient, chunks.to_left(as_real(final) @ maps.P.mT))

    across = (torch.conj_physical(states) * after).sum((1, 2))
    to_end = torch.conj_physical(last_states) * final
    A_gradient, B_gradient, C_gradient, D_gradient = maps.parameter_gradients(
        B_bar,
        C,
        K=inputs.flatten(1, 2).mT @ outputs.flatten(1, 2),
        P=inputs.flatten(1, 2).mT @ through + last_inputs.mT @ as_real(final),
        Q=outputs.flatten(1, 2).mT @ as_real(states).flatten(1, 2),
        powers=_powers_gradient(chunks, across, to_end),
    )
    x_gradient = chunks.join(inputs_gradient).to(x.dtype)
    return x_gradient, A_gradient, B_gradient, C_gradient, D_gradient, adjoint[:, :, 0].transpose(0, 1)


def _chunk_size(time: int) -> int:
    """Samples a chunk."""
    return min(time, 64)


def _border_states(chunks: Chunks, maps: Maps, inputs: Tensor, initial_state: Tensor | None) -> Tensor:
    """The states before each chunk."""
    channel, batch, count, _ = inputs.shape
    pairs = maps.powers.shape[-1]
    if initial_state is None:
        first = maps.powers.new_zeros(channel, batch, 1, pairs)
    else:
        first = initial_state.transpose(0, 1)[:, :, None]
    if count == 1:
        return first.clone()
    added = as_complex(inputs.flatten(1, 2) @ maps.P).reshape(channel, batch, count, pairs)
    decay = maps.decay
    if chunks.continues is not None:
        added[:, :, :-1].masked_fill_(~chunks.continues[:, 1:, None], 0)
        decay = torch.where(chunks.continues[..., None], decay, 0)
    return elementwise_scan(decay, torch.cat((first, added[:, :, :-1]), dim=2), 2)


def _powers_gradient(chunks: Chunks, across: Tensor, to_end: Tensor) -> Tensor:
    """Gradients of Ā⁰ … Āᵀ (channel, T + 1, pairs) as far as they carry states.

    Args:
        chunks: T, and the exponent that takes each row from its last border to its end.
        across: (channel, pairs), the gradient of Āᵀ, which takes a state across a chunk.
        to_end: (channel, batch, pairs), for each row the gradient of the power that takes it to its end.
    """
    # A product with ones and zeros instead of a scatter: it adds in the same order each time.
    exponents = torch.arange(chunks.size + 1, device=to_end.device)[:, None]
    gradient = as_complex((exponents == chunks.rest).to(to_end.dtype.to_real()) @ as_real(to_end))
    gradient[:, -1] += across
    return gradient
