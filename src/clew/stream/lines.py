"""A line of text to a sample: CSV or JSON, told apart by line."""

import csv
import json
from collections.abc import Sequence
from typing import Any

from clew.errors import unknown_name

__all__ = ["is_header", "parse"]


def parse(text: str, channels: Sequence[str]) -> list[float] | None:
    """The sample that a line holds, or None for a blank line.

    A line that starts with ``[`` or ``{`` is JSON: an array of numbers in the order of the channels, or an
    object of numbers by channel name. Any other is CSV: numbers between commas, in the order of the channels.
    Whether the numbers are finite is not looked at here.

    Args:
        text: one line, with or without its line break.
        channels: the names of the channels, in the model's order.

    Raises:
        ValueError: if the line is none of these; the message says which value is wrong and why.

    >>> parse("0.5, -1e3", ["left", "right"])
    [0.5, -1000.0]
    >>> parse('{"right": 2, "left": 1}', ["left", "right"])
    [1.0, 2.0]
    >>> parse("  ", ["left", "right"]) is None
    True
    """
    text = text.strip()
    if not text:
        return None
    if text[0] in "[{":
        return _parse_json(text, channels)
    return _parse_csv(text, channels)


def is_header(text: str, channels: Sequence[str]) -> bool:
    """Whether a line of CSV is the names of the channels instead of a sample.

    Raises:
        ValueError: if it holds no number, so that it can only be a header, and is not that of these channels
            in this order: the samples below it would be misread.

    >>> is_header("left,right", ["left", "right"]), is_header("0.5,0.1", ["left", "right"])
    (True, False)
    """
    text = text.strip()
    if not text or text[0] in "[{":
        return False
    if all(_is_number(name) for name in channels):  # then names and samples look alike: it is a sample
        return False
    try:
        names = [name.strip() for name in next(csv.reader([text], skipinitialspace=True))]
    except csv.Error:
        return False
    if names == list(channels):
        return True
    if any(_is_number(name) for name in names):
        return False
    for name in names:
        if name not in channels:
            raise unknown_name("channel", name, channels)
    raise ValueError(f"the header must name the model's channels in their order: {_listing(channels)}")


def _parse_csv(text: str, channels: Sequence[str]) -> list[float]:
    fields = text.split(",")
    if len(fields) != len(channels):
        raise ValueError(_wrong_count(channels, len(fields)))
    try:
        if "_" in text:  # float() would read 1_000
            raise ValueError
        return [float(field) for field in fields]
    except ValueError:
        for position, field in enumerate(fields):
            if "_" in field or not _is_number(field):
                raise ValueError(_not_a_number(position, channels, _shorten(field.strip()))) from None
        raise


def _parse_json(text: str, channels: Sequence[str]) -> list[float]:
    try:
        value = json.loads(text, object_pairs_hook=_without_duplicates)
    except json.JSONDecodeError as error:
        raise ValueError(f"broken JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("broken JSON: nested too deeply") from None
    if isinstance(value, dict):
        for name in value:
            if name not in channels:
                raise unknown_name("channel", name, channels)
        missing = [name for name in channels if name not in value]
        if missing:
            raise ValueError(f"the channel {missing[0]!r} is missing")
        value = [value[name] for name in channels]
    if len(value) != len(channels):
        raise ValueError(_wrong_count(channels, len(value)))
    return [_number(entry, position, channels) for position, entry in enumerate(value)]


def _number(entry: Any, position: int, channels: Sequence[str]) -> float:
    # bool is an int to Python
    if isinstance(entry, bool) or not isinstance(entry, int | float):
        raise ValueError(_not_a_number(position, channels, _shorten(json.dumps(entry))))
    try:
        return float(entry)
    except OverflowError:
        return float("inf")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} is given twice")
    return result


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _wrong_count(channels: Sequence[str], count: int) -> str:
    return f"expected {len(channels)} values ({_listing(channels)}), got {count}"


def _not_a_number(position: int, channels: Sequence[str], found: str) -> str:
    return f"value {position + 1} ({channels[position]}) is {found or 'empty'}, not a number"


def _listing(channels: Sequence[str]) -> str:
    shown = list(channels) if len(channels) <= 6 else [*channels[:3], "…", channels[-1]]
    return ", ".join(shown)


def _shorten(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "…"
