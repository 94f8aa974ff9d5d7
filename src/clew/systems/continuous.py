"""The continuous system h′(t) = A h(t) + B x(t), y(t) = C h(t) + D x(t)."""

from typing import Any, final

import torch
from torch import Tensor

from clew.maths.discretize import discretize
from clew.systems import interop_control, interop_scipy, response, simulation
from clew.systems.arrays import ArrayLike, as_tensor
from clew.systems.discrete import DiscreteStateSpace
from clew.systems.linear import LinearSystem
from clew.systems.signals import Signals

__all__ = ["StateSpace"]


@final
class StateSpace(LinearSystem):
    """A continuous, linear, time-invariant system: h′(t) = A h(t) + B x(t), y(t) = C h(t) + D x(t).

    Time has the unit that the entries of A are one over.

    Args:
        A: (..., N, N) state matrix, N ≥ 1. Tensors, numpy arrays and nested lists are taken; float64 unless a
            tensor or array says otherwise (float32, complex64, complex128; half precision becomes float32).
        B: (..., N, P) input matrix, P ≥ 1.
        C: (..., M, N) output matrix, M ≥ 1.
        D: (..., M, P) feedthrough; ``None`` means zero. Leading batch dims broadcast: one system per entry.

    Raises:
        ValueError: for a shape that does not fit, NaN or infinity, or what is no array of numbers.

    A mass on a spring, pushed by x, its position observed:

    >>> spring = StateSpace(A=[[0, 1], [-4, -0.4]], B=[[0], [1]], C=[[1, 0]])
    >>> spring
    StateSpace(order=2, inputs=1, outputs=1, dtype=float64)
    >>> spring.is_stable()
    tensor(True)
    >>> spring.discretize(0.1)
    DiscreteStateSpace(order=2, inputs=1, outputs=1, dtype=float64, dt=0.1)
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"StateSpace({self._described()})"

    def __reduce__(self) -> tuple[type["StateSpace"], tuple[Tensor, ...]]:
        return StateSpace, tuple(self.matrices)

    def to(self, *targets: torch.dtype | torch.device | str) -> "StateSpace":
        """The same system in another dtype, on another device, or both: ``to(torch.float32, "cuda")``.

        Raises:
            ValueError: for a dtype that systems do not have, and from complex to real.
        """
        return StateSpace(*self._moved(targets))

    def is_stable(self) -> Tensor:
        """Whether all poles have negative real parts: (...) bool, one for each system of the batch.

        An integrator (a pole at 0) is not stable in this sense: its state stays where it is.
        """
        return (self.poles().real < 0).all(-1)

    def discretize(
        self, dt: ArrayLike, method: str = "zoh", alpha: float | None = None
    ) -> DiscreteStateSpace:
        """The discrete system that takes steps of length ``dt``; C and D stay as they are.

        Args:
            dt: the step, in the unit of time of A: a number, or (...) with one for each system of the batch.
            method: ``zoh``, ``bilinear``, ``forward_euler``, ``backward_euler``, ``gbt``, ``dirac`` or
                ``mamba``; see :func:`clew.maths.discretize.discretize`.
            alpha: for ``gbt`` only: the implicit share, from 0 to 1.

        Raises:
            ValueError: for an unknown method, a step that is not positive and finite, and a method that does
                not exist for this A and dt.
        """
        step = dt if isinstance(dt, int | float) else as_tensor("dt", dt, torch.float64, self.device)
        A_bar, B_bar = discretize(self.A, self.B, step, method, alpha)
        return DiscreteStateSpace(A_bar, B_bar, self.C, self.D, step)

    def frequency_response(self, omega: ArrayLike) -> Tensor:
        """H(iω) = C (iωI − A)⁻¹ B + D, the transfer function on the imaginary axis.

        Args:
            omega: ω, in radians per unit of time: a number, or (F,).

        Returns:
            (..., M, P) complex for a number, (..., F, M, P) for a row; computed in complex128 and cast.

        Raises:
            ValueError: if the system has a pole at an iω.
        """
        given = as_tensor("omega", omega, torch.float64, self.device)
        points = 1j * response.frequency_axis(given)
        answer = response.transfer(self.matrices, points) + self.D[..., None, :, :]
        return answer if given.ndim else answer[..., 0, :, :]

    def impulse_response(self, t: ArrayLike) -> Tensor:
        """C e^{At} B, the output after a unit impulse at time 0 (the impulse D δ(t) itself aside).

        Args:
            t: times ≥ 0: a number, or (T,).

        Returns:
            (..., M, P) for a number, (..., T, M, P) for a row; each time has its own matrix exponential.

        Raises:
            ValueError: for a time that is negative or not finite.
        """
        given = as_tensor("t", t, torch.float64, self.device)
        answer = simulation.impulse_response(self.matrices, simulation.time_axis(given))
        return answer if given.ndim else answer[..., 0, :, :]

    def step_response(self, t: ArrayLike) -> Tensor:
        """C ∫₀ᵗ e^{As} ds B + D, the output after the input has gone from 0 to 1 at time 0 and stayed there.

        Args:
            t: times ≥ 0: a number, or (T,).

        Returns:
            (..., M, P) for a number, (..., T, M, P) for a row: column p is the answer to input p.

        Raises:
            ValueError: for a time that is negative or not finite.

        >>> StateSpace([[-2.0]], [[2.0]], [[1.0]]).step_response([0.0, 0.5, 5.0])[:, 0, 0]
        tensor([0.0000, 0.6321, 1.0000], dtype=torch.float64)
        """
        given = as_tensor("t", t, torch.float64, self.device)
        answer = simulation.step_response(self.matrices, simulation.time_axis(given))
        return answer if given.ndim else answer[..., 0, :, :]

    def time_constants(self) -> Tensor:
        """−1/Re(pole), the time in which each mode decays to 1/e: (..., N) real, in the order of the poles.

        Infinite for a pole on the imaginary axis; negative for a mode that grows by e in that time.
        """
        return -1.0 / self.poles().real.where(self.poles().real != 0, -0.0)

    def simulate(self, x: ArrayLike, t: ArrayLike, state: ArrayLike | None = None) -> tuple[Tensor, Tensor]:
        """The exact outputs at the times ``t``, for an input that is constant between them.

        x[k] holds over the interval that *ends* at t[k], from t[k−1] on (from 0 for k = 0), so the input of
        sample k is in the state of sample k: with t = dt, 2dt, … this is ``discretize(dt).run(x)``. (scipy's
        ``lsim(interp=False)`` holds its sample k over the interval that begins at t[k].)

        Args:
            x: (..., L, P).
            t: (L,) times ≥ 0 that do not decrease; they need not be evenly spaced.
            state: (..., N), the state at time 0; zero unless given.

        Returns:
            y (..., L, M), y[k] = C h(t[k]) + D x[k], and the state (..., N) at the last time. Computed in
            float64 and cast.

        Raises:
            ValueError: for shapes that do not fit, and times that are negative, not finite, or decrease.

        >>> integrator = StateSpace([[0]], [[1]], [[1]])
        >>> integrator.simulate([[1], [-2]], [0.5, 0.75])[0]
        tensor([[0.5000],
                [0.0000]], dtype=torch.float64)
        """
        signals = Signals.of(self.matrices, x, state)
        times = as_tensor("t", t, torch.float64, self.device)
        if times.ndim != 1 or len(times) != signals.length:
            raise ValueError(
                f"t must be ({signals.length},), as x has samples, got shape {tuple(times.shape)}"
            )
        times = simulation.time_axis(times)
        if not signals.length:
            return signals.nothing()
        return simulation.simulate(signals.matrices, signals.x, times, signals.state)

    @classmethod
    def from_scipy(cls, system: Any) -> "StateSpace":
        """The system that a ``scipy.signal.StateSpace`` (or any other ``lti``) describes, matrix by matrix.

        Raises:
            ValueError: for anything but a continuous system of scipy's.
            MissingExtraError: without scipy.
        """
        return cls(*interop_scipy.read_continuous(system))

    def to_scipy(self) -> Any:
        """A ``scipy.signal.StateSpace`` with the same matrices, detached.

        Raises:
            ValueError: for a batch of systems.
            MissingExtraError: without scipy.
        """
        return interop_scipy.write(self.matrices, None)

    @classmethod
    def from_control(cls, system: Any) -> "StateSpace":
        """The system that a ``control.StateSpace`` or ``control.TransferFunction`` describes.

        Raises:
            ValueError: for anything but a continuous system of python-control's.
            MissingExtraError: without control.
        """
        return cls(*interop_control.read_continuous(system))

    def to_control(self) -> Any:
        """A ``control.StateSpace`` with the same matrices, detached.

        Raises:
            ValueError: for a batch of systems, and for complex matrices.
            MissingExtraError: without control.
        """
        return interop_control.write(self.matrices, None)
