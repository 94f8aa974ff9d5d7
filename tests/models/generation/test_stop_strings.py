"""Text up to the first stop string.

Oracle: a search in the whole text. Tolerances: none.
"""

import itertools
import random

import pytest

from clew.models.generation import StopStrings

STOPS = [["ab"], ["aab", "b"], ["aaa"], ["ba", "abb"], ["abab"], ["c", "bc", "abc"], ["abab", "ba"], []]


def expected(text, strings):
    """What stands before the stop string that ends first; before the longest of several that end there."""
    ends = [
        (end, end - len(string))
        for end in range(len(text) + 1)
        for string in strings
        if text[:end].endswith(string)
    ]
    return text[: min(ends)[1]] if ends else text


@pytest.mark.parametrize("strings", STOPS, ids=str)
def test_every_short_text_in_every_cut(strings):
    for length in range(6):
        for letters in itertools.product("abc", repeat=length):
            text = "".join(letters)
            for cuts in ([], [length // 2], range(length)):
                stop = StopStrings(strings)
                borders = [0, *cuts, length]
                out = [stop.push(text[a:b]) for a, b in itertools.pairwise(borders)]
                assert "".join(out) + stop.close() == expected(text, strings)
                assert stop.stopped == any(string in text for string in strings)


@pytest.mark.parametrize("strings", STOPS, ids=str)
def test_only_what_may_become_a_stop_string_is_held_back(strings, seed):
    generator = random.Random(seed)
    for _ in range(200):
        text = "".join(generator.choices("abc", k=8))
        stop = StopStrings(strings)
        out = "".join(stop.push(letter) for letter in text)
        if stop.stopped:
            continue
        held = text[len(out) :]
        assert text.startswith(out)
        assert held == "" or any(string.startswith(held) for string in strings)
        assert not any(string.startswith(text[place:]) for string in strings for place in range(len(out)))


def test_after_it_nothing_comes():
    stop = StopStrings(["."])
    assert [stop.push("a."), stop.push("b"), stop.close()] == ["a", "", ""]


def test_an_empty_one_is_refused():
    with pytest.raises(ValueError, match="at least one character"):
        StopStrings(["a", ""])
