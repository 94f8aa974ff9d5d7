"""The kernel of a system that is diagonal plus low rank: Cauchy sums and Woodbury's identity."""

import math

import torch
from torch import Tensor

from clew.maths.cauchy import cauchy
from clew.maths.matrix_powers import columns_for, orbit
from clew.nn.dplr_chunks import DenseSystem

__all__ = ["kernel"]

# Over a piece the kernel is damped by e^−4, which keeps the poles off the circle that is summed on: a slow
# mode may sit on the unit circle, where a sum would divide by zero. It costs two digits of float64's 16.
DAMPING = 4.0


def kernel(
    poles: Tensor, U: Tensor, W: Tensor, full: DenseSystem, powers: tuple[Tensor, ...], length: int
) -> Tensor:
    """K[l] = C Āˡ B̄ for l < length, Ā = diag(ā) − U W on conjugate pairs.

    The kernel is made in pieces of S ≈ √length samples. In the piece from sample i S on, with z on the circle
    of radius ρ = e^(−4/S), at the roots of zˢ = ρˢ,

    Σ_{l < S} K[i S + l] zˡ = C̃ᵢ (I − z Ā)⁻¹ B̄,  C̃ᵢ = C Āⁱˢ (I − ρˢ Āˢ),

    and (I − z Ā)⁻¹ = R − z R U (I + z W R U)⁻¹ W R with the diagonal R = (I − z ā)⁻¹: Cauchy sums, whose
    reciprocals are the same for all pieces. Back come ρˡ K[i S + l], by an inverse transform of S samples.

    With one piece of all the length this is the published algorithm: its reciprocals are channels · length ·
    N/2 numbers. C̃ is formed here, from C, for whatever length is asked for. Code that trains C̃ itself is
    bound to the length that it was trained at, and rewrites it for others.

    Args:
        poles: ā (channel, pairs), complex128.
        U: (channel, rank, pairs), complex128.
        W: (channel, rank, N), float64: the real functionals on (Re h, Im h).
        full: the same system on (Re h, Im h).
        powers: the squares of ``full.A``, from :func:`clew.maths.matrix_powers.squares_for` for this length.
        length: number of samples, 1 at least.

    Returns:
        (channel, length), float64.

    Source: Gu, Goel and Ré, "Efficiently modeling long sequences with structured state spaces" (2022),
    theorem 3 and appendix C.3 (lemma C.4, algorithm 1), here for the discrete matrix, where theirs goes back
    to the continuous one through the bilinear map, which is undefined at z = −1.
    """
    size = columns_for(length)
    count = -(-length // size)
    rows = orbit(full.C[:, None], powers, count + 1, first=size.bit_length() - 1)[:, 0]
    truncated = rows[:, :-1] - math.exp(-DAMPING) * rows[:, 1:]
    # A real functional F on (Re h, Im h) is ½ (F_real − i F_imag) on h, and the conjugate of that on h̄.
    F_real, F_imag = torch.cat((truncated, W), dim=1).chunk(2, dim=-1)
    left = 0.5 * torch.complex(F_real.contiguous(), -F_imag)
    B_real, B_imag = full.B[:, None].chunk(2, dim=-1)
    right = torch.cat((torch.complex(B_real.contiguous(), B_imag.contiguous()), U), dim=1)
    radius = math.exp(-DAMPING / size)
    products = (left[:, :, None] * right[:, None]).flatten(1, 2)
    sums = cauchy(products, poles, size, radius).reshape(*left.shape[:2], right.shape[1], -1)
    turns = torch.arange(size // 2 + 1, dtype=torch.float64, device=poles.device) / size
    z = torch.polar(torch.full_like(turns, radius), -2.0 * math.pi * turns)
    pieces, inner = sums[:, :count], sums[:, count:]
    solved = _solve(z * inner[:, :, 1:], inner[:, :, 0])
    spectrum = pieces[:, :, 0] - z * (pieces[:, :, 1:] * solved[:, None]).sum(2)
    samples = torch.arange(size, dtype=torch.float64, device=poles.device)
    taps: Tensor = torch.fft.irfft(spectrum, n=size) * torch.exp(samples * (DAMPING / size))
    return taps.flatten(1)[:, :length]


def _solve(matrix: Tensor, column: Tensor) -> Tensor:
    """(I + matrix)⁻¹ column, (channel, rank, nodes), for (channel, rank, rank, nodes) with rank 1 or 2."""
    if column.shape[1] == 1:
        return column / (1.0 + matrix[:, 0])
    assert column.shape[1] == 2, "U has one or two columns"
    a, b, c, d = 1.0 + matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 1, 0], 1.0 + matrix[:, 1, 1]
    first, second = column.unbind(1)
    return torch.stack((d * first - b * second, a * second - c * first), dim=1) / (a * d - b * c)[:, None]
