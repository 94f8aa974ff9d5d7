"""What is done to the logits before a token is drawn."""

import torch
from torch import Tensor

__all__ = ["keep_top_k", "keep_top_p", "penalise"]

_NEVER = float("-inf")


def penalise(logits: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Make the tokens that were there before less probable (or more, for a penalty below 1).

    Args:
        logits: (batch, token).
        seen: (batch, token) bool.
        penalty: divides positive logits, multiplies negative ones.

    Source: Keskar et al., "CTRL" (2019), section 4.1, which divides; dividing a negative logit would make it
    more probable, so it is multiplied, as ``RepetitionPenaltyLogitsProcessor`` of ``transformers`` does.
    """
    return torch.where(seen, torch.where(logits < 0, logits * penalty, logits / penalty), logits)


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """Minus infinity for all but the ``k`` highest of each row, and what ties with the last of them.

    Source: ``TopKLogitsWarper`` of ``transformers``.
    """
    last = logits.topk(min(k, logits.shape[-1]), dim=-1).values[..., -1:]
    return logits.masked_fill(logits < last, _NEVER)


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """Minus infinity for the least probable tokens whose probabilities add up to 1 − ``p`` at most.

    The most probable token stays in any case.

    Source: ``TopPLogitsWarper`` of ``transformers``, which adds from the least probable one, too.
    """
    ranked, tokens = logits.sort(dim=-1)
    out = ranked.softmax(-1).cumsum(-1) <= 1 - p
    out[..., -1] = False
    return logits.masked_fill(torch.zeros_like(out).scatter(-1, tokens, out), _NEVER)
