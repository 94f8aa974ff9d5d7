"""Delayed copy: remember a pattern of symbols and repeat it after a delay; generated."""

import torch

from clew.data.dataset import IGNORE, Dataset, Split
from clew.data.generated import at_least, distinct_rows, generated, generator, one_hot, whole_numbers
from clew.data.registry import datasets

__all__ = ["delayed_copy"]


@datasets.register("delayed-copy")
def delayed_copy(
    length: int = 10,
    delay: int = 50,
    symbols: int = 8,
    sequences: int = 2000,
    test_sequences: int = 500,
    validation: float = 0.15,
    seed: int = 0,
) -> Dataset:
    """Repeat ``length`` symbols in order, ``delay`` frames after the last of them.

    With K = ``length`` and T = ``delay`` a sequence has T + 2K frames: K symbols, T − 1 blanks, one frame
    that says "recall", K blanks. The target of the last K frames is the pattern; earlier frames ask for
    nothing (``IGNORE``). A frame is one-hot: a channel for each symbol, one for blank, one for recall.

    **Chance** is 1/S of the asked frames, S = ``symbols``, with cross entropy ln S: also the best that a
    model without memory can do. (The publication also asks for blanks in the first T + K frames, which is why
    its baseline is K ln S / (T + 2K).) Its symbols are independent and uniform; here no pattern occurs twice
    in the data set, so that no test sequence has been trained on, which is next to the same as Sᴷ far exceeds
    the number of sequences.

    Args:
        length: K, the symbols to remember.
        delay: T, the frames from the last symbol to "recall".
        symbols: S, how many different symbols there are.
        sequences: to learn from, of which ``validation`` is held out.
        test_sequences: to test on.
        validation: the share of ``sequences`` held out to stop by.
        seed: of the patterns and of that share.

    Raises:
        ValueError: for an option out of range, or fewer patterns than sequences.

    Source: M. Arjovsky, A. Shah and Y. Bengio, "Unitary evolution recurrent neural networks", ICML 2016,
    section "Copying memory problem" (there K = 10, S = 8); after S. Hochreiter and J. Schmidhuber, "Long
    short-term memory", Neural Computation 9 (8), 1997.
    """
    options = {
        "length": length,
        "delay": delay,
        "symbols": symbols,
        "sequences": sequences,
        "test_sequences": test_sequences,
        "validation": validation,
        "seed": seed,
    }
    at_least(options, {"length": 1, "delay": 1, "symbols": 2, "sequences": 1, "test_sequences": 0, "seed": 0})
    total = sequences + test_sequences
    if symbols**length < total:
        raise ValueError(
            f"{symbols} symbols make {symbols**length} patterns of length {length}, "
            f"fewer than the {total} sequences asked for"
        )
    draws = generator("delayed-copy", seed)
    patterns = distinct_rows(total, lambda count: whole_numbers(draws, count, symbols, length))
    inputs, targets = _frames(torch.from_numpy(patterns), delay, symbols)
    return generated(
        "delayed-copy",
        options,
        Split(inputs[:sequences].unbind(), targets[:sequences].unbind()),
        Split(inputs[sequences:].unbind(), targets[sequences:].unbind()),
        channels=(*(f"symbol {symbol}" for symbol in range(symbols)), "blank", "recall"),
        classes=tuple(str(symbol) for symbol in range(symbols)),
        target="step",
        texts=(
            f"Remember {length} symbols out of {symbols} and repeat them in order after {delay} "
            f"frames; only the last {length} frames are judged, and guessing is right in 1 of {symbols}.",
            "generated after M. Arjovsky, A. Shah, Y. Bengio (2016), Unitary evolution recurrent neural "
            "networks, https://arxiv.org/abs/1511.06464, and S. Hochreiter, J. Schmidhuber (1997), Long "
            "short-term memory",
        ),
    )


def _frames(patterns: torch.Tensor, delay: int, symbols: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs (sequence, time, channel) and targets (sequence, time) of patterns (sequence, length)."""
    count, length = patterns.shape
    blank, recall = symbols, symbols + 1
    shown = torch.full((count, delay + 2 * length), blank)
    shown[:, :length] = patterns
    shown[:, length + delay - 1] = recall
    targets = torch.full_like(shown, IGNORE)
    targets[:, -length:] = patterns
    return one_hot(shown, symbols + 2), targets
