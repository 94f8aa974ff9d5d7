"""What Mamba and Mamba-2 share as layers: one direction or both, no system, which parameters do not decay."""

import abc
from collections.abc import Callable
from typing import Literal, TypeVar

from torch import Tensor, nn

from clew.errors import unknown_name
from clew.nn.arguments import check_sequence
from clew.nn.both_ways import NO_STATE, both_ways, check_one_way
from clew.nn.centred_conv import centred_conv
from clew.nn.mixer import Mixer, state_dtype
from clew.nn.padding import zero_padding
from clew.ops import causal_conv
from clew.systems import DiscreteStateSpace, StateSpace

__all__ = ["ConvPadding", "SelectiveMixer"]

ConvPadding = Literal["causal", "same"]

StateT = TypeVar("StateT", bound=tuple[Tensor, ...])
ConstantsT = TypeVar("ConstantsT", bound=tuple[Tensor, ...])


class SelectiveMixer(Mixer[StateT, ConstantsT]):
    """A mixer whose step and matrices the input chooses, around a run in one direction.

    Attributes:
        A_log: log −A, the parameter whose dtype is that of the layer.
        conv_padding: where the short convolution looks: "causal", or "same" for both sides.
        reverse: the layer that runs backwards in time, if that is another one.
    """

    A_log: nn.Parameter
    conv_padding: ConvPadding
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
        state, lengths, segments = check_sequence(self, x, state, lengths, segments, dt)
        if dt is not None:
            dt = zero_padding(dt[..., None], lengths)[..., 0]
        if not self.bidirectional:
            return self._run(x, state, lengths, segments, dt)
        layers = (self, self if self.reverse is None else self.reverse)

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

    def _set_directions(
        self,
        bidirectional: bool,
        share_directions: bool,
        conv_padding: ConvPadding,
        build: "Callable[[], SelectiveMixer[StateT, ConstantsT]]",
    ) -> None:
        """Set what the options say; ``build`` makes a layer for the other direction.

        Raises:
            ValueError: for what makes no sense in a layer that runs in one direction.
        """
        if conv_padding not in ("causal", "same"):
            raise unknown_name("conv_padding", conv_padding, ("causal", "same"))
        if not bidirectional and share_directions:
            raise ValueError("share_directions=True is for a layer of two: take bidirectional=True with it")
        if not bidirectional and conv_padding == "same":
            raise ValueError(
                "conv_padding='same' sees what is to come, which a layer with steps and a state cannot: take "
                "bidirectional=True with it"
            )
        self.bidirectional, self.conv_padding = bidirectional, conv_padding
        self.reverse = build() if bidirectional and not share_directions else None
        if self.reverse is not None:
            self.reverse.conv_padding = conv_padding  # alone, it would be refused

    def _directions(self) -> str:
        """What ``repr`` says of them."""
        if not self.bidirectional:
            return ""
        shared = ", share_directions=True" * (self.reverse is None)
        return f", bidirectional=True{shared}" + ", conv_padding='same'" * (self.conv_padding == "same")

    def _convolved(
        self,
        v: Tensor,
        weight: Tensor,
        bias: Tensor,
        past: Tensor,
        lengths: Tensor | None,
        segments: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """The short convolution of v (batch, time, channel) with SiLU, and its state."""
        taps = weight[:, 0]
        if self.conv_padding == "same":
            return centred_conv(v, taps, bias, segments=segments, lengths=lengths), past
        return causal_conv(
            v, taps, bias, activation="silu", initial_state=past, segments=segments, lengths=lengths
        )

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
