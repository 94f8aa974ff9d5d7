"""Dropout whose masks do not depend on how a batch is divided among processes."""

import torch
from torch import Tensor, nn

__all__ = ["Dropout"]


class Dropout(nn.Module):
    """Zero each element with probability ``p`` in training, and scale the others by 1/(1 − p).

    The mask is drawn for the whole batch of all processes, and this process keeps its own rows: processes
    whose generators agree then draw, together, the masks that one process with the whole batch would draw.

    Args:
        p: the probability, from 0 (nothing is dropped) up to, not including, 1.

    Raises:
        ValueError: for a ``p`` outside [0, 1).

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting" (2014),
    section 4, in the inverted form of section 10.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0.0 <= p < 1.0:
            raise ValueError(f"dropout is a probability, at least 0 and below 1; got {p}")
        self.p = p
        self._total: int | None = None
        self._rows: slice | None = None

    def set_rows(self, total: int | None, rows: slice | None) -> None:
        """Say which rows of the global batch this process works on, from the next call on.

        Args:
            total: rows of the global batch; ``None`` with ``rows=None``: this process has all of them.
            rows: this process's rows.
        """
        self._total, self._rows = total, rows

    def forward(self, x: Tensor) -> Tensor:
        """``x`` (batch, ...) with elements dropped in training, unchanged in evaluation.

        Raises:
            ValueError: if ``x`` does not have the rows that :meth:`set_rows` said.
        """
        if not self.training or self.p == 0.0:
            return x
        keep = 1.0 - self.p
        if self._total is None or self._rows is None:
            kept = torch.rand(x.shape, device=x.device) < keep
        else:
            kept = (torch.rand((self._total, *x.shape[1:]), device=x.device) < keep)[self._rows]
            if len(kept) != len(x):
                raise ValueError(f"dropout was told of {len(kept)} rows and got a batch of {len(x)}")
        return x * (kept.to(x.dtype) / keep)

    def extra_repr(self) -> str:
        """What ``repr`` shows between the brackets."""
        return f"p={self.p}"
