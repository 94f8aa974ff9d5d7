"""ListOps: nested operations on digits, read token by token; generated."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from clew.data.dataset import Dataset, Split
from clew.data.generated import Rows, at_least, generated, generator, one_hot, uniform, whole_numbers
from clew.data.registry import datasets

__all__ = ["TOKENS", "listops"]

TOKENS = (*map(str, range(10)), "[MIN", "[MAX", "[MED", "[SM", "]")
"""The names of the channels."""
OPERATION_SHARE = 0.25
FIRST_OPERATOR, END = 10, 14
TREES_AT_A_TIME = 4096


@datasets.register("listops")
def listops(
    min_length: int = 500,
    max_length: int = 2000,
    max_depth: int = 10,
    max_args: int = 10,
    sequences: int = 2000,
    test_sequences: int = 500,
    validation: float = 0.15,
    seed: int = 0,
) -> Dataset:
    """Which digit does an expression like ``[MAX 2 9 [MIN 4 7 ] 0 ]`` come to?

    The operators are the smallest, the largest and the median of their arguments (rounded down where it lies
    between two), and their sum modulo 10. A node is an operation with probability 1/4 and else a digit,
    uniform; below ``max_depth`` − 1 levels of operations there are digits alone. An operation is one of the
    four and has 2 to ``max_args`` arguments, both uniform. Kept are expressions of more than ``min_length``
    and fewer than ``max_length`` tokens, each once. A frame is a token, one-hot: ten digits, four operators
    with their opening bracket, one closing bracket.

    These are the **sizes of the Long Range Arena**, which has 96,000 sequences to train on, 2,000 to validate
    and 2,000 to test; 10,000 sequences take about 600 MB here. A smaller task: ``min_length=20
    max_length=100 max_depth=5 max_args=5``.

    Args:
        min_length: sequences are longer than this, in tokens.
        max_length: sequences are shorter than this, in tokens.
        max_depth: the levels of the tree, digits included.
        max_args: the most arguments of an operation.
        sequences: to learn from, of which ``validation`` is held out.
        test_sequences: to test on.
        validation: the share of each answer's ``sequences`` held out to stop by.
        seed: of the expressions and that share.

    Raises:
        ValueError: for an option out of range, or sizes that hardly any expression has.

    Source: N. Nangia and S. R. Bowman, "ListOps: A diagnostic dataset for latent tree learning", NAACL
    student research workshop, 2018, section 3; Y. Tay et al., "Long Range Arena", ICLR 2021, section 2.2.
    """
    options = {
        "min_length": min_length,
        "max_length": max_length,
        "max_depth": max_depth,
        "max_args": max_args,
        "sequences": sequences,
        "test_sequences": test_sequences,
        "validation": validation,
        "seed": seed,
    }
    least = {"min_length": 1, "max_depth": 2, "max_args": 2, "sequences": 1, "test_sequences": 0, "seed": 0}
    at_least(options, {**least, "max_length": min_length + 2})
    tokens, values = _expressions(
        generator("listops", seed), sequences + test_sequences, (min_length, max_length), max_depth, max_args
    )
    inputs = [one_hot(each, len(TOKENS)) for each in tokens]
    targets = torch.tensor(values).unbind()
    return generated(
        "listops",
        options,
        Split(tuple(inputs[:sequences]), targets[:sequences]),
        Split(tuple(inputs[sequences:]), targets[sequences:]),
        channels=TOKENS,
        classes=TOKENS[:10],
        target="sequence",
        texts=(
            f"Nested operations on digits, smallest, largest, median and sum modulo 10, in {min_length + 1} "
            f"to {max_length - 1} tokens: which digit do they come to?",
            "generated after N. Nangia, S. R. Bowman (2018), ListOps: A diagnostic dataset for latent tree "
            "learning, https://arxiv.org/abs/1804.06028, and Y. Tay et al. (2021), Long Range Arena, "
            "https://arxiv.org/abs/2011.04006",
        ),
    )


def _expressions(
    draws: np.random.PCG64, count: int, lengths: tuple[int, int], max_depth: int, max_args: int
) -> tuple[list[Rows], list[int]]:
    """``count`` different expressions as numbers of tokens, and what they come to.

    Raises:
        ValueError: if none of many thousand trees has such a length.
    """
    found: dict[bytes, tuple[Rows, int]] = {}
    fruitless = 0
    while len(found) < count:
        before = len(found)
        levels = _trees(draws, max_depth, max_args, lengths[1])
        for tokens, value in _written(levels, lengths):
            found.setdefault(tokens.tobytes(), (tokens, value))
        fruitless = 0 if len(found) > before else fruitless + 1
        if fruitless == 20:
            raise ValueError(
                f"hardly any expression with {max_depth} levels and {max_args} arguments has more than "
                f"{lengths[0]} and fewer than {lengths[1]} tokens, or there are fewer than {count}: "
                "change 'min_length', 'max_length', 'max_depth', 'max_args' or 'sequences'"
            )
    kept = list(found.values())[:count]
    return [tokens for tokens, _ in kept], [value for _, value in kept]


class _Level(NamedTuple):
    """The nodes of one depth of many trees; those of one parent stand together, in order.

    Attributes:
        kinds: a number in ``TOKENS``: a digit or an operator.
        parents: where each node's parent stands in the level above; its tree's number at the top.
        arguments: how many children each has.
        trees: the tree that each belongs to.
    """

    kinds: Rows
    parents: Rows
    arguments: Rows
    trees: Rows


def _trees(draws: np.random.PCG64, max_depth: int, max_args: int, max_length: int) -> list[_Level]:
    """Random trees, level by level; a tree that has become too long already grows no further."""
    count = TREES_AT_A_TIME
    tokens = np.zeros(count, dtype=np.int64)
    levels: list[_Level] = []
    parents = trees = np.arange(count)
    for depth in range(1, max_depth + 1):
        # At the top a digit would be a sequence of one token, which is never long enough.
        share = 1.0 if depth == 1 else OPERATION_SHARE if depth < max_depth else 0.0
        operation = (uniform(draws, len(trees)) < share) & (tokens[trees] < max_length)
        drawn = whole_numbers(draws, len(trees), 10 * 4 * (max_args - 1), 1)[:, 0]
        kinds = np.where(operation, FIRST_OPERATOR + drawn % 4, drawn // 4 % 10)
        arguments = np.where(operation, 2 + drawn // 40, 0)
        levels.append(_Level(kinds, parents, arguments, trees))
        tokens += np.bincount(trees, weights=1 + operation, minlength=count).astype(np.int64)
        parents = np.repeat(np.arange(len(trees)), arguments)
        trees = trees[parents]
    return levels


def _written(levels: list[_Level], lengths: tuple[int, int]) -> Iterator[tuple[Rows, int]]:
    """The tokens and the value of each tree that has a length between ``lengths``, both excluded."""
    sizes, values = _sizes_and_values(levels)
    places = np.cumsum(sizes[0]) - sizes[0]
    text = np.empty(int(sizes[0].sum()), dtype=np.int64)
    starts = places
    for depth, level in enumerate(levels):
        if depth:
            before = np.cumsum(sizes[depth]) - sizes[depth]
            firsts = np.searchsorted(level.parents, level.parents)
            places = places[level.parents] + 1 + before - before[firsts]
        text[places] = level.kinds
        ends = level.arguments > 0
        text[(places + sizes[depth] - 1)[ends]] = END
    for tree in np.flatnonzero((sizes[0] > lengths[0]) & (sizes[0] < lengths[1])):
        yield text[starts[tree] : starts[tree] + sizes[0][tree]], int(values[tree])


def _sizes_and_values(levels: list[_Level]) -> tuple[list[Rows], Rows]:
    """How many tokens the tree below each node has, level by level, and what those at the top come to."""
    sizes: list[Rows] = [np.where(level.arguments > 0, 2, 1) for level in levels]
    values = levels[-1].kinds
    for depth in range(len(levels) - 2, -1, -1):
        above, below = levels[depth], levels[depth + 1]
        sizes[depth] += np.bincount(
            below.parents, weights=sizes[depth + 1], minlength=len(above.kinds)
        ).astype(np.int64)
        inner = np.flatnonzero(above.arguments)
        results = above.kinds.copy()
        if len(inner):
            counts = above.arguments[inner]
            firsts = np.cumsum(counts) - counts
            ordered = values[np.lexsort((values, below.parents))]
            middle = (ordered[firsts + (counts - 1) // 2] + ordered[firsts + counts // 2]) // 2
            last = ordered[firsts + counts - 1]
            outcomes = (ordered[firsts], last, middle, np.add.reduceat(values, firsts) % 10)
            results[inner] = np.choose(above.kinds[inner] - FIRST_OPERATOR, outcomes)
        values = results
    return sizes, values
