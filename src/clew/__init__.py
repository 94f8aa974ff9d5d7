"""clew: state space models, defined once and seen three ways.

Systems, operations and layers are loaded with the package; data sets, models, runs, training and streaming
when they are first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from clew import hippo, nn, ops, systems
from clew.ops import backends, use_backend
from clew.systems import DiscreteStateSpace, StateSpace
from clew.version import __version__

if TYPE_CHECKING:
    from clew import data, models, runs, stream, train
    from clew.runs import load
    from clew.train import fit

__all__ = [
    "DiscreteStateSpace",
    "StateSpace",
    "__version__",
    "backends",
    "data",
    "fit",
    "hippo",
    "load",
    "models",
    "nn",
    "ops",
    "runs",
    "stream",
    "systems",
    "train",
    "use_backend",
]

_LAZY = {
    "data": ("clew.data", None),
    "fit": ("clew.train", "fit"),
    "load": ("clew.runs", "load"),
    "models": ("clew.models", None),
    "runs": ("clew.runs", None),
    "stream": ("clew.stream", None),
    "train": ("clew.train", None),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'clew' has no attribute {name!r}")
    module, attribute = _LAZY[name]
    loaded = importlib.import_module(module)
    value = loaded if attribute is None else getattr(loaded, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
