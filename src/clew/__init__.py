"""clew: state space models, defined once and seen three ways.

Each name is loaded when it is first used, so that ``clew --help`` does not wait for torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

from clew.version import __version__

if TYPE_CHECKING:
    from clew import data, export, hippo, models, nn, ops, runs, stream, systems, text, train
    from clew.ops import backends, use_backend
    from clew.runs.load import load
    from clew.systems import DiscreteStateSpace, StateSpace
    from clew.train.fit import fit

__all__ = [
    "DiscreteStateSpace",
    "StateSpace",
    "__version__",
    "backends",
    "data",
    "export",
    "fit",
    "hippo",
    "load",
    "models",
    "nn",
    "ops",
    "runs",
    "stream",
    "systems",
    "text",
    "train",
    "use_backend",
]

_LAZY = {
    "DiscreteStateSpace": ("clew.systems", "DiscreteStateSpace"),
    "StateSpace": ("clew.systems", "StateSpace"),
    "backends": ("clew.ops", "backends"),
    "data": ("clew.data", None),
    "export": ("clew.export", None),
    "fit": ("clew.train", "fit"),
    "hippo": ("clew.hippo", None),
    "load": ("clew.runs", "load"),
    "models": ("clew.models", None),
    "nn": ("clew.nn", None),
    "ops": ("clew.ops", None),
    "runs": ("clew.runs", None),
    "stream": ("clew.stream", None),
    "systems": ("clew.systems", None),
    "text": ("clew.text", None),
    "train": ("clew.train", None),
    "use_backend": ("clew.ops", "use_backend"),
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
