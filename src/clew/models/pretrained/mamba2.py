"""Mamba-2's layer in published configurations: read and written."""

import math
from collections.abc import Mapping
from typing import Any

from clew.models.pretrained.fields import Fields
from clew.models.pretrained.layer import Shapes, check_known, shared_options, size
from clew.nn import Mamba2

__all__ = ["mamba2_fields", "mamba2_options"]

# What the layer here does in one way: the value that it has to have.
EPSILON = 1e-5
FIXED = {"rmsnorm": True, "norm_before_gate": False, "D_has_hdim": False}


def mamba2_options(fields: Fields, shapes: Shapes, d_model: int) -> dict[str, Any]:
    """The options of :class:`clew.nn.Mamba2`.

    Args:
        fields: of ``config.json``.
        shapes: of the checkpoint's tensors.
        d_model: channels.

    Raises:
        ValueError: for a layer that is not Mamba-2's, naming the field.
    """
    check_known(fields, FIXED.keys() | {"headdim", "ngroups", "dt_limit", "d_ssm"})
    options = shared_options(fields, shapes, d_model)
    if not options.pop("conv_bias"):
        raise ValueError("use_conv_bias in config.json is true for Mamba-2; got false")
    epsilon = fields.number("norm_epsilon", EPSILON)
    if epsilon != EPSILON:
        raise ValueError(f"layer_norm_epsilon in config.json is {EPSILON} for Mamba-2; got {epsilon}")
    inner = options["expand"] * d_model
    _check_fixed(fields, inner)
    heads, convolved = size(shapes, "A_log", 0), size(shapes, "conv1d.weight", 0)
    head_dim, n_groups = fields.whole("head_dim"), fields.whole("n_groups")
    # Both codes start from 128; the shapes tell the product of groups and states alone.
    d_state = fields.whole("d_state") or 128
    if head_dim is None:
        head_dim = 64 if heads is None else max(1, inner // heads)
    if n_groups is None:
        n_groups = 1 if convolved is None else max(1, (convolved - inner) // (2 * d_state))
    return {**options, "d_state": d_state, "head_dim": head_dim, "n_groups": n_groups}


def mamba2_fields(mixer: Mamba2) -> dict[str, Any]:
    """What Hugging Face's ``config.json`` says of such layers, and of whose model they are."""
    return {
        "architectures": ["Mamba2ForCausalLM"],
        "model_type": "mamba2",
        "state_size": mixer.d_state,
        "conv_kernel": mixer.d_conv,
        "expand": mixer.expand,
        "head_dim": mixer.head_dim,
        "num_heads": mixer.expand * mixer.d_model // mixer.head_dim,
        "n_groups": mixer.n_groups,
        "use_bias": mixer.in_proj.bias is not None,
        "use_conv_bias": mixer.conv1d.bias is not None,
    }


def _check_fixed(fields: Fields, inner: int) -> None:
    for name, wanted in FIXED.items():
        if fields.flag(name, wanted) is not wanted:
            raise ValueError(
                f"{name} in config.json is {wanted}, the only layer there is here; got {not wanted}"
            )
    if fields.whole("d_ssm") not in (None, inner):
        raise ValueError(
            f"d_ssm in config.json is all {inner} inner channels: none may go past the scan; "
            f"got {fields.whole('d_ssm')}"
        )
    name, limit = fields.raw("dt_limit")
    if limit is not None and not _is_no_limit(limit):
        raise ValueError(
            f"{name} in config.json is from 0 to infinity: steps are not cut here; got {limit!r}"
        )


def _is_no_limit(limit: Any) -> bool:
    """Transformers writes infinity as ``Infinity`` or as ``{"__float__": "Infinity"}``."""
    if not isinstance(limit, list | tuple) or len(limit) != 2:
        return False
    low, high = (part.get("__float__") if isinstance(part, Mapping) else part for part in limit)
    return low == 0 and high in (math.inf, "Infinity")
