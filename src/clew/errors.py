"""Errors for the reader: what was wrong, what was wanted, what to do."""

import difflib
from collections.abc import Iterable

__all__ = ["MissingExtraError", "missing_extra", "unknown_name"]


class MissingExtraError(ImportError):
    """An optional dependency is needed here and is not installed."""


def missing_extra(package: str, extra: str) -> MissingExtraError:
    """The error for an optional package that is missing, naming the extra that brings it.

    >>> print(missing_extra("sklearn", "tables"))
    this needs the package 'sklearn', which is not installed: pip install 'clew[tables]'
    """
    return MissingExtraError(
        f"this needs the package {package!r}, which is not installed: pip install 'clew[{extra}]'"
    )


def unknown_name(kind: str, name: str, choices: Iterable[str]) -> ValueError:
    """The error for a name that is none of ``choices``, with the nearest right one.

    >>> print(unknown_name("mixer", "s4e", ["rnn", "s4d"]))
    unknown mixer 's4e'; did you mean 's4d'? Known: rnn, s4d
    """
    known = sorted(choices)
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return ValueError(f"unknown {kind} {name!r}; {hint}Known: {', '.join(known)}")
