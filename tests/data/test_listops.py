"""ListOps.

Oracle: the text of an expression, read by a recursive descent and reckoned with Python's ``min``, ``max``,
``sum`` and ``statistics.median``. Tolerances: shares are met within 4 standard errors of the sample.
"""

import math
import statistics
from collections import Counter

import pytest

from clew.data import load

SMALL = {"min_length": 10, "max_length": 80, "max_depth": 5, "max_args": 5}
SHALLOW = {"min_length": 1, "max_length": 1000, "max_depth": 3, "max_args": 10}
SIZES = {"sequences": 300, "test_sequences": 100}

RECKON = {
    "[MIN": min,
    "[MAX": max,
    "[MED": lambda arguments: int(statistics.median(arguments)),
    "[SM": lambda arguments: sum(arguments) % 10,
}


def read(words, depth=1):
    """Takes one expression off ``words``: its value, and (operator, depth, arguments that are digits …)."""
    word = words.pop(0)
    if word.isdigit():
        return int(word), []
    arguments, nodes = [], []
    kinds = []
    while words[0] != "]":
        kinds.append(words[0].isdigit())
        value, inside = read(words, depth + 1)
        arguments.append(value)
        nodes += inside
    words.pop(0)
    return RECKON[word](arguments), [(word, depth, kinds), *nodes]


def expressions(data, splits=("train", "validation", "test")):
    for name in splits:
        split = getattr(data, name)
        for sequence, target in zip(split.inputs, split.targets, strict=True):
            assert (sequence.sum(1) == 1).all()
            assert ((sequence == 0) | (sequence == 1)).all()
            yield [data.channels[index] for index in sequence.argmax(1).tolist()], int(target)


def test_the_oracle_on_the_published_example():
    """Nangia and Bowman (2018), figure 1."""
    assert read(["[MAX", "2", "9", "[MIN", "4", "7", "]", "0", "]"])[0] == 9
    assert read(["[MED", "1", "4", "6", "9", "]"])[0] == 5
    assert read(["[MED", "1", "4", "]"])[0] == 2


@pytest.mark.parametrize("options", [SMALL, SHALLOW, {}])
def test_the_target_is_what_the_expression_comes_to(options):
    sizes = SIZES if options else {"sequences": 40, "test_sequences": 10}
    data = load("listops", {**options, **sizes})
    least, most = data.options["min_length"], data.options["max_length"]
    seen = set()
    for words, target in expressions(data):
        seen.add(" ".join(words))
        assert least < len(words) < most
        value, nodes = read(words)
        assert not words
        assert value == target
        assert max(depth for _, depth, _ in nodes) < data.options["max_depth"]
        assert all(2 <= len(kinds) <= data.options["max_args"] for _, _, kinds in nodes)
    assert len(seen) == sum(sizes.values())


def test_trees_are_drawn_as_published():
    """A quarter of the nodes are operations; operators, digits and numbers of arguments are uniform."""
    data = load("listops", {**SHALLOW, "sequences": 2000, "test_sequences": 0, "validation": 0})
    top, counts, operators, digits = Counter(), Counter(), Counter(), Counter()
    for words, _ in expressions(data, ("train",)):
        digits.update(word for word in words if word.isdigit())
        for operator, depth, kinds in read(words)[1]:
            operators[operator] += 1
            if depth == 1:
                top.update(kinds)
                counts[len(kinds)] += 1
            else:
                assert all(kinds), "the last level has digits alone"
    for counter, chances in (
        (top, {True: 3 / 4, False: 1 / 4}),
        (counts, dict.fromkeys(range(2, 11), 1 / 9)),
        (operators, dict.fromkeys(RECKON, 1 / 4)),
        (digits, {str(digit): 1 / 10 for digit in range(10)}),
    ):
        total = counter.total()
        assert set(counter) == set(chances)
        for key, chance in chances.items():
            assert abs(counter[key] / total - chance) < 4 * math.sqrt(chance * (1 - chance) / total), key


def test_the_draw_does_not_change():
    options = {"min_length": 5, "max_length": 12, "sequences": 2, "test_sequences": 0, "validation": 0}
    assert [" ".join(words) for words, _ in expressions(load("listops", options), ("train",))] == [
        "[SM 8 [MED 0 4 6 ] 5 ]",
        "[SM 0 1 3 6 1 9 ]",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_depth": 1}, "'max_depth' is at least 2, got 1"),
        ({"max_args": 1}, "'max_args' is at least 2, got 1"),
        ({"min_length": 0}, "'min_length' is at least 1, got 0"),
        ({"min_length": 10, "max_length": 11}, "'max_length' is at least 12, got 11"),
        (
            {"max_depth": 2, "max_args": 3},
            "hardly any expression with 2 levels and 3 arguments has more than",
        ),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        load("listops", options)
