"""Text up to the first of some strings."""

from collections.abc import Sequence

__all__ = ["StopStrings"]


class StopStrings:
    """Lets text through up to the first stop string, however the text is cut into pieces.

    What could still become a stop string is held back; no more than that, so the memory does not grow. The
    first is the one that ends first; of several that end there, the longest.

    Args:
        strings: the stop strings; without any, all text goes through at once.

    Attributes:
        stopped: whether one was found; then nothing goes through any more.

    Raises:
        ValueError: for an empty string.

    >>> stop = StopStrings(["the end"])
    >>> [stop.push(piece) for piece in ("th", "is is the ", "en", "d, or not")], stop.stopped
    (['', 'this is ', '', ''], True)
    """

    def __init__(self, strings: Sequence[str]) -> None:
        if "" in strings:
            raise ValueError("a stop string has at least one character")
        self.stopped = False
        self._strings = tuple(strings)
        self._held = ""

    def push(self, text: str) -> str:
        """Take more text; what is certain not to be part of a stop string."""
        if self.stopped:
            return ""
        text = self._held + text
        found = [
            (place + len(string), place) for string in self._strings if (place := text.find(string)) >= 0
        ]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)[1]]
        held = max((_begun(text, string) for string in self._strings), default=0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def close(self) -> str:
        """End the text: what was held back and has not become a stop string."""
        rest, self._held = self._held, ""
        return rest


def _begun(text: str, string: str) -> int:
    """How many characters at the end of ``text`` are the beginning of ``string``, but not all of it."""
    longest = min(len(text), len(string) - 1)
    return next((count for count in range(longest, 0, -1) if text.endswith(string[:count])), 0)
