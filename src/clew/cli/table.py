"""Text in columns."""

from collections.abc import Sequence

__all__ = ["table"]


def table(rows: Sequence[Sequence[str]], align: str) -> str:
    """Rows of text in columns, two spaces apart.

    Args:
        rows: the cells; every row as long as ``align``.
        align: one of ``<`` (left) and ``>`` (right) for each column.

    >>> print(table([["layer", "order"], ["1", "64"]], "<>"))
    layer  order
    1         64
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, align, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
