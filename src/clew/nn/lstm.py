"""Long short-term memory, torch's, under the mixer contract."""

from functools import partial
from typing import NamedTuple, Self

import torch
from torch import Tensor

from clew.nn.arguments import check_sequence, check_step
from clew.nn.both_ways import NO_STATE, both_ways, check_one_way
from clew.nn.gated import GatedConstants, loop, start, torch_runs, torch_sequence
from clew.nn.mixer import Mixer, state_dtype
from clew.nn.padding import zero_padding
from clew.nn.registry import mixers
from clew.nn.resampling import check_factor
from clew.ops.precision import without_autocast
from clew.systems import DiscreteStateSpace, StateSpace

__all__ = ["LSTM", "LSTMState"]


class LSTMState(NamedTuple):
    """h (batch, channel), which is also the output, and the cell's c (batch, channel)."""

    hidden: Tensor
    memory: Tensor


@mixers.register("lstm")
class LSTM(Mixer[LSTMState, GatedConstants]):
    """i, f, o = σ(W x + U h), g = tanh(W x + U h), c = f ⊙ c + i ⊙ g, h = o ⊙ tanh(c), y = h; with biases.

    A baseline: ``torch.nn.LSTM`` of one layer, with its parameters and its start. It is no linear system,
    knows no time step and loops over time.

    Args:
        d_model: channels; as many of h and of c.
        bidirectional: add a layer that runs backwards in time, ``reverse``, with weights of its own, as
            torch's has; the two outputs are summed, where torch puts them side by side. Then there is no
            step and no state.

    Raises:
        ValueError: for ``d_model`` below 1; in calls, for a ``dt``.

    >>> layer = LSTM(4)
    >>> y, state = layer(torch.randn(2, 100, 4))
    >>> y.shape, state.hidden.shape
    (torch.Size([2, 100, 4]), torch.Size([2, 4]))

    Source: Hochreiter and Schmidhuber, "Long short-term memory" (1997), with the forget gate of Gers,
    Schmidhuber and Cummins, "Learning to forget" (2000), and no peepholes, as ``torch.nn.LSTM`` has it.
    """

    def __init__(self, d_model: int, *, bidirectional: bool = False) -> None:
        super().__init__()
        if d_model < 1:
            raise ValueError(f"d_model is at least 1; got {d_model}")
        self.d_model, self.bidirectional = d_model, bidirectional
        self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh = start(4, d_model)
        self.reverse = LSTM(d_model) if bidirectional else None

    def forward(
        self,
        x: Tensor,
        state: LSTMState | None = None,
        *,
        lengths: Tensor | None = None,
        segments: Tensor | None = None,
        dt: Tensor | None = None,
    ) -> tuple[Tensor, LSTMState]:
        """Run over a whole sequence, as :meth:`clew.nn.Mixer.forward` says; ``dt`` is refused."""
        state, lengths, segments = check_sequence(self, x, state, lengths, segments, dt)
        _refuse_dt(dt)
        if self.reverse is None:
            return self._run(x, state, lengths, segments)
        layers = (self, self.reverse)

        def directed(
            x: Tensor, segments: Tensor | None, _: Tensor | None, backwards: bool
        ) -> tuple[Tensor, LSTMState]:
            return layers[backwards]._run(x, None, lengths, segments)

        dtype = state_dtype(self.weight_ih)
        return both_ways(directed, x, dtype, lengths=lengths, segments=segments), NO_STATE

    def step(
        self,
        x_k: Tensor,
        state: LSTMState,
        *,
        dt: Tensor | None = None,
        constants: GatedConstants | None = None,
    ) -> tuple[Tensor, LSTMState]:
        """Run over one sample, as :meth:`clew.nn.Mixer.step` says; ``dt`` is refused."""
        state = check_step(self, x_k, state, dt, constants)
        _refuse_dt(dt)
        known = self.constants() if constants is None else constants
        with without_autocast(x_k.device):
            after = LSTMState(*_next(known, x_k.to(known.weight_ih.dtype), state))
        return after.hidden.to(x_k.dtype), after

    def constants(self) -> GatedConstants:
        """The parameters in the dtype of the state."""
        check_one_way(self, "constants")
        return self._known()

    def initial_state(self, batch_size: int) -> LSTMState:
        """Zeros (batch, channel), twice."""
        check_one_way(self, "state")
        return self._rest(batch_size)

    def system(self) -> DiscreteStateSpace:
        """There is none.

        Raises:
            ValueError: always.
        """
        raise ValueError("an LSTM is not a linear system")

    def continuous_system(self) -> StateSpace:
        """There is none.

        Raises:
            ValueError: always.
        """
        raise ValueError("an LSTM is defined in discrete time and has no continuous system")

    def resample(self, factor: float) -> Self:
        """There is no time between its samples to change.

        Raises:
            ValueError: always.
        """
        check_factor(factor)
        raise ValueError("an LSTM is defined in discrete time and cannot be resampled")

    def dynamics_parameters(self) -> tuple[str, ...]:
        """None: its matrices are trained as any others."""
        return ()

    def _run(
        self, x: Tensor, state: LSTMState | None, lengths: Tensor | None, segments: Tensor | None
    ) -> tuple[Tensor, LSTMState]:
        """Forwards in time."""
        before = self._rest(len(x)) if state is None else state
        if x.numel() == 0:
            return x, before
        with without_autocast(x.device):
            u = zero_padding(x, lengths).to(before.hidden.dtype)
            known = self._known()
            if torch_runs(segments):
                y, after = torch_sequence(torch.lstm, known, u, before, lengths)
            else:
                y, after = loop(partial(_next, known), u, before, lengths, segments)
            return zero_padding(y, lengths).to(x.dtype), LSTMState(
                after[0].contiguous(), after[1].contiguous()
            )

    def _known(self) -> GatedConstants:
        dtype = state_dtype(self.weight_ih)
        weights = (self.weight_ih.to(dtype), self.weight_hh.to(dtype))
        return GatedConstants(*weights, self.bias_ih.to(dtype), self.bias_hh.to(dtype))

    def _rest(self, batch: int) -> LSTMState:
        weight = self.weight_ih
        zeros = torch.zeros((batch, self.d_model), dtype=state_dtype(weight), device=weight.device)
        return LSTMState(zeros, zeros.clone())


def _next(known: GatedConstants, u_k: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return torch.lstm_cell(u_k, state, *known)


def _refuse_dt(dt: Tensor | None) -> None:
    if dt is not None:
        raise ValueError("an LSTM is defined in discrete time and takes no dt")
