"""The mixer contract: what every layer that mixes over time promises."""

import abc
from typing import Generic, Self, TypeVar

import torch
from torch import Tensor, nn

from clew.systems import DiscreteStateSpace, StateSpace

__all__ = ["Mixer", "state_dtype"]

StateT = TypeVar("StateT", bound=tuple[Tensor, ...])
ConstantsT = TypeVar("ConstantsT", bound=tuple[Tensor, ...])


class Mixer(nn.Module, abc.ABC, Generic[StateT, ConstantsT]):
    """A layer that mixes over time, in parallel or one sample at a time, with its state in and out.

    The two ways to run it agree: ``forward`` over a sequence gives what ``step`` gives sample by sample,
    and any split of a sequence into chunks, the state handed on, gives what the whole gives. The conformance
    suite in ``tests/nn/conformance`` holds every mixer to this.

    A state is a flat ``NamedTuple`` of real tensors, batch first (a complex state is a pair of real ones),
    float32 at least whatever the weights are; it carries gradients in and out. So it can be saved,
    exported, branched and batched as it is.

    A mixer is the bare map over time: activation, gate and channel mixing live in :class:`clew.nn.Block`.

    Attributes:
        d_model: channels, of the input and of the output.
        bidirectional: whether it reads whole sequences from both ends. Then there is no :meth:`step`, no
            state, neither in nor out, and no system; see :mod:`clew.nn.both_ways`.
    """

    d_model: int
    bidirectional: bool = False

    @abc.abstractmethod
    def forward(
        self,
        x: Tensor,
        state: StateT | None = None,
        *,
        lengths: Tensor | None = None,
        segments: Tensor | None = None,
        dt: Tensor | None = None,
    ) -> tuple[Tensor, StateT]:
        """Run over a whole sequence.

        Args:
            x: (batch, time, channel), floating point.
            state: the state before the first sample; zero if not given.
            lengths: (batch,) integers: how many samples of each row count. Outputs past a row's length are
                zero, whatever ``x`` holds there; the state returned is the one at the row's length, for
                length 0 the state given.
            segments: (batch, time) integers: several sequences packed in a row. Sample 0 continues ``state``;
                wherever the number changes, the state starts at zero.
            dt: (batch, time): the time since the last sample, in units of the layer's own step (irregular
                sampling, other sampling rates).

        Returns:
            The output (batch, time, channel) in the dtype of ``x``, and the state after the last sample.

        Raises:
            ValueError: for a shape or dtype that does not fit, or an argument this mixer cannot honour.
        """

    @abc.abstractmethod
    def step(
        self, x_k: Tensor, state: StateT, *, dt: Tensor | None = None, constants: ConstantsT | None = None
    ) -> tuple[Tensor, StateT]:
        """Run over one sample, in memory that does not grow.

        Args:
            x_k: (batch, channel).
            state: the state before the sample.
            dt: (batch,): the time since the last sample, as in :meth:`forward`.
            constants: what :meth:`constants` returned, so that a stream computes it once.

        Returns:
            The output (batch, channel) in the dtype of ``x_k``, and the state after the sample.

        Raises:
            ValueError: if ``dt`` and ``constants`` are both given (the constants hold for ``dt`` = 1), or a
                shape or dtype does not fit.
        """

    @abc.abstractmethod
    def constants(self) -> ConstantsT:
        """What :meth:`step` computes from the parameters alone: a ``NamedTuple`` of real tensors."""

    @abc.abstractmethod
    def initial_state(self, batch_size: int) -> StateT:
        """The state before the first sample: zeros, on the parameters' device."""

    @abc.abstractmethod
    def system(self) -> DiscreteStateSpace:
        """The layer as one real system of full order, float64; its batch dimension, if any, is the channel.

        Raises:
            ValueError: if the layer is not a linear time-invariant system.
        """

    @abc.abstractmethod
    def continuous_system(self) -> StateSpace:
        """The system before discretisation, float64.

        Raises:
            ValueError: if the layer has none.
        """

    @abc.abstractmethod
    def resample(self, factor: float) -> Self:
        """A copy of the layer for another sampling rate: it does what this one does with ``dt`` = ``factor``.

        What was a system in continuous time stays the same one, sampled more or less often, so a layer that
        was trained at one rate runs at another.

        Args:
            factor: how many times as far apart the samples are: 2 for half the sampling rate.

        Returns:
            The copy, with parameters of its own; this layer stays as it is.

        Raises:
            ValueError: if the layer has no time between samples, or ``factor`` is not positive and finite.
        """

    @abc.abstractmethod
    def dynamics_parameters(self) -> tuple[str, ...]:
        """The parameters that hold the dynamics, by name: no weight decay, and their own learning rate."""


def state_dtype(parameter: Tensor) -> torch.dtype:
    """The dtype that a layer with this parameter computes and keeps its state in: float32 at least.

    >>> state_dtype(torch.zeros(1, dtype=torch.bfloat16))
    torch.float32
    """
    return torch.float64 if parameter.dtype == torch.float64 else torch.float32
