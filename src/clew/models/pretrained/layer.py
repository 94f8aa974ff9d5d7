"""What the published layers of Mamba and Mamba-2 have in common: options from fields, or else from shapes."""

from collections.abc import Mapping
from typing import Any

from clew.models.pretrained.fields import Fields
from clew.models.pretrained.names import LAYER

__all__ = ["Shapes", "check_known", "has", "shared_options", "size"]

Shapes = Mapping[str, tuple[int, ...]]

# Of the original's layers: what concerns the start or the speed alone, and what both layers have.
START = {"dt_min", "dt_max", "dt_init", "dt_scale", "dt_init_floor", "conv_init", "A_init_range"}
SPEED = {"use_fast_path", "use_mem_eff_path", "chunk_size", "process_group", "sequence_parallel"}
SHARED = {"layer", "d_state", "d_conv", "expand", "bias", "conv_bias"}


def shared_options(fields: Fields, shapes: Shapes, d_model: int) -> dict[str, Any]:
    """The options ``d_conv``, ``expand``, ``bias`` and ``conv_bias``.

    Raises:
        ValueError: for an activation that is not SiLU, or inner channels that are no multiple of ``d_model``.
    """
    name, activation = fields.raw("hidden_act")
    if activation not in (None, "silu", "swish"):
        raise ValueError(f"{name} in config.json is silu, the activation of both layers; got {activation!r}")
    inner = fields.whole("inner")
    if inner is None and fields.raw("expand")[1] is not None:
        inner = int(fields.number("expand", 2.0) * d_model)
    if inner is None:
        inner = size(shapes, "out_proj.weight", 1) or 2 * d_model
    if inner % d_model:
        raise ValueError(
            f"config.json asks for {inner} inner channels with {d_model} channels; a whole multiple is needed"
        )
    return {
        "d_conv": fields.whole("d_conv") or size(shapes, "conv1d.weight", 2) or 4,
        "expand": inner // d_model,
        "bias": fields.flag("bias", has(shapes, "in_proj.bias")),
        "conv_bias": fields.flag("conv_bias", has(shapes, "conv1d.bias")),
    }


def check_known(fields: Fields, own: set[str]) -> None:
    """Refuse options in ``ssm_cfg`` that are not known: they could change what the layer computes.

    Args:
        fields: of ``config.json``.
        own: the options that one layer has beside the shared ones.

    Raises:
        ValueError: with the names of the unknown.
    """
    unknown = sorted(set(fields.layer_options) - START - SPEED - SHARED - own)
    if unknown:
        raise ValueError(f"ssm_cfg in config.json has options that are not known here: {', '.join(unknown)}")


def size(shapes: Shapes, name: str, axis: int) -> int | None:
    """The size of a tensor of the first layer along an axis, where there is one."""
    shape = shapes.get(f"{LAYER}0.mixer.{name}", ())
    return shape[axis] if len(shape) > axis else None


def has(shapes: Shapes, name: str) -> bool:
    """Whether the first layer has the tensor ``name``."""
    return f"{LAYER}0.mixer.{name}" in shapes
