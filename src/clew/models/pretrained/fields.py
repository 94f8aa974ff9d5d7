"""The fields of a published ``config.json``, each under any of its names."""

import math
from collections.abc import Mapping
from typing import Any, final

__all__ = ["Fields"]

# Hugging Face's name first, the original's second. What is not here has one name.
NAMES: dict[str, tuple[str, ...]] = {
    "d_model": ("hidden_size", "d_model"),
    "n_layers": ("num_hidden_layers", "n_layer"),
    "norm_epsilon": ("layer_norm_epsilon", "norm_epsilon"),
    "tied": ("tie_word_embeddings", "tie_embeddings"),
    "inner": ("intermediate_size", "d_inner"),
    "d_state": ("state_size", "d_state"),
    "d_conv": ("conv_kernel", "d_conv"),
    "dt_rank": ("time_step_rank", "dt_rank"),
    "dt_limit": ("time_step_limit", "dt_limit"),
    "bias": ("use_bias", "bias"),
    "conv_bias": ("use_conv_bias", "conv_bias"),
    "head_dim": ("head_dim", "headdim"),
    "n_groups": ("n_groups", "ngroups"),
}


@final
class Fields:
    """Values from a ``config.json`` and from the ``ssm_cfg`` in it, checked when they are asked for.

    Published configurations carry fields of both conventions, stale ones among them: those of the convention
    that the tensors follow go first. ``null`` counts as absent.

    Args:
        config: the content of ``config.json``.
        original: whether the names of the tensors are those of the original code.

    Raises:
        ValueError: if ``ssm_cfg`` is no mapping.
    """

    def __init__(self, config: Mapping[str, Any], *, original: bool) -> None:
        inner = config.get("ssm_cfg") or {}
        if not isinstance(inner, Mapping):
            raise ValueError(f"ssm_cfg in config.json is a mapping; got {inner!r}")
        self.layer_options = inner
        self._original = original
        self._places = (inner, config) if original else (config, inner)

    def raw(self, field: str) -> tuple[str, Any]:
        """The name under which ``field`` is there and its value, or its first name and ``None``."""
        names = NAMES.get(field, (field,))
        for name in reversed(names) if self._original else names:
            for place in self._places:
                if place.get(name) is not None:
                    return name, place[name]
        return names[0], None

    def whole(self, field: str) -> int | None:
        """A whole number of at least 1, or ``None`` where there is none."""
        name, value = self.raw(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} in config.json is a whole number of at least 1; got {value!r}")
        return value

    def number(self, field: str, default: float) -> float:
        """A positive number."""
        name, value = self.raw(field)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise ValueError(f"{name} in config.json is a positive number; got {value!r}")
        return float(value)

    def flag(self, field: str, default: bool) -> bool:
        """True or false."""
        name, value = self.raw(field)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise ValueError(f"{name} in config.json is true or false; got {value!r}")
        return value
