"""A discrete system per channel whose matrix is diagonal plus low rank, run over a sequence or a sample.

h[k] = ā h[k−1] − U (W·h[k−1]) + B̄ x[k] and y[k] = 2 Re(C h[k]) + D x[k], one complex number for each
conjugate pair, W·h a real number for each rank. The system comes as numbers already rounded to the dtype of
the state, and every way to run it works on the same ones, as in :mod:`clew.nn.diagonal`.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from clew.maths.matrix_powers import final_state, free_response, squares_for
from clew.nn.dplr_chunks import DenseSystem, scan
from clew.nn.dplr_kernel import kernel
from clew.nn.padding import continues, valid, zero_padding
from clew.ops import fft_conv

__all__ = ["MODES", "DPLRConstants", "DPLRState", "Mode", "dense", "run", "step"]

Mode = Literal["auto", "convolution", "scan", "recurrent"]
MODES: tuple[Mode, ...] = ("auto", "convolution", "scan", "recurrent")

# Samples that the loop keeps for the backward pass at a time; of the others it keeps one state a block.
LOOP_BLOCK = 32


class DPLRState(NamedTuple):
    """h, one complex number for each conjugate pair, as real tensors (batch, channel, pairs)."""

    real: Tensor
    imag: Tensor


class DPLRConstants(NamedTuple):
    """A discrete system in the dtype of its state, without complex tensors.

    Attributes:
        A_bar_real: ā (channel, pairs); for a given ``dt`` with the dimensions of that, (batch,) or (batch,
            time), before, and so the next seven.
        A_bar_imag: see above.
        U_real: (channel, rank, pairs).
        U_imag: see above.
        W_real: (channel, rank, pairs): W·h = Σ (W_real Re h + W_imag Im h).
        W_imag: see above.
        B_bar_real: (channel, pairs).
        B_bar_imag: see above.
        C_real: (channel, pairs).
        C_imag: (channel, pairs).
        D: (channel,).
    """

    A_bar_real: Tensor
    A_bar_imag: Tensor
    U_real: Tensor
    U_imag: Tensor
    W_real: Tensor
    W_imag: Tensor
    B_bar_real: Tensor
    B_bar_imag: Tensor
    C_real: Tensor
    C_imag: Tensor
    D: Tensor


def step(system: DPLRConstants, x_k: Tensor, state: DPLRState) -> tuple[Tensor, DPLRState]:
    """One sample ``x_k`` (batch, channel), in O(rank N) and arithmetic on real tensors alone.

    Returns:
        y_k (batch, channel) in the dtype of ``x_k``, and the state after it.
    """
    u = x_k.to(system.D.dtype)
    real, imag = state
    after_real = torch.addcmul(system.B_bar_real * u[..., None], system.A_bar_real, real)
    after_imag = torch.addcmul(system.B_bar_imag * u[..., None], system.A_bar_real, imag)
    after_real = torch.addcmul(after_real, system.A_bar_imag, imag, value=-1)
    after_imag = torch.addcmul(after_imag, system.A_bar_imag, real)
    for rank in range(system.W_real.shape[-2]):
        U_real, U_imag, W_real, W_imag = (part[..., rank, :] for part in system[2:6])
        along = torch.addcmul(W_real * real, W_imag, imag).sum(-1, keepdim=True)
        after_real = torch.addcmul(after_real, U_real, along, value=-1)
        after_imag = torch.addcmul(after_imag, U_imag, along, value=-1)
    products = torch.addcmul(system.C_real * after_real, system.C_imag, after_imag, value=-1)
    y_k = torch.add(system.D * u, products.sum(-1), alpha=2)
    return y_k.to(x_k.dtype), DPLRState(after_real, after_imag)


def dense(system: DPLRConstants) -> DenseSystem:
    """A constant system on the real state (Re h, Im h), float64."""
    a_real, a_imag, U_real, U_imag, W_real, W_imag, B_real, B_imag, C_real, C_imag, D = (
        part.double() for part in system
    )
    real, imag = torch.diag_embed(a_real), torch.diag_embed(a_imag)
    diagonal = torch.cat((torch.cat((real, -imag), dim=-1), torch.cat((imag, real), dim=-1)), dim=-2)
    low_rank = torch.cat((U_real, U_imag), dim=-1).mT @ torch.cat((W_real, W_imag), dim=-1)
    B = torch.cat((B_real, B_imag), dim=-1)
    return DenseSystem(diagonal - low_rank, B, torch.cat((2.0 * C_real, -2.0 * C_imag), dim=-1), D)


def run(
    system: DPLRConstants,
    x: Tensor,
    state: DPLRState,
    mode: Mode,
    *,
    lengths: Tensor | None = None,
    segments: Tensor | None = None,
    at_rest: bool = False,
) -> tuple[Tensor, DPLRState]:
    """Run over a whole sequence; with a step for each sample ``nn/dplr_varying.py`` does it.

    Args:
        system: the discrete system.
        x: (batch, time, channel).
        state: the state before the first sample.
        mode: ``"recurrent"``, ``"scan"``, ``"convolution"`` (not with ``segments``), or ``"auto"``:
            convolution, for ``segments`` scan.
        lengths: (batch,), as :meth:`clew.nn.Mixer.forward` has it.
        segments: (batch, time), likewise.
        at_rest: whether ``state`` is zero, which spares its share.

    Returns:
        y (batch, time, channel) in the dtype of ``x``, and the state after the last sample.
    """
    if x.numel() == 0:
        return x, state
    x = zero_padding(x, lengths)
    if mode == "auto":
        mode = "convolution" if segments is None else "scan"
    if mode == "recurrent":
        y, after = _loop(system, x, state, lengths, segments)
    else:
        u, before = x.to(system.D.dtype), torch.cat(state, dim=-1)
        if mode == "convolution":
            y, h = _convolve(system, u, None if at_rest else before, lengths)
        else:
            y, h = scan(dense(system), u, before, lengths, segments)
        real, imag = h.chunk(2, dim=-1)
        y, after = y.to(x.dtype), DPLRState(real.contiguous(), imag.contiguous())
    return zero_padding(y, lengths), after


def _convolve(
    system: DPLRConstants, u: Tensor, before: Tensor | None, lengths: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The convolution with the kernel, plus the free response of the state before (batch, channel, N)."""
    full, time = dense(system), u.shape[1]
    powers = squares_for(full.A, time)
    poles = torch.complex(system.A_bar_real.double(), system.A_bar_imag.double())
    U = torch.complex(system.U_real.double(), system.U_imag.double())
    W = torch.cat((system.W_real, system.W_imag), dim=-1).double()
    taps = kernel(poles, U, W, full, powers, time)
    y = fft_conv(u, taps.mT.to(u.dtype)) + system.D * u
    rounded = tuple(power.to(u.dtype) for power in powers)
    if before is not None:
        y = y + free_response(before, rounded, full.C.to(u.dtype), time)
    return y, final_state(u, rounded, full.B.to(u.dtype), lengths, initial_state=before)


def _loop(
    system: DPLRConstants,
    x: Tensor,
    state: DPLRState,
    lengths: Tensor | None,
    segments: Tensor | None,
) -> tuple[Tensor, DPLRState]:
    """:func:`step` for each sample in turn.

    Of each block of samples autograd keeps no more than the state before it, and runs it again in the
    backward pass.
    """
    time = x.shape[1]
    inside = None if lengths is None else valid(lengths, time)
    goes_on = None if segments is None else continues(segments)

    def block(start: int, real: Tensor, imag: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        outputs = []
        before = DPLRState(real, imag)
        for k, x_k in enumerate(x[:, start : start + LOOP_BLOCK].unbind(1), start=start):
            kept = before
            if goes_on is not None:
                kept = DPLRState(*(torch.where(goes_on[:, k, None, None], part, 0.0) for part in before))
            y_k, after = step(system, x_k, kept)
            if inside is not None:
                choice = zip(after, before, strict=True)
                after = DPLRState(*(torch.where(inside[:, k, None, None], *parts) for parts in choice))
            outputs.append(y_k)
            before = after
        return torch.stack(outputs, dim=1), *before

    outputs = []
    for start in range(0, time, LOOP_BLOCK):
        if torch.is_grad_enabled() and time > LOOP_BLOCK:
            y, *parts = checkpoint(block, start, *state, use_reentrant=False, preserve_rng_state=False)
        else:
            y, *parts = block(start, *state)
        outputs.append(y)
        state = DPLRState(*parts)
    return torch.cat(outputs, dim=1), state
