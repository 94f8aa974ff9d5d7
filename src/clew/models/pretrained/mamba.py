"""Mamba's layer, and Falcon-Mamba's, in published configurations: read and written."""

import math
from typing import Any

from clew.models.pretrained.fields import Fields
from clew.models.pretrained.layer import Shapes, check_known, shared_options, size
from clew.nn import Mamba

__all__ = ["mamba_fields", "mamba_options"]


def mamba_options(fields: Fields, shapes: Shapes, d_model: int) -> dict[str, Any]:
    """The options of :class:`clew.nn.Mamba`.

    Falcon-Mamba's norms have no weights, so the fields alone tell it from Mamba.

    Args:
        fields: of ``config.json``.
        shapes: of the checkpoint's tensors.
        d_model: channels.

    Raises:
        ValueError: for a layer that is not Mamba's, naming the field.
    """
    check_known(fields, {"dt_rank"})
    d_state = fields.whole("d_state") or size(shapes, "A_log", 1) or 16
    return {
        **shared_options(fields, shapes, d_model),
        "d_state": d_state,
        "dt_rank": _rank(fields, shapes, d_model),
    }


def mamba_fields(mixer: Mamba) -> dict[str, Any]:
    """What Hugging Face's ``config.json`` says of such layers, and of whose model they are."""
    return {
        "architectures": ["MambaForCausalLM"],
        "model_type": "mamba",
        "state_size": mixer.d_state,
        "conv_kernel": mixer.d_conv,
        "expand": mixer.expand,
        "intermediate_size": mixer.expand * mixer.d_model,
        "time_step_rank": mixer.dt_rank,
        "use_bias": mixer.in_proj.bias is not None,
        "use_conv_bias": mixer.conv1d.bias is not None,
    }


def _rank(fields: Fields, shapes: Shapes, d_model: int) -> int:
    _, rank = fields.raw("dt_rank")
    published = math.ceil(d_model / 16)
    if rank == "auto":
        return published
    return fields.whole("dt_rank") or size(shapes, "dt_proj.weight", 1) or published
