"""Words of a command line read into a dataclass.

Oracle: the dataclass written out by hand beside the words.
Tolerances: none.
"""

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import tyro

from clew.cli.arguments import pairs, read


@dataclass(frozen=True)
class Options:
    """An example."""

    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME")]
    """A name."""
    number_of_things: int = 3
    """How many."""
    options: tuple[str, ...] = ()
    """Some."""
    place: Path | None = None
    """Where."""
    again: bool = False
    """Whether."""
    share: float = 0.5
    """How much."""
    limit: float | None = None
    """How much at most."""


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["a"], Options("a")),
        (["a", "--number-of-things", "4"], Options("a", 4)),
        (["--number-of-things=4", "a"], Options("a", 4)),
        (["a", "--share", "-1", "--limit", "1e-3"], Options("a", share=-1.0, limit=1e-3)),
        (["a", "--options", "x=1", "y=2", "--again"], Options("a", options=("x=1", "y=2"), again=True)),
        (
            ["--options", "x=1", "--place", "p/q", "--", "a"],
            Options("a", options=("x=1",), place=Path("p/q")),
        ),
    ],
)
def test_words_are_read(words, options):
    assert read(Options, "example", words) == options


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Missing from clew example: NAME"),
        (["a", "b"], "unexpected argument 'b'"),
        (["a", "--again=yes"], "unexpected argument 'yes'"),
        (
            ["a", "--number-of-thing", "4"],
            "unknown option '--number-of-thing'; did you mean '--number-of-things'?",
        ),
        (["a", "--numbr=4"], "unknown option '--numbr'"),
        (["a", "-n"], "unknown option '-n'"),
        (["a", "--number-of-things", "four"], "^--number-of-things: expected a whole number, got 'four' "),
        (["a", "--number-of-things", "four " * 60], "expected a whole number, got 'four four"),
        (["a", "--number-of-things", "1.5"], "expected a whole number, got '1.5'"),
        (["a", "--share", "half"], "^--share: expected a number, got 'half' "),
        (["a", "--limit", "none"], "^--limit: expected a number, got 'none' "),
        (["a", "--number-of-things"], "Missing value for argument '--number-of-things'"),
    ],
)
def test_what_does_not_fit_is_one_line(words, message, monkeypatch):
    for width in ("20", "80", "300"):  # of the terminal: the message is the same
        monkeypatch.setenv("COLUMNS", width)
        heard = io.StringIO()
        with contextlib.redirect_stderr(heard), pytest.raises(ValueError, match=message) as caught:
            read(Options, "example", words)
        text = str(caught.value)
        assert "\n" not in text
        assert not set("│╭╮╰╯─|\x1b") & set(text)
        assert "helptext" not in text.lower()
        assert heard.getvalue() == ""


def test_help_is_printed(capsys):
    assert read(Options, "example", ["--help"]) is None
    assert "--number-of-things" in capsys.readouterr().out


def test_pairs():
    assert pairs(["a=1", "b=x=y", "c="], "--options") == {"a": "1", "b": "x=y", "c": ""}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a"], "--options takes name=value, got 'a'"),
        (["=1"], "--options takes name=value, got '=1'"),
        (["a=1", "a=2"], "--options: 'a' is given twice"),
    ],
)
def test_what_is_no_pair_is_refused(words, message):
    with pytest.raises(ValueError, match=message):
        pairs(words, "--options")
