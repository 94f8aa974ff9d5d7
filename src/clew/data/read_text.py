"""From files of text to a text data set."""

import itertools
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clew.data.text_dataset import TextDataset, TextSplit
from clew.text import BPETokenizer, ByteTokenizer, Tokenizer, train_bpe

__all__ = ["read_text"]

LEAST = 1000
"""Bytes that a text has at least: a twentieth of them is then 50."""


def read_text(
    paths: Sequence[str | os.PathLike[str]],
    tokenizer: Tokenizer | None = None,
    *,
    vocabulary: int | None = None,
) -> TextDataset:
    """Read files as one text, divided into parts to learn from, to watch by and to test on.

    The files, in the order given, are one sequence of N bytes. Its first ⌊90 N / 100⌋ bytes are the training
    part, those from there up to ⌊95 N / 100⌋ the validation part, the rest the test part; where such a place
    is within a character of UTF-8, the cut is behind that character. A file is a document; one that is cut
    is a document in each part. So for the same files the parts are the same bytes, whatever the tokenizer.

    Args:
        paths: files; for a folder its files that end in ``.txt``, and those of the folders in it, in the
            order of their paths.
        tokenizer: what divides the text; ``None`` for bytes, which take any text.
        vocabulary: learn a byte-level vocabulary of so many tokens from the training part, in place of
            ``tokenizer``; it may come out smaller, see :func:`clew.text.train_bpe`.

    Raises:
        ValueError: for a file that is empty, that holds zero bytes and so is no text, or that is given twice;
            for less than 1,000 bytes in all; for a file that is not UTF-8, unless the tokens are bytes; for
            a tokenizer that does not give the text back, so that bits per byte would mean nothing.
        OSError: for a file that cannot be read.
        MissingExtraError: for a vocabulary, where the package ``tokenizers`` is missing.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "verse.txt")
    ...     _ = file.write_text("To be, or not to be, that is the question. " * 50)
    ...     text = read_text([file])
    >>> text.train.n_bytes, text.validation.n_bytes, text.test.n_bytes
    (1935, 107, 108)
    >>> bytes(text.train.tokens[:6])
    b'To be,'
    """
    if not paths:
        raise ValueError("a text is read from at least one file; got none")
    if tokenizer is not None and vocabulary is not None:
        raise ValueError("a text has a tokenizer, or a vocabulary is learned from it; got both")
    files = _files(paths)
    contents = [_content(file) for file in files]
    if (size := sum(map(len, contents))) < LEAST:
        raise ValueError(
            f"a text has at least {LEAST:,} bytes, so that there is something to learn from and to test on; "
            f"got {size:,} in {', '.join(map(str, files))}"
        )
    if vocabulary is not None or not isinstance(tokenizer, ByteTokenizer | None):
        for file, content in zip(files, contents, strict=True):
            _check_utf8(file, content)
    whole = b"".join(contents)
    starts = np.cumsum([0, *map(len, contents[:-1])])
    bounds = [0, _cut(whole, 90), _cut(whole, 95), len(whole)]
    parts = [_part(memoryview(whole)[low:high], starts - low) for low, high in itertools.pairwise(bounds)]
    if vocabulary is not None:
        tokenizer = _learned(parts[0], vocabulary)
    tokenizer = tokenizer or ByteTokenizer()
    name = Path(paths[0]).resolve().stem
    train, validation, test = (_tokenised(*part, tokenizer) for part in parts)
    return TextDataset(name, files, tokenizer, train, validation, test)


def _files(paths: Sequence[str | os.PathLike[str]]) -> tuple[Path, ...]:
    """Every file, by its absolute path."""
    files: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(file.resolve() for file in path.rglob("*.txt") if file.is_file())
            if not inside:
                raise ValueError(f"the folder {path} has no file that ends in .txt")
            files += inside
        else:
            files.append(path.resolve())
    twice = next((file for file in files if files.count(file) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} is given twice: what is tested on would have been learned from")
    return tuple(files)


def _content(file: Path) -> bytes:
    content = file.read_bytes()
    if not content:
        raise ValueError(f"{file} is empty")
    zero = content.find(0)
    if zero >= 0:
        raise ValueError(
            f"{file} is no text: its byte {zero} is zero (a text in UTF-16 has to be made UTF-8)"
        )
    return content


def _check_utf8(file: Path, content: bytes) -> None:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{file} is not UTF-8: byte {error.start}, in line {line}, is {content[error.start]:#04x}; the "
            "tokens of a text that is not UTF-8 can only be bytes"
        ) from None


def _cut(whole: bytes, percent: int) -> int:
    """So many percent of the bytes, and on to the end of a character: one has at most 4 bytes."""
    start = len(whole) * percent // 100
    for place in range(start, min(start + 3, len(whole))):
        if whole[place] & 0xC0 != 0x80:
            return place
    return min(start + 3, len(whole))


def _part(text: memoryview, starts: np.ndarray) -> tuple[memoryview, np.ndarray]:
    """A part, and where documents begin in it: at its start too, in the middle of a file."""
    inside = starts[(starts > 0) & (starts < len(text))]
    return text, np.concatenate([[0], inside]).astype(np.int64)


def _learned(part: tuple[memoryview, np.ndarray], vocabulary: int) -> BPETokenizer:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "train.txt"
        file.write_bytes(part[0])
        return train_bpe([file], vocabulary)


def _tokenised(text: memoryview, byte_starts: np.ndarray, tokenizer: Tokenizer) -> TextSplit:
    if isinstance(tokenizer, ByteTokenizer):
        return TextSplit(text, np.frombuffer(text, np.uint8), byte_starts, byte_starts)
    kind = np.uint16 if tokenizer.n_tokens <= 2**16 else np.uint32
    ends = [*byte_starts[1:].tolist(), len(text)]
    pieces = []
    for start, end in zip(byte_starts.tolist(), ends, strict=True):
        words = bytes(text[start:end]).decode()
        tokens = tokenizer.encode(words)
        if tokenizer.decode(tokens) != words:
            raise ValueError("the tokenizer does not give the text back: bits per byte would mean nothing")
        pieces.append(np.array(tokens, dtype=kind))
    starts = np.cumsum([0, *map(len, pieces[:-1])]).astype(np.int64)
    return TextSplit(text, np.concatenate(pieces), starts, byte_starts)
