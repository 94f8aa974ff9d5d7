"""Which of several processes speaks."""

import os
import time

__all__ = ["leave_the_word_to_the_first", "speaks"]

_PATIENCE = 10.0  # seconds


def speaks() -> bool:
    """Whether this process is the one that prints: under torchrun and accelerate, that of rank 0.

    Both name the rank in the environment; it is needed before torch is loaded, and when loading fails.
    """
    return os.environ.get("RANK", "0") == "0"


def leave_the_word_to_the_first() -> None:
    """Wait, in another process than the first, for that one to report the error that both have met.

    The launcher ends all processes as soon as one has failed: were this one quicker, nobody would say why. It
    does so while this one sleeps; if not, the error is this process's own, and it has to speak itself.
    """
    time.sleep(_PATIENCE)
