"""Shares held out of a split: seeded, stratified by class, the same bits on every machine."""

from collections.abc import Sequence

import numpy as np

from clew.data.byte_sequences import ByteSequences
from clew.data.dataset import Split

__all__ = ["hold_out", "hold_out_together", "official_or_share"]


def hold_out(
    split: Split, share: float, *, seed: int, classes: tuple[str, ...], part: str = "validation"
) -> tuple[Split, Split]:
    """Divide ``split`` into what stays and a held-out share.

    With one class a sequence, of the n sequences of each class round(share · n) are held out (halves round
    up), at least one, and at least one stays. With a class per frame, or with values, the sequences are one
    such group. Both parts keep the order of ``split``. Which ones are held out follows the order of 64-bit
    draws of PCG64, seeded with ``seed`` and ``part``; numpy promises to keep that stream (NEP 19), so it
    outlives a version.

    Args:
        split: what to divide.
        share: 0 ≤ share < 1; with 0 nothing is held out.
        seed: of the draw, not negative.
        classes: the names of the classes, for messages.
        part: the name of the option that gave ``share``; each part has its own draws.

    Returns:
        What stays and what is held out.

    Raises:
        ValueError: for a share or seed out of range, or a class with a single sequence: it cannot be in both.
    """
    _check(share, seed, part)
    if share == 0 or not len(split):
        return split, Split((), ())
    draws = np.random.PCG64([seed, *part.encode()]).random_raw(len(split))
    together = split.per_frame or split.has_values
    groups: dict[int, list[int]] = {}
    for index in np.argsort(draws, kind="stable").tolist():
        groups.setdefault(0 if together else int(split.targets[index]), []).append(index)
    held: set[int] = set()
    for group, members in groups.items():
        if len(members) < 2:
            which = "the data" if together else f"class {classes[group]!r}"
            raise ValueError(
                f"{which} has only one sequence to learn from, so none can be held out: "
                f"add sequences or set {part}=0"
            )
        count = int(np.floor(share * len(members) + 0.5))
        held.update(members[: min(max(count, 1), len(members) - 1)])
    return split.select(i for i in range(len(split)) if i not in held), split.select(sorted(held))


def hold_out_together(
    split: Split, groups: Sequence[str], share: float, *, seed: int, part: str = "validation"
) -> tuple[Split, Split]:
    """Divide ``split`` as :func:`hold_out` does, but whole groups: sequences of one group stay together.

    Of n groups round(share · n) are held out (halves round up), at least one, and at least one stays.

    Args:
        split: what to divide.
        groups: the group of each sequence; its name decides nothing but the order of the draws.
        share: 0 ≤ share < 1; with 0 nothing is held out.
        seed: of the draw, not negative.
        part: the name of the option that gave ``share``; each part has its own draws.

    Returns:
        What stays and what is held out, both in the order of ``split``.

    Raises:
        ValueError: for a share or seed out of range, or a single group: it cannot be in both.
    """
    _check(share, seed, part)
    if share == 0 or not len(split):
        return split, Split((), ())
    names = sorted(set(groups))
    if len(names) < 2:
        raise ValueError(f"there is only one group, {names[0]!r}, so none can be held out: set {part}=0")
    draws = np.random.PCG64([seed, *part.encode()]).random_raw(len(names))
    count = min(max(int(np.floor(share * len(names) + 0.5)), 1), len(names) - 1)
    held = {names[index] for index in np.argsort(draws, kind="stable")[:count].tolist()}
    return (
        split.select(index for index, group in enumerate(groups) if group not in held),
        split.select(index for index, group in enumerate(groups) if group in held),
    )


def official_or_share(
    train: Split, validation: Split, share: float | None, *, seed: int, classes: tuple[str, ...]
) -> tuple[Split, Split]:
    """The training and validation splits of a data set that has official ones.

    Args:
        train: the official training split.
        validation: the official validation split.
        share: ``None`` for these two, or the share of both together to hold out with :func:`hold_out`.
        seed: of that draw, not negative.
        classes: the names of the classes, for messages.

    Raises:
        ValueError: for a share or seed out of range.
    """
    if share is None:
        return train, validation
    targets = train.targets + validation.targets
    if isinstance(train.inputs, ByteSequences) and isinstance(validation.inputs, ByteSequences):
        both = Split(train.inputs + validation.inputs, targets)
    else:
        both = Split((*train.inputs, *validation.inputs), targets)
    return hold_out(both, share, seed=seed, classes=classes)


def _check(share: float, seed: int, part: str) -> None:
    if not 0 <= share < 1:
        raise ValueError(f"{part!r} is the share held out, from 0 up to but not 1; got {share}")
    if seed < 0:
        raise ValueError(f"'seed' cannot be negative, got {seed}")
