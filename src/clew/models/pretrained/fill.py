"""A model's parameters out of the tensors of a checkpoint: all of them fit, or none is taken."""

from collections.abc import Callable, Collection

import torch
from torch import Tensor

from clew.models.language_model import LanguageModel
from clew.models.pretrained.weights import Weights

__all__ = ["fill"]

# What a resampled layer multiplies its steps by: a buffer that published checkpoints do not have.
STEP_SIZE = ".step_size"


def fill(
    model: LanguageModel,
    weights: Weights,
    name_of: Callable[[str], str],
    *,
    published: bool,
    spare: Collection[str] = (),
    dtype: torch.dtype | None,
    device: torch.device | str,
) -> None:
    """Give ``model``, built on the device ``"meta"``, the tensors of a checkpoint.

    Tensors are read one after another, so that beside the model no more than one file is in use, and that
    only mapped into memory where its format allows.

    Args:
        model: its parameters have shapes and no values yet.
        weights: the tensors.
        name_of: what the checkpoint calls a tensor of the model's ``state_dict``.
        published: whether the checkpoint knows no step sizes, which are then 1.
        spare: names in the checkpoint that may be passed over.
        dtype: of the parameters; ``None`` for what each is stored in.
        device: of the parameters.

    Raises:
        ValueError: naming every tensor that is missing, not known, or of another shape; and for one that is
            no floating-point number.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    made = {name for name in shapes if published and name.endswith(STEP_SIZE)}
    ours = {name_of(name): name for name in shapes if name not in made}
    problems = [
        *(f"missing: {name} {shapes[ours[name]]}" for name in ours if name not in weights.shapes),
        *(
            f"not known: {name} {shape}"
            for name, shape in weights.shapes.items()
            if name not in ours and name not in spare
        ),
        *(
            f"misshapen: {name} {shape}, wanted {shapes[ours[name]]}"
            for name, shape in weights.shapes.items()
            if name in ours and shape != shapes[ours[name]]
        ),
    ]
    if problems:
        raise ValueError(
            f"the tensors in {weights.folder} do not fit the model that its config.json describes:\n  "
            + "\n  ".join(problems)
        )
    values: dict[str, Tensor] = {
        name: torch.ones((), dtype=torch.float32 if dtype is None else dtype, device=device) for name in made
    }
    for name, tensor in weights:
        if name not in ours:
            continue
        if not tensor.is_floating_point():
            raise ValueError(f"{name} holds {tensor.dtype}; quantised checkpoints are not supported")
        # Memory of its own, aligned as torch aligns it: a view of the file is not.
        values[ours[name]] = tensor.to(
            device=device, dtype=tensor.dtype if dtype is None else dtype, copy=True
        )
    model.load_state_dict(values, assign=True)
