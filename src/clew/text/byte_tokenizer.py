"""The bytes of UTF-8 as tokens: nothing to learn, nothing to install."""

import codecs
import os
from collections.abc import Sequence
from pathlib import Path

from clew.files import json_to_bytes, write_bytes
from clew.text.tokenizer import FILE, Decoder

__all__ = ["CONTENT", "ByteDecoder", "ByteTokenizer"]

CONTENT = {"tokenizer": "bytes"}
"""What its file holds, by which it is told from the files of other tokenizers."""


class ByteTokenizer:
    """Tokens 0 to 255 are the bytes of the text in UTF-8; there is no special token.

    Attributes:
        n_tokens: 256.

    >>> tokenizer = ByteTokenizer()
    >>> tokenizer.encode("Aé")
    [65, 195, 169]
    >>> tokenizer.decode([65, 195, 169])
    'Aé'
    >>> decoder = tokenizer.decoder()
    >>> [decoder.push(token) for token in (65, 195, 169, 195)], decoder.close()
    (['A', '', 'é', ''], '�')
    """

    def __init__(self) -> None:
        self.n_tokens = 256

    def encode(self, text: str) -> list[int]:
        """The bytes of ``text``.

        Raises:
            ValueError: for half a surrogate pair, which UTF-8 has no bytes for.
        """
        return list(text.encode())

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of bytes; what is no UTF-8 becomes U+FFFD.

        Raises:
            ValueError: for a token that is no byte.
        """
        try:
            return bytes(tokens).decode(errors="replace")
        except ValueError:
            wrong = next(token for token in tokens if not 0 <= token < 256)
            raise ValueError(f"a token of bytes is a number from 0 to 255; got {wrong}") from None

    def decoder(self) -> Decoder:
        """Decodes bytes as they come."""
        return _Tokens()

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Write ``tokenizer.json``, which says that the tokens are bytes, into a folder."""
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / FILE, json_to_bytes(CONTENT))


class ByteDecoder:
    """Bytes in, characters out: each as soon as its last byte is there.

    What is no UTF-8 is replaced by U+FFFD, one for each longest piece that begins a character: as Python
    does, and the Unicode Standard recommends (version 15, section 3.9, "U+FFFD Substitution of Maximal
    Subparts"), for the whole text and for any split of it.
    """

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, data: bytes) -> str:
        """Take more bytes; the characters that they complete."""
        return self._utf8.decode(data)

    def close(self) -> str:
        """End the text: U+FFFD if it ends within a character."""
        rest = self._utf8.decode(b"", final=True)
        self._utf8.reset()
        return rest


class _Tokens:
    def __init__(self) -> None:
        self._bytes = ByteDecoder()

    def push(self, token: int) -> str:
        if not 0 <= token < 256:
            raise ValueError(f"a token of bytes is a number from 0 to 255; got {token}")
        return self._bytes.push(bytes((token,)))

    def close(self) -> str:
        return self._bytes.close()
