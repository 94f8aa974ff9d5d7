"""The simple recurrent network, with and without its nonlinearity."""

import math
from typing import Literal, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from clew.errors import unknown_name
from clew.maths.packed_scan import packed_scan
from clew.maths.powers import krylov
from clew.nn.arguments import check_sequence, check_step
from clew.nn.both_ways import NO_STATE, both_ways, check_one_way
from clew.nn.mixer import Mixer, state_dtype
from clew.nn.padding import last_valid, right_aligned, zero_padding
from clew.nn.registry import mixers
from clew.nn.resampling import check_factor
from clew.ops import fft_conv, matrix_scan
from clew.ops.precision import without_autocast
from clew.systems import DiscreteStateSpace, StateSpace

__all__ = ["RNN", "RNNConstants", "RNNState"]

NONLINEARITIES = ("tanh", None)
MODES = ("auto", "scan", "recurrent", "convolution")
# The eigenvalues of a new linear RNN lie on the circle of this radius: a time constant of 100 samples.
RADIUS = 0.99


class RNNState(NamedTuple):
    """h (batch, state)."""

    hidden: Tensor


class RNNConstants(NamedTuple):
    """The parameters in the dtype of the state: A (N, N), B (N, channel), b (N,), C (channel, N)."""

    A: Tensor
    B: Tensor
    b: Tensor
    C: Tensor


@mixers.register("rnn")
class RNN(Mixer[RNNState, RNNConstants]):
    """h[k] = φ(A h[k−1] + B x[k] + b), y[k] = C h[k], all channels into one state.

    With ``nonlinearity="tanh"`` φ is tanh: the network of Elman, which must loop over time, is no linear
    system and knows no time step. With ``None`` φ is the identity and b is absent: a dense linear system,
    run in parallel.

    The tanh network starts as ``torch.nn.RNN`` does, uniform on ±1/√N. The linear one starts with A = 0.99
    times a random orthogonal matrix, so that it remembers about 100 samples and every direction alike, and
    with B and C uniform on ±1 over the root of their columns.

    Args:
        d_model: channels.
        d_state: N, the number of real states; ``d_model`` if not given.
        nonlinearity: ``"tanh"`` or ``None``.
        mode: how ``forward`` runs. ``"recurrent"``: sample by sample (the only one with tanh). ``"scan"``:
            O(log time) tensor operations. ``"convolution"``: with the kernel C Aᵏ B, whose memory is time ·
            channel²: to look at, not to train with. ``"auto"``: scan, and recurrent with tanh.
        bidirectional: add a layer that runs backwards in time, ``reverse``, with parameters of its own, and
            sum the outputs; then there is no step and no state.

    Raises:
        ValueError: for an unknown name, or a mode that needs a linear recurrence with tanh; in calls, for a
            ``dt``, and for ``segments`` in mode ``"convolution"``.

    >>> layer = RNN(4, 8, nonlinearity=None)
    >>> y, state = layer(torch.randn(2, 100, 4))
    >>> y.shape, state.hidden.shape
    (torch.Size([2, 100, 4]), torch.Size([2, 8]))

    Source: Elman, "Finding structure in time" (1990). The orthogonal start: Saxe, McClelland and Ganguli,
    "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks" (2014), section
    3.
    """

    def __init__(
        self,
        d_model: int,
        d_state: int | None = None,
        *,
        nonlinearity: Literal["tanh"] | None = "tanh",
        mode: Literal["auto", "scan", "recurrent", "convolution"] = "auto",
        bidirectional: bool = False,
    ) -> None:
        super().__init__()
        if nonlinearity not in NONLINEARITIES:
            raise unknown_name("nonlinearity", str(nonlinearity), [str(name) for name in NONLINEARITIES])
        if mode not in MODES:
            raise unknown_name("mode", mode, MODES)
        if nonlinearity is not None and mode in ("scan", "convolution"):
            raise ValueError(
                f"mode={mode!r} needs a linear recurrence, and nonlinearity={nonlinearity!r} is not: "
                "take mode='recurrent' or nonlinearity=None"
            )
        order = d_model if d_state is None else d_state
        if d_model < 1 or order < 1:
            raise ValueError(f"d_model and d_state are at least 1; got {d_model} and {order}")
        self.d_model, self.d_state, self.nonlinearity, self.mode = d_model, order, nonlinearity, mode
        if nonlinearity is None:
            self.A = nn.Parameter(RADIUS * nn.init.orthogonal_(torch.empty(order, order)))
            self.B = nn.Parameter(_uniform((order, d_model), d_model))
            self.register_parameter("b", None)
        else:
            self.A = nn.Parameter(_uniform((order, order), order))
            self.B = nn.Parameter(_uniform((order, d_model), order))
            self.b = nn.Parameter(_uniform((order,), order))
        self.C = nn.Parameter(_uniform((d_model, order), order))
        self.bidirectional, self.reverse = bidirectional, None
        if bidirectional:
            self.reverse = RNN(d_model, d_state, nonlinearity=nonlinearity, mode=mode)

    def forward(
        self,
        x: Tensor,
        state: RNNState | None = None,
        *,
        lengths: Tensor | None = None,
        segments: Tensor | None = None,
        dt: Tensor | None = None,
    ) -> tuple[Tensor, RNNState]:
        """Run over a whole sequence, as :meth:`clew.nn.Mixer.forward` says; ``dt`` is refused."""
        state, lengths, segments = check_sequence(self, x, state, lengths, segments, dt)
        self._refuse_dt(dt)
        if segments is not None and self.mode == "convolution":
            raise ValueError("mode='convolution' cannot start anew at segments: take mode='scan'")
        if self.reverse is None:
            return self._run(x, state, lengths, segments)
        layers = (self, self.reverse)

        def directed(
            x: Tensor, segments: Tensor | None, _: Tensor | None, backwards: bool
        ) -> tuple[Tensor, RNNState]:
            return layers[backwards]._run(x, None, lengths, segments)

        return both_ways(directed, x, state_dtype(self.A), lengths=lengths, segments=segments), NO_STATE

    def step(
        self, x_k: Tensor, state: RNNState, *, dt: Tensor | None = None, constants: RNNConstants | None = None
    ) -> tuple[Tensor, RNNState]:
        """Run over one sample, as :meth:`clew.nn.Mixer.step` says; ``dt`` is refused."""
        state = check_step(self, x_k, state, dt, constants)
        self._refuse_dt(dt)
        known = self.constants() if constants is None else constants
        with without_autocast(x_k.device):
            hidden = self._next(known, linear(x_k.to(known.A.dtype), known.B, known.b), state[0])
            return linear(hidden, known.C).to(x_k.dtype), RNNState(hidden)

    def constants(self) -> RNNConstants:
        """The parameters in the dtype of the state; the b of the linear recurrence is zero."""
        check_one_way(self, "constants")
        return self._known()

    def _known(self) -> RNNConstants:
        dtype = state_dtype(self.A)
        b = self.A.new_zeros(self.d_state) if self.b is None else self.b
        return RNNConstants(self.A.to(dtype), self.B.to(dtype), b.to(dtype), self.C.to(dtype))

    def initial_state(self, batch_size: int) -> RNNState:
        """Zeros (batch, state)."""
        check_one_way(self, "state")
        return self._rest(batch_size)

    def _rest(self, batch: int) -> RNNState:
        shape = (batch, self.d_state)
        return RNNState(torch.zeros(shape, dtype=state_dtype(self.A), device=self.A.device))

    def system(self) -> DiscreteStateSpace:
        """The linear recurrence as one system of all channels, float64.

        Raises:
            ValueError: with tanh.
        """
        if self.nonlinearity is not None:
            raise ValueError("an RNN with tanh is not a linear system: only nonlinearity=None has one")
        check_one_way(self, "causal system")
        return DiscreteStateSpace(self.A.double(), self.B.double(), self.C.double())

    def continuous_system(self) -> StateSpace:
        """There is none.

        Raises:
            ValueError: always.
        """
        raise ValueError("an RNN is defined in discrete time and has no continuous system")

    def resample(self, factor: float) -> Self:
        """There is no time between its samples to change.

        Raises:
            ValueError: always.
        """
        check_factor(factor)
        raise ValueError("an RNN is defined in discrete time and cannot be resampled")

    def dynamics_parameters(self) -> tuple[str, ...]:
        """A and B of the linear recurrence; none with tanh, whose matrices are trained as any others."""
        return ("A", "B") if self.nonlinearity is None else ()

    def extra_repr(self) -> str:
        """What ``repr`` shows between the brackets."""
        return (
            f"{self.d_model}, d_state={self.d_state}, nonlinearity={self.nonlinearity!r}, mode={self.mode!r}"
            f"{', bidirectional=True' * self.bidirectional}"
        )

    def _refuse_dt(self, dt: Tensor | None) -> None:
        if dt is not None:
            raise ValueError("an RNN is defined in discrete time and takes no dt")

    def _run(
        self, x: Tensor, state: RNNState | None, lengths: Tensor | None, segments: Tensor | None
    ) -> tuple[Tensor, RNNState]:
        """Forwards in time."""
        before = self._rest(len(x)) if state is None else state
        if x.numel() == 0:
            return x, before
        with without_autocast(x.device):
            known = self._known()
            u = zero_padding(x, lengths).to(known.A.dtype)
            if self.nonlinearity is not None or self.mode == "recurrent":
                y, hidden = self._loop(known, u, before[0], lengths, segments)
            elif self.mode == "convolution":
                y, hidden = _convolve(known, u, before[0], lengths)
            else:
                y, hidden = _scan(known, u, before[0], lengths, segments)
            return zero_padding(y, lengths).to(x.dtype), RNNState(hidden.contiguous())

    def _next(self, known: RNNConstants, u_k: Tensor, hidden: Tensor) -> Tensor:
        hidden = linear(hidden, known.A) + u_k
        return hidden if self.nonlinearity is None else torch.tanh(hidden)

    def _loop(
        self, known: RNNConstants, x: Tensor, hidden: Tensor, lengths: Tensor | None, segments: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        states = []
        for k, u_k in enumerate(linear(x, known.B, known.b).unbind(1)):
            before = hidden
            if segments is not None and k > 0:
                before = torch.where((segments[:, k] == segments[:, k - 1])[:, None], hidden, 0.0)
            after = self._next(known, u_k, before)
            hidden = after if lengths is None else torch.where((k < lengths)[:, None], after, hidden)
            states.append(after)
        return linear(torch.stack(states, dim=1), known.C), hidden


def _uniform(shape: tuple[int, ...], columns: int) -> Tensor:
    """Uniform on ±1/√columns."""
    bound = 1.0 / math.sqrt(columns)
    return torch.empty(shape).uniform_(-bound, bound)


def _scan(
    known: RNNConstants, x: Tensor, hidden: Tensor, lengths: Tensor | None, segments: Tensor | None
) -> tuple[Tensor, Tensor]:
    inputs = linear(x, known.B)
    if segments is None:
        states, final = matrix_scan(known.A, inputs, initial_state=hidden)
    else:
        first = inputs[:, :1] + linear(hidden, known.A)[:, None]
        goes_on = torch.nn.functional.pad(segments[:, 1:] == segments[:, :-1], (1, 0))
        states = packed_scan(known.A, goes_on, torch.cat((first, inputs[:, 1:]), dim=1))
        final = states[:, -1]
    if lengths is not None:
        final = last_valid(states, lengths, hidden)
    return linear(states, known.C), final


def _convolve(
    known: RNNConstants, x: Tensor, hidden: Tensor, lengths: Tensor | None
) -> tuple[Tensor, Tensor]:
    time = x.shape[1]
    driven = krylov(known.A, known.B, time).to(x.dtype)  # Aᵏ B (time, state, channel)
    # Aᵏ h[−1] (batch, time + 1, state)
    free = krylov(known.A, hidden.mT, time + 1).to(x.dtype).permute(2, 0, 1)
    y = fft_conv(x, known.C @ driven, mixing=True) + linear(free[:, 1:], known.C)
    latest = x if lengths is None else right_aligned(x, lengths)
    at_end = free[:, -1] if lengths is None else last_valid(free[:, 1:], lengths, hidden)
    final = torch.einsum("btc,tnc->bn", latest, driven.flip(0)) + at_end
    return y, final
