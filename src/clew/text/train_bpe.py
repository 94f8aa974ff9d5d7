"""Learn a vocabulary from text."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from clew.errors import missing_extra
from clew.text.bpe_tokenizer import BPETokenizer

__all__ = ["train_bpe"]

_BLOCK = 1 << 20  # characters read at once


def train_bpe(files: Sequence[str | os.PathLike[str]], n_tokens: int) -> BPETokenizer:
    """Learn a byte-level vocabulary by byte pair encoding: any text can be written in it, and comes back.

    The tokens 0 to 255 are the bytes, in the order of their letters; each further one joins two that follow
    one another most often, within words.

    Args:
        files: texts in UTF-8.
        n_tokens: the size of the vocabulary, at least 256. It comes out smaller where no two tokens follow
            one another twice any more; see the result's ``n_tokens``.

    Raises:
        ValueError: for fewer tokens than bytes, no file at all, or a file that is not UTF-8.
        OSError: for a file that cannot be read.
        MissingExtraError: where the package ``tokenizers`` is missing.

    Source: Sennrich, Haddow and Birch (2016), algorithm 1; over bytes, with words split as there: Radford et
    al., "Language models are unsupervised multitask learners" (2019), section 2.2.
    """
    if n_tokens < 256:
        raise ValueError(f"n_tokens is at least 256, one for each byte; got {n_tokens}")
    paths = [Path(file) for file in files]
    if not paths:
        raise ValueError("a vocabulary is learned from at least one file; got none")
    try:
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    except ImportError:
        raise missing_extra("tokenizers", "lm") from None
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=n_tokens,
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_blocks(paths), trainer)
    return BPETokenizer(tokenizer)


def _blocks(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        try:
            with path.open(encoding="utf-8", newline="") as file:
                while block := file.read(_BLOCK):
                    yield block
        except UnicodeDecodeError:
            raise ValueError(f"{path} is not a text in UTF-8") from None
