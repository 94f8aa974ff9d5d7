"""Mixers by name: what ``--mixer`` and a model's configuration choose from."""

from typing import Any

from clew.nn.mixer import Mixer
from clew.registry import Registry

__all__ = ["mixers"]

mixers: Registry[Mixer[Any, Any]] = Registry("mixer")
"""Each member is built as ``mixers.build(name, d_model, options={...})``."""
