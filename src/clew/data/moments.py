"""The mean and the standard deviation of frames, in pieces that fit into memory."""

import torch
from torch import Tensor

__all__ = ["mean_and_std"]

_AT_ONCE = 2**26
"""So many numbers are copied to float64 at once: half a gigabyte."""


def mean_and_std(parts: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """Of each column of all (row, column) float32, accumulated in float64 and cast once; 0 and 1 of no rows.

    Pieces are put together as in T. F. Chan, G. H. Golub and R. J. LeVeque, "Updating formulae and a pairwise
    algorithm for computing sample variances", 1979, equation 2.1.
    """
    width = parts[0].shape[1]
    rows, mean, std = 0, torch.zeros(width).double(), torch.zeros(width).double()
    step = max(1, _AT_ONCE // max(1, *(part.numel() for part in parts)))
    for first in range(0, len(parts), step):
        piece = torch.cat(parts[first : first + step])
        if not len(piece):
            continue
        # Welford's recurrence, which torch uses, is exact for a constant: its standard deviation is zero.
        std_here, mean_here = torch.std_mean(piece.double(), dim=0, correction=0)
        share = len(piece) / (rows + len(piece))
        if rows:
            off = mean_here - mean
            spread = (
                (1 - share) * std.square() + share * std_here.square() + share * (1 - share) * off.square()
            )
            mean, std = mean + share * off, spread.sqrt()
        else:
            mean, std = mean_here, std_here
        rows += len(piece)
    narrow = std.float()
    return mean.float(), torch.where(narrow == 0, torch.ones_like(narrow), narrow)
