"""The command ``clew``: finds the subcommand, and turns every mistake of its caller into one line.

A subcommand is a module here with a frozen dataclass ``Options``, which its options are read from, and a
function ``run(options)``, which returns the exit code. It imports torch inside ``run``, so that help comes at
once.
"""

import importlib
import os
import sys
from collections.abc import Sequence

from clew.cli.arguments import read
from clew.cli.processes import leave_the_word_to_the_first, speaks
from clew.errors import MissingExtraError, unknown_name

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "train": "train a classifier on a data set, yours or one that ships",
    "train text": "train a language model on any text",
    "compare": "train several mixers on one task with one budget, and show them side by side",
    "evaluate": "measure a trained model on the test split",
    "stream": "run a trained model on samples from standard input, one prediction a sample",
    "generate": "go on with a text: a language model writes to standard output",
    "export": "write a trained model for other programs: ONNX, or a program of PyTorch's own",
    "info": "show a trained model: layers, parameters, poles and time constants",
}
"""The subcommands, each with what it does; a module of the same name (``train_text``) runs it."""

_OTHERS = {
    "--help": "show this help; after a command, its options",
    "--version": "show versions and backends",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: what comes after ``clew``; those of this process when not given.

    Returns:
        The exit code: 0; 2 for a mistake of the caller's, told in one line on standard error; 130 when
        interrupted.
    """
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Nobody reads standard output any more, as in `clew info RUN | head`. What is still in its buffer has
        # to go somewhere, or the interpreter complains as it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError, MissingExtraError) as error:
        if sys.flags.dev_mode:  # python -X dev -m clew: for whoever suspects that the mistake is ours
            raise
        if not speaks():
            leave_the_word_to_the_first()
        print("clew:", _one_line(error), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _run(arguments: Sequence[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_help())
        return 0
    if arguments[0] == "--version":
        from clew.cli.versions import versions

        print(versions())
        return 0
    words = 2 if " ".join(arguments[:2]) in COMMANDS else 1
    name, rest = " ".join(arguments[:words]), arguments[words:]
    if name not in COMMANDS:
        raise unknown_name("option" if name.startswith("-") else "command", name, [*COMMANDS, *_OTHERS])
    command = importlib.import_module(f"clew.cli.{name.replace(' ', '_')}")
    options = read(command.Options, name, rest)
    if options is None:
        return 0
    code: int = command.run(options)
    return code


def _help() -> str:
    from clew.version import __version__

    rows = {**COMMANDS, **_OTHERS}
    width = max(map(len, rows))
    lines = [f"  {name:<{width}}  {text}" for name, text in rows.items()]
    lines.insert(len(COMMANDS), "")
    return "\n".join(
        [
            f"clew {__version__}: state space models, trained in parallel and run as a stream",
            "",
            "usage: clew COMMAND ...",
            "",
            *lines,
            "",
            "to begin with: clew train japanese-vowels",
        ]
    )


def _one_line(error: Exception) -> str:
    text = str(error)
    if isinstance(error, OSError) and error.strerror is not None:
        text = error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
    # A line break in a name, or in a message from below, must not make two lines of one.
    return " ".join(text.split()) or type(error).__name__
