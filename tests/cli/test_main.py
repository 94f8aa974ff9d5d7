"""The command itself: help, versions, exit codes, who speaks.

Oracle: what a user of a shell sees: exit code, standard output and error, of a real process where it matters.
Tolerances: none.
"""

import dataclasses
import importlib
import platform
import subprocess
import sys

import pytest
import torch

import clew as library
from clew.cli.main import COMMANDS, main
from clew.errors import missing_extra


def in_fresh_interpreter(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_names_every_command(clew, words):
    said = clew(*words)
    assert (said.code, said.err) == (0, "")
    for name, text in COMMANDS.items():
        assert f"  {name} " in said.out
        assert text in said.out
    assert "--version" in said.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_for_every_option(clew, command):
    module = importlib.import_module(f"clew.cli.{command.replace(' ', '_')}")
    said = clew(*command.split(), "--help")
    assert (said.code, said.err) == (0, "")
    words = " ".join(said.out.replace("│", " ").split())
    assert words.startswith(f"usage: clew {command}")
    assert "(required)" in words or "[OPTIONS] FILE ..." in words  # one file or many
    for field in dataclasses.fields(module.Options):
        by_position = field.default is dataclasses.MISSING
        assert by_position or f"--{field.name.replace('_', '-')}" in words


def test_help_does_not_load_torch():
    calls = [
        [],
        ["--help"],
        *([*name.split(), "--help"] for name in COMMANDS),
        ["trian"],
        ["info", "nowhere"],
    ]
    code = f"import sys; from clew.cli.main import main\nfor words in {calls}: main(words)\n"
    loaded = in_fresh_interpreter(code + "print('torch is', 'in' if 'torch' in sys.modules else 'out')")
    assert loaded.endswith("torch is out\n")


def test_version_says_what_is_here(clew):
    said = clew("--version")
    assert (said.code, said.err) == (0, "")
    for word in (library.__version__, torch.__version__, platform.python_version()):
        assert word in said.out
    operations = library.backends()
    for name, operation in operations.items():
        (line,) = (line for line in said.out.splitlines() if line.split()[:1] == [name])
        assert line.split()[1] == operation.available[0]
        for other, reason in operation.unavailable.items():
            assert other in line
            assert reason in line


def test_the_program_and_the_module_are_one(program, tmp_path):
    said = program("--help", cwd=tmp_path)
    assert said.code == 0
    assert said.out.startswith(f"clew {library.__version__}")
    said = program("infoo", cwd=tmp_path)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("clew: unknown command 'infoo'; did you mean 'info'? Known: --help, ")
    assert said.err.count("\n") == 1


def test_an_interruption_is_130_without_a_word(clew, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("clew.cli.main._run", interrupted)
    assert clew("info") == (130, "", "")


def test_a_missing_extra_is_a_mistake_of_the_callers(clew, monkeypatch):
    def missing(*_):
        raise missing_extra("sklearn", "tables")

    monkeypatch.setattr("clew.cli.main._run", missing)
    said = clew("train", "digits")
    assert said.code == 2
    assert said.err.count("\n") == 1
    assert "pip install 'clew[tables]'" in said.err


def test_a_mistake_of_ours_is_not_disguised(monkeypatch):
    def broken(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr("clew.cli.main._run", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        main(["info"])


def test_one_line_whatever_the_names_hold(clew, here):
    said = clew("info", "a\nb\tc")
    assert said.code == 2
    assert said.err.count("\n") == 1


def test_other_processes_leave_the_word_to_the_first(clew, monkeypatch):
    waited = []
    monkeypatch.setattr("time.sleep", waited.append)
    assert clew("info", "nowhere").code == 2
    assert waited == []
    monkeypatch.setenv("RANK", "1")
    said = clew("info", "nowhere")
    assert len(waited) == 1  # a launcher would have ended this process by now
    assert (said.code, said.err.count("\n")) == (2, 1)


def test_developer_mode_shows_where_an_error_came_from(program, tmp_path):
    said = program("info", "nowhere", cwd=tmp_path, python=("-X", "dev"))
    assert said.code == 1
    assert "Traceback" in said.err
    assert "locate.py" in said.err


def test_a_closed_standard_output_is_not_an_error(tmp_path):
    reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
    reader.wait()
    done = subprocess.run(
        [sys.executable, "-m", "clew", "--help"], stdout=reader.stdin, stderr=subprocess.PIPE, timeout=60
    )
    reader.stdin.close()
    assert (done.returncode, done.stderr) == (0, b"")
