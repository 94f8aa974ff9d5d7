"""What a language model writes, to look at while it learns."""

import torch

from clew.models import LanguageModel
from clew.train.evaluate import evaluating

__all__ = ["sample"]

TEMPERATURE = 0.8
"""Below 1, so that the likely is likelier: a sample shows what a model knows, not all that it allows."""


def sample(model: LanguageModel, prompt: list[int], count: int, generator: torch.Generator) -> list[int]:
    """Tokens that ``model`` writes after ``prompt``.

    Args:
        model: left as it was found.
        prompt: at least one token.
        count: how many tokens to write.
        generator: draws them, on the CPU.

    >>> from clew.models import LanguageModelConfig, build
    >>> model = build(LanguageModelConfig(n_tokens=256, d_model=16, n_layers=1))
    >>> len(sample(model, list(b"To be"), 10, torch.Generator().manual_seed(0)))
    10
    """
    device = model.embedding.weight.device
    written: list[int] = []
    with evaluating(model):
        constants = model.constants()
        logits, state = model.prefill(torch.tensor([prompt], device=device))
        for _ in range(count):
            chances = torch.softmax(logits[0].double().cpu() / TEMPERATURE, dim=-1)
            written.append(int(torch.multinomial(chances, 1, generator=generator)))
            logits, state = model.step(torch.tensor(written[-1:], device=device), state, constants=constants)
    return written
