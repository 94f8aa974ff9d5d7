"""A tokenizer from the folder of its model."""

import json
import os
from pathlib import Path

from clew.errors import missing_extra
from clew.text.bpe_tokenizer import BPETokenizer
from clew.text.byte_tokenizer import CONTENT, ByteTokenizer
from clew.text.tokenizer import FILE

__all__ = ["load"]


def load(directory: str | os.PathLike[str]) -> ByteTokenizer | BPETokenizer:
    """The tokenizer whose ``tokenizer.json`` lies in a folder, told by what is in the file.

    Args:
        directory: a run directory, a published checkpoint, or whatever a tokenizer was saved to.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged, or of no tokenizer that is known.
        MissingExtraError: for any but bytes, where the package ``tokenizers`` is missing.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ByteTokenizer().save(folder)
    ...     load(folder).n_tokens
    256
    """
    path = Path(directory) / FILE
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{path} is damaged or no file of a tokenizer: {error}") from None
    if content == CONTENT:
        return ByteTokenizer()
    if not isinstance(content, dict) or "model" not in content:
        raise ValueError(f"{path} is no file of a tokenizer: it names neither bytes nor a model")
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise missing_extra("tokenizers", "lm") from None
    try:
        tokenizer = Tokenizer.from_str(text)
    except Exception as error:  # the package raises no narrower one
        raise ValueError(f"{path} is no file that the package tokenizers can read: {error}") from None
    return BPETokenizer(tokenizer)
