"""What the published checkpoints call the tensors of a language model."""

from collections.abc import Iterable

__all__ = ["EMBEDDINGS", "HEAD", "LAYER", "embedding_name", "published_name"]

HEAD = "lm_head.weight"
# The one name in which the two codes differ: Hugging Face's, the original's.
EMBEDDINGS = ("backbone.embeddings.weight", "backbone.embedding.weight")
LAYER = "backbone.layers."

_STARTS = {"backbone.blocks.": LAYER, "norm.": "backbone.norm_f.", "head.": "lm_head."}


def embedding_name(names: Iterable[str]) -> str | None:
    """Which of the two names the embedding has, or ``None`` where neither is there."""
    there = set(names)
    return next((name for name in EMBEDDINGS if name in there), None)


def published_name(name: str, embedding: str) -> str:
    """What published checkpoints call the tensor ``name`` of a :class:`clew.models.LanguageModel`.

    Inside a mixer the names are the same.

    Args:
        name: in its ``state_dict``.
        embedding: one of :data:`EMBEDDINGS`.

    >>> published_name("backbone.blocks.3.mixer.in_proj.weight", EMBEDDINGS[0])
    'backbone.layers.3.mixer.in_proj.weight'
    """
    if name == "embedding.weight":
        return embedding
    ours, theirs = next(pair for pair in _STARTS.items() if name.startswith(pair[0]))
    return theirs + name.removeprefix(ours)
