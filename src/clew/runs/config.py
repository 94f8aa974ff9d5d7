"""``config.json``: everything needed to rebuild a run, and to see that another one is not the same."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from clew.data import ByteSequences, Dataset, Split
from clew.models import LanguageModelConfig, ModelConfig
from clew.runs.text_record import TextRecord
from clew.version import __version__

__all__ = ["FORMAT", "DataRecord", "RunConfig", "digest"]

FORMAT = 1


@dataclass(frozen=True)
class DataRecord:
    """Which data a run was trained on.

    Attributes:
        name: as in :func:`clew.data.load`.
        options: as in :func:`clew.data.load`.
        classes: the names of the classes, in the order of the logits; none of values.
        channels: the names of the channels of a sample.
        target: one class, or one vector of values, a sequence, or one a step.
        digest: of all numbers in the training and validation splits, see :func:`digest`.
        values: the names of the values; none of classes.
    """

    name: str
    options: dict[str, Any]
    classes: tuple[str, ...]
    channels: tuple[str, ...]
    target: str
    digest: str
    values: tuple[str, ...] = ()

    @classmethod
    def of(cls, dataset: Dataset) -> "DataRecord":
        """The record of ``dataset``."""
        return cls(
            name=dataset.name,
            options=_as_json(dataset.options),
            classes=tuple(dataset.classes),
            channels=tuple(dataset.channels),
            target=dataset.target,
            digest=digest(dataset.train, dataset.validation),
            values=tuple(dataset.values),
        )

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what the model gives: its classes, or its values."""
        return self.classes or self.values


@dataclass(frozen=True)
class RunConfig:
    """What ``config.json`` says.

    Attributes:
        model: how to build the model.
        data: which data it was trained on.
        training: the fields of :class:`clew.train.TrainConfig` or :class:`clew.train.TextConfig`, its
            directory aside.
        threads: how many threads of torch's the run was started with, in each process.
        processes: how many processes it was started with.
        clew: the version of clew that wrote it.
        torch: the version of torch that wrote it.
    """

    model: ModelConfig | LanguageModelConfig
    data: DataRecord | TextRecord
    training: dict[str, Any]
    threads: int
    processes: int = 1
    clew: str = __version__
    torch: str = torch.__version__

    @property
    def labelled(self) -> DataRecord:
        """``data``, of a run on labelled sequences.

        Raises:
            ValueError: for a run on text.
        """
        if isinstance(self.data, TextRecord):
            raise ValueError(
                "this run is a language model's: it was trained on text, not on labelled sequences"
            )
        return self.data

    def as_json(self) -> dict[str, Any]:
        """The content of the file, in types that JSON has."""
        return {"format": FORMAT, **_as_json(dataclasses.asdict(self))}

    @classmethod
    def read(cls, path: Path) -> "RunConfig":
        """Read the file ``path``.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is not one that holds :meth:`as_json`.
        """
        if not path.is_file():
            raise FileNotFoundError(f"there is no file {path}")
        try:
            content = json.loads(path.read_bytes())
        except ValueError:
            raise ValueError(f"{path} is not a JSON file") from None
        if not isinstance(content, dict) or "format" not in content:
            raise ValueError(f"{path} is not the config.json of a run: it has no field 'format'")
        found = content.pop("format")
        if found != FORMAT:
            raise ValueError(f"{path} has format {found!r}; this version of clew reads format {FORMAT}")
        try:
            data, model = dict(content.pop("data")), content.pop("model")
            if "tokenizer" in data:
                return cls(model=LanguageModelConfig(**model), data=TextRecord.read(data), **content)
            data.setdefault("values", ())  # a run from before there were values
            data |= {name: tuple(data[name]) for name in ("classes", "channels", "values")}
            return cls(model=ModelConfig(**model), data=DataRecord(**data), **content)
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path} is not the config.json of a run: {error}") from None

    def differences(self, other: "RunConfig", ignored: frozenset[str] = frozenset()) -> list[str]:
        """The fields of model, data and training in which ``other`` differs, each with both values.

        Args:
            other: the config to compare with.
            ignored: names, such as ``"training.device"``, that may differ.

        Returns:
            Phrases such as ``"training.epochs is 20 there and 30 here"``: there is ``self``, here ``other``.
        """
        there, here = (_flat(config.as_json()) for config in (self, other))
        names = [name for name in sorted(there.keys() | here.keys()) if name.startswith(_COMPARED)]
        return [
            f"{name} is {there.get(name, 'absent')!r} there and {here.get(name, 'absent')!r} here"
            for name in names
            if name not in ignored and there.get(name) != here.get(name)
        ]


_COMPARED = ("model.", "data.", "training.")


def digest(*splits: Split) -> str:
    """A SHA-256 of the values in ``splits``, so that data changed under the same name are noticed."""
    sum_ = hashlib.sha256()
    for split in splits:
        sum_.update(f"split {len(split)};".encode())
        inputs: Sequence[Any] = (
            split.inputs.texts if isinstance(split.inputs, ByteSequences) else split.inputs
        )
        for values, targets in zip(inputs, split.targets, strict=True):
            sum_.update(_bytes_of(values))
            sum_.update(_bytes_of(targets))
    return sum_.hexdigest()


def _bytes_of(values: Tensor | bytes) -> bytes:
    """The values behind what they are."""
    if isinstance(values, bytes):
        return f"{len(values)} bytes;".encode() + values
    return (
        f"{tuple(values.shape)} {values.dtype};".encode()
        + values.detach().cpu().contiguous().numpy().tobytes()
    )


def _as_json(value: Any) -> Any:
    """``value`` as it is after a round trip through a file: tuples are lists, paths are text."""
    return json.loads(json.dumps(value, allow_nan=False, default=str))


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"a": {"b": 1}}`` as ``{"a.b": 1}``."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
