"""What a report is made of, before it is HTML: sections with a sentence, a picture, a table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clew.train.report.figures.canvas import DARK, LIGHT, Theme, to_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Picture", "Section", "Table"]


@dataclass(frozen=True)
class Picture:
    """A figure in both themes.

    Attributes:
        light: PNG bytes for a light page, also what is written beside the report.
        dark: PNG bytes for a dark page.
        alt: what it shows, in words, for those who cannot see it.
    """

    light: bytes
    dark: bytes
    alt: str

    @classmethod
    def of(cls, draw: Callable[[Theme], "Figure"], alt: str) -> "Picture":
        """Draw a figure in both themes."""
        return cls(to_png(draw, LIGHT), to_png(draw, DARK), alt)


@dataclass(frozen=True)
class Table:
    """Rows of text under a header; the first column names the row, the others are numbers.

    Attributes:
        caption: what the table holds.
        header: a name for each column.
        rows: as many entries each as the header.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """One part of a report.

    Attributes:
        key: the file name of the figure, without its ending, and the anchor of the section.
        title: its heading.
        reading: one sentence that says how to read it; or why there is nothing to read.
        finding: what it says here, in a sentence; may be empty.
        picture: the figure; None where there is none to draw.
        table: the numbers; None where there are none.
        method: how it was measured; may be empty.
        texts: passages to read, each under a line that says what it is.
    """

    key: str
    title: str
    reading: str
    finding: str = ""
    picture: Picture | None = None
    table: Table | None = None
    method: str = ""
    texts: tuple[tuple[str, str], ...] = ()
