"""What Mamba and Mamba-2 share as layers: one direction or both, no system, which parameters do not decay."""

import abc
from typing import TypeVar

from torch import Tensor, nn

from clew.nn.arguments import check_sequence
from clew.nn.both_ways import NO_STATE, both_ways, check_one_way
from clew.nn.mixer import Mixer, state_dtype
from clew.nn.padding import zero_padding
from clew.systems import DiscreteStateSpace, StateSpace

__all__ = ["SelectiveMixer"]

StateT = TypeVar("StateT", bound=tuple[Tensor, ...])
ConstantsT = TypeVar("ConstantsT", bound=tuple[Tensor, ...])


class SelectiveMixer(Mixer[StateT, ConstantsT]):
    """A mixer whose step and matrices the input chooses, around a run in one direction.

    Attributes:
        A_log: log −A, the parameter whose dtype is that of the layer.
        reverse: the layer that runs backwards in time, if it has one of its own.
    """

    A_log: nn.Parameter
    reverse: "SelectiveMixer[StateT, ConstantsT] | None"

    def forward(
        self,
        x: Tensor,
        state: StateT | None = None,
        *,
        lengths: Tensor | None = None,
        segments: Tensor | None = None,
        dt: Tensor | None = None,
    ) -> tuple[Tensor, StateT]:
        """Run over a whole sequence, as :meth:`clew.nn.Mixer.forward` says."""
        check_sequence(self, x, state, lengths, segments, dt)
        if dt is not None:
            dt = zero_padding(dt[..., None], lengths)[..., 0]
        if self.reverse is None:
            return self._run(x, state, lengths, segments, dt)
        layers = (self, self.reverse)

        def directed(
            x: Tensor, segments: Tensor | None, dt: Tensor | None, backwards: bool
        ) -> tuple[Tensor, StateT]:
            return layers[backwards]._run(x, None, lengths, segments, dt)

        dtype = state_dtype(self.A_log)
        return both_ways(directed, x, dtype, lengths=lengths, segments=segments, dt=dt), NO_STATE

    def constants(self) -> ConstantsT:
        """A and the parameters in the dtype of the state."""
        check_one_way(self, "constants")
        return self._known()

    def initial_state(self, batch_size: int) -> StateT:
        """The last inputs of the convolution, and h: zeros, of the shapes that the state's class gives."""
        check_one_way(self, "state")
        return self._rest(batch_size)

    def system(self) -> DiscreteStateSpace:
        """There is none.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"{self._selective()}, so it is no linear system")

    def continuous_system(self) -> StateSpace:
        """There is none.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"{self._selective()}; it has no continuous system")

    def dynamics_parameters(self) -> tuple[str, ...]:
        """``A_log``, ``D`` and b_Δ, which get no weight decay as published; those of ``reverse`` too."""
        names = self._dynamics()
        return names if self.reverse is None else (*names, *(f"reverse.{name}" for name in names))

    def _selective(self) -> str:
        return f"{type(self).__name__} is selective: its matrices depend on the input"

    @abc.abstractmethod
    def _run(
        self,
        x: Tensor,
        state: StateT | None,
        lengths: Tensor | None,
        segments: Tensor | None,
        dt: Tensor | None,
    ) -> tuple[Tensor, StateT]:
        """Forwards in time; ``dt`` is zero in the padding."""

    @abc.abstractmethod
    def _known(self) -> ConstantsT:
        """What :meth:`constants` returns, of this direction."""

    @abc.abstractmethod
    def _rest(self, batch: int) -> StateT:
        """What :meth:`initial_state` returns, of this direction."""

    @abc.abstractmethod
    def _dynamics(self) -> tuple[str, ...]:
        """What :meth:`dynamics_parameters` returns, of this direction."""
