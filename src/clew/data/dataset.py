"""What every data set is: sequences of frames, a class or values for each or for each frame, three splits."""

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from clew.data.byte_sequences import ByteSequences
from clew.data.moments import mean_and_std

__all__ = ["IGNORE", "Batch", "Dataset", "Split", "asked", "nothing"]

IGNORE = -100
"""The class of a frame that asks for nothing: ``ignore_index`` of ``torch.nn.functional.cross_entropy``."""


def asked(targets: Tensor) -> Tensor:
    """Which of ``targets`` ask for something, bool of their shape: classes but ``IGNORE``, values but NaN.

    >>> asked(torch.tensor([2, IGNORE])).tolist(), asked(torch.tensor([torch.nan, 0.5])).tolist()
    ([True, False], [False, True])
    """
    return ~targets.isnan() if targets.is_floating_point() else targets != IGNORE


def nothing(targets: Tensor) -> float:
    """The target that asks for nothing, of the kind of ``targets``: NaN among values, else ``IGNORE``."""
    return torch.nan if targets.is_floating_point() else IGNORE


class Batch(NamedTuple):
    """Sequences of different lengths in one tensor.

    Attributes:
        inputs: (batch, time, channel) float32; zero past a sequence's length.
        lengths: (batch,) int64, in frames.
        targets: int64 classes, (batch,) or, one per frame, (batch, time) with ``IGNORE`` in the padding; or
            float32 values, (batch, value) or, per frame, (batch, time, value) with NaN in the padding.
    """

    inputs: Tensor
    lengths: Tensor
    targets: Tensor

    @property
    def mask(self) -> Tensor:
        """(batch, time) bool: true where there is a frame, false in the padding."""
        steps = torch.arange(self.inputs.shape[1], device=self.lengths.device)
        return steps < self.lengths[:, None]


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """One part of a data set: sequences and their targets, in a fixed order.

    Args:
        inputs: one (time, channel) float32 tensor a sequence; finite, at least one frame each. Texts may be
            :class:`~clew.data.ByteSequences`.
        targets: one tensor a sequence: int64, () for a class and (time,) for a class per frame; or float32,
            (value,) for values and (time, value) for values per frame, where NaN asks for nothing.

    Raises:
        ValueError: if the sequences do not have these shapes and types, or hold NaN or infinity.

    >>> split = Split((torch.ones(2, 1), torch.ones(3, 1)), (torch.tensor(0), torch.tensor(1)))
    >>> batch = split.batch([0, 1])
    >>> batch.inputs.shape, batch.lengths.tolist(), batch.targets.tolist()
    (torch.Size([2, 3, 1]), [2, 3], [0, 1])
    >>> batch.mask.tolist()
    [[True, True, False], [True, True, True]]
    """

    inputs: tuple[Tensor, ...] | ByteSequences
    targets: tuple[Tensor, ...]

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.targets):
            raise ValueError(f"a split has {len(self.inputs)} sequences and {len(self.targets)} targets")
        if not isinstance(self.inputs, ByteSequences):
            _check_sequences(self.inputs)
        for index, (length, target) in enumerate(zip(self.lengths.tolist(), self.targets, strict=True)):
            self._check_target(index, length, target)

    def _check_target(self, index: int, length: int, target: Tensor) -> None:
        first = self.targets[0]
        if first.dtype == torch.float32:
            self._check_values(index, length, target)
            return
        if target.dtype != torch.int64 or target.ndim != first.ndim:
            raise ValueError(
                f"target {index} is {tuple(target.shape)} {target.dtype}; "
                "wanted int64, all of them () or all of them (time,)"
            )
        if target.shape not in ((), (length,)):
            raise ValueError(
                f"target {index} is {tuple(target.shape)}; wanted () or ({length},), a class per frame"
            )

    def _check_values(self, index: int, length: int, target: Tensor) -> None:
        first = self.targets[0]
        values = first.shape[-1:]
        if target.dtype != torch.float32 or target.ndim != first.ndim or target.shape[-1:] != values:
            raise ValueError(
                f"target {index} is {tuple(target.shape)} {target.dtype}; wanted float32, all of them "
                "(value,) or all of them (time, value), with the same number of values"
            )
        if target.shape not in (values, (length, *values)) or 0 in values or not values:
            raise ValueError(
                f"target {index} is {tuple(target.shape)}; wanted (value,) or ({length}, value), "
                "values per frame"
            )
        if target.isinf().any():
            raise ValueError(f"target {index} holds infinity")

    def __len__(self) -> int:
        return len(self.inputs)

    def __repr__(self) -> str:
        return f"Split({len(self)} sequences)"

    @property
    def has_values(self) -> bool:
        """Whether values are asked for, not classes; false where nothing is asked."""
        return bool(self.targets) and self.targets[0].is_floating_point()

    @property
    def per_frame(self) -> bool:
        """Whether each frame has a target of its own; false where nothing is asked."""
        return bool(self.targets) and self.targets[0].ndim == 1 + self.has_values

    @cached_property
    def lengths(self) -> Tensor:
        """(sequence,) int64: how many frames each sequence has."""
        if isinstance(self.inputs, ByteSequences):
            return torch.tensor(self.inputs.lengths(), dtype=torch.int64)
        return torch.tensor([len(sequence) for sequence in self.inputs], dtype=torch.int64)

    def select(self, indices: Iterable[int] | Tensor) -> "Split":
        """The split of the sequences at ``indices``, in that order."""
        chosen = _positions(indices)
        targets = tuple(self.targets[i] for i in chosen)
        if isinstance(self.inputs, ByteSequences):
            return Split(self.inputs.select(chosen), targets)
        return Split(tuple(self.inputs[i] for i in chosen), targets)

    def batch(self, indices: Iterable[int] | Tensor, time: int | None = None) -> Batch:
        """The sequences at ``indices``, padded to one length.

        Args:
            indices: which sequences, in this order.
            time: the length to pad to; the longest of these sequences when not given.

        Returns:
            The :class:`Batch`; for no indices its batch (and, without ``time``, its time) has size zero.

        Raises:
            ValueError: if a sequence is longer than ``time``, or ``indices`` is a mask.
        """
        chosen = _positions(indices)
        lengths = self.lengths[chosen]
        longest = int(lengths.max()) if chosen else 0
        time = longest if time is None else time
        if longest > time:
            raise ValueError(f"time={time} is shorter than the longest of these sequences, {longest} frames")
        if not chosen:
            channels = self.inputs[0].shape[1] if self.inputs else 0
            times = (time,) if self.per_frame else ()
            values = self.targets[0].shape[-1:] if self.has_values else ()
            dtype = torch.float32 if self.has_values else torch.int64
            targets = torch.empty((0, *times, *values), dtype=dtype)
            return Batch(torch.zeros(0, time, channels), lengths, targets)
        inputs = _pad([self.inputs[i] for i in chosen], time, 0.0)
        wanted = [self.targets[i] for i in chosen]
        targets = _pad(wanted, time, nothing(wanted[0])) if self.per_frame else torch.stack(wanted)
        return Batch(inputs, lengths, targets)


def _check_sequences(sequences: tuple[Tensor, ...]) -> None:
    """Refuse what is not (time, channel) float32 and finite, with one number of channels."""
    for index, sequence in enumerate(sequences):
        if sequence.dtype != torch.float32 or sequence.ndim != 2 or 0 in sequence.shape:
            raise ValueError(
                f"sequence {index} is {tuple(sequence.shape)} {sequence.dtype}; "
                "wanted (time, channel) float32, neither of them zero"
            )
        if sequence.shape[1] != sequences[0].shape[1]:
            raise ValueError(
                f"sequence {index} has {sequence.shape[1]} channels, sequence 0 has {sequences[0].shape[1]}"
            )
    # So many at a time that a copy of them is small beside a large split.
    step = max(1, 2**22 // max((sequence.numel() for sequence in sequences), default=1))
    for first in range(0, len(sequences), step):
        # The smallest and the largest value are NaN where there is one.
        if not torch.stack(torch.cat(sequences[first : first + step]).aminmax()).isfinite().all():
            index = next(i for i, sequence in enumerate(sequences) if not sequence.isfinite().all())
            raise ValueError(f"sequence {index} holds NaN or infinity")


def _positions(indices: Iterable[int] | Tensor) -> list[int]:
    """Whole numbers; a mask would pass for the numbers 0 and 1."""
    if isinstance(indices, Tensor):
        if indices.dtype == torch.bool:
            raise ValueError("indices are the numbers of sequences, got a mask; use mask.nonzero()[:, 0]")
        indices = indices.tolist()
    return [operator.index(index) for index in indices]


def _pad(sequences: list[Tensor], time: int, value: float) -> Tensor:
    """(batch, time, …) of tensors (length, …), filled up with ``value``."""
    padded = pad_sequence(sequences, batch_first=True, padding_value=value)
    if padded.shape[1] == time:
        return padded
    wide = padded.new_full((len(sequences), time, *padded.shape[2:]), value)
    wide[:, : padded.shape[1]] = padded
    return wide


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A task on sequences, to name classes or to give values: what it is, where it is from, its three splits.

    All numbers are raw; a model standardises samples with ``mean`` and ``std``, so that a stream takes raw
    samples, and values with ``target_mean`` and ``target_std``, so that it gives them in their own units.

    Args:
        name: the name it is registered under.
        options: JSON-able; ``clew.data.load(name, options)`` gives the same data again.
        description: what the sequences are and what is asked of them.
        source: where the data is from, as one would cite it.
        licence: under which terms.
        channels: the name of each channel.
        classes: the name of each class; a target is an index into them. None where values are asked for.
        target: what one class, or one vector of values, is asked for: each "sequence" or each "step" (frame),
            where ``IGNORE`` or NaN asks for nothing.
        train: what a model may learn from.
        validation: a share of the official training data, to stop by; may be empty.
        test: what a model is judged on; may be empty.
        values: the name of each value, where values are asked for.

    Raises:
        ValueError: if the splits do not fit the channels, classes or values and kind of target, or there is
            nothing to learn from.
    """

    name: str
    options: dict[str, Any]
    description: str
    source: str
    licence: str
    channels: tuple[str, ...]
    classes: tuple[str, ...]
    target: Literal["sequence", "step"]
    train: Split
    validation: Split
    test: Split
    values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.classes and self.values:
            raise ValueError(f"{self.name}: it asks for classes or for values, got names of both")
        if len(self.classes) < 2 and not self.values:
            raise ValueError(
                f"{self.name}: at least two classes are needed, got {', '.join(self.classes) or 'none'}"
            )
        if not len(self.train):
            raise ValueError(f"{self.name}: the training split is empty")
        for name in ("train", "validation", "test"):
            self._check(name, getattr(self, name))

    def _check(self, name: str, split: Split) -> None:
        where = f"{self.name}, {name} split"
        if not len(split):
            return
        if split.inputs[0].shape[1] != self.d_input:
            raise ValueError(f"{where}: {split.inputs[0].shape[1]} channels, but {self.d_input} are named")
        if split.has_values != bool(self.values):
            raise ValueError(f"{where}: the targets are {'values' if split.has_values else 'classes'}")
        if split.per_frame != (self.target == "step"):
            raise ValueError(f"{where}: the targets are not one per {self.target}")
        if self.values:
            if split.targets[0].shape[-1] != self.n_values:
                raise ValueError(
                    f"{where}: {split.targets[0].shape[-1]} values a target, but {self.n_values} are named"
                )
            return
        targets = torch.cat(split.targets) if self.target == "step" else torch.stack(split.targets)
        if self.target == "step":
            targets = targets[targets != IGNORE]
        if ((targets < 0) | (targets >= self.n_classes)).any():
            raise ValueError(f"{where}: a target is none of the classes 0 to {self.n_classes - 1}")

    def __repr__(self) -> str:
        counts = f"{len(self.train)} train, {len(self.validation)} validation, {len(self.test)} test"
        channels = "1 channel" if self.d_input == 1 else f"{self.d_input} channels"
        values = "1 value" if self.n_values == 1 else f"{self.n_values} values"
        outputs = values if self.values else f"{self.n_classes} classes"
        return f"Dataset({self.name!r}, {counts}, {channels}, {outputs})"

    @property
    def d_input(self) -> int:
        """The number of channels."""
        return len(self.channels)

    @property
    def n_classes(self) -> int:
        """The number of classes."""
        return len(self.classes)

    @property
    def n_values(self) -> int:
        """The number of values."""
        return len(self.values)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what a model gives: its classes, or its values."""
        return self.classes or self.values

    @property
    def mean(self) -> Tensor:
        """(channel,) float32: the mean of each channel over the frames of the training split."""
        return self._moments[0]

    @property
    def std(self) -> Tensor:
        """(channel,) float32: the standard deviation over those frames (divisor: their number).

        1 for a constant channel. One deviation for all channels of bytes
        (:meth:`~clew.data.ByteSequences.mean_and_std`).
        """
        return self._moments[1]

    @property
    def target_mean(self) -> Tensor:
        """(value,) float32: the mean of each value over the targets of the training split; 0 of none.

        (0,) where classes are asked for, as ``target_std`` is.
        """
        return self._target_moments[0]

    @property
    def target_std(self) -> Tensor:
        """(value,) float32: the standard deviation of each value over those targets (divisor: their number).

        1 for a constant.
        """
        return self._target_moments[1]

    @cached_property
    def _moments(self) -> tuple[Tensor, Tensor]:
        inputs = self.train.inputs
        return inputs.mean_and_std() if isinstance(inputs, ByteSequences) else mean_and_std(inputs)

    @cached_property
    def _target_moments(self) -> tuple[Tensor, Tensor]:
        if not self.values:
            return torch.zeros(0), torch.ones(0)
        targets = torch.cat([target.reshape(-1, self.n_values) for target in self.train.targets])
        each = [mean_and_std((column[asked(column), None],)) for column in targets.unbind(1)]
        mean, std = (torch.cat(parts) for parts in zip(*each, strict=True))
        return mean, std
