"""Text in, text out: a continuation through a tokenizer."""

from collections.abc import Iterator, Sequence

from clew.models.generation.continuation import ENDED, Continuation
from clew.models.generation.stop_strings import StopStrings
from clew.text import Tokenizer

__all__ = ["Writing"]


class Writing(Iterator[list[str]]):
    """The text of a :class:`Continuation`, a piece for each row and token, as soon as it is certain.

    Half a character is not certain, nor is what could become a stop string; it comes with a later piece, or
    with an empty token's at the end. A row ends with its stop string; neither that nor anything after it is
    in its text, but all of the token that ends it was read.

    Args:
        continuation: not begun.
        tokenizer: that of the model.
        stop: strings that end a row; they may begin and end anywhere in the text that is written, not in the
            prompt.

    Attributes:
        counts: tokens that were drawn, of each row.

    Raises:
        ValueError: for an empty stop string.

    >>> import torch
    >>> from clew.models import LanguageModelConfig, build
    >>> from clew.models.generation import read
    >>> from clew.text import ByteTokenizer
    >>> model = build(LanguageModelConfig(n_tokens=256, d_model=8, n_layers=1)).eval()
    >>> context = read(model, [ByteTokenizer().encode("To be")])
    >>> writing = Writing(Continuation(model, context, max_new_tokens=20), ByteTokenizer(), stop=["."])
    >>> text = "".join(piece for (piece,) in writing)
    >>> "." in text
    False
    """

    def __init__(self, continuation: Continuation, tokenizer: Tokenizer, stop: Sequence[str] = ()) -> None:
        rows = range(len(continuation.ended))
        self.counts = [0 for _ in rows]
        self._continuation = continuation
        self._decoders = [tokenizer.decoder() for _ in rows]
        self._stops = [StopStrings(stop) for _ in rows]
        self._open = [True for _ in rows]

    def __next__(self) -> list[str]:
        """The next piece of each row's text."""
        tokens = next(self._continuation, None)
        if tokens is None:
            if not any(self._open):
                raise StopIteration
            tokens = [ENDED] * len(self._open)
        return [self._take(row, token) for row, token in enumerate(tokens)]

    def _take(self, row: int, token: int) -> str:
        if not self._open[row]:
            return ""
        decoder, stops = self._decoders[row], self._stops[row]
        if token == ENDED:
            self._open[row] = False
            return stops.push(decoder.close()) + stops.close()
        self.counts[row] += 1
        text = stops.push(decoder.push(token))
        if stops.stopped:
            self._open[row] = False
            self._continuation.end(row)
        return text
