"""The public function: checks, dtypes, and the choice of a backend."""

import torch
from torch import Tensor

from clew.ops.broadcasting import leading_shape
from clew.ops.fft_conv import op, reference
from clew.ops.precision import accumulation_dtype, real_dtype, without_autocast

__all__ = ["fft_conv"]


def fft_conv(x: Tensor, kernel: Tensor, *, mixing: bool = False) -> Tensor:
    """Causal convolution over time, by default depthwise.

    y[k] = Σ_{l=0}^{min(k, length−1)} kernel[l] · x[k−l]: a product of each channel with its own kernel or, if
    ``mixing``, of the channels' vector with a matrix. x counts as zero before its first sample.

    Differentiable once. Transforms run in the wider of the arguments' dtypes, float32 at least. An empty time
    axis gives an empty result.

    Args:
        x: (..., time, channel), real or complex.
        kernel: (..., length, channel), or (..., length, out, channel) if mixing; real or complex. Its length
            may be shorter or longer than time. Leading dimensions broadcast with those of ``x``.
        mixing: whether each kernel[l] is a matrix (out, channel).

    Returns:
        (..., time, channel), or (..., time, out) if mixing; in the dtype of ``x``, or its complex counterpart
        if the kernel is complex.

    Raises:
        ValueError: if a shape or dtype does not fit, or the kernel is empty.

    >>> fft_conv(torch.tensor([[1.0], [0.0], [0.0]]), torch.tensor([[3.0], [2.0]])).round().tolist()
    [[3.0], [2.0], [0.0]]
    """
    kernel_dims = 3 if mixing else 2
    if x.ndim < 2 or kernel.ndim < kernel_dims or kernel.shape[-1] != x.shape[-1]:
        wanted = "(..., length, out, channel)" if mixing else "(..., length, channel)"
        raise ValueError(
            f"x has shape {tuple(x.shape)} and kernel {tuple(kernel.shape)}; "
            f"wanted (..., time, channel) and {wanted}"
        )
    if kernel.shape[-kernel_dims] == 0:
        raise ValueError(f"kernel has shape {tuple(kernel.shape)}, so no taps; wanted a length of 1 at least")
    leading = {"x": x.shape[:-2], "kernel": kernel.shape[:-kernel_dims]}
    batch = leading_shape(leading)
    dtype = accumulation_dtype({"x": x, "kernel": kernel})
    output_dtype = x.dtype
    if dtype.is_complex and not x.is_complex():
        output_dtype = torch.promote_types(x.dtype, torch.complex64)
    time = x.shape[-2]
    if time == 0:
        channels = kernel.shape[-2] if mixing else x.shape[-1]
        return x.new_zeros((*batch, 0, channels), dtype=output_dtype)
    # A real argument stays real beside a complex one: its transform is the cheaper for it.
    real = real_dtype(dtype)
    x = x.to(dtype if x.is_complex() else real)
    kernel = kernel.to(dtype if kernel.is_complex() else real)
    backend = op.operation.choose(x, kernel).backend
    if backend == "reference":
        with without_autocast(x.device):
            y = reference.forward(x, kernel, mixing)
    else:
        y = op.fft_conv(x, kernel, mixing, backend)
    return y.to(output_dtype)
