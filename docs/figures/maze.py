"""A maze, one of its transition matrices, and the states of the way out."""

import itertools

import torch

from clew.systems import Maze
from clew.systems.maze import MOVES
from clew.train.report.figures.canvas import colour_map, new_figure

MAZE = Maze.generate(4, 4, seed=11)
WAY = MAZE.way_out(0)
STEPS = [
    next(k for k, move in enumerate(MOVES) if MAZE.move(a, move) == b) for a, b in itertools.pairwise(WAY)
]
STATES = MAZE.run(torch.tensor(STEPS))[1]


def draw(theme):
    """Three panels."""
    figure = new_figure(2.9)
    maze, matrix, states = figure.subplots(1, 3, width_ratios=(1, 1, 1.1))
    MAZE.draw(maze, WAY, colour=theme.series[1])
    for position in range(MAZE.order):
        row, column = divmod(position, 4)
        maze.text(column + 0.12, row + 0.28, str(position), fontsize=7, color=theme.muted)
    maze.set_title("The maze and its way out")
    scale = colour_map(theme.paper, theme.series[0])
    matrix.imshow(MAZE.A[MOVES.index("south")], cmap=scale, vmin=0, vmax=1)
    matrix.set(title="A(south)", xlabel="from position", ylabel="to position")
    shown = torch.cat((torch.eye(MAZE.order)[:, :1].double(), STATES.T), dim=1)
    states.imshow(shown, cmap=scale, vmin=0, vmax=1, aspect="auto")
    states.set(title="h, move after move", xlabel="k", ylabel="position")
    for axes in (matrix, states):
        axes.grid(visible=False)
        axes.set_yticks(range(0, 16, 5))
        axes.set_box_aspect(1)
    matrix.set_xticks(range(0, 16, 5))
    return figure
