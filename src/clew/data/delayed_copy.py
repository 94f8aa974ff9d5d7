"""Delayed copy: remember a pattern of symbols and repeat it after a delay; generated."""

import numpy as np
import torch

from clew.data.dataset import IGNORE, Dataset, Split
from clew.data.registry import datasets
from clew.data.splitting import hold_out

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
    for option, value, least in (
        ("length", length, 1),
        ("delay", delay, 1),
        ("symbols", symbols, 2),
        ("sequences", sequences, 1),
        ("test_sequences", test_sequences, 0),
        ("seed", seed, 0),
    ):
        if value < least:
            raise ValueError(f"{option!r} is at least {least}, got {value}")
    total = sequences + test_sequences
    if symbols**length < total:
        raise ValueError(
            f"{symbols} symbols make {symbols**length} patterns of length {length}, "
            f"fewer than the {total} sequences asked for"
        )
    patterns = torch.as_tensor(_distinct_patterns(total, length, symbols, seed))
    inputs, targets = _frames(patterns, delay, symbols)
    classes = tuple(str(symbol) for symbol in range(symbols))
    learn = Split(inputs[:sequences].unbind(), targets[:sequences].unbind())
    train, held_out = hold_out(learn, validation, seed=seed, classes=classes)
    return Dataset(
        name="delayed-copy",
        options={
            "length": length,
            "delay": delay,
            "symbols": symbols,
            "sequences": sequences,
            "test_sequences": test_sequences,
            "validation": validation,
            "seed": seed,
        },
        description=f"Remember {length} symbols out of {symbols} and repeat them in order after {delay} "
        f"frames; only the last {length} frames are judged, and guessing is right in 1 of {symbols}.",
        source="generated after M. Arjovsky, A. Shah, Y. Bengio (2016), Unitary evolution recurrent neural "
        "networks, https://arxiv.org/abs/1511.06464, and S. Hochreiter, J. Schmidhuber (1997), Long "
        "short-term memory",
        licence="none needed: generated",
        channels=(*(f"symbol {symbol}" for symbol in range(symbols)), "blank", "recall"),
        classes=classes,
        target="step",
        train=train,
        validation=held_out,
        test=Split(inputs[sequences:].unbind(), targets[sequences:].unbind()),
    )


def _distinct_patterns(count: int, length: int, symbols: int, seed: int) -> np.ndarray:
    """(count, length) int64 symbols, no two rows alike, in the order they were drawn.

    The remainder of a 64-bit draw is biased by less than symbols / 2⁶⁴.
    """
    generator = np.random.PCG64([seed, *b"delayed-copy"])
    patterns = np.empty((0, length), dtype=np.int64)
    while len(patterns) < count:
        drawn = generator.random_raw(count * length).reshape(count, length) % np.uint64(symbols)
        patterns = np.concatenate([patterns, drawn.astype(np.int64)])
        _, first = np.unique(patterns, axis=0, return_index=True)
        patterns = patterns[np.sort(first)]
    return patterns[:count]


def _frames(patterns: torch.Tensor, delay: int, symbols: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs (sequence, time, channel) and targets (sequence, time) of patterns (sequence, length)."""
    count, length = patterns.shape
    blank, recall = symbols, symbols + 1
    shown = torch.full((count, delay + 2 * length), blank)
    shown[:, :length] = patterns
    shown[:, length + delay - 1] = recall
    targets = torch.full_like(shown, IGNORE)
    targets[:, -length:] = patterns
    return torch.nn.functional.one_hot(shown, symbols + 2).float(), targets
