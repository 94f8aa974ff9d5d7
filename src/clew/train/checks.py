"""What must hold before a run writes anything."""

from clew.data import ByteSequences, Dataset
from clew.models import SequenceModel
from clew.train.objective import targets_in

__all__ = ["check_fit"]


def check_fit(model: SequenceModel, dataset: Dataset) -> None:
    """Check that ``model`` can be trained on ``dataset``.

    Raises:
        ValueError: if the model and the data do not belong together, or there is nothing to learn from.
    """
    config = model.config
    if config.d_input != dataset.d_input:
        raise ValueError(
            f"the model takes {config.d_input} channels, and {dataset.name!r} has {dataset.d_input}"
        )
    if config.n_classes != dataset.n_classes:
        raise ValueError(
            f"the model tells {config.n_classes} classes apart, and {dataset.name!r} has {dataset.n_classes}"
        )
    if config.n_values != dataset.n_values:
        raise ValueError(
            f"the model gives {config.n_values} values, and {dataset.name!r} asks for {dataset.n_values}"
        )
    if (config.pooling == "step") != (dataset.target == "step"):
        wanted = "'step'" if dataset.target == "step" else "'mean' or 'last'"
        raise ValueError(
            f"{dataset.name!r} has one target a {dataset.target}: it needs pooling {wanted}, and the model "
            f"has {config.pooling!r}"
        )
    if not len(dataset.train):
        raise ValueError(f"the train split of {dataset.name!r} is empty")
    for name in ("train", "validation"):
        split = getattr(dataset, name)
        if len(split) and not targets_in(split.targets).any():
            raise ValueError(f"the {name} split of {dataset.name!r} has no targets")
    for name in ("train", "validation"):
        sequences = getattr(dataset, name).inputs
        for index, inputs in enumerate(() if isinstance(sequences, ByteSequences) else sequences):
            if not inputs.isfinite().all():
                raise ValueError(f"sequence {index} of the {name} split holds NaN or infinity")
