"""Norms over the channels of each sample, in the dtype of what is normed."""

from collections.abc import Callable
from typing import final

from torch import Tensor, nn
from torch.nn.functional import layer_norm, rms_norm

from clew.errors import unknown_name

__all__ = ["NORMS", "LayerNorm", "RMSNorm", "norm_layer"]


@final
class LayerNorm(nn.LayerNorm):
    """torch's, which also takes an input wider than its weights: it then computes in the input's dtype."""

    def forward(self, x: Tensor) -> Tensor:
        """The norm of x (..., channel), in its dtype."""
        weight, bias = (None if part is None else part.to(x.dtype) for part in (self.weight, self.bias))
        return layer_norm(x, self.normalized_shape, weight, bias, self.eps)


@final
class RMSNorm(nn.RMSNorm):
    """torch's, which also takes an input wider than its weights: it then computes in the input's dtype."""

    def forward(self, x: Tensor) -> Tensor:
        """The norm of x (..., channel), in its dtype."""
        weight = None if self.weight is None else self.weight.to(x.dtype)
        return rms_norm(x, self.normalized_shape, weight, self.eps)


NORMS: dict[str, Callable[[int, float | None], nn.Module]] = {
    "layer": lambda channels, epsilon: LayerNorm(channels, *() if epsilon is None else (epsilon,)),
    "rms": lambda channels, epsilon: RMSNorm(channels, eps=epsilon),
    "none": lambda channels, epsilon: nn.Identity(),
}


def norm_layer(name: str, channels: int, epsilon: float | None = None) -> nn.Module:
    """The norm called ``name`` over the last dimension.

    Args:
        name: ``"layer"``, ``"rms"`` or ``"none"``.
        channels: of the last dimension.
        epsilon: added to the variance or the mean square; torch's own number for ``None``.

    Raises:
        ValueError: for an unknown name.
    """
    if name not in NORMS:
        raise unknown_name("norm", name, NORMS)
    return NORMS[name](channels, epsilon)
