"""What every tokenizer has."""

import os
from collections.abc import Sequence
from typing import Protocol

__all__ = ["FILE", "Decoder", "Tokenizer"]

FILE = "tokenizer.json"
"""The name of the file that a tokenizer is kept in, in the folder of its model."""


class Decoder(Protocol):
    """Tokens in one by one, their text out as soon as it is certain.

    All that :meth:`push` and :meth:`close` return, put together, is what ``decode`` gives for all the tokens
    at once.
    """

    def push(self, token: int) -> str:
        """Take one more token.

        Returns:
            The text that no later token can change any more and that was not returned before; often empty:
            half a character is never returned.
        """

    def close(self) -> str:
        """End the text: what was held back, now that nothing follows. The next token starts a new text."""


class Tokenizer(Protocol):
    """Text to numbers and back.

    Attributes:
        n_tokens: tokens are numbers from 0 to ``n_tokens`` − 1.
    """

    n_tokens: int

    def encode(self, text: str) -> list[int]:
        """The tokens of a text."""

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens; bytes that are no UTF-8 become U+FFFD, the replacement character."""

    def decoder(self) -> Decoder:
        """Decodes tokens as they come."""

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Write ``tokenizer.json`` into a folder, which is made if it is not there."""
