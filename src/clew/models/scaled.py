"""A linear layer whose outputs are in the units of the data, whatever these are."""

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["ScaledLinear", "check_moments"]


class ScaledLinear(nn.Module):
    """y = mean + std ⊙ (W x + b): W and b learn at scale 1, y is in the units of the data.

    ``weight`` and ``bias`` are those of ``torch.nn.Linear``, with its start. ``mean`` and ``std``
    (output,) are not learned; they are 0 and 1 until :meth:`standardize` sets them.

    Args:
        d_input: features in.
        d_output: values out.

    >>> layer = ScaledLinear(3, 1)
    >>> layer.standardize(torch.tensor([20.0]), torch.tensor([0.5]))
    >>> plain = torch.nn.functional.linear(torch.ones(2, 3), layer.weight, layer.bias)
    >>> bool(torch.equal(layer(torch.ones(2, 3)), 20 + 0.5 * plain))
    True
    """

    mean: Tensor
    std: Tensor

    def __init__(self, d_input: int, d_output: int) -> None:
        super().__init__()
        linear = nn.Linear(d_input, d_output)
        self.weight, self.bias = linear.weight, linear.bias
        self.register_buffer("mean", torch.zeros(d_output))
        self.register_buffer("std", torch.ones(d_output))

    def standardize(self, mean: Tensor, std: Tensor) -> None:
        """Set mean and deviation of the values, each (output,).

        Raises:
            ValueError: for another shape, or a deviation that is not positive and finite.
        """
        check_moments(mean, std, "n_values", len(self.mean))
        self.mean.copy_(mean)
        self.std.copy_(std)

    def forward(self, x: Tensor) -> Tensor:
        """(…, output) of features (…, input), in their dtype."""
        y = functional.linear(x, self.weight, self.bias)
        return self.mean.to(y.dtype) + self.std.to(y.dtype) * y


def check_moments(mean: Tensor, std: Tensor, what: str, size: int) -> None:
    """Check what is to be standardised by.

    Args:
        mean: (size,).
        std: (size,).
        what: the name of ``size``, for messages.
        size: how many there are.

    Raises:
        ValueError: for another shape, or a deviation that is not positive and finite.
    """
    for name, value in (("mean", mean), ("std", std)):
        if tuple(value.shape) != (size,):
            raise ValueError(f"{name} is ({what},) = ({size},); got shape {tuple(value.shape)}")
    if not (torch.isfinite(mean).all() and torch.isfinite(std).all() and (std > 0).all()):
        raise ValueError("mean and std must be finite, and std positive")
