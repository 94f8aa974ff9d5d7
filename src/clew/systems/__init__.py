"""Linear state space models: continuous, discrete, and the three views of the discrete one."""

from clew.systems.connections import feedback, parallel, series
from clew.systems.continuous import StateSpace
from clew.systems.discrete import DiscreteStateSpace
from clew.systems.identification import identify
from clew.systems.maze import Maze
from clew.systems.reduction import Reduction, balanced_truncation, hankel_singular_values

__all__ = [
    "DiscreteStateSpace",
    "Maze",
    "Reduction",
    "StateSpace",
    "balanced_truncation",
    "feedback",
    "hankel_singular_values",
    "identify",
    "parallel",
    "series",
]
