"""What a language model writes, to look at while it learns."""

from clew.models import LanguageModel
from clew.models.generation import Continuation, Sampling, read
from clew.train.evaluate import evaluating

__all__ = ["TEMPERATURE", "sample"]

TEMPERATURE = 0.8
"""Below 1, so that the likely is likelier: a sample shows what a model knows, not all that it allows."""


def sample(model: LanguageModel, prompt: list[int], count: int, seed: int) -> list[int]:
    """Tokens that ``model`` writes after ``prompt``, at :data:`TEMPERATURE`.

    Args:
        model: left as it was found.
        prompt: at least one token.
        count: how many tokens to write.
        seed: of the draws.

    >>> from clew.models import LanguageModelConfig, build
    >>> model = build(LanguageModelConfig(n_tokens=256, d_model=16, n_layers=1))
    >>> len(sample(model, list(b"To be"), 10, seed=0))
    10
    """
    with evaluating(model):
        context = read(model, [prompt], seed=seed)
        rows = Continuation(model, context, Sampling(temperature=TEMPERATURE), max_new_tokens=count)
        return [token for (token,) in rows]
