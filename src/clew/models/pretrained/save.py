"""A language model into a folder, for clew or for the package transformers."""

import os
from pathlib import Path
from typing import Literal

import safetensors.torch

from clew.errors import unknown_name
from clew.files import json_to_bytes, replacing, write_bytes
from clew.models.language_model import LanguageModel
from clew.models.pretrained.huggingface import huggingface_content, huggingface_tensors
from clew.models.pretrained.own import own_content
from clew.models.pretrained.weights import FILES

__all__ = ["LAYOUTS", "save"]

LAYOUTS = ("clew", "huggingface")


def save(
    model: LanguageModel,
    directory: str | os.PathLike[str],
    *,
    layout: Literal["clew", "huggingface"] = "clew",
) -> None:
    """See :meth:`clew.models.LanguageModel.save_pretrained`."""
    if layout not in LAYOUTS:
        raise unknown_name("layout", layout, LAYOUTS)
    if layout == "clew":
        content, tensors = own_content(model.config), model.state_dict()
    else:
        content, tensors = huggingface_content(model), huggingface_tensors(model)
    described = json_to_bytes(content)
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    there = [name for name in ("config.json", *FILES) if (folder / name).exists()]
    if there:
        raise FileExistsError(
            f"{folder} holds {', '.join(there)} already: give another folder, or remove them"
        )
    with replacing(folder / FILES[0]) as aside:
        whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        # transformers asks for this note.
        safetensors.torch.save_file(whole, aside, metadata={"format": "pt"})
    # The last one: without it the folder is no checkpoint.
    write_bytes(folder / "config.json", described)
