"""What a text is to learn from: its bytes, the tokens they make, and where one document ends."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clew.text import ByteTokenizer, Tokenizer

__all__ = ["TextDataset", "TextSplit"]


@dataclass(frozen=True, eq=False, repr=False)
class TextSplit:
    """A part of a text.

    Args:
        text: its bytes, one document after another.
        tokens: (token,) unsigned: the same as tokens.
        starts: (document,) int64: which token each document begins with, rising; the first is 0.
        byte_starts: (document,) int64: which byte it begins with.
    """

    text: memoryview
    tokens: np.ndarray
    starts: np.ndarray
    byte_starts: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)

    def __repr__(self) -> str:
        return f"TextSplit({self.n_bytes:,} bytes, {len(self):,} tokens, {len(self.starts)} documents)"

    @property
    def n_bytes(self) -> int:
        """How many bytes it has."""
        return len(self.text)

    def documents(self) -> Iterator[memoryview]:
        """The bytes of each document."""
        ends = [*self.byte_starts[1:].tolist(), self.n_bytes]
        for start, end in zip(self.byte_starts.tolist(), ends, strict=True):
            yield self.text[start:end]

    def document_of(self, tokens: np.ndarray) -> np.ndarray:
        """The number of the document that each of the tokens at the positions ``tokens`` is in, from 0."""
        numbers: np.ndarray = np.searchsorted(self.starts, tokens, side="right") - 1
        return numbers


@dataclass(frozen=True, eq=False, repr=False)
class TextDataset:
    """Texts to learn a language model from; :func:`clew.data.read_text` makes it.

    Args:
        name: what runs on it are called after.
        files: where the text is from.
        tokenizer: what divided it into tokens.
        train: what a model learns from: the first 90% of the bytes.
        validation: what it is watched by: the next 5%.
        test: what it is judged on: the last 5%.
    """

    name: str
    files: tuple[Path, ...]
    tokenizer: Tokenizer
    train: TextSplit
    validation: TextSplit
    test: TextSplit

    @property
    def kind(self) -> str:
        """``"bytes"``, or ``"bpe"`` for a learned vocabulary."""
        return "bytes" if isinstance(self.tokenizer, ByteTokenizer) else "bpe"

    def __repr__(self) -> str:
        return (
            f"TextDataset({self.name!r}, {len(self.files)} files, {self.train.n_bytes:,} + "
            f"{self.validation.n_bytes:,} + {self.test.n_bytes:,} bytes, {self.tokenizer.n_tokens} tokens)"
        )
