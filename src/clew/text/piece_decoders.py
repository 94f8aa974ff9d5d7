"""Decoding the tokens of a learned vocabulary as they come."""

import re
from collections.abc import Callable, Collection, Sequence

from clew.text.byte_tokenizer import ByteDecoder

__all__ = ["PieceDecoder", "WindowDecoder"]

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# How vocabularies without all bytes in their pieces write a byte: Kudo and Richardson's SentencePiece,
# option byte_fallback.
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")


def _byte_of_letter() -> dict[str, int]:
    """The letters that byte-level vocabularies write bytes with.

    A byte that Latin-1 shows as a mark of its own is that mark; the others, in their order, are the letters
    from U+0100 on.

    Source: the code of Radford et al., "Language models are unsupervised multitask learners" (2019).
    """
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    letters = {chr(byte): byte for byte in shown}
    return letters | {chr(0x100 + place): byte for place, byte in enumerate(hidden)}


class PieceDecoder:
    """For byte-level vocabularies, whose tokens are some bytes each: in memory that does not grow.

    Args:
        piece: the piece of a token as the vocabulary writes it; ``None`` for a token that is none.
        special: the tokens that are not text.
    """

    def __init__(self, piece: Callable[[int], str | None], special: Collection[int]) -> None:
        self._piece = piece
        self._special = special
        self._bytes = ByteDecoder()
        self._byte_of_letter = _byte_of_letter()

    def push(self, token: int) -> str:
        """Take one more token; the characters that it completes."""
        piece = None if token in self._special else self._piece(token)
        if piece is None:
            return ""
        try:
            return self._bytes.push(bytes(self._byte_of_letter[letter] for letter in piece))
        except KeyError:  # a piece that was added to the vocabulary as plain text
            return self._bytes.push(piece.encode())

    def close(self) -> str:
        """End the text."""
        return self._bytes.close()


class WindowDecoder:
    """For any other vocabulary, through the decoding of a window of tokens.

    The text of a piece may depend on its neighbours: most decoders drop the space before the first piece, and
    a run of pieces that are bytes is read as UTF-8 or, if any of it is not, replaced as a whole. So the
    window begins with the last pieces that gave text, for the pieces after them not to be the first ones, and
    while the last piece is a byte, or the text ends in U+FFFD, nothing is certain and the window grows.

    Args:
        decode: of whole texts.
        piece: the piece of a token as the vocabulary writes it; ``None`` for a token that is none.
        special: the tokens that are not text.
    """

    def __init__(
        self,
        decode: Callable[[Sequence[int]], str],
        piece: Callable[[int], str | None],
        special: Collection[int],
    ) -> None:
        self._decode = decode
        self._piece = piece
        self._special = special
        self._window: list[int] = []
        self._told = 0  # how many of the window gave text before: the context of the others
        self._before = ""  # their text

    def push(self, token: int) -> str:
        """Take one more token; the text that is certain by it."""
        piece = None if token in self._special else self._piece(token)
        if piece is None:
            return ""
        self._window.append(token)
        if _BYTE.fullmatch(piece):
            return ""
        text = self._decode(self._window)
        if text.endswith(_REPLACEMENT) or len(text) <= len(self._before):
            return ""
        certain = text[len(self._before) :]
        later = self._window[self._told :]
        # What is dropped at the beginning of a text has an end within a context that is not empty.
        if context := self._decode(later):
            self._window, text = later, context
        self._told = len(self._window)
        self._before = text
        return certain

    def close(self) -> str:
        """End the text: what was held back."""
        rest = self._decode(self._window)[len(self._before) :]
        self._window, self._told, self._before = [], 0, ""
        return rest
