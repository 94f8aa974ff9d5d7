"""Linear state space models: continuous, discrete, and the three views of the discrete one."""

from clew.systems.continuous import StateSpace
from clew.systems.discrete import DiscreteStateSpace

__all__ = ["DiscreteStateSpace", "StateSpace"]
