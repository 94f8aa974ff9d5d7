"""Systems to and from python-control."""

from types import ModuleType
from typing import Any

import numpy as np
from torch import Tensor

from clew.errors import missing_extra
from clew.systems.matrices import Matrices
from clew.systems.output_first import Arrays, as_arrays, to_output_first, to_update_first, with_a_state

__all__ = ["read_continuous", "read_discrete", "write"]


def read_continuous(system: Any) -> Arrays:
    """A, B, C and D of a continuous system of python-control's."""
    states = _states(system)
    if not states.isctime():
        raise ValueError(f"expected a continuous system, got one with dt={states.dt}")
    return with_a_state(_arrays(states))


def read_discrete(system: Any) -> tuple[Any, ...]:
    """A, B, C and D of a discrete system of python-control's in our convention, and its dt."""
    states = _states(system)
    if not states.isdtime(strict=True):
        raise ValueError(f"expected a discrete system, got one with dt={states.dt}")
    dt = 1.0 if states.dt is True else float(states.dt)
    return *to_update_first(*with_a_state(_arrays(states))), dt


def write(matrices: Matrices, dt: float | Tensor | None) -> Any:
    """A ``control.StateSpace``: continuous if ``dt`` is ``None``."""
    control = _control()
    arrays = as_arrays(matrices)
    if matrices.A.is_complex():
        raise ValueError("python-control has real systems only, and this one is complex")
    if dt is not None:
        arrays = to_output_first(*arrays)
    return control.StateSpace(*arrays, 0 if dt is None else float(dt), remove_useless_states=False)


def _control() -> ModuleType:
    try:
        import control
    except ImportError:
        raise missing_extra("control", "control") from None
    module: ModuleType = control
    return module


def _states(system: Any) -> Any:
    """``system`` as a ``control.StateSpace``."""
    control = _control()
    if isinstance(system, control.StateSpace):
        return system
    if isinstance(system, control.TransferFunction):
        return control.ss(system)
    kind = f"{type(system).__module__}.{type(system).__qualname__}"
    raise ValueError(f"expected a control.StateSpace or control.TransferFunction, got {kind}")


def _arrays(states: Any) -> Arrays:
    return np.asarray(states.A), np.asarray(states.B), np.asarray(states.C), np.asarray(states.D)
