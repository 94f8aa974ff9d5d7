"""The memory of the Legendre Memory Unit: a window of the past on Legendre polynomials, of fixed matrices."""

import math
from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn

from clew.maths.flow import flow

__all__ = ["LegendreMemory", "legendre_system"]

# After so many windows without input nothing is left, whatever the order: for order 1, e⁻⁶⁴.
FORGOTTEN = 64.0


def legendre_system(order: int) -> tuple[Tensor, Tensor]:
    """A and B of m′ = A m + B u, whose state holds the last unit of time of u on Legendre polynomials.

    A[i, j] = (2i+1) · (−1 where i < j, (−1)^{i−j+1} where i ≥ j); B[i] = (2i+1) (−1)^i. A moment τ ago is
    u(t − τ) ≈ Σ m_i P_i(2τ − 1), P_i Legendre's polynomials. In the coordinates m_i = (−1)^i √(2i+1) c_i
    this is HiPPO-LegT, :func:`clew.hippo.legt.legt`.

    Args:
        order: N, at least 1.

    Returns:
        A (N, N) and B (N,), float64.

    >>> legendre_system(2)[0]
    tensor([[-1., -1.],
            [ 3., -3.]], dtype=torch.float64)

    Source: Voelker, Kajić and Eliasmith, "Legendre memory units" (2019), eq. 2 and 3.
    """
    i = torch.arange(order, dtype=torch.float64)
    lag = i[:, None] - i
    sign = torch.where(lag < 0, -1.0, 2.0 * torch.remainder(lag, 2) - 1.0)
    return (2 * i + 1)[:, None] * sign, (2 * i + 1) * (1 - 2 * torch.remainder(i, 2))


class LegendreMemory(nn.Module):
    """θ m′ = A m + B u by zero-order hold with a step of one sample: fixed, not trained.

    Its matrices are float64 and stay so, whatever a layer is converted to; they go with it from device to
    device, and into no state dict, since order and window give them.

    Args:
        order: N, at least 1.
        theta: θ, the window, in samples.

    Raises:
        ValueError: for numbers out of range.

    Attributes:
        A: (N, N): the equation's, in windows.
        B: (N,): likewise.
        A_bar: (N, N): Ā of one sample.
        B_bar: (N,): likewise.
    """

    A: Tensor
    B: Tensor
    A_bar: Tensor
    B_bar: Tensor

    def __init__(self, order: int, theta: float) -> None:
        super().__init__()
        if order < 1:
            raise ValueError(f"d_state is at least 1; got {order}")
        if not 0.0 < theta < math.inf:
            raise ValueError(f"theta, the window in samples, is above 0; got {theta}")
        self.order, self.theta = order, theta
        A, B = legendre_system(order)
        for name, value in (("A", A), ("B", B), *zip(("A_bar", "B_bar"), self._held(A, B), strict=True)):
            self.register_buffer(name, value, persistent=False)

    def discrete(self, dt: Tensor | None) -> tuple[Tensor, Tensor]:
        """Ā (..., N, N) and B̄ (..., N), float64, for each of ``dt`` (...), in samples; without, for one."""
        if dt is None:
            return self.A_bar, self.B_bar
        return self._held(self.A, self.B, dt.double())

    def extra_repr(self) -> str:
        """What ``repr`` shows between the brackets."""
        return f"order={self.order}, theta={self.theta:g}"

    def _held(self, A: Tensor, B: Tensor, dt: Tensor | None = None) -> tuple[Tensor, Tensor]:
        times = torch.ones((), dtype=torch.float64) if dt is None else dt
        times = (times / self.theta).clamp(max=FORGOTTEN)
        longest = FORGOTTEN
        # Shorter steps take fewer products; but reading them costs a synchronisation on other devices, and a
        # break in a compiled graph. (No comparison holds for NaN.)
        if times.numel() and times.device.type == "cpu" and not torch.compiler.is_compiling():
            largest = float(times.detach().max())
            longest = largest if largest <= FORGOTTEN else FORGOTTEN
        norm = self.order**2  # ‖A‖₁, the sum of the odd numbers
        return flow(A, B, times, max(norm * longest, 1.0))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        kept = dict(self.named_buffers())
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call] # torch has no types for it
        for name, value in kept.items():
            setattr(self, name, value.to(getattr(self, name).device))
        return self
