"""Selective copying: symbols at random places among noise, to be repeated in order; generated."""

import numpy as np
import torch

from clew.data.dataset import IGNORE, Dataset, Split
from clew.data.generated import (
    Rows,
    at_least,
    distinct_rows,
    generated,
    generator,
    one_hot,
    uniform,
    whole_numbers,
)
from clew.data.registry import datasets

__all__ = ["selective_copying"]


@datasets.register("selective-copying")
def selective_copying(
    length: int = 256,
    memorize: int = 16,
    symbols: int = 14,
    sequences: int = 2000,
    test_sequences: int = 500,
    validation: float = 0.15,
    seed: int = 0,
) -> Dataset:
    """Find ``memorize`` symbols among noise and repeat them in order.

    With L = ``length`` and M = ``memorize`` a sequence has L + M frames. M of the first L frames, any M of
    them with the same probability, each show a symbol, uniform out of ``symbols``; the other L − M show
    noise. The last M frames say "recall", and their targets are the symbols in order; earlier frames ask for
    nothing (``IGNORE``). A frame is one-hot: a channel for each symbol, one for noise, one for recall.

    The distances to remember over vary from symbol to symbol, so no fixed delay does it, unlike in
    ``delayed-copy``: what is kept has to depend on what is seen. **Chance** is 1 / ``symbols`` of the asked
    frames. The publication has L = 4096 and M = 16 with a vocabulary of 16, which in its authors' code is 14
    symbols, noise and recall, and draws new sequences for each step. No two sequences here are alike.

    Args:
        length: L, the frames before "recall".
        memorize: M, the symbols to remember, at most ``length``.
        symbols: how many different symbols there are.
        sequences: to learn from, of which ``validation`` is held out.
        test_sequences: to test on.
        validation: the share of ``sequences`` held out to stop by.
        seed: of places, symbols and that share.

    Raises:
        ValueError: for an option out of range.

    Source: A. Gu and T. Dao, "Mamba: Linear-time sequence modeling with selective state spaces", 2023,
    section 4.1.1 and appendix E.1; after the denoising task of L. Jing et al., "Gated orthogonal recurrent
    units: On learning to forget", Neural Computation 31 (4), 2019.
    """
    options = {
        "length": length,
        "memorize": memorize,
        "symbols": symbols,
        "sequences": sequences,
        "test_sequences": test_sequences,
        "validation": validation,
        "seed": seed,
    }
    at_least(
        options, {"length": 1, "memorize": 1, "symbols": 2, "sequences": 1, "test_sequences": 0, "seed": 0}
    )
    if memorize > length:
        raise ValueError(f"'memorize' is at most 'length', {length}, got {memorize}")
    total = sequences + test_sequences
    if symbols**memorize < total:
        raise ValueError(
            f"{symbols} symbols make {symbols**memorize} patterns of length {memorize}, "
            f"fewer than the {total} sequences asked for"
        )
    draws = generator("selective-copying", seed)

    def draw(count: int) -> Rows:
        places = np.argpartition(uniform(draws, count, length), memorize - 1, axis=1)[:, :memorize]
        places.sort(axis=1)
        shown = np.full((count, length), symbols, dtype=np.int64)
        np.put_along_axis(shown, places, whole_numbers(draws, count, symbols, memorize), axis=1)
        return shown

    shown = torch.from_numpy(distinct_rows(total, draw))
    noise, recall = symbols, symbols + 1
    wanted = shown[shown != noise].view(total, memorize)
    shown = torch.cat([shown, torch.full((total, memorize), recall)], dim=1)
    targets = torch.full_like(shown, IGNORE)
    targets[:, length:] = wanted
    inputs = one_hot(shown, symbols + 2)
    return generated(
        "selective-copying",
        options,
        Split(inputs[:sequences].unbind(), targets[:sequences].unbind()),
        Split(inputs[sequences:].unbind(), targets[sequences:].unbind()),
        channels=(*(f"symbol {symbol}" for symbol in range(symbols)), "noise", "recall"),
        classes=tuple(str(symbol) for symbol in range(symbols)),
        target="step",
        texts=(
            f"Find {memorize} symbols out of {symbols} at random places in {length} frames of noise, then "
            f"repeat them in order; only the last {memorize} frames are judged, and guessing is right in 1 "
            f"of {symbols}.",
            "generated after A. Gu, T. Dao (2023), Mamba: Linear-time sequence modeling with selective state "
            "spaces, https://arxiv.org/abs/2312.00752, and L. Jing et al. (2019), Gated orthogonal recurrent "
            "units, https://arxiv.org/abs/1706.02761",
        ),
    )
