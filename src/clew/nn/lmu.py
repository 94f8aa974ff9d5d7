"""The Legendre Memory Unit: a recurrent cell beside a linear memory of its recent past."""

import math
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from clew.nn.arguments import check_sequence, check_step
from clew.nn.both_ways import NO_STATE, both_ways, check_one_way
from clew.nn.gated import loop
from clew.nn.legendre import LegendreMemory
from clew.nn.mixer import Mixer, state_dtype
from clew.nn.padding import zero_padding
from clew.nn.registry import mixers
from clew.nn.resampling import check_factor
from clew.ops.precision import without_autocast
from clew.systems import DiscreteStateSpace, StateSpace

__all__ = ["LMU", "LMUConstants", "LMUState"]


class LMUState(NamedTuple):
    """h (batch, channel), which is also the output, and m (batch, state)."""

    hidden: Tensor
    memory: Tensor


class LMUConstants(NamedTuple):
    """The memory's matrices and the parameters in the dtype of the state.

    Attributes:
        A_bar: (state, state).
        B_bar: (state,).
        inputs: (1 + channel, channel): what multiplies x, e_x above W_x.
        recurrent: (1 + channel, channel): what multiplies h, e_h above W_h.
        e_m: (state,).
        W_m: (channel, state).
    """

    A_bar: Tensor
    B_bar: Tensor
    inputs: Tensor
    recurrent: Tensor
    e_m: Tensor
    W_m: Tensor


@mixers.register("lmu")
class LMU(Mixer[LMUState, LMUConstants]):
    """u = e_x x + e_h h + e_m m, m = Ā m + B̄ u, h = tanh(W_x x + W_h h + W_m m), y = h.

    One number u is written to a memory, which holds its last θ samples on Legendre polynomials and which the
    cell reads; Ā and B̄ are fixed (zero-order hold). Through h it is no linear system, knows no time step and
    loops over time; :class:`clew.nn.LinearLMU` is the form that runs in parallel. Through e_m, which starts
    at zero, the memory feeds itself, and nothing bounds it: a large e_m makes it grow without end.

    Parameters: ``e_x`` and ``e_h`` (channel,), uniform of variance 1/channels; ``e_m`` (state,), zero;
    ``W_x`` and ``W_h`` (channel, channel) and ``W_m`` (channel, state), Glorot normal.

    Args:
        d_model: channels; as many hidden states.
        d_state: order of the memory.
        theta: θ, its window, in samples.
        bidirectional: add a layer that runs backwards in time, ``reverse``, with parameters of its own, and
            sum the outputs; then there is no step and no state.

    Raises:
        ValueError: for numbers out of range; in calls, for a ``dt``.

    >>> layer = LMU(d_model=4, d_state=16, theta=50)
    >>> y, state = layer(torch.randn(2, 100, 4))
    >>> y.shape, state.memory.shape
    (torch.Size([2, 100, 4]), torch.Size([2, 16]))

    Source: Voelker, Kajić and Eliasmith, "Legendre memory units" (2019), eq. 2 to 7, and its published code
    for the start and the discretisation.
    """

    def __init__(
        self, d_model: int, d_state: int = 64, *, theta: float = 256.0, bidirectional: bool = False
    ) -> None:
        super().__init__()
        if d_model < 1:
            raise ValueError(f"d_model is at least 1; got {d_model}")
        self.d_model, self.d_state = d_model, d_state
        self.memory = LegendreMemory(d_state, theta)
        bound = math.sqrt(3 / d_model)
        self.e_x = nn.Parameter(torch.empty(d_model).uniform_(-bound, bound))
        self.e_h = nn.Parameter(torch.empty(d_model).uniform_(-bound, bound))
        self.e_m = nn.Parameter(torch.zeros(d_state))
        self.W_x = nn.Parameter(nn.init.xavier_normal_(torch.empty(d_model, d_model)))
        self.W_h = nn.Parameter(nn.init.xavier_normal_(torch.empty(d_model, d_model)))
        self.W_m = nn.Parameter(nn.init.xavier_normal_(torch.empty(d_model, d_state)))
        self.bidirectional, self.reverse = bidirectional, None
        if bidirectional:
            self.reverse = LMU(d_model, d_state, theta=theta)

    def forward(
        self,
        x: Tensor,
        state: LMUState | None = None,
        *,
        lengths: Tensor | None = None,
        segments: Tensor | None = None,
        dt: Tensor | None = None,
    ) -> tuple[Tensor, LMUState]:
        """Run over a whole sequence, as :meth:`clew.nn.Mixer.forward` says; ``dt`` is refused."""
        state, lengths, segments = check_sequence(self, x, state, lengths, segments, dt)
        _refuse_dt(dt)
        if self.reverse is None:
            return self._run(x, state, lengths, segments)
        layers = (self, self.reverse)

        def directed(
            x: Tensor, segments: Tensor | None, _: Tensor | None, backwards: bool
        ) -> tuple[Tensor, LMUState]:
            return layers[backwards]._run(x, None, lengths, segments)

        return both_ways(directed, x, state_dtype(self.e_x), lengths=lengths, segments=segments), NO_STATE

    def step(
        self, x_k: Tensor, state: LMUState, *, dt: Tensor | None = None, constants: LMUConstants | None = None
    ) -> tuple[Tensor, LMUState]:
        """Run over one sample, as :meth:`clew.nn.Mixer.step` says; ``dt`` is refused."""
        state = check_step(self, x_k, state, dt, constants)
        _refuse_dt(dt)
        known = self.constants() if constants is None else constants
        with without_autocast(x_k.device):
            after = _next(known, linear(x_k.to(known.W_m.dtype), known.inputs), state)
        return after.hidden.to(x_k.dtype), after

    def constants(self) -> LMUConstants:
        """Ā, B̄ and the parameters in the dtype of the state."""
        check_one_way(self, "constants")
        return self._known()

    def _known(self) -> LMUConstants:
        A_bar, B_bar = self.memory.discrete(None)
        inputs, recurrent = torch.cat((self.e_x[None], self.W_x)), torch.cat((self.e_h[None], self.W_h))
        dtype, parts = state_dtype(self.e_x), (A_bar, B_bar, inputs, recurrent, self.e_m, self.W_m)
        return LMUConstants(*(part.to(dtype) for part in parts))

    def initial_state(self, batch_size: int) -> LMUState:
        """Zeros (batch, channel) and (batch, state)."""
        check_one_way(self, "state")
        return self._rest(batch_size)

    def _rest(self, batch: int) -> LMUState:
        like = torch.zeros((), dtype=state_dtype(self.e_x), device=self.e_x.device)
        return LMUState(like.new_zeros((batch, self.d_model)), like.new_zeros((batch, self.d_state)))

    def system(self) -> DiscreteStateSpace:
        """There is none.

        Raises:
            ValueError: always.
        """
        raise ValueError("an LMU with tanh is not a linear system: lmu-linear has one")

    def continuous_system(self) -> StateSpace:
        """There is none.

        Raises:
            ValueError: always.
        """
        raise ValueError("an LMU with tanh is defined in discrete time and has no continuous system")

    def resample(self, factor: float) -> Self:
        """There is no time between its hidden states to change.

        Raises:
            ValueError: always.
        """
        check_factor(factor)
        raise ValueError("an LMU with tanh is defined in discrete time and cannot be resampled")

    def dynamics_parameters(self) -> tuple[str, ...]:
        """None: its matrices are trained as any others."""
        return ()

    def extra_repr(self) -> str:
        """What ``repr`` shows between the brackets."""
        return f"{self.d_model}, d_state={self.d_state}{', bidirectional=True' * self.bidirectional}"

    def _run(
        self, x: Tensor, state: LMUState | None, lengths: Tensor | None, segments: Tensor | None
    ) -> tuple[Tensor, LMUState]:
        """Forwards in time."""
        before = self._rest(len(x)) if state is None else state
        if x.numel() == 0:
            return x, before
        with without_autocast(x.device):
            known = self._known()
            driven = linear(zero_padding(x, lengths).to(known.W_m.dtype), known.inputs)

            def after(driven_k: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
                return _next(known, driven_k, LMUState(*state))

            y, last = loop(after, driven, before, lengths, segments)
            return zero_padding(y, lengths).to(x.dtype), LMUState(*last)


def _next(known: LMUConstants, driven: Tensor, state: LMUState) -> LMUState:
    """One sample, ``driven`` (batch, 1 + channel) being e_x x and W_x x."""
    driven = driven + linear(state.hidden, known.recurrent)
    u = driven[:, :1] + linear(state.memory, known.e_m[None])
    memory = linear(state.memory, known.A_bar) + u * known.B_bar
    return LMUState(torch.tanh(driven[:, 1:] + linear(memory, known.W_m)), memory)


def _refuse_dt(dt: Tensor | None) -> None:
    if dt is not None:
        raise ValueError("an LMU with tanh is defined in discrete time and takes no dt")
