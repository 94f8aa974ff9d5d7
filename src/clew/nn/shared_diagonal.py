"""One diagonal discrete system that all channels drive and read: what S5 and LRU share.

h[k] = ā h[k−1] + g B x[k] and y[k] = Re(C h[k]) + D x[k], h complex, and elementwise but for the matrices B
(state, channel) and C (channel, state). The gain g, a number for each state, is apart from B because it is
what varies with the step. As in :mod:`clew.nn.diagonal`, the system comes as numbers rounded to the dtype of
the state, and every way to run it works on the same ones.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

from clew.nn.padding import last_valid, zero_padding
from clew.ops import linear_scan

__all__ = ["MODES", "Mode", "SharedConstants", "SharedState", "real_form", "run", "step", "zeros"]

Mode = Literal["auto", "scan", "recurrent"]
MODES: tuple[Mode, ...] = ("auto", "scan", "recurrent")


class SharedState(NamedTuple):
    """The complex state as real tensors (batch, state)."""

    real: Tensor
    imag: Tensor


class SharedConstants(NamedTuple):
    """A discrete system in the dtype of its state, without complex tensors.

    Attributes:
        A_bar_real: (state,); for a given ``dt`` with the dimensions of that, (batch,) or (batch, time),
            before. The next three are alike.
        A_bar_imag: see above.
        gain_real: see above.
        gain_imag: see above.
        B_real: (state, channel).
        B_imag: (state, channel).
        C_real: (channel, state): y takes the real part of C h, once.
        C_imag: (channel, state).
        D: (channel,).
    """

    A_bar_real: Tensor
    A_bar_imag: Tensor
    gain_real: Tensor
    gain_imag: Tensor
    B_real: Tensor
    B_imag: Tensor
    C_real: Tensor
    C_imag: Tensor
    D: Tensor


def zeros(system_like: Tensor, dtype: torch.dtype, batch: int, order: int) -> SharedState:
    """The state of nothing, on the device of ``system_like``."""
    shape = (batch, order)
    return SharedState(
        torch.zeros(shape, dtype=dtype, device=system_like.device),
        torch.zeros(shape, dtype=dtype, device=system_like.device),
    )


def step(system: SharedConstants, x_k: Tensor, state: SharedState) -> tuple[Tensor, SharedState]:
    """One sample ``x_k`` (batch, channel), in arithmetic on real tensors alone.

    Returns:
        y_k (batch, channel) in the dtype of ``x_k``, and the state after it.
    """
    u = x_k.to(system.D.dtype)
    after = _next(system.A_bar_real, system.A_bar_imag, state, _inputs(system, u))
    return _read(system, u, after).to(x_k.dtype), after


def run(
    system: SharedConstants,
    x: Tensor,
    state: SharedState,
    mode: Mode,
    *,
    lengths: Tensor | None = None,
    segments: Tensor | None = None,
) -> tuple[Tensor, SharedState]:
    """Run over a whole sequence.

    Args:
        system: its ā and g (state,), or (batch, time, state).
        x: (batch, time, channel).
        state: the state before the first sample.
        mode: ``"recurrent"``: sample by sample; else :func:`clew.ops.linear_scan`.
        lengths: (batch,), as :meth:`clew.nn.Mixer.forward` has it.
        segments: (batch, time), likewise.

    Returns:
        y (batch, time, channel) in the dtype of ``x``, and the state after the last sample.
    """
    if x.numel() == 0:
        return x, state
    u = zero_padding(x, lengths).to(system.D.dtype)
    y, states = (_loop if mode == "recurrent" else _scan)(system, u, state, segments)
    final = SharedState(*(part[:, -1] for part in states))
    if lengths is not None:
        pairs = zip(states, state, strict=True)
        final = SharedState(*(last_valid(part, lengths, before) for part, before in pairs))
    return zero_padding(y, lengths).to(x.dtype), SharedState(*(part.contiguous() for part in final))


def real_form(system: SharedConstants) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A, B, C and D of a system with a constant step, on the real state (Re h, Im h), float64, D a matrix."""
    a_real, a_imag, gain_real, gain_imag, B_real, B_imag, C_real, C_imag, D = (
        part.double() for part in system
    )
    real, imag = torch.diag(a_real), torch.diag(a_imag)
    A = torch.cat((torch.cat((real, -imag), dim=1), torch.cat((imag, real), dim=1)))
    gain_real, gain_imag = gain_real[:, None], gain_imag[:, None]
    B = torch.cat((gain_real * B_real - gain_imag * B_imag, gain_real * B_imag + gain_imag * B_real))
    return A, B, torch.cat((C_real, -C_imag), dim=1), torch.diag(D)


def _inputs(system: SharedConstants, u: Tensor) -> SharedState:
    """G B x."""
    real, imag = linear(u, system.B_real), linear(u, system.B_imag)
    return SharedState(
        system.gain_real * real - system.gain_imag * imag,
        system.gain_real * imag + system.gain_imag * real,
    )


def _next(a_real: Tensor, a_imag: Tensor, state: SharedState, inputs: SharedState) -> SharedState:
    half_real = torch.addcmul(inputs.real, a_real, state.real)
    half_imag = torch.addcmul(inputs.imag, a_real, state.imag)
    return SharedState(
        torch.addcmul(half_real, a_imag, state.imag, value=-1),
        torch.addcmul(half_imag, a_imag, state.real),
    )


def _read(system: SharedConstants, u: Tensor, states: SharedState) -> Tensor:
    """Re(C h) + D x."""
    return linear(states.real, system.C_real) - linear(states.imag, system.C_imag) + system.D * u


def _scan(
    system: SharedConstants, u: Tensor, state: SharedState, segments: Tensor | None
) -> tuple[Tensor, SharedState]:
    """The outputs and all states, by one real matrix product on each side of the scan."""
    gain, B = torch.complex(system.gain_real, system.gain_imag), torch.complex(system.B_real, system.B_imag)
    constant = gain.dim() == 1
    parts = linear(u, _rows(gain[:, None] * B if constant else B))
    inputs = torch.view_as_complex(parts.reshape(*parts.shape[:-1], -1, 2))
    states, _ = linear_scan(
        torch.complex(system.A_bar_real, system.A_bar_imag),
        inputs if constant else gain * inputs,
        initial_state=torch.complex(*state),
        segments=segments,
    )
    C = torch.view_as_real(torch.complex(system.C_real, -system.C_imag)).flatten(-2)
    y = linear(torch.view_as_real(states).flatten(-2), C).addcmul_(u, system.D)
    return y, SharedState(states.real, states.imag)


def _rows(matrix: Tensor) -> Tensor:
    """A complex matrix with a row for the real part and one for the imaginary part of each of its rows."""
    return torch.view_as_real(matrix).mT.flatten(0, 1)


def _loop(
    system: SharedConstants, u: Tensor, state: SharedState, segments: Tensor | None
) -> tuple[Tensor, SharedState]:
    """The outputs and all states, sample by sample."""
    inputs, states = _inputs(system, u), []
    for k in range(u.shape[1]):
        if segments is not None and k > 0:
            goes_on = (segments[:, k] == segments[:, k - 1])[:, None]
            state = SharedState(*(torch.where(goes_on, part, 0.0) for part in state))
        a_real, a_imag = system.A_bar_real, system.A_bar_imag
        if a_real.dim() == 3:
            a_real, a_imag = a_real[:, k], a_imag[:, k]
        state = _next(a_real, a_imag, state, SharedState(inputs.real[:, k], inputs.imag[:, k]))
        states.append(state)
    together = SharedState(*(torch.stack(parts, dim=1) for parts in zip(*states, strict=True)))
    return _read(system, u, together), together
