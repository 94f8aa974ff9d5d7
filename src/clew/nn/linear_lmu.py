"""The Legendre Memory Unit without its nonlinearities, so that it runs in parallel."""

import copy
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from clew.maths.packed_scan import packed_scan
from clew.nn.arguments import check_sequence, check_step
from clew.nn.both_ways import NO_STATE, both_ways, check_one_way
from clew.nn.legendre import LegendreMemory
from clew.nn.mixer import Mixer, state_dtype
from clew.nn.padding import last_valid, zero_padding
from clew.nn.registry import mixers
from clew.nn.resampling import check_factor
from clew.ops import matrix_scan
from clew.ops.precision import without_autocast
from clew.systems import DiscreteStateSpace, StateSpace

__all__ = ["LinearLMU", "LinearLMUConstants", "LinearLMUState"]


class LinearLMUState(NamedTuple):
    """m (batch, memories, state)."""

    memory: Tensor


class LinearLMUConstants(NamedTuple):
    """The system in the dtype of the state.

    Attributes:
        A_bar: (state, state); for a given ``dt`` with the dimensions of that, (batch,) or (batch, time),
            before.
        B_bar: (state,), likewise.
        U_x: (memories, channel).
        W_m: (channel, memories · state).
        W_x: (channel, channel).
    """

    A_bar: Tensor
    B_bar: Tensor
    U_x: Tensor
    W_m: Tensor
    W_x: Tensor


@mixers.register("lmu-linear")
class LinearLMU(Mixer[LinearLMUState, LinearLMUConstants]):
    """u = U_x x, θ m′ = A m + B u for each of the u, y = W_m m + W_x x.

    Each memory holds the last θ samples of its u on Legendre polynomials; A and B are fixed, and by
    zero-order hold m[k] = Ā m[k−1] + B̄ u[k]. What is trained is what is written to the memories and what is
    read from them. This is the published layer with the identity for its f₁ and f₂, and without their biases:
    the activation is the block's.

    Parameters: ``U_x`` (memories, channel), uniform of variance 1/channels; ``W_m`` (channel, memories ·
    state) and ``W_x`` (channel, channel), Glorot normal. Ā and B̄ are formed in float64 and rounded once to
    the dtype of the state, float32 (float64 in a layer converted to it).

    ``forward`` is a scan of O(log time) tensor operations. With ``dt`` it forms Ā for each sample, at several
    matrix products and state² numbers each, and goes from sample to sample.

    Args:
        d_model: channels.
        d_state: order of a memory: real states.
        theta: θ, the window of the memories, in samples.
        memories: how many numbers u are remembered.
        bidirectional: add a branch that runs backwards in time: memories of what is to come, written by the
            same ``U_x`` and read by a ``W_m_reverse`` of their own. Both branches see the present sample, and
            W_x x is added once. Then there is no step and no state. The paper has no such layer: it is ours.

    Raises:
        ValueError: for numbers out of range.

    >>> layer = LinearLMU(d_model=4, d_state=16, theta=50, memories=2)
    >>> y, state = layer(torch.randn(2, 100, 4))
    >>> y.shape, state.memory.shape
    (torch.Size([2, 100, 4]), torch.Size([2, 2, 16]))

    Source: Chilkuri and Eliasmith, "Parallelizing Legendre memory unit training" (2021), eq. 18 to 20; A and
    B: Voelker, Kajić and Eliasmith, "Legendre memory units" (2019), eq. 2.
    """

    discretization = "zoh"
    W_m_reverse: Tensor  # of a bidirectional layer

    def __init__(
        self,
        d_model: int,
        d_state: int = 64,
        *,
        theta: float = 256.0,
        memories: int = 1,
        bidirectional: bool = False,
    ) -> None:
        super().__init__()
        if d_model < 1 or memories < 1:
            raise ValueError(f"d_model and memories are at least 1; got {d_model} and {memories}")
        self.d_model, self.d_state, self.memories = d_model, d_state, memories
        self.bidirectional = bidirectional
        self.memory = LegendreMemory(d_state, theta)
        self.U_x = nn.Parameter(torch.empty(memories, d_model))
        self.W_m = nn.Parameter(torch.empty(d_model, memories * d_state))
        self.W_x = nn.Parameter(torch.empty(d_model, d_model))
        nn.init.kaiming_uniform_(self.U_x, nonlinearity="linear")
        nn.init.xavier_normal_(self.W_m)
        nn.init.xavier_normal_(self.W_x)
        reverse = nn.Parameter(nn.init.xavier_normal_(torch.empty_like(self.W_m))) if bidirectional else None
        self.register_parameter("W_m_reverse", reverse)

    def forward(
        self,
        x: Tensor,
        state: LinearLMUState | None = None,
        *,
        lengths: Tensor | None = None,
        segments: Tensor | None = None,
        dt: Tensor | None = None,
    ) -> tuple[Tensor, LinearLMUState]:
        """Run over a whole sequence, as :meth:`clew.nn.Mixer.forward` says."""
        state, lengths, segments = check_sequence(self, x, state, lengths, segments, dt)
        if dt is not None:
            dt = zero_padding(dt[..., None], lengths)[..., 0]

        def directed(
            x: Tensor, segments: Tensor | None, dt: Tensor | None, backwards: bool
        ) -> tuple[Tensor, LinearLMUState]:
            before = self._rest(len(x)) if state is None else state
            if x.numel() == 0:
                return x, before
            return _run(self._constants(dt, backwards), x, before.memory, lengths, segments)

        with without_autocast(x.device):
            if not self.bidirectional:
                return directed(x, segments, dt, False)
            dtype = state_dtype(self.U_x)
            return both_ways(directed, x, dtype, lengths=lengths, segments=segments, dt=dt), NO_STATE

    def step(
        self,
        x_k: Tensor,
        state: LinearLMUState,
        *,
        dt: Tensor | None = None,
        constants: LinearLMUConstants | None = None,
    ) -> tuple[Tensor, LinearLMUState]:
        """Run over one sample, as :meth:`clew.nn.Mixer.step` says."""
        state = check_step(self, x_k, state, dt, constants)
        with without_autocast(x_k.device):
            known = self._constants(dt) if constants is None else constants
            u = x_k.to(known.U_x.dtype)
            memory = _next(known.A_bar, known.B_bar, linear(u, known.U_x), state.memory)
            y = linear(memory.flatten(1), known.W_m) + linear(u, known.W_x)
            return y.to(x_k.dtype), LinearLMUState(memory)

    def constants(self) -> LinearLMUConstants:
        """Ā, B̄ and the parameters in the dtype of the state."""
        check_one_way(self, "constants")
        return self._constants(None)

    def initial_state(self, batch_size: int) -> LinearLMUState:
        """Zeros (batch, memories, state)."""
        check_one_way(self, "state")
        return self._rest(batch_size)

    def _rest(self, batch: int) -> LinearLMUState:
        shape = (batch, self.memories, self.d_state)
        return LinearLMUState(torch.zeros(shape, dtype=state_dtype(self.U_x), device=self.U_x.device))

    def system(self) -> DiscreteStateSpace:
        """The layer as one real system, float64, on the memories' states one after the other."""
        check_one_way(self, "causal system")
        A_bar, B_bar, *rest = self.constants()
        return DiscreteStateSpace(*_together(A_bar, B_bar, *rest))

    def continuous_system(self) -> StateSpace:
        """The same before discretisation, in the time of samples."""
        check_one_way(self, "causal system")
        memory = self.memory
        return StateSpace(
            *_together(memory.A / memory.theta, memory.B / memory.theta, self.U_x, self.W_m, self.W_x)
        )

    def resample(self, factor: float) -> Self:
        """With a window of θ/``factor`` samples, as :meth:`clew.nn.Mixer.resample` says."""
        check_factor(factor)
        longer = copy.deepcopy(self)
        longer.memory = LegendreMemory(self.d_state, self.memory.theta / factor)
        longer.memory.to(self.U_x.device).train(self.training)
        return longer

    def dynamics_parameters(self) -> tuple[str, ...]:
        """None: what holds the dynamics is fixed, and the rest is trained as any others."""
        return ()

    def extra_repr(self) -> str:
        """What ``repr`` shows between the brackets."""
        return (
            f"{self.d_model}, d_state={self.d_state}, memories={self.memories}"
            f"{', bidirectional=True' * self.bidirectional}"
        )

    def _constants(self, dt: Tensor | None, backwards: bool = False) -> LinearLMUConstants:
        """For ``dt`` = 1, or with the dimensions of ``dt`` before those of Ā and B̄; of one direction."""
        dtype = state_dtype(self.U_x)
        A_bar, B_bar = self.memory.discrete(dt)
        W_m = self.W_m_reverse if backwards else self.W_m
        W_x = torch.zeros_like(self.W_x) if backwards else self.W_x
        U_x, W_m, W_x = (weight.to(dtype) for weight in (self.U_x, W_m, W_x))
        return LinearLMUConstants(A_bar.to(dtype), B_bar.to(dtype), U_x, W_m, W_x)


def _together(A: Tensor, B: Tensor, U_x: Tensor, W_m: Tensor, W_x: Tensor) -> tuple[Tensor, ...]:
    """The memories side by side as one system A, B, C, D, float64."""
    one = torch.eye(len(U_x), dtype=torch.float64, device=U_x.device)
    driven = torch.kron(U_x.double(), B.double()[:, None])
    return torch.kron(one, A.double()), driven, W_m.double(), W_x.double()


def _next(A_bar: Tensor, B_bar: Tensor, u: Tensor, memory: Tensor) -> Tensor:
    """One sample: Ā (state, state) or (batch, state, state), u (batch, memories), m (batch, memories, state).

    One product for every row, whether or not they have one Ā: a step of ``dt`` = 1 has the bits of none.
    """
    driven = u[..., None] * B_bar[..., None, :]
    # For torch.export ``len`` is a number, not the free size of the batch, and ``.mT`` an alias that its scan
    # refuses.
    transposed = A_bar.transpose(-2, -1).expand(memory.shape[0], *A_bar.shape[-2:])
    return torch.baddbmm(driven, memory, transposed)


def _run(
    known: LinearLMUConstants, x: Tensor, before: Tensor, lengths: Tensor | None, segments: Tensor | None
) -> tuple[Tensor, LinearLMUState]:
    """One direction, from ``before`` (batch, memories, state)."""
    u = zero_padding(x, lengths).to(known.U_x.dtype)
    ways = _scan if known.A_bar.dim() == 2 else _loop
    states = ways(known, linear(u, known.U_x), before, segments)
    final = states[:, -1] if lengths is None else last_valid(states, lengths, before)
    y = linear(states.flatten(2), known.W_m) + linear(u, known.W_x)
    return zero_padding(y, lengths).to(x.dtype), LinearLMUState(final.contiguous())


def _scan(known: LinearLMUConstants, u: Tensor, memory: Tensor, segments: Tensor | None) -> Tensor:
    """The memories (batch, time, memories, state) after each u (batch, time, memories)."""
    inputs = u.mT[..., None] * known.B_bar  # (batch, memories, time, state)
    if segments is None:
        states, _ = matrix_scan(known.A_bar, inputs, initial_state=memory)
    else:
        first = inputs[:, :, :1] + linear(memory, known.A_bar)[:, :, None]
        inputs = torch.cat((first, inputs[:, :, 1:]), dim=2)
        goes_on = torch.nn.functional.pad(segments[:, 1:] == segments[:, :-1], (1, 0))
        count = u.shape[-1]
        packed = packed_scan(known.A_bar, goes_on.repeat_interleave(count, dim=0), inputs.flatten(0, 1))
        states = packed.reshape(inputs.shape)
    return states.transpose(1, 2)


def _loop(known: LinearLMUConstants, u: Tensor, memory: Tensor, segments: Tensor | None) -> Tensor:
    """The same with Ā and B̄ for each sample."""
    states = []
    matrices = zip(known.A_bar.unbind(1), known.B_bar.unbind(1), u.unbind(1), strict=True)
    for k, (A_bar, B_bar, u_k) in enumerate(matrices):
        if segments is not None and k > 0:
            goes_on = (segments[:, k] == segments[:, k - 1])[:, None, None]
            memory = torch.where(goes_on, memory, 0.0)
        memory = _next(A_bar, B_bar, u_k, memory)
        states.append(memory)
    return torch.stack(states, dim=1)
