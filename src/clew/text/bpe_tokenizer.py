"""A learned vocabulary, as the package ``tokenizers`` keeps it."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clew.files import write_bytes
from clew.text.piece_decoders import PieceDecoder, WindowDecoder
from clew.text.tokenizer import FILE, Decoder

if TYPE_CHECKING:
    import tokenizers

__all__ = ["BPETokenizer"]


class BPETokenizer:
    """Byte pair encoding, or whatever else a ``tokenizer.json`` of the package ``tokenizers`` describes.

    ``encode`` adds the special tokens that the file asks for (a beginning of text, say); ``decode`` leaves
    special tokens out, since they are not text.

    Args:
        tokenizer: as :func:`clew.text.load` reads it and :func:`clew.text.train_bpe` makes it.

    Attributes:
        n_tokens: one more than the highest token.

    Source: Sennrich, Haddow and Birch, "Neural machine translation of rare words with subword units" (2016),
    section 3.2.
    """

    def __init__(self, tokenizer: "tokenizers.Tokenizer") -> None:
        self._tokenizer = tokenizer
        self.n_tokens = 1 + max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)

    def encode(self, text: str) -> list[int]:
        """The tokens of ``text``."""
        return list(self._tokenizer.encode(text).ids)

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens; one that is not in the vocabulary is no text, nor is a special one."""
        text: str = self._tokenizer.decode(list(tokens), skip_special_tokens=True)
        return text

    def decoder(self) -> Decoder:
        """Decodes tokens as they come."""
        from tokenizers import decoders

        special = frozenset(
            number for number, token in self._tokenizer.get_added_tokens_decoder().items() if token.special
        )
        if isinstance(self._tokenizer.decoder, decoders.ByteLevel):
            return PieceDecoder(self._tokenizer.id_to_token, special)
        return WindowDecoder(self.decode, self._tokenizer.id_to_token, special)

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Write ``tokenizer.json`` into a folder, for clew and for whatever else reads such files."""
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / FILE, self._tokenizer.to_str(pretty=True).encode())
