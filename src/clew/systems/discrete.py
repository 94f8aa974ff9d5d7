"""The discrete system h[k] = Ā h[k−1] + B̄ x[k], y[k] = C h[k] + D x[k], and its three views."""

import math
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, final

import torch
from torch import Tensor

from clew.errors import unknown_name
from clew.systems import interop_control, interop_rnn, interop_scipy, response, unrolled
from clew.systems.arrays import ArrayLike, as_tensor
from clew.systems.convolution import convolution, kernel
from clew.systems.linear import LinearSystem
from clew.systems.matrices import Matrices
from clew.systems.recurrent import recurrent
from clew.systems.scan import scan
from clew.systems.signals import Signals

__all__ = ["DiscreteStateSpace", "Mode"]

Mode: TypeAlias = Literal["recurrent", "convolution", "scan"]

_VIEWS: dict[str, Callable[[Matrices, Tensor, Tensor | None], tuple[Tensor, Tensor]]] = {
    "recurrent": recurrent,
    "convolution": convolution,
    "scan": scan,
}


@final
class DiscreteStateSpace(LinearSystem):
    """A discrete, linear, time-invariant system: h[k] = Ā h[k−1] + B̄ x[k], y[k] = C h[k] + D x[k].

    The input of step k is in the state of step k, so the kernel is C B̄, C Ā B̄, C Ā² B̄, … (scipy and
    python-control output before they update: ``to_scipy`` and the others convert, exactly.)

    Args:
        A: Ā (..., N, N), N ≥ 1. Tensors, numpy arrays and nested lists are taken; float64 unless a tensor or
            array says otherwise (float32, complex64, complex128; half precision becomes float32).
        B: B̄ (..., N, P), P ≥ 1.
        C: (..., M, N), M ≥ 1.
        D: (..., M, P) feedthrough; ``None`` means zero. Leading batch dims broadcast: one system per entry.
        dt: the time between samples: a number, or (...) with one for each system of the batch. Only the
            frequency axis and other libraries look at it.

    Raises:
        ValueError: for a shape that does not fit, NaN or infinity, what is no array of numbers, and a ``dt``
            that is not positive and finite.

    Two states, three inputs, two outputs, four samples, seen in three views:

    >>> system = DiscreteStateSpace(
    ...     A=[[0.5, 0.1], [0.2, 0.3]], B=[[0.4, 0.5, 0.6], [0.7, 0.8, 0.9]], C=[[1, 0.5], [0.5, 1]]
    ... )
    >>> x = torch.arange(1.0, 13.0, dtype=torch.float64).reshape(4, 3)
    >>> y, state = system.run(x, mode="recurrent")
    >>> y
    tensor([[ 5.7000,  6.6000],
            [16.9700, 19.2400],
            [31.3650, 34.9290],
            [47.5359, 52.2720]], dtype=torch.float64)
    >>> [torch.allclose(system.run(x, mode=mode)[0], y) for mode in ("convolution", "scan")]
    [True, True]

    One output taken apart into what each sample so far adds to it, the latest first:

    >>> system.terms(x, 2)
    tensor([[21.9000, 25.5000],
            [ 7.6700,  7.7350],
            [ 1.7950,  1.6940]], dtype=torch.float64)
    >>> torch.allclose(system.terms(x, 2).sum(0), y[2])
    True

    And all outputs as one matrix times the input:

    >>> torch.allclose((system.matrix(4) @ x.flatten()).reshape(4, 2), y)
    True
    """

    __slots__ = ("dt",)

    dt: float | Tensor

    def __init__(
        self,
        A: ArrayLike,
        B: ArrayLike,
        C: ArrayLike,
        D: ArrayLike | None = None,
        dt: float | ArrayLike = 1.0,
    ) -> None:
        super().__init__(A, B, C, D)
        object.__setattr__(self, "dt", _checked_step(dt, self))

    def __repr__(self) -> str:
        dt = f"{self.dt:.6g}" if isinstance(self.dt, float) else f"tensor of shape {tuple(self.dt.shape)}"
        return f"DiscreteStateSpace({self._described()}, dt={dt})"

    def __reduce__(self) -> tuple[type["DiscreteStateSpace"], tuple[Tensor | float, ...]]:
        return DiscreteStateSpace, (*self.matrices, self.dt)

    def to(self, *targets: torch.dtype | torch.device | str) -> "DiscreteStateSpace":
        """The same system in another dtype, on another device, or both: ``to(torch.float32, "cuda")``.

        Raises:
            ValueError: for a dtype that systems do not have, and from complex to real.
        """
        matrices = self._moved(targets)
        dt = self.dt.to(matrices.A.device) if isinstance(self.dt, Tensor) else self.dt
        return DiscreteStateSpace(*matrices, dt)

    def is_stable(self) -> Tensor:
        """Whether all poles lie inside the unit circle: (...) bool, one for each system of the batch."""
        return (self.poles().abs() < 1).all(-1)

    def run(
        self, x: ArrayLike, state: ArrayLike | None = None, mode: Mode = "recurrent"
    ) -> tuple[Tensor, Tensor]:
        """The outputs for an input, and the state after it: feed it back to continue.

        ===============  =====================================================================================
        ``recurrent``    one step after another
        ``convolution``  the input convolved with the kernel by fast Fourier transform; no loop over time
        ``scan``         the recurrence as a parallel scan, O(log L) tensor operations
        ===============  =====================================================================================

        The three agree, gradients with respect to A, B, C, D, x and the state included: to 1e-10 in float64.
        Powers of A are formed in float64 whatever the dtype is.

        Args:
            x: (..., L, P). Leading dims broadcast against the batch of systems. With L = 0 the output is
                empty and the state is returned as it was.
            state: h[−1], (..., N); zero unless given.
            mode: which view.

        Returns:
            y (..., L, M) and the state h[L−1] (..., N), in the widest dtype among the system's, x's and the
            state's.

        Raises:
            ValueError: for a shape that does not fit, and an unknown mode.
        """
        if mode not in _VIEWS:
            raise unknown_name("mode", mode, _VIEWS)
        signals = Signals.of(self.matrices, x, state)
        if not signals.length:
            return signals.nothing()
        return _VIEWS[mode](*signals)

    def step(self, x_k: ArrayLike, state: ArrayLike | None = None) -> tuple[Tensor, Tensor]:
        """One sample: x_k (..., P) and h[k−1] (..., N; zero unless given) to y_k (..., M) and h[k].

        Raises:
            ValueError: for a shape that does not fit.
        """
        sample = as_tensor("x_k", x_k, self.dtype, self.device)
        if sample.ndim < 1 or sample.shape[-1] != self.inputs:
            raise ValueError(f"x_k must be (..., {self.inputs}), got shape {tuple(sample.shape)}")
        y, state = recurrent(*Signals.of(self.matrices, sample[..., None, :], state))
        return y[..., 0, :], state

    def kernel(self, length: int) -> Tensor:
        """K̄[l] = C Āˡ B̄, l = 0, …, length − 1: the answer to a unit impulse, D aside.

        Returns:
            (..., length, M, P), formed in float64 and cast to the system's dtype.

        Raises:
            ValueError: for a negative length.
        """
        return kernel(self.matrices, _checked_length(length))

    def impulse_response(self, length: int) -> Tensor:
        """The output after a unit impulse at sample 0: the kernel, and D beside it at sample 0.

        Returns:
            (..., length, M, P).

        Raises:
            ValueError: for a negative length.
        """
        return response.with_feedthrough(self.kernel(length), self.D)

    def step_response(self, length: int) -> Tensor:
        """The output after the input has gone from 0 to 1 at sample 0 and stayed there: Σ_{l ≤ k} C Āˡ B̄ + D.

        Returns:
            (..., length, M, P): column p is the answer to input p.

        Raises:
            ValueError: for a negative length.
        """
        return self.kernel(length).cumsum(-3) + self.D[..., None, :, :]

    def time_constants(self) -> Tensor:
        """−dt / ln abs(pole), the time in which each mode decays to 1/e: (..., N) real, ordered as the poles.

        In the unit of ``dt``. 0 for a pole at 0, which has forgotten at the next sample; infinite for one on
        the unit circle; negative for a mode that grows by e in that time.
        """
        dt = self.dt[..., None] if isinstance(self.dt, Tensor) else self.dt
        rate = self.poles().abs().log()
        return -dt / rate.where(rate != 0, -0.0)

    def matrix(self, length: int) -> Tensor:
        """T with y = T x: what the system does to ``length`` samples, from a zero state.

        Returns:
            (..., length·M, length·P), for x and y laid out sample after sample (``x.flatten(-2)``). Block
            (i, j) is C Ā^{i−j} B̄ below the diagonal, C B̄ + D on it, zero above: lower-triangular Toeplitz.

        Raises:
            ValueError: for a negative length.
        """
        return unrolled.toeplitz(self.matrices, _checked_length(length))

    def terms(self, x: ArrayLike, k: int) -> Tensor:
        """The unrolled recurrence: C Āⁱ B̄ x[k−i] for i = 0, …, k, whose sum is y[k] (D x[k] aside).

        Args:
            x: (..., L, P).
            k: which output, from 0 to L − 1.

        Returns:
            (..., k + 1, M), the latest sample's term first.

        Raises:
            ValueError: for a shape that does not fit, and a ``k`` that is no sample of x.
        """
        signals = Signals.of(self.matrices, x, None)
        if isinstance(k, bool) or not isinstance(k, int) or not 0 <= k < signals.length:
            raise ValueError(f"k must be a sample of x, from 0 to {signals.length - 1}, got {k!r}")
        return unrolled.terms(signals.matrices, signals.x, k)

    def frequency_response(self, omega: ArrayLike) -> Tensor:
        """H(z) = z C (zI − Ā)⁻¹ B̄ + D at z = e^{iω dt}.

        The factor z is the feedthrough of this convention: the input of step k is in the state of step k, so
        the kernel begins with C B̄ at lag 0 and H(∞) = C B̄ + D. (Where the output comes before the update, as
        in scipy, the textbook formula has no z.)

        Args:
            omega: ω, in radians per unit of time: a number, or (F,). π/dt is the Nyquist frequency.

        Returns:
            (..., M, P) complex for a number, (..., F, M, P) for a row; computed in complex128 and cast.

        Raises:
            ValueError: if the system has a pole at a z.
        """
        given = as_tensor("omega", omega, torch.float64, self.device)
        dt = self.dt[..., None].to(torch.float64) if isinstance(self.dt, Tensor) else self.dt
        angle = response.frequency_axis(given) * dt
        points = torch.polar(torch.ones_like(angle), angle)
        resolved = response.transfer(self.matrices, points)
        answer = points[..., None, None].to(resolved.dtype) * resolved + self.D[..., None, :, :]
        return answer if given.ndim else answer[..., 0, :, :]

    @classmethod
    def from_scipy(cls, system: Any) -> "DiscreteStateSpace":
        """The system that a discrete ``scipy.signal.StateSpace`` (or any other ``dlti``) describes.

        scipy outputs before it updates. Where its A is well conditioned ours is (A, B, C A⁻¹, D − C A⁻¹ B),
        else the exact system of twice the order whose state is (h[k], h[k−1]). ``dt=True``, which is scipy's
        word for unspecified, becomes 1.

        Raises:
            ValueError: for anything but a discrete system of scipy's.
            MissingExtraError: without scipy.
        """
        return cls(*interop_scipy.read_discrete(system))

    def to_scipy(self) -> Any:
        """The ``scipy.signal.StateSpace`` with the same outputs, exactly (Ā, B̄, C Ā, C B̄ + D), detached.

        Its initial state is ours.

        Raises:
            ValueError: for a batch of systems.
            MissingExtraError: without scipy.
        """
        return interop_scipy.write(self.matrices, self.dt)

    @classmethod
    def from_control(cls, system: Any) -> "DiscreteStateSpace":
        """The system that a discrete ``control.StateSpace`` or ``control.TransferFunction`` describes.

        Converted as :meth:`from_scipy` does.

        Raises:
            ValueError: for anything but a discrete system of python-control's.
            MissingExtraError: without control.
        """
        return cls(*interop_control.read_discrete(system))

    def to_control(self) -> Any:
        """The ``control.StateSpace`` with the same outputs, converted as :meth:`to_scipy` does.

        Raises:
            ValueError: for a batch of systems, and for complex matrices.
            MissingExtraError: without control.
        """
        return interop_control.write(self.matrices, self.dt)

    @classmethod
    def from_rnn(cls, rnn: torch.nn.RNN) -> "DiscreteStateSpace":
        """The linear system left when the nonlinearity of a recurrent network is removed.

        h[k] = W_hh h[k−1] + W_ih x[k] + b_ih + b_hh, y[k] = h[k]: A = W_hh, B = W_ih, C = I, D = 0. The
        biases, if there are any, are one more column of B: append a channel to the input that is always 1.

        Args:
            rnn: a ``torch.nn.RNN`` of one layer and one direction. Gradients reach its weights.

        Raises:
            ValueError: for anything else.
        """
        return cls(*interop_rnn.matrices(rnn))


def _checked_length(length: int) -> int:
    if isinstance(length, bool) or not isinstance(length, int) or length < 0:
        raise ValueError(f"length must be a whole number ≥ 0, got {length!r}")
    return length


def _checked_step(dt: ArrayLike, system: LinearSystem) -> float | Tensor:
    """``dt`` as a float, or as a real tensor whose shape fits the batch."""
    if isinstance(dt, int | float):
        if isinstance(dt, bool) or not (math.isfinite(dt) and dt > 0):
            raise ValueError(f"dt must be positive and finite, got {dt!r}")
        return float(dt)
    step = as_tensor("dt", dt, torch.float64, system.device)
    if step.is_complex() or not (torch.isfinite(step) & (step > 0)).all():
        raise ValueError("dt must be real, positive and finite in all its entries")
    batch = system.batch_shape
    if step.ndim > len(batch) or any(
        size not in (1, wanted) for size, wanted in zip(reversed(step.shape), reversed(batch), strict=False)
    ):
        raise ValueError(
            f"dt must broadcast to the batch {tuple(batch)} of systems, got shape {tuple(step.shape)}"
        )
    return step.item() if step.ndim == 0 and not step.requires_grad else step
