"""What a maze looks like: in characters, and on matplotlib's axes."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["as_text", "draw"]

Passages = Collection[tuple[int, int]]


def as_text(rows: int, columns: int, passages: Passages, marks: Mapping[int, str]) -> str:
    """Lines of ``+``, ``-`` and ``|``, with a mark in the middle of some cells.

    >>> print(as_text(2, 2, {(0, 1), (1, 3), (2, 3)}, {3: "e"}))
    +---+---+
    |       |
    +---+   +
    |     e |
    +---+---+
    """
    lines = ["+" + "---+" * columns]
    for row in range(rows):
        cells, below = "|", "+"
        for column in range(columns):
            here = row * columns + column
            open_right = (here, here + 1) in passages and column + 1 < columns
            cells += f" {marks.get(here, ' ')} " + (" " if open_right else "|")
            below += ("   " if (here, here + columns) in passages else "---") + "+"
        lines += [cells, below]
    return "\n".join(lines)


def draw(
    axes: "Axes", rows: int, columns: int, passages: Passages, *, exit: int, way: Sequence[int], colour: str
) -> None:
    """Walls in the colour of the axes' ink, the way as a thread, the exit as a ring.

    Args:
        axes: of matplotlib; everything else about them stays, but for limits, aspect and the frame.
        rows: of the maze.
        columns: of the maze.
        passages: pairs of positions without a wall between, the smaller first.
        exit: a position.
        way: positions, in order; may be empty.
        colour: of thread and ring.
    """
    ink = axes.xaxis.label.get_color()
    walls = [((edge, edge), (0, columns)) for edge in (0, rows)]  # from (y, y) and (x, x)
    walls += [((0, rows), (edge, edge)) for edge in (0, columns)]
    for here in range(rows * columns):
        row, column = divmod(here, columns)
        if column + 1 < columns and (here, here + 1) not in passages:
            walls.append(((row, row + 1), (column + 1, column + 1)))
        if row + 1 < rows and (here, here + columns) not in passages:
            walls.append(((row + 1, row + 1), (column, column + 1)))
    for ys, xs in walls:
        axes.plot(xs, ys, color=ink, linewidth=1.6, solid_capstyle="round", zorder=2)
    middle = [(position % columns + 0.5, position // columns + 0.5) for position in way]
    if middle:
        axes.plot(*zip(*middle, strict=True), color=colour, linewidth=2.4, zorder=3)
        axes.plot(*middle[0], marker="o", color=colour, markersize=7, zorder=4)
    ring = exit % columns + 0.5, exit // columns + 0.5
    axes.plot(
        *ring, marker="o", markersize=11, markerfacecolor="none", markeredgewidth=2, color=colour, zorder=4
    )
    axes.set_xlim(-0.1, columns + 0.1)
    axes.set_ylim(rows + 0.1, -0.1)
    axes.set_aspect("equal")
    axes.set_axis_off()
