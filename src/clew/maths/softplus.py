"""Softplus to the last digits, at both ends."""

import torch
from torch import Tensor

__all__ = ["softplus"]


def softplus(x: Tensor) -> Tensor:
    """ln(1 + eˣ), elementwise, as max(x, 0) + ln(1 + e^−|x|): it neither overflows nor loses a digit.

    torch's own softplus is the identity above a threshold, which in float64 is 1e-10 off, and the formula as
    it reads is zero below −17 in float32. softplus(−∞) is zero, with the derivative zero.

    Args:
        x: any shape, real floating-point.

    Returns:
        Like ``x``. Differentiable, as often as wanted; the derivative is the logistic function.

    >>> softplus(torch.tensor([-30.0, 0.0, 30.0, -torch.inf])).tolist()
    [9.357e-14, 0.6931, 30.0, 0.0]
    """
    zero = x.new_zeros(())
    if torch.compiler.is_compiling():  # exporters to ONNX write logaddexp as log(eˣ + 1), infinite from 89 on
        return torch.maximum(x, zero) + torch.log1p(torch.exp(-x.abs()))
    return torch.logaddexp(x, zero)
