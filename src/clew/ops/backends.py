"""Which implementation of an operation runs: found by file name, chosen in a fixed order, able to say why.

An operation is a folder beside this file. Each of its backends is a module there called after the backend:
``triton.py``, ``native.py``, ``parallel.py`` or ``reference.py``. A backend is picked up because its file
exists; no list has to be edited. Each module has::

    available() -> str | None           # None where it can run; else the reason why not, with the remedy
    supports(*tensors) -> str | None    # None where it takes these tensors; else the reason why not
    forward(...), backward(...)         # as the operation's ``op.py`` calls them; reference.py: forward alone

A module may have besides ``detail() -> str``, which ``backends()`` prints behind the name: how it runs here.

``supports`` gets the operation's leading tensor arguments. It may look at their dtype, device and shape; it
is traced by ``torch.compile``. ``available`` runs once per process and is not traced.

``forward`` and ``backward`` conjugate with ``torch.conj_physical``, never with the lazy ``Tensor.conj``: a
compiled graph calls custom ops with the resolution of lazy conjugates switched off, and the result would be
wrong, silently.
"""

import importlib
import importlib.util
import threading
from collections.abc import Iterator, Mapping
from types import MappingProxyType, ModuleType, TracebackType
from typing import NamedTuple

from torch import Tensor

from clew.errors import unknown_name

__all__ = ["ORDER", "Backends", "Choice", "Operation", "backends", "use_backend"]

ORDER = ("triton", "native", "parallel", "reference")
"""Backends in order of preference."""


class Choice(NamedTuple):
    """The backend that a call takes, and why."""

    backend: str
    reason: str


class _Forced(threading.local):
    """The backend that :class:`use_backend` forces in this thread, or None."""

    name: str | None

    def __init__(
        self,
    ) -> None:  # of the instance, and in each thread: an attribute that appears breaks guards
        self.name = None


_forced = _Forced()
_operations: dict[str, "Operation"] = {}


class Operation:
    """The backends of one operation.

    Args:
        name: the operation's name, which is also its folder's.
    """

    def __init__(self, name: str) -> None:
        assert name not in _operations, f"operation {name!r} is declared twice"
        self.name = name
        self._modules: dict[str, ModuleType] = {}
        self._reasons: dict[str, str] = {}
        _operations[name] = self

    @property
    def available(self) -> tuple[str, ...]:
        """Names of the backends that can run here, the preferred one first."""
        _discover(self.name)
        return tuple(self._modules)

    @property
    def unavailable(self) -> Mapping[str, str]:
        """The other backends, each with the reason why it cannot run here."""
        _discover(self.name)
        return MappingProxyType(self._reasons)

    def module(self, name: str) -> ModuleType:
        """The module of the backend ``name``, which must be available."""
        _discover(self.name)
        return self._modules[name]

    def describe(self, name: str) -> str:
        """The backend's name and, where it has something to add, how it runs here: ``"native (avx2)"``."""
        detail = getattr(self.module(name), "detail", None)
        return name if detail is None else f"{name} ({detail()})"

    def choose(self, *tensors: Tensor) -> Choice:
        """The backend that a call with these tensors takes, and why.

        Args:
            *tensors: the operation's leading tensor arguments.

        Raises:
            ValueError: if :class:`use_backend` forces a backend that this operation lacks, that cannot run
                here, or that does not take these tensors.
        """
        _discover(self.name)
        forced = _forced.name
        if forced is not None:
            if forced not in self._modules:
                raise ValueError(f"{self.name} has no backend {forced!r} here: {self._reasons[forced]}")
            refusal = self._modules[forced].supports(*tensors)
            if refusal is not None:
                raise ValueError(f"{self.name}: the backend {forced!r} does not take this call: {refusal}")
            return Choice(forced, f"forced by use_backend({forced!r})")
        passed_over = ""
        for name, module in self._modules.items():
            refusal = module.supports(*tensors)
            if refusal is None:
                return Choice(name, passed_over or "first in order of preference")
            passed_over = f"{passed_over}{'; ' if passed_over else ''}{name}: {refusal}"
        raise AssertionError(f"no backend of {self.name} takes this call: {passed_over}")

    def __repr__(self) -> str:
        return repr(Backends({self.name: self}))


class Backends(Mapping[str, Operation]):
    """The operations by name; prints as a table."""

    def __init__(self, operations: Mapping[str, Operation]) -> None:
        self._operations = dict(sorted(operations.items()))

    def __getitem__(self, name: str) -> Operation:
        if name not in self._operations:
            raise KeyError(str(unknown_name("operation", name, self._operations)))
        return self._operations[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._operations)

    def __len__(self) -> int:
        return len(self._operations)

    def __repr__(self) -> str:
        width = max(map(len, self._operations), default=0)
        lines = []
        for name, operation in self._operations.items():
            by_reason: dict[str, list[str]] = {}
            for backend, reason in operation.unavailable.items():
                by_reason.setdefault(reason, []).append(backend)
            lines.append(f"{name:<{width}}  {', '.join(map(operation.describe, operation.available))}")
            lines += [f"{'':<{width}}  no {', '.join(them)}: {why}" for why, them in by_reason.items()]
        return "\n".join(lines)


def backends() -> Backends:
    """For each operation: the backends that can run here, why others cannot, and which one a call takes.

    >>> from clew.ops import backends
    >>> "reference" in backends()["linear_scan"].available
    True
    """
    return Backends(_operations)


class use_backend:
    """Context manager that forces one backend for every operation called inside it, in this thread.

    An operation that lacks the backend, or whose backend does not take the call, raises a ``ValueError`` at
    the call; it never falls back. The backward pass takes the backend of its forward pass. Works inside and
    around ``torch.compile``.

    Args:
        name: "triton", "native", "parallel" or "reference".

    Raises:
        ValueError: for any other name.

    >>> import torch
    >>> from clew.ops import backends, use_backend
    >>> with use_backend("reference"):
    ...     backends()["linear_scan"].choose(torch.ones(1, 8, 4), torch.ones(1, 8, 4))
    Choice(backend='reference', reason="forced by use_backend('reference')")
    """

    def __init__(self, name: str) -> None:
        if name not in ORDER:
            raise unknown_name("backend", name, ORDER)
        self.name = name
        self._previous: list[str | None] = []

    def __enter__(self) -> None:
        self._previous.append(_forced.name)
        _forced.name = self.name

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _forced.name = self._previous.pop()


def _discover(name: str) -> None:
    """Fill in the backends of the operation ``name``, once."""
    operation = _operations[name]
    if operation._modules:
        return
    modules: dict[str, ModuleType] = {}
    for backend in ORDER:
        path = f"clew.ops.{name}.{backend}"
        if importlib.util.find_spec(path) is None:
            operation._reasons[backend] = f"not written for {name}"
            continue
        module = importlib.import_module(path)
        reason: str | None = module.available()
        if reason is None:
            modules[backend] = module
        else:
            operation._reasons[backend] = reason
    operation._modules.update(modules)


# Imports cannot be traced, and need not be: they happen once. torch.compiler.assume_constant_result sets this
# very mark, but calling it loads the compiler, which would make `import clew` seconds slower.
_discover._dynamo_marked_constant = True  # type: ignore[attr-defined]
