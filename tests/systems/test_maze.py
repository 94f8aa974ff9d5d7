"""The maze as a state space.

ORACLE: a walk on the drawn maze, character by character; breadth first search on it by scipy.sparse.csgraph;
for the generator, all spanning trees of a small grid, which must come up equally often.
TOLERANCES: none, but for the generator: no tree further from its share than 4 standard errors.
"""

import itertools
from collections import Counter

import matplotlib
import numpy as np
import pytest
import scipy.sparse.csgraph
import torch
from matplotlib.figure import Figure

from clew.systems import Maze
from clew.systems.maze import MOVES

LOOP = Maze(2, 3, frozenset({(0, 1), (1, 2), (0, 3), (1, 4), (3, 4), (4, 5)}))


def mazes():
    return [Maze.generate(4, 5, seed=seed, exit=seed) for seed in range(4)] + [
        Maze.generate(1, 6),
        Maze(1, 1, frozenset()),
        LOOP,
    ]


def is_open(maze, a, b):
    """Whether the drawing has no wall between two neighbours."""
    drawn = str(maze).splitlines()
    (row, column), (other_row, other_column) = divmod(a, maze.columns), divmod(b, maze.columns)
    if row == other_row:
        return drawn[2 * row + 1][4 * max(column, other_column)] == " "
    return drawn[2 * max(row, other_row)][4 * column + 1 : 4 * column + 4] == "   "


def walked(maze, position, move):
    row, column = divmod(position, maze.columns)
    down, right = {"north": (-1, 0), "east": (0, 1), "south": (1, 0), "west": (0, -1)}[move]
    if not (0 <= row + down < maze.rows and 0 <= column + right < maze.columns):
        return position
    there = (row + down) * maze.columns + column + right
    return there if is_open(maze, position, there) else position


@pytest.mark.parametrize("maze", mazes(), ids=str)
def test_moves_next_states_and_matrices_are_those_of_the_picture(maze):
    for position in range(maze.order):
        expected = [walked(maze, position, move) for move in MOVES]
        assert [maze.move(position, move) for move in MOVES] == expected
        assert maze.next_states(position) == tuple(sorted(set(expected) - {position}))
        assert maze.A[:, :, position].argmax(-1).tolist() == expected
    assert (maze.A.sum(1) == 1).all()
    assert ((maze.A == 0) | (maze.A == 1)).all()


@pytest.mark.parametrize("maze", mazes(), ids=str)
def test_distances_and_ways_are_shortest(maze):
    graph = np.zeros((maze.order, maze.order))
    for a, b in maze.passages:
        graph[a, b] = graph[b, a] = 1
    away = scipy.sparse.csgraph.shortest_path(graph, unweighted=True)
    assert maze.distances().tolist() == away[maze.exit].tolist()
    assert maze.distances(0).tolist() == away[0].tolist()
    for start in range(maze.order):
        way = maze.way_out(start)
        assert (way[0], way[-1], len(way)) == (start, maze.exit, away[start, maze.exit] + 1)
        assert all(b in maze.next_states(a) for a, b in itertools.pairwise(way))


@pytest.mark.parametrize("maze", mazes(), ids=str)
def test_step_and_scan_run_through_the_same_states(maze):
    moves = torch.randint(4, (3, 57))
    outputs, states = maze.run(moves, start=maze.order // 2)
    by_scan = maze.run(moves, start=maze.order // 2, mode="scan")
    assert torch.equal(by_scan[1], states)
    assert torch.equal(by_scan[0], outputs)
    for row in range(3):
        position = maze.order // 2
        for k in range(57):
            position = walked(maze, position, MOVES[moves[row, k]])
            assert states[row, k].nonzero().item() == position
            best = outputs[row, k]
            if position == maze.exit:
                assert not best.any()
            else:
                assert best.sum() == 1
                there = walked(maze, position, MOVES[int(best.argmax())])
                assert maze.distances()[there] == maze.distances()[position] - 1


def test_no_moves_and_one():
    maze = Maze.generate(3, seed=5)
    for mode in ("recurrent", "scan"):
        y, h = maze.run(torch.zeros(2, 0, dtype=torch.int64), mode=mode)
        assert (y.shape, h.shape) == ((2, 0, 4), (2, 0, 9))
        assert maze.run(torch.tensor([1]), mode=mode)[1].shape == (1, 9)


def test_generated_mazes_are_trees_and_follow_from_the_seed():
    for seed in range(20):
        maze = Maze.generate(5, 4, seed=seed)
        assert len(maze.passages) == maze.order - 1
        assert maze == Maze.generate(5, 4, seed=seed)
    assert len({Maze.generate(5, 4, seed=seed) for seed in range(20)}) == 20
    assert sorted(Maze.generate(2, 3, seed=7).passages) == [(0, 3), (1, 2), (1, 4), (2, 5), (3, 4)]


def test_all_mazes_are_equally_likely():
    """2 × 3 cells have 15 spanning trees."""
    draws = 3000
    seen = Counter(Maze.generate(2, 3, seed=seed).passages for seed in range(draws))
    assert len(seen) == 15
    error = (draws * (1 / 15) * (14 / 15)) ** 0.5
    assert max(abs(count - draws / 15) for count in seen.values()) < 4 * error


def test_pictures():
    maze = Maze.generate(3, 4, seed=1)
    assert maze.text(maze.way_out(0)).count("·") == len(maze.way_out(0)) - 1
    with matplotlib.rc_context({"axes.labelcolor": "#123456"}):
        axes = Figure().subplots()
    maze.draw(axes, maze.way_out(0), colour="#ff0000")
    # Walls: the border, and all pairs of neighbours but the passages. Then the way, its start, and the exit.
    walls = [line for line in axes.lines if line.get_color() == "#123456"]
    assert len(walls) == 4 + (3 * 3 + 2 * 4) - len(maze.passages)
    way, start, ring = [line for line in axes.lines if line.get_color() == "#ff0000"]
    assert len(way.get_xdata()) == len(maze.way_out(0))
    assert (start.get_xdata()[0], start.get_ydata()[0]) == (0.5, 0.5)
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (3.5, 2.5)
    bare = Figure().subplots()
    maze.draw(bare)
    assert len(bare.lines) == len(walls) + 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Maze(0, 3, frozenset()), "rows is at least 1, got 0"),
        (lambda: Maze(2, 2, frozenset({(0, 3)})), r"neighbours, the smaller first; got \(0, 3\)"),
        (lambda: Maze(1, 2, frozenset({(1, 0)})), r"got \(1, 0\)"),
        (lambda: Maze(1, 3, frozenset({(0, 1)})), "2 of the 3 cells have no way to the exit"),
        (lambda: Maze(1, 2, frozenset({(0, 1)}), exit=2), "exit is a position from 0 to 1, got 2"),
        (lambda: Maze.generate(0), "rows and columns are at least 1, got 0 and 0"),
        (lambda: Maze.generate(2, seed=-1), "seed is at least 0, got -1"),
        (lambda: LOOP.move(0, "nort"), "unknown move 'nort'; did you mean 'north'"),
        (lambda: LOOP.next_states(6), "position is a position from 0 to 5, got 6"),
        (lambda: LOOP.run(torch.tensor([4])), "whole numbers from 0 to 3"),
        (lambda: LOOP.run(torch.tensor([0.0])), "whole numbers from 0 to 3"),
        (lambda: LOOP.run(torch.tensor([0]), mode="convolution"), "unknown mode 'convolution'"),
        (lambda: LOOP.way_out(-1), "start is a position from 0 to 5, got -1"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
