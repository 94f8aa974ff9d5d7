"""A language model in Hugging Face's layout, where that has words for it: fields and tensors."""

import inspect
from typing import Any, cast

from torch import Tensor

from clew.models.language_model import LanguageModel
from clew.models.pretrained.mamba import mamba_fields
from clew.models.pretrained.mamba2 import mamba2_fields
from clew.models.pretrained.names import EMBEDDINGS, published_name
from clew.nn import Mamba, Mamba2, mixers

__all__ = ["huggingface_content", "huggingface_tensors"]

# What Hugging Face's models are, and so what the config has to say.
FIXED = {"norm": "rms", "activation": "none", "channel_mixing": "none"}
# Options that its configurations have a field for.
OPTIONS = {
    "mamba": {
        "d_state",
        "d_conv",
        "expand",
        "dt_rank",
        "conv_bias",
        "bias",
        "selection_norm_epsilon",
    },
    "mamba2": {"d_state", "d_conv", "expand", "head_dim", "n_groups", "bias", "conv_bias", "norm_epsilon"},
}


def huggingface_content(model: LanguageModel) -> dict[str, Any]:
    """What ``config.json`` says of ``model`` to the package transformers.

    Which tokens begin and end a text is said to be unknown: by default token 0 would end it.

    Raises:
        ValueError: where there is no such model in transformers, with every reason.
    """
    config = model.config
    reasons = _reasons(model)
    if reasons:
        raise ValueError(
            "Hugging Face's layout has no words for this model, and layout='clew' has: " + "; ".join(reasons)
        )
    mixer = cast(Mamba | Mamba2, model.backbone.blocks[0].get_submodule("mixer"))
    dtypes = {tensor.dtype for tensor in model.parameters()}
    content = {
        **(mamba_fields(mixer) if isinstance(mixer, Mamba) else mamba2_fields(mixer)),
        "vocab_size": config.n_tokens,
        "hidden_size": config.d_model,
        "num_hidden_layers": config.n_layers,
        "layer_norm_epsilon": config.norm_epsilon,
        "hidden_act": "silu",
        "residual_in_fp32": True,
        "tie_word_embeddings": config.tied,
        "bos_token_id": None,
        "eos_token_id": None,
        "pad_token_id": None,
    }
    if len(dtypes) == 1:
        content["dtype"] = str(dtypes.pop()).removeprefix("torch.")
    return content


def huggingface_tensors(model: LanguageModel) -> dict[str, Tensor]:
    """The tensors of ``model`` under Hugging Face's names, without the rows that are nobody's."""
    tensors = {}
    for name, tensor in model.state_dict().items():
        if name.endswith(".step_size"):
            continue
        rows = name in ("embedding.weight", "head.weight")
        tensors[published_name(name, EMBEDDINGS[0])] = tensor[: model.config.n_tokens] if rows else tensor
    return tensors


def _reasons(model: LanguageModel) -> list[str]:
    """What cannot be said of ``model``."""
    config = model.config
    if config.mixer not in OPTIONS:
        return [f"the mixer is {config.mixer}, and it has {' and '.join(OPTIONS)} only"]
    reasons = [
        f"{name} is {getattr(config, name)!r}, and it has {wanted!r} only"
        for name, wanted in FIXED.items()
        if getattr(config, name) != wanted
    ]
    defaults = inspect.signature(mixers[config.mixer]).parameters
    reasons += [
        f"the mixer's {name} is {value!r}, and it has no field for that"
        for name, value in mixers.read_options(config.mixer, config.mixer_options, skip=1).items()
        if name not in OPTIONS[config.mixer] and value != defaults[name].default
    ]
    if any(name.endswith(".step_size") and bool(step != 1) for name, step in model.named_buffers()):
        reasons.append("it was resampled, and it has no step sizes")
    return reasons
