"""The short convolution that sees both sides of a sample, from two causal ones."""

from torch import Tensor
from torch.nn.functional import pad, silu

from clew.nn.padding import zero_padding
from clew.ops import causal_conv

__all__ = ["centred_conv"]


def centred_conv(
    x: Tensor, weight: Tensor, bias: Tensor, *, segments: Tensor | None = None, lengths: Tensor | None = None
) -> Tensor:
    """Short convolution around each sample, and SiLU.

    y[k] = silu(bias + Σ_j weight[:, j] · x[k − p + j]), j = 0 … width − 1, with p = (width − 1) // 2: an odd
    number of taps sees as many samples before the present one as after it, an even number one more after it,
    as ``torch.nn.Conv1d`` with ``padding="same"`` does. Beyond the ends of a sequence x is zero.

    The taps up to the present are one causal convolution, those after it another one backwards in time.

    Args:
        x: (batch, time, channel).
        weight: (channel, width), width ≥ 1.
        bias: (channel,).
        segments: (batch, time) integers: a sample sees none of another sequence than its own.
        lengths: (batch,) integers: what lies past them counts as zero.

    Returns:
        (batch, time, channel), of no meaning past ``lengths``.

    >>> import torch
    >>> x, weight = torch.tensor([[[1.0], [2.0], [3.0]]]), torch.tensor([[100.0, 10.0, 1.0]])
    >>> centred_conv(x, weight, torch.zeros(1)).flatten().tolist()
    [12.0, 123.0, 230.0]
    """
    present = (weight.shape[1] - 1) // 2
    x = zero_padding(x, lengths)
    before, _ = causal_conv(x, weight[:, : present + 1], bias, segments=segments)
    later = pad(weight[:, present + 1 :].flip(1), (0, 1))  # no tap for the present: it has been seen
    turned = None if segments is None else segments.flip(1)
    after, _ = causal_conv(x.flip(1), later, segments=turned)
    return silu(before + after.flip(1))
