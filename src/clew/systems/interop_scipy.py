"""Systems to and from ``scipy.signal``."""

from types import ModuleType
from typing import Any

import numpy as np
from torch import Tensor

from clew.errors import missing_extra
from clew.systems.matrices import Matrices
from clew.systems.output_first import Arrays, as_arrays, to_output_first, to_update_first, with_a_state

__all__ = ["read_continuous", "read_discrete", "write"]


def read_continuous(system: Any) -> Arrays:
    """A, B, C and D of a continuous system of scipy's."""
    if not isinstance(system, _signal().lti):
        raise ValueError(f"expected a continuous system of scipy.signal (lti), got {_what(system)}")
    return with_a_state(_arrays(system))


def read_discrete(system: Any) -> tuple[Any, ...]:
    """A, B, C and D of a discrete system of scipy's in our convention, and its dt."""
    if not isinstance(system, _signal().dlti):
        raise ValueError(f"expected a discrete system of scipy.signal (dlti), got {_what(system)}")
    dt = 1.0 if system.dt is True or system.dt is None else float(system.dt)
    return *to_update_first(*with_a_state(_arrays(system))), dt


def write(matrices: Matrices, dt: float | Tensor | None) -> Any:
    """A ``scipy.signal.StateSpace``: continuous if ``dt`` is ``None``."""
    signal = _signal()
    arrays = as_arrays(matrices)
    if dt is None:
        return signal.StateSpace(*arrays)
    return signal.StateSpace(*to_output_first(*arrays), dt=float(dt))


def _signal() -> ModuleType:
    try:
        from scipy import signal
    except ImportError:
        raise missing_extra("scipy", "control") from None
    module: ModuleType = signal
    return module


def _arrays(system: Any) -> Arrays:
    """The matrices of any representation."""
    states = system.to_ss()
    return np.asarray(states.A), np.asarray(states.B), np.asarray(states.C), np.asarray(states.D)


def _what(system: Any) -> str:
    return f"{type(system).__module__}.{type(system).__qualname__}"
