"""Generation: a language model goes on with texts."""

from clew.models.generation.context import Context
from clew.models.generation.continuation import ENDED, Continuation
from clew.models.generation.read import CHUNK, read
from clew.models.generation.sampling import Sampling
from clew.models.generation.saved import load, save
from clew.models.generation.steps import Prefills, Steps
from clew.models.generation.stop_strings import StopStrings
from clew.models.generation.writing import Writing

__all__ = [
    "CHUNK",
    "ENDED",
    "Context",
    "Continuation",
    "Prefills",
    "Sampling",
    "Steps",
    "StopStrings",
    "Writing",
    "load",
    "read",
    "save",
]
