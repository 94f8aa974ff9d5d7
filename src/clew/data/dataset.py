"""What every data set is: sequences of frames, a class for each sequence or each frame, three splits."""

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

__all__ = ["IGNORE", "Batch", "Dataset", "Split"]

IGNORE = -100
"""The target of a frame that asks for nothing: ``ignore_index`` of ``torch.nn.functional.cross_entropy``."""


class Batch(NamedTuple):
    """Sequences of different lengths in one tensor.

    Attributes:
        inputs: (batch, time, channel) float32; zero past a sequence's length.
        lengths: (batch,) int64, in frames.
        targets: int64 classes, (batch,) or, one per frame, (batch, time) with ``IGNORE`` in the padding.
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
        inputs: one (time, channel) float32 tensor a sequence; finite, at least one frame each.
        targets: one int64 tensor a sequence: () for a class, (time,) for a class per frame.

    Raises:
        ValueError: if the sequences do not have these shapes and types, or hold NaN or infinity.

    >>> split = Split((torch.ones(2, 1), torch.ones(3, 1)), (torch.tensor(0), torch.tensor(1)))
    >>> batch = split.batch([0, 1])
    >>> batch.inputs.shape, batch.lengths.tolist(), batch.targets.tolist()
    (torch.Size([2, 3, 1]), [2, 3], [0, 1])
    >>> batch.mask.tolist()
    [[True, True, False], [True, True, True]]
    """

    inputs: tuple[Tensor, ...]
    targets: tuple[Tensor, ...]

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.targets):
            raise ValueError(f"a split has {len(self.inputs)} sequences and {len(self.targets)} targets")
        for index, (sequence, target) in enumerate(zip(self.inputs, self.targets, strict=True)):
            self._check(index, sequence, target)
        for first in range(0, len(self.inputs), step := self._at_a_time()):
            # The smallest and the largest value are NaN where there is one.
            if not torch.stack(torch.cat(self.inputs[first : first + step]).aminmax()).isfinite().all():
                index = next(i for i, sequence in enumerate(self.inputs) if not sequence.isfinite().all())
                raise ValueError(f"sequence {index} holds NaN or infinity")

    def _at_a_time(self) -> int:
        """So many sequences that a copy of them is small beside a large split."""
        longest = max((sequence.numel() for sequence in self.inputs), default=1)
        return max(1, 2**22 // longest)

    def _check(self, index: int, sequence: Tensor, target: Tensor) -> None:
        if sequence.dtype != torch.float32 or sequence.ndim != 2 or 0 in sequence.shape:
            raise ValueError(
                f"sequence {index} is {tuple(sequence.shape)} {sequence.dtype}; "
                "wanted (time, channel) float32, neither of them zero"
            )
        if sequence.shape[1] != self.inputs[0].shape[1]:
            raise ValueError(
                f"sequence {index} has {sequence.shape[1]} channels, sequence 0 has {self.inputs[0].shape[1]}"
            )
        if target.dtype != torch.int64 or target.ndim != self.targets[0].ndim:
            raise ValueError(
                f"target {index} is {tuple(target.shape)} {target.dtype}; "
                "wanted int64, all of them () or all of them (time,)"
            )
        if target.shape not in ((), (len(sequence),)):
            raise ValueError(
                f"target {index} is {tuple(target.shape)}; wanted () or ({len(sequence)},), a class per frame"
            )

    def __len__(self) -> int:
        return len(self.inputs)

    def __repr__(self) -> str:
        return f"Split({len(self)} sequences)"

    @cached_property
    def lengths(self) -> Tensor:
        """(sequence,) int64: how many frames each sequence has."""
        return torch.tensor([len(sequence) for sequence in self.inputs], dtype=torch.int64)

    def select(self, indices: Iterable[int] | Tensor) -> "Split":
        """The split of the sequences at ``indices``, in that order."""
        chosen = _positions(indices)
        return Split(tuple(self.inputs[i] for i in chosen), tuple(self.targets[i] for i in chosen))

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
            per_frame = bool(self.targets) and self.targets[0].ndim == 1
            targets = torch.empty((0, time) if per_frame else (0,), dtype=torch.int64)
            return Batch(torch.zeros(0, time, channels), lengths, targets)
        inputs = _pad([self.inputs[i] for i in chosen], time, 0.0)
        targets = (
            _pad([self.targets[i] for i in chosen], time, IGNORE)
            if self.targets[0].ndim
            else torch.stack([self.targets[i] for i in chosen])
        )
        return Batch(inputs, lengths, targets)


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
    """A classification task on sequences: what it is, where it is from, and its three splits.

    The values are raw; a model standardises them with ``mean`` and ``std``, so a stream takes raw samples.

    Args:
        name: the name it is registered under.
        options: JSON-able; ``clew.data.load(name, options)`` gives the same data again.
        description: what the sequences are and what is asked of them.
        source: where the data is from, as one would cite it.
        licence: under which terms.
        channels: the name of each channel.
        classes: the name of each class; a target is an index into them.
        target: one class per "sequence" or one per "step" (frame), where ``IGNORE`` asks for nothing.
        train: what a model may learn from.
        validation: a share of the official training data, to stop by; may be empty.
        test: what a model is judged on; may be empty.

    Raises:
        ValueError: if the splits do not fit the channels, classes and kind of target, or there is nothing to
            learn from.
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

    def __post_init__(self) -> None:
        if len(self.classes) < 2:
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
        if split.targets[0].ndim != (self.target == "step"):
            raise ValueError(f"{where}: the targets are not one per {self.target}")
        targets = torch.cat(split.targets) if self.target == "step" else torch.stack(split.targets)
        if self.target == "step":
            targets = targets[targets != IGNORE]
        if ((targets < 0) | (targets >= self.n_classes)).any():
            raise ValueError(f"{where}: a target is none of the classes 0 to {self.n_classes - 1}")

    def __repr__(self) -> str:
        counts = f"{len(self.train)} train, {len(self.validation)} validation, {len(self.test)} test"
        channels = "1 channel" if self.d_input == 1 else f"{self.d_input} channels"
        return f"Dataset({self.name!r}, {counts}, {channels}, {self.n_classes} classes)"

    @property
    def d_input(self) -> int:
        """The number of channels."""
        return len(self.channels)

    @property
    def n_classes(self) -> int:
        """The number of classes."""
        return len(self.classes)

    @property
    def mean(self) -> Tensor:
        """(channel,) float32: the mean of each channel over the frames of the training split."""
        return self._moments[0]

    @property
    def std(self) -> Tensor:
        """(channel,) float32: the standard deviation over those frames (divisor: their number).

        1 for a constant channel.
        """
        return self._moments[1]

    @cached_property
    def _moments(self) -> tuple[Tensor, Tensor]:
        """Mean and std, accumulated in float64 and cast once."""
        frames = torch.cat(self.train.inputs)
        # Welford's recurrence, which torch uses, is exact for a constant: its standard deviation is zero.
        std, mean = torch.std_mean(frames.double(), dim=0, correction=0)
        std = std.float()
        return mean.float(), torch.where(std == 0, torch.ones_like(std), std)
