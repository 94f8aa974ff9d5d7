"""The convolution through the Fourier transform, and its two correlations as the backward pass.

Inside, time is the last axis, along which the transforms run fastest; a spectrum has frequency in its place.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from clew.ops.broadcasting import leading_shape

__all__ = ["available", "backward", "forward", "supports"]


def available() -> str | None:
    """Always available."""
    return None


def supports(x: Tensor, kernel: Tensor) -> str | None:
    """Takes every call."""
    return None


def forward(x: Tensor, kernel: Tensor, mixing: bool) -> Tensor:
    """The convolution, in fresh memory; arguments as in ``reference.forward``."""
    if x.numel() == 0 or kernel.numel() == 0:  # which transforms refuse
        return _empty(x, kernel, mixing)
    fourier = _Fourier.of(x, kernel, mixing)
    x_spectrum, kernel_spectrum = fourier.signal(x), fourier.kernel(kernel)
    if mixing:
        spectrum = torch.einsum("...oif,...if->...of", kernel_spectrum, x_spectrum)
    else:
        spectrum = kernel_spectrum * x_spectrum
    return fourier.inverse(spectrum)[..., : fourier.time].mT


def backward(gradient: Tensor, x: Tensor, kernel: Tensor, mixing: bool) -> tuple[Tensor, Tensor]:
    """Gradients of x and of the kernel.

    The gradient of x is the correlation of the kernel with g, Σ_l kernel[l]ᴴ g[k+l], and that of the kernel
    is the correlation of x with g, Σ_k g[k+l] x[k]ᴴ: convolutions with a conjugate spectrum. The spectra of x
    and the kernel are formed again: kept, they would take four times the memory of x.

    Args:
        gradient: like what ``forward`` returned.
        x: as given to ``forward``.
        kernel: as given to ``forward``.
        mixing: as given to ``forward``.
    """
    if gradient.numel() == 0 or x.numel() == 0:
        return torch.zeros_like(x), torch.zeros_like(kernel)
    fourier = _Fourier.of(x, kernel, mixing)
    x_spectrum, kernel_spectrum = fourier.signal(x), fourier.kernel(kernel)
    spectrum = fourier.signal(gradient)
    if mixing:
        to_x = torch.einsum("...oif,...of->...if", torch.conj_physical(kernel_spectrum), spectrum)
        over = "oif" if kernel.ndim == 3 else "...oif"  # a kernel for all the batch: sum while multiplying
        to_kernel = torch.einsum(f"...of,...if->{over}", spectrum, torch.conj_physical(x_spectrum))
    else:
        to_x = spectrum * torch.conj_physical(kernel_spectrum)
        to_kernel = spectrum * torch.conj_physical(x_spectrum)
    x_gradient = fourier.inverse(to_x.sum_to_size(x_spectrum.shape))[..., : fourier.time].mT
    taps_gradient = fourier.inverse(to_kernel.sum_to_size(kernel_spectrum.shape))[..., : fourier.taps]
    kernel_gradient = torch.zeros_like(kernel, memory_format=torch.contiguous_format)
    taps_axis = -3 if mixing else -2
    used = kernel_gradient.narrow(taps_axis, 0, fourier.taps)
    used.copy_(_as_kind_of(kernel, taps_gradient).movedim(-1, taps_axis))
    return _as_kind_of(x, x_gradient), kernel_gradient


@dataclass(frozen=True)
class _Fourier:
    """The transforms that one call shares: real if everything is real, and long enough not to wrap around."""

    time: int
    taps: int
    taps_axis: int
    size: int
    real: bool

    @classmethod
    def of(cls, x: Tensor, kernel: Tensor, mixing: bool) -> "_Fourier":
        time, taps_axis = x.shape[-2], -3 if mixing else -2
        taps = min(kernel.shape[taps_axis], time)  # a later tap than the last sample meets nothing
        real = not (x.is_complex() or kernel.is_complex())
        return cls(time, taps, taps_axis, _fast_size(time + taps - 1), real)

    def signal(self, x: Tensor) -> Tensor:
        """Spectrum (..., channel, frequency) of (..., time, channel)."""
        return self._transform(x.mT)

    def kernel(self, kernel: Tensor) -> Tensor:
        """Spectrum (..., channel, frequency) or (..., out, channel, frequency) of the taps that count."""
        return self._transform(kernel.narrow(self.taps_axis, 0, self.taps).movedim(self.taps_axis, -1))

    def inverse(self, spectrum: Tensor) -> Tensor:
        """What has this spectrum, over all of ``size``."""
        inverse = torch.fft.irfft if self.real else torch.fft.ifft
        signal: Tensor = inverse(spectrum, n=self.size)
        return signal

    def _transform(self, signal: Tensor) -> Tensor:
        transform = torch.fft.rfft if self.real else torch.fft.fft
        spectrum: Tensor = transform(signal, n=self.size)
        return spectrum


def _empty(x: Tensor, kernel: Tensor, mixing: bool) -> Tensor:
    """The sum of nothing: zeros of the result's shape."""
    leading = leading_shape({"x": x.shape[:-2], "kernel": kernel.shape[: -3 if mixing else -2]})
    channels = kernel.shape[-2] if mixing else x.shape[-1]
    dtype = torch.promote_types(x.dtype, kernel.dtype)
    return torch.zeros((*leading, x.shape[-2], channels), dtype=dtype, device=x.device)


def _as_kind_of(argument: Tensor, gradient: Tensor) -> Tensor:
    """The gradient of a real argument is real."""
    return gradient if argument.is_complex() or not gradient.is_complex() else gradient.real


def _fast_size(least: int) -> int:
    """The smallest size from ``least`` on without a prime factor above 5: transforms of such sizes are fast.

    >>> [_fast_size(n) for n in (1, 7, 11, 1023)]
    [1, 8, 12, 1024]
    """
    best = 1 << (least - 1).bit_length()
    fives = 1
    while fives < best:
        threes = fives
        while threes < best:
            best = min(best, threes << (-(-least // threes) - 1).bit_length())
            threes *= 3
        fives *= 5
    return best
