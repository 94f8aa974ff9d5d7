"""The public function: checks, and the choice of a backend."""

import torch
from torch import Tensor

from clew.ops.backends import Operation
from clew.ops.decode.weights import DecodeWeights

__all__ = ["decode", "operation"]

operation = Operation("decode")


def decode(token: Tensor, state: Tensor, weights: DecodeWeights) -> tuple[Tensor, Tensor]:
    """One token through a language model: the embedding, every layer, the norm and the head in one call.

    Sums are float32, whatever the weights are kept in. There is no gradient.

    Args:
        token: (batch,) int64.
        state: (batch, numbers) float32: the layers' states in order, each the convolution's last inputs
            (time, channel), the oldest first, and h (channel, state); ``weights.state_shapes`` has the sizes.
        weights: as :class:`clew.models.Decoder` packs them.

    Returns:
        The logits (batch, n_tokens) of the token after it, and the state after it, both in fresh memory.

    Raises:
        ValueError: for a shape, a dtype or a token that does not fit.

    Source: Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces" (2023), section
    3.3 (the recurrence) and 3.4 (the block); Dao and Gu, "Transformers are SSMs" (2024), section 7.
    """
    if token.ndim != 1 or token.dtype != torch.int64:
        raise ValueError(f"token is (batch,) int64; got {tuple(token.shape)} {token.dtype}")
    wanted = len(token), weights.state_size
    if state.shape != wanted or state.dtype != torch.float32:
        raise ValueError(f"state is {wanted} float32; got {tuple(state.shape)} {state.dtype}")
    if len(token) and not 0 <= int(token.min()) <= int(token.max()) < weights.n_tokens:
        raise ValueError(f"a token is a number from 0 to {weights.n_tokens - 1}; got {token.tolist()}")
    backend = operation.module(operation.choose(token, state).backend)
    with torch.no_grad():
        logits, after = backend.forward(token, state, weights)
    return logits, after
