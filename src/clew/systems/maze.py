"""A maze as a state space: the state is where you are, an input is a move, the output the next best one."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal, final

import numpy as np
import torch
from torch import Tensor

from clew.errors import unknown_name
from clew.ops import matrix_scan
from clew.systems import maze_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["MOVES", "Maze"]

MOVES = ("north", "east", "south", "west")
_STEPS = ((-1, 0), (0, 1), (1, 0), (0, -1))


@final
@dataclass(frozen=True)
class Maze:
    """Cells on a grid, some of whose walls are open.

    Cell ``row · columns + column`` is a position, and there are N = rows · columns of them. As a system, with
    h one-hot over the positions and x a move,

    h[k] = A(x[k]) h[k−1], y[k] = C h[k]:

    a switched linear system, whose matrix is chosen by the input. A move into a wall leaves you where you
    are. C shows the next best move.

    Args:
        rows: at least 1.
        columns: at least 1.
        passages: the pairs of neighbouring positions between which there is no wall, the smaller first; from
            every position a way leads to every other.
        exit: the position to get to; the last unless given.

    Raises:
        ValueError: for pairs that are not neighbours, cells that cannot be reached, or an exit outside.

    >>> maze = Maze.generate(3, 4, seed=1)
    >>> print(maze)
    +---+---+---+---+
    |               |
    +   +---+---+   +
    |   |           |
    +   +---+   +   +
    |       |   | e |
    +---+---+---+---+
    >>> maze.next_states(6)
    (5, 7, 10)
    >>> maze.way_out(0)
    [0, 1, 2, 3, 7, 11]
    """

    rows: int
    columns: int
    passages: frozenset[tuple[int, int]]
    exit: int = -1

    def __post_init__(self) -> None:
        for name in ("rows", "columns"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is at least 1, got {getattr(self, name)}")
        object.__setattr__(self, "passages", frozenset(self.passages))
        object.__setattr__(self, "exit", self.order - 1 if self.exit == -1 else self.exit)
        self._check_position("exit", self.exit)
        for pair in self.passages - _neighbours(self.rows, self.columns):
            raise ValueError(f"a passage joins two neighbours, the smaller first; got {pair}")
        shut = int((self.distances() < 0).sum())
        if shut:
            raise ValueError(f"{shut} of the {self.order} cells have no way to the exit: open more passages")

    @classmethod
    def generate(cls, rows: int, columns: int | None = None, *, seed: int = 0, exit: int = -1) -> "Maze":
        """A maze with one way from anywhere to anywhere, all such mazes being equally likely.

        Args:
            rows: at least 1.
            columns: as many as rows unless given.
            seed: the same one gives the same maze, everywhere.
            exit: the position to get to; the last unless given.

        Source: Wilson, "Generating random spanning trees more quickly than the cover time" (1996).
        """
        columns = rows if columns is None else columns
        if rows < 1 or columns < 1:
            raise ValueError(f"rows and columns are at least 1, got {rows} and {columns}")
        if seed < 0:
            raise ValueError(f"seed is at least 0, got {seed}")
        draw = np.random.PCG64([seed, *b"maze"])
        neighbours: dict[int, list[int]] = {position: [] for position in range(rows * columns)}
        for a, b in sorted(_neighbours(rows, columns)):
            neighbours[a].append(b)
            neighbours[b].append(a)
        joined, passages = {0}, set()
        for start in range(1, rows * columns):
            # A random walk until it meets what is joined; its loops vanish, for the last way out counts.
            taken, here = {}, start
            while here not in joined:
                taken[here] = neighbours[here][int(draw.random_raw()) % len(neighbours[here])]
                here = taken[here]
            here = start
            while here not in joined:
                joined.add(here)
                passages.add((min(here, taken[here]), max(here, taken[here])))
                here = taken[here]
        return cls(rows, columns, frozenset(passages), exit)

    @property
    def order(self) -> int:
        """N, the number of positions."""
        return self.rows * self.columns

    def next_states(self, position: int) -> tuple[int, ...]:
        """The positions that one move can lead to, in ascending order.

        Raises:
            ValueError: for a position outside.
        """
        self._check_position("position", position)
        return tuple(sorted({self.move(position, move) for move in MOVES} - {position}))

    def move(self, position: int, move: str) -> int:
        """Where a move leads: the neighbour there, or the same position if a wall is between.

        Raises:
            ValueError: for a position outside, and what is no move.
        """
        self._check_position("position", position)
        if move not in MOVES:
            raise unknown_name("move", str(move), MOVES)
        row, column = divmod(position, self.columns)
        down, right = _STEPS[MOVES.index(move)]
        there = (row + down) * self.columns + column + right
        inside = 0 <= row + down < self.rows and 0 <= column + right < self.columns
        joined = (min(position, there), max(position, there)) in self.passages
        return there if inside and joined else position

    @cached_property
    def A(self) -> Tensor:
        """(4, N, N) float64, a matrix for each move: A[x][j, i] is 1 where move x leads from i to j."""
        matrices = torch.zeros(len(MOVES), self.order, self.order, dtype=torch.float64)
        for number, move in enumerate(MOVES):
            for position in range(self.order):
                matrices[number, self.move(position, move), position] = 1.0
        return matrices

    @cached_property
    def C(self) -> Tensor:
        """(4, N) float64: C[x, i] is 1 where x begins a shortest way out of i; 0 at the exit."""
        shown = torch.zeros(len(MOVES), self.order, dtype=torch.float64)
        away = self.distances()
        for position in range(self.order):
            for number, move in enumerate(MOVES):
                if away[self.move(position, move)] < away[position]:
                    shown[number, position] = 1.0
                    break
        return shown

    def run(
        self, moves: Tensor, start: int = 0, mode: Literal["recurrent", "scan"] = "recurrent"
    ) -> tuple[Tensor, Tensor]:
        """Outputs and states after each move.

        Args:
            moves: (..., L) whole numbers, indices into :data:`clew.systems.maze.MOVES`.
            start: the position before the first move.
            mode: ``recurrent`` multiplies one matrix after another, ``scan`` all of them in O(log L) steps by
                :func:`clew.ops.matrix_scan`.

        Returns:
            y (..., L, 4), one-hot over the next best moves, zero at the exit, and h (..., L, N), one-hot over
            the positions; float64.

        Raises:
            ValueError: for what are no moves, a position outside, and an unknown mode.

        >>> maze = Maze.generate(3, 4, seed=1)
        >>> y, h = maze.run(torch.tensor([1, 2, 1, 1, 2]), mode="scan")  # east, south (a wall), east, …
        >>> h.argmax(-1).tolist()
        [1, 1, 2, 3, 7]
        >>> MOVES[y[-1].argmax()]
        'south'
        """
        if mode not in ("recurrent", "scan"):
            raise unknown_name("mode", mode, ("recurrent", "scan"))
        self._check_position("start", start)
        if moves.is_floating_point() or not moves.ndim or ((moves < 0) | (moves >= len(MOVES))).any():
            raise ValueError(
                f"moves must be (..., L) whole numbers from 0 to 3, got {moves.dtype} {tuple(moves.shape)}"
            )
        h = torch.zeros(*moves.shape[:-1], self.order, dtype=torch.float64)
        h[..., start] = 1.0
        chosen = self.A[moves.long()]
        if mode == "scan":
            states, _ = matrix_scan(chosen, torch.zeros(chosen.shape[:-1], dtype=h.dtype), initial_state=h)
        else:
            found = [h.new_zeros(*moves.shape[:-1], 0, self.order)]
            for A_k in chosen.unbind(-3):
                h = (A_k @ h[..., None])[..., 0]
                found.append(h[..., None, :])
            states = torch.cat(found, dim=-2)
        return states @ self.C.mT, states

    def distances(self, to: int | None = None) -> Tensor:
        """(N,) int64: how many moves each position is from ``to``, the exit unless given."""
        target = self.exit if to is None else to
        self._check_position("to", target)
        beside: dict[int, list[int]] = {position: [] for position in range(self.order)}
        for a, b in self.passages:
            beside[a].append(b)
            beside[b].append(a)
        away, waiting = {target: 0}, deque([target])
        while waiting:
            here = waiting.popleft()
            for there in beside[here]:
                if there not in away:
                    away[there] = away[here] + 1
                    waiting.append(there)
        return torch.tensor([away.get(position, -1) for position in range(self.order)])

    def way_out(self, start: int) -> list[int]:
        """A shortest way: the positions from ``start`` to the exit, both included."""
        self._check_position("start", start)
        way = [start]
        while way[-1] != self.exit:
            best = MOVES[int(self.C[:, way[-1]].argmax())]
            way.append(self.move(way[-1], best))
        return way

    def __str__(self) -> str:
        return maze_picture.as_text(self.rows, self.columns, self.passages, {self.exit: "e"})

    def text(self, way: Iterable[int]) -> str:
        """The maze in characters, with a dot in each cell of a way."""
        marks = dict.fromkeys(way, "·") | {self.exit: "e"}
        return maze_picture.as_text(self.rows, self.columns, self.passages, marks)

    def draw(self, axes: "Axes", way: Iterable[int] = (), *, colour: str = "#d55e00") -> None:
        """Draw the walls, and a way and the exit in ``colour``, on matplotlib's ``axes``."""
        maze_picture.draw(
            axes, self.rows, self.columns, self.passages, exit=self.exit, way=list(way), colour=colour
        )

    def _check_position(self, name: str, position: int) -> None:
        if isinstance(position, bool) or not isinstance(position, int) or not 0 <= position < self.order:
            raise ValueError(f"{name} is a position from 0 to {self.order - 1}, got {position!r}")


@lru_cache(maxsize=8)
def _neighbours(rows: int, columns: int) -> frozenset[tuple[int, int]]:
    """All pairs of cells that touch, the smaller first."""
    cells = [(row, column) for row in range(rows) for column in range(columns)]
    right = {(r * columns + c, r * columns + c + 1) for r, c in cells if c + 1 < columns}
    below = {(r * columns + c, (r + 1) * columns + c) for r, c in cells if r + 1 < rows}
    return frozenset(right | below)
