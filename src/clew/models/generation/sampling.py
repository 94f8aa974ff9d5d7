"""How the next token is drawn from the model's logits."""

import math
from dataclasses import dataclass

__all__ = ["Sampling"]


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn; as it stands, from the probabilities that the model gives.

    The steps are in this order: the repetition penalty, the temperature, top-k, top-p.

    Attributes:
        temperature: what the logits are divided by; 0 takes the most probable token, always ("greedy").
        top_k: draw from so many most probable tokens, and those as probable as the last of them; 0 for all.
        top_p: draw from the fewest most probable tokens whose probabilities add up to this; 1 for all.
        repetition_penalty: what the logit of each token that is in the text already is divided by, where it
            is positive, and multiplied by where it is negative; 1 for none.

    Raises:
        ValueError: for a number out of range.

    >>> Sampling(temperature=0.8, top_p=0.95).top_k
    0

    Source: Fan, Lewis and Dauphin, "Hierarchical neural story generation" (2018), section 5.1 (top-k);
    Holtzman et al., "The curious case of neural text degeneration" (2020), section 3.1 (top-p); Keskar et
    al., "CTRL" (2019), section 4.1 (penalty). Where these leave a choice (ties, the order, negative logits),
    it is made as in the package ``transformers``.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf:
            raise ValueError(f"temperature is 0 or more; got {self.temperature}")
        if self.top_k < 0:
            raise ValueError(f"top_k is 0 (all tokens) or more; got {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is more than 0 and at most 1; got {self.top_p}")
        if not 0 < self.repetition_penalty < math.inf:
            raise ValueError(f"repetition_penalty is more than 0; got {self.repetition_penalty}")
