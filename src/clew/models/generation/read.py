"""Prompts into a model."""

from collections.abc import Sequence

import torch
from torch import Tensor

from clew.models.generation.context import Context, over_leaves
from clew.models.generation.steps import Prefills
from clew.models.state_tree import named_leaves

__all__ = ["CHUNK", "read"]

CHUNK = 2048
"""Tokens of a prompt that are read at once."""


def read(
    model: Prefills,
    prompts: Sequence[Sequence[int]] | Tensor,
    context: Context | None = None,
    *,
    seed: int = 0,
    chunk: int = CHUNK,
) -> Context:
    """Read prompts, or what is added to texts that were read or generated before.

    Args:
        model: a :class:`clew.models.LanguageModel` in evaluation mode.
        prompts: tokens, a row for each text, of any lengths; each is read as if it were alone. After a
            ``context`` a row may be empty.
        context: the place to go on from; the beginning of a text for ``None``.
        seed: of the random numbers: row r draws those of ``seed`` + r. Not for a ``context``, which has its
            own; see :meth:`Context.seeded`.
        chunk: tokens of a row that are read at once: what the memory grows with, whatever a prompt's length.

    Returns:
        The place after the prompts.

    Raises:
        ValueError: for no prompt at all, an empty one at the beginning of a text, as many prompts as the
            ``context`` has not, a chunk without tokens, a model in training mode, or a token that the model
            does not know.

    >>> from clew.models import LanguageModelConfig, build
    >>> model = build(LanguageModelConfig(n_tokens=256, d_model=8, n_layers=1)).eval()
    >>> context = read(model, [list(b"to be"), list(b"or not to be")])
    >>> context.logits.shape
    torch.Size([2, 256])
    """
    if isinstance(prompts, Tensor):
        prompts = prompts.tolist()
    if model.training:
        raise ValueError("the model is in training mode, with dropout; call model.eval() first")
    if chunk < 1:
        raise ValueError(f"chunk is at least one token; got {chunk}")
    if not len(prompts):
        raise ValueError("there is no prompt")
    lengths = [len(prompt) for prompt in prompts]
    if context is None and min(lengths) < 1:
        raise ValueError(f"a prompt has at least one token; that of row {lengths.index(0)} has none")
    if context is not None and len(context.logits) != len(prompts):
        raise ValueError(f"the context has {len(context.logits)} rows; got {len(prompts)} prompts")
    given = context is not None
    with torch.inference_mode():
        for start in range(0, max(lengths), chunk):
            context = _read_chunk(model, [prompt[start : start + chunk] for prompt in prompts], context)
        assert context is not None  # there is a prompt, and it has a token
        return context if given else context.seeded(seed)


def _read_chunk(model: Prefills, parts: Sequence[Sequence[int]], context: Context | None) -> Context:
    """The place after the next tokens of each row; ``context`` is only ``None`` where all rows have some."""
    rows = [row for row, part in enumerate(parts) if len(part)]
    before = context if context is None or len(rows) == len(parts) else context.rows(rows)
    tokens, lengths = _padded([parts[row] for row in rows], _device(model))
    logits, state = model.prefill(tokens, None if before is None else before.state, lengths=lengths)
    if before is None:
        none = torch.zeros(len(rows), dtype=torch.int64, device=logits.device)
        before = Context(state, logits, torch.zeros_like(logits, dtype=torch.bool), none, none)
    after = before._replace(state=state, logits=logits, seen=before.seen.scatter(1, tokens, True))
    if context is None or len(rows) == len(parts):
        return after
    place = torch.tensor(rows, device=logits.device)
    return Context(*over_leaves(lambda whole, some: whole.index_copy(0, place, some), context, after))


def _padded(parts: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor | None]:
    """Rows of one length, each filled up with its last token, and their lengths if these differ."""
    lengths = [len(part) for part in parts]
    rows = [[*part, *[part[-1]] * (max(lengths) - len(part))] for part in parts]
    tokens = torch.tensor(rows, dtype=torch.int64, device=device)
    return tokens, None if min(lengths) == max(lengths) else torch.tensor(lengths, device=device)


def _device(model: Prefills) -> torch.device:
    _, leaf = next(named_leaves(model.initial_state(0)))
    return leaf.device
