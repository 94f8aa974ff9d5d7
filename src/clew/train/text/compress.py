"""What a compressor makes of the same text, to measure a model by."""

import lzma
from dataclasses import dataclass

from clew.data import TextSplit

__all__ = ["Compressed", "xz"]

PRESET = 9
"""Of ``xz -9``: a dictionary of 64 MiB."""


@dataclass(frozen=True)
class Compressed:
    """What ``xz -9`` takes for a text, in bits for each byte of it.

    Attributes:
        alone: 8 n(xz(text)) / n(text), n the number of bytes: without anything before it.
        after: 8 (n(xz(before + text)) − n(xz(before))) / n(text): what it adds behind the training part,
            which xz may then refer to; none for the training part itself.
    """

    alone: float
    after: float | None


def xz(text: TextSplit, before: TextSplit | None) -> Compressed:
    """Compress ``text``, alone and behind ``before``, as ``xz -9`` does (LZMA2, preset 9, CRC64).

    Args:
        text: what to measure; not empty.
        before: the training part; none if that is what is measured.
    """
    alone = 8 * _size(text.text) / text.n_bytes
    if before is None:
        return Compressed(alone, None)
    more = _size(bytes(before.text) + bytes(text.text)) - _size(before.text)
    return Compressed(alone, 8 * more / text.n_bytes)


def _size(data: bytes | memoryview) -> int:
    return len(lzma.compress(data, preset=PRESET))
