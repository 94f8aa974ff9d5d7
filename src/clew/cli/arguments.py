"""From the words of a command line to a dataclass; what does not fit is one line, as any mistake is."""

import contextlib
import dataclasses
import functools
import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from clew.errors import unknown_name

if TYPE_CHECKING:
    from tyro.constructors import ConstructorRegistry

__all__ = ["pairs", "read"]

Options = TypeVar("Options")

_NUMBERS: tuple[tuple[type[Any], str], ...] = ((int, "a whole number"), (float, "a number"))
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def read(kind: type[Options], command: str, arguments: Sequence[str]) -> Options | None:
    """Read a subcommand's options.

    Args:
        kind: the dataclass to fill; the docstrings of its fields are the help.
        command: the name of the subcommand.
        arguments: the words after it.

    Returns:
        The options, or None if help was asked for, and printed.

    Raises:
        ValueError: for a word that does not fit, in one line.
    """
    import tyro

    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            # Words that fit nowhere come back instead of being an error, so that the nearest right one is
            # named here.
            options, left = tyro.cli(
                kind,
                prog=f"clew {command}",
                args=arguments,
                return_unknown_args=True,
                config=(tyro.conf.FlagCreatePairsOff,),
                registry=_numbers(),
            )
    except SystemExit as exit_:
        if not exit_.code:
            return None
        raise ValueError(f"{_unboxed(said.getvalue())} (clew {command} --help shows the options)") from None
    if left:
        word = left[0].partition("=")[0]
        if not word.startswith("-"):
            raise ValueError(f"unexpected argument {word!r} (clew {command} --help shows the options)")
        raise unknown_name("option", word, _names(kind))
    return options


def pairs(words: Sequence[str], option: str) -> dict[str, str]:
    """``["a=1", "b=x"]`` as a dictionary of text.

    Raises:
        ValueError: for a word without ``=``, or a name given twice.

    >>> pairs(["d_state=32", "init=lin"], "--mixer-options")
    {'d_state': '32', 'init': 'lin'}
    """
    result: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals):
            raise ValueError(f"{option} takes name=value, got {word!r}")
        if name in result:
            raise ValueError(f"{option}: {name!r} is given twice")
        result[name] = value
    return result


def _names(kind: type[Any]) -> list[str]:
    """The options of the dataclass ``kind``: what has a default. What has none is given by position."""
    fields = [field for field in dataclasses.fields(kind) if field.default is not dataclasses.MISSING]
    return [*(f"--{field.name.replace('_', '-')}" for field in fields), "--help"]


def _numbers() -> "ConstructorRegistry":
    """How numbers are read: a word that is none is told as clew tells mistakes, not in Python's terms."""
    from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

    registry = ConstructorRegistry()

    @registry.primitive_rule
    def number(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
        for kind, name in _NUMBERS:
            if info.type in (kind, kind | None):
                return PrimitiveConstructorSpec(
                    nargs=1,
                    metavar=kind.__name__.upper(),
                    instance_from_str=functools.partial(_number, kind, name),
                    is_instance=lambda value: value is None or isinstance(value, (int, float)),
                    str_from_instance=lambda value: [str(value)],
                )
        return None

    return registry


def _number(kind: type[Any], name: str, words: Sequence[str]) -> Any:
    try:
        return kind(words[0])
    except ValueError:
        raise ValueError(f"expected {name}, got {words[0]!r}") from None


def _unboxed(text: str) -> str:
    """What an error box of tyro's says above its first rule, in one line.

    tyro has settings for the look of its boxes, none for an error without one.
    """
    lines = [_COLOUR.sub("", line) for line in text.splitlines()]
    inside = [line.strip("│| ") for line in lines if line[:1] in "│|"]
    said = []
    for line in inside or lines:
        if line and set(line) <= set("─-"):
            break
        said.append(line.strip())
    return " ".join(word for line in said for word in line.split()).removeprefix("Error parsing ").rstrip(".")
