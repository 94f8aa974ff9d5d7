"""The commands that the pages show.

Oracle: the subcommands and the options that the command line itself has. Tolerances: none.
"""

import dataclasses
import importlib
import re
import shlex
from pathlib import Path

import pytest

from clew.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]


def _options(command: str) -> set[str]:
    """The options of a subcommand, as they are typed."""
    fields = dataclasses.fields(importlib.import_module(f"clew.cli.{command.replace(' ', '_')}").Options)
    return {
        f"--{field.name.replace('_', '-')}" for field in fields if field.default is not dataclasses.MISSING
    }


def _shown() -> list[tuple[str, list[str]]]:
    """The page and the words of each ``clew`` command in a ``console`` block, past ``-m`` or the name."""
    shown = []
    for page in PAGES:
        blocks = re.findall(r"^```console\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
        for line in re.findall(r"^\$ (.*)$", "".join(blocks), re.MULTILINE):
            words = shlex.split(line.partition(" <")[0])
            names = [index for index, word in enumerate(words) if word.rpartition("/")[2] == "clew"]
            if names and words[names[0] - 1 if names[0] else 0] != "install":
                shown.append((page.name, words[names[0] + 1 :]))
    return shown


def _divided(words: list[str]) -> tuple[str, list[str]]:
    """The name of the command, of two words for some, and what comes after it."""
    count = 2 if " ".join(words[:2]) in COMMANDS else 1
    return " ".join(words[:count]), words[count:]


def test_the_pages_show_commands():
    assert {_divided(words)[0] for _, words in _shown()} >= set(COMMANDS)


@pytest.mark.parametrize(("page", "words"), _shown(), ids=lambda value: str(value)[:60])
def test_every_command_that_a_page_shows_exists(page, words):
    command, rest = _divided(words)
    if command in ("--help", "--version"):
        return
    assert command in COMMANDS
    assert {word for word in rest if word.startswith("--")} <= _options(command)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_of_the_command_line_has_every_option(command):
    page = (ROOT / "docs" / "command-line.md").read_text()
    (section,) = re.findall(rf"^## clew {command}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"^\| `(--[a-z-]+)", section, re.MULTILINE)) == _options(command)
