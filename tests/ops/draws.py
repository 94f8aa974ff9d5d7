"""Sizes and random numbers that the cases are made of."""

import torch

BATCH, CHANNELS, PAIRS = 3, 2, 4


def normal(*shape, dtype=torch.float64):
    """Standard normal numbers; drawn in float64, so that all dtypes see the same."""
    wide = torch.complex128 if dtype.is_complex else torch.float64
    return torch.randn(shape, dtype=wide).to(dtype)


def decays(*shape, dtype=torch.float64):
    """Between −1 and 1, or in the unit disc: systems that stay bounded without forgetting at once."""
    if dtype.is_complex:
        angle = torch.randn(shape, dtype=torch.float64)
        return torch.polar(torch.rand(shape, dtype=torch.float64) ** 0.1, angle).to(dtype)
    return (2 * torch.rand(shape, dtype=torch.float64) - 1).to(dtype)


def matrices(*shape, dtype=torch.float64):
    """Rotations and their like, scaled: a norm of 0.9."""
    q, _ = torch.linalg.qr(normal(*shape, dtype=torch.complex128 if dtype.is_complex else torch.float64))
    return (0.9 * q).to(dtype)


def complex_of(dtype):
    """The complex dtype of the same precision, complex64 at least."""
    return torch.complex128 if dtype in (torch.float64, torch.complex128) else torch.complex64


def slow(time, *shape):
    """Decays with time constants from 1 to ``time`` samples along the last axis."""
    constants = torch.logspace(0, 1, shape[-1], base=time, dtype=torch.float64)
    return torch.exp(-1 / constants).expand(shape)


def slow_pairs(time, *shape):
    """The same in complex pairs, turning by up to one radian a sample."""
    angles = torch.linspace(0, 1, shape[-1], dtype=torch.float64)
    return torch.polar(slow(time, *shape), angles.expand(shape)).to(torch.complex64)
