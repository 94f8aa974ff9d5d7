"""Induction heads: what came after the special symbol the last time comes after it again; generated."""

import numpy as np
import torch

from clew.data.dataset import IGNORE, Dataset, Split
from clew.data.generated import Rows, at_least, distinct_rows, generated, generator, one_hot, whole_numbers
from clew.data.registry import datasets

__all__ = ["induction_heads"]


@datasets.register("induction-heads")
def induction_heads(
    length: int = 256,
    test_length: int | None = None,
    symbols: int = 15,
    sequences: int = 2000,
    test_sequences: int = 500,
    validation: float = 0.15,
    seed: int = 0,
) -> Dataset:
    """Recall which symbol followed the special one.

    A sequence has ``length`` frames. The last shows the special symbol, and so does one frame p before, any
    of 0 … ``length`` − 3 with the same probability; all others show symbols, each uniform out of
    ``symbols``. The target of the last frame is the symbol of frame p + 1; earlier frames ask for nothing
    (``IGNORE``). A frame is one-hot: a channel for each symbol and one for the special one.

    **Chance** is 1 / ``symbols``. The publication trains at length 256 with a vocabulary of 16 and tests at
    2⁶ to 2²⁰: ``test_length`` is the length of the test split alone. No two sequences here are alike.

    Args:
        length: of the sequences to learn from.
        test_length: of those to test on; ``length`` when not given.
        symbols: how many symbols there are beside the special one.
        sequences: to learn from, of which ``validation`` is held out.
        test_sequences: to test on.
        validation: the share of ``sequences`` held out to stop by.
        seed: of places, symbols and that share.

    Raises:
        ValueError: for an option out of range, or fewer possible sequences than are asked for.

    Source: A. Gu and T. Dao, "Mamba: Linear-time sequence modeling with selective state spaces", 2023,
    section 4.1.2 and appendix E.1; D. Y. Fu et al., "Hungry hungry hippos", ICLR 2023, section 3.1; after
    C. Olsson et al., "In-context learning and induction heads", 2022.
    """
    options = {
        "length": length,
        "test_length": test_length,
        "symbols": symbols,
        "sequences": sequences,
        "test_sequences": test_sequences,
        "validation": validation,
        "seed": seed,
    }
    at_least(options, {"length": 3, "symbols": 2, "sequences": 1, "test_sequences": 0, "seed": 0})
    if test_length is not None:
        at_least(options, {"test_length": 3})
    draws = generator("induction-heads", seed)
    if test_length in (None, length):
        shown = _shown(draws, sequences + test_sequences, length, symbols)
        parts = shown[:sequences], shown[sequences:]
    else:
        assert test_length
        parts = (
            _shown(draws, sequences, length, symbols),
            _shown(draws, test_sequences, test_length, symbols),
        )
    learn, test = (_split(torch.from_numpy(part), symbols) for part in parts)
    return generated(
        "induction-heads",
        options,
        learn,
        test,
        channels=(*(f"symbol {symbol}" for symbol in range(symbols)), "special"),
        classes=tuple(str(symbol) for symbol in range(symbols)),
        target="step",
        texts=(
            f"A special symbol stands once among {length} others and again at the end: which of {symbols} "
            "symbols followed it the first time? Only the last frame is judged.",
            "generated after A. Gu, T. Dao (2023), Mamba: Linear-time sequence modeling with selective state "
            "spaces, https://arxiv.org/abs/2312.00752, and C. Olsson et al. (2022), In-context learning and "
            "induction heads, https://arxiv.org/abs/2209.11895",
        ),
    )


def _shown(draws: np.random.PCG64, count: int, length: int, symbols: int) -> Rows:
    """(count, length) symbols, ``symbols`` being the special one; no two rows alike.

    Raises:
        ValueError: if there are not so many rows.
    """
    possible = (length - 2) * symbols ** (length - 2)
    if count > possible:
        raise ValueError(
            f"there are {possible} sequences of length {length} with {symbols} symbols, "
            f"fewer than the {count} asked for"
        )

    def draw(more: int) -> Rows:
        rows = whole_numbers(draws, more, symbols, length)
        np.put_along_axis(rows, whole_numbers(draws, more, length - 2, 1), symbols, axis=1)
        rows[:, -1] = symbols
        return rows

    return distinct_rows(count, draw)


def _split(shown: torch.Tensor, symbols: int) -> Split:
    """Inputs and targets of rows of symbols (sequence, time)."""
    first = (shown == symbols).int().argmax(dim=1, keepdim=True)
    targets = torch.full_like(shown, IGNORE)
    targets[:, -1:] = shown.gather(1, first + 1)
    inputs = one_hot(shown, symbols + 1)
    return Split(inputs.unbind(), targets.unbind())
