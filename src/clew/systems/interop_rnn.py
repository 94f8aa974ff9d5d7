"""A recurrent network without its nonlinearity is a linear system."""

from typing import Any

import torch
from torch import Tensor, nn

from clew.systems.matrices import Matrices

__all__ = ["matrices"]


def matrices(rnn: nn.RNN) -> Matrices:
    """A = W_hh, B = [W_ih, b_ih + b_hh], C = I, D = 0; without biases B = W_ih.

    Raises:
        ValueError: for anything but an ``nn.RNN`` of one layer and one direction.
    """
    if not isinstance(rnn, nn.RNN):
        raise ValueError(f"expected a torch.nn.RNN, got {type(rnn).__name__}")
    if rnn.num_layers != 1 or rnn.bidirectional:
        directions = 2 if rnn.bidirectional else 1
        raise ValueError(
            f"expected an RNN of one layer and one direction, got {rnn.num_layers} layer(s) and "
            f"{directions} direction(s)"
        )
    weights: Any = rnn  # nn.Module's stubs give every attribute the type Tensor | Module
    A: Tensor = weights.weight_hh_l0
    B: Tensor = weights.weight_ih_l0
    if rnn.bias:
        B = torch.cat((B, (weights.bias_ih_l0 + weights.bias_hh_l0)[:, None]), dim=1)
    identity = torch.eye(rnn.hidden_size, dtype=A.dtype, device=A.device)
    return Matrices(A, B, identity, B.new_zeros(rnn.hidden_size, B.shape[1]))
