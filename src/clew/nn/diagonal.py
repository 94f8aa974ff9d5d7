"""A diagonal discrete system per channel, run over a sequence or a sample: what S4D and its kin share.

h[k] = Ā h[k−1] + B̄ x[k] and y[k] = 2 Re(C h[k]) + D x[k], elementwise over the conjugate pairs. The system
comes as numbers already rounded to the dtype of the state, and every way to run it works on the same ones:
a rounded Ā has another 16,384th power than an exact one, so views that round in different places drift
apart.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from clew.maths.vandermonde import final_state, free_response, vandermonde_sum
from clew.nn.padding import zero_padding
from clew.ops import diagonal_ssm, fft_conv
from clew.ops.diagonal_ssm.op import operation

__all__ = [
    "MODES",
    "DiagonalConstants",
    "DiagonalState",
    "Mode",
    "check_mode",
    "choose_mode",
    "real_form",
    "run",
    "step",
]

Mode = Literal["auto", "convolution", "scan", "recurrent"]
MODES: tuple[Mode, ...] = ("auto", "convolution", "scan", "recurrent")

# Samples per real state up to which the convolution of a system at rest beats the scan. Measured forward and
# backward on one thread of a Zen 4, batch 1 … 64, time 29 … 16,384, N = 16 … 512: it takes 0.3 to 1.0 of the
# scan's time up to this ratio, 0.8 to 1.5 up to a ratio of 16, and 1.0 to 2.2 beyond.
CONVOLUTION_UP_TO = 4
# Where the compiled scan loses. Measured forward and backward on one thread of a Zen 3 (AVX2), batch 1 … 256,
# time 32 … 16,384, N = 16 … 1,024. For many short sequences (orders from, samples up to, rows from) the
# convolution takes 0.49 to 1.04 of the scan's time: what it saves is the kernel, which all rows share. For
# the largest orders (orders from, samples from, rows from) it takes 0.83 to 0.93: the coefficients of a strip
# of channels are more than the cache holds. Elsewhere it takes 1.0 to 9 times as long, 0.89 at the least.
NATIVE_SHORT = (256, 64, 64)
NATIVE_LARGE = (1024, 1024, 8)


class DiagonalState(NamedTuple):
    """h, one complex number for each conjugate pair, as real tensors (batch, channel, pairs)."""

    real: Tensor
    imag: Tensor


class DiagonalConstants(NamedTuple):
    """A discrete system in the dtype of its state, without complex tensors.

    Attributes:
        A_bar_real: (channel, pairs); for a given ``dt`` with the dimensions of that, (batch,) or (batch,
            time), before. The next three are alike.
        A_bar_imag: see above.
        B_bar_real: see above.
        B_bar_imag: see above.
        C_real: (channel, pairs).
        C_imag: (channel, pairs).
        D: (channel,).
    """

    A_bar_real: Tensor
    A_bar_imag: Tensor
    B_bar_real: Tensor
    B_bar_imag: Tensor
    C_real: Tensor
    C_imag: Tensor
    D: Tensor


def real_form(system: DiagonalConstants) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A (channel, N, N), B, C and D on the real state (Re h, Im h), float64.

    Of a system with a constant step, or, with the parts of an equation in place of its own, of that.
    """
    A_real, A_imag, B_real, B_imag, C_real, C_imag, D = (part.double() for part in system)
    real, imag = torch.diag_embed(A_real), torch.diag_embed(A_imag)
    A = torch.cat((torch.cat((real, -imag), dim=-1), torch.cat((imag, real), dim=-1)), dim=-2)
    B = torch.cat((B_real, B_imag), dim=-1)[..., None]
    C = 2 * torch.cat((C_real, -C_imag), dim=-1)[:, None]  # 2 Re(C h) = 2 Re C Re h − 2 Im C Im h
    return A, B, C, D[:, None, None]


def step(system: DiagonalConstants, x_k: Tensor, state: DiagonalState) -> tuple[Tensor, DiagonalState]:
    """One sample ``x_k`` (batch, channel), in arithmetic on real tensors alone.

    Returns:
        y_k (batch, channel) in the dtype of ``x_k``, and the state after it.
    """
    u = x_k.to(system.D.dtype)
    real, imag = state
    driven_real, driven_imag = system.B_bar_real * u[..., None], system.B_bar_imag * u[..., None]
    # In few operations: on a single sample each costs more to call than to carry out.
    half_real = torch.addcmul(driven_real, system.A_bar_real, real)
    half_imag = torch.addcmul(driven_imag, system.A_bar_real, imag)
    after = DiagonalState(
        torch.addcmul(half_real, system.A_bar_imag, imag, value=-1),
        torch.addcmul(half_imag, system.A_bar_imag, real),
    )
    products = torch.addcmul(system.C_real * after.real, system.C_imag, after.imag, value=-1)
    y_k = torch.add(system.D * u, products.sum(-1), alpha=2)
    return y_k.to(x_k.dtype), after


def run(
    system: DiagonalConstants,
    x: Tensor,
    state: DiagonalState | None,
    mode: Mode,
    *,
    lengths: Tensor | None = None,
    segments: Tensor | None = None,
) -> tuple[Tensor, DiagonalState]:
    """Run over a whole sequence.

    Args:
        system: its Ā and B̄ (channel, pairs), or (batch, time, channel, pairs).
        x: (batch, time, channel).
        state: the state before the first sample; zero for ``None``, which is cheaper than zeros.
        mode: ``"recurrent"``, ``"scan"``, ``"convolution"`` (not with ``segments`` or a varying system), or
            ``"auto"``.
        lengths: (batch,), as :meth:`clew.nn.Mixer.forward` has it.
        segments: (batch, time), likewise.

    Returns:
        y (batch, time, channel) in the dtype of ``x``, and the state after the last sample.
    """
    if x.numel() == 0:
        return x, _zeros(system, len(x)) if state is None else state
    x = zero_padding(x, lengths)
    if mode == "auto":
        mode = choose_mode(system, x, state, segments)
    if mode == "convolution":
        y, state = _convolve(system, x, state, lengths)
    elif mode == "scan":
        y, state = _scan(system, x, state, lengths, segments)
    else:
        y, state = _loop(system, x, state, lengths, segments)
    return zero_padding(y, lengths), state


def check_mode(mode: Mode, segments: Tensor | None, dt: Tensor | None) -> None:
    """Refuse what one kernel for a whole sequence cannot honour.

    Raises:
        ValueError: for ``segments`` or ``dt`` in mode ``"convolution"``.
    """
    if mode != "convolution":
        return
    for name, given in (("segments", segments), ("dt", dt)):
        if given is not None:
            raise ValueError(
                f"mode='convolution' has one kernel for all and takes no {name}: take mode='scan'"
            )


def choose_mode(
    system: DiagonalConstants, x: Tensor, state: DiagonalState | None, segments: Tensor | None
) -> Mode:
    """What ``"auto"`` runs: the convolution for short sequences of large systems at rest, else the scan.

    The convolution has one kernel for all rows, so its cost grows less with the order; but a transform costs
    more than a pass of the scan, and the free response of a given state costs each row another kernel. Where
    ``diagonal_ssm`` runs in a fused kernel, which keeps the state in registers, the scan wins nearly always.
    """
    if state is not None or segments is not None or system.A_bar_real.dim() != 2:
        return "scan"
    order, (batch, time, _) = 2 * system.C_real.shape[-1], x.shape
    backend = operation.choose(x, *_complex(system)).backend
    if backend == "native":
        convolve = (order >= NATIVE_SHORT[0] and time <= NATIVE_SHORT[1] and batch >= NATIVE_SHORT[2]) or (
            order >= NATIVE_LARGE[0] and time >= NATIVE_LARGE[1] and batch >= NATIVE_LARGE[2]
        )
    else:
        convolve = backend != "triton" and time <= CONVOLUTION_UP_TO * order
    return "convolution" if convolve else "scan"


def _convolve(
    system: DiagonalConstants, x: Tensor, state: DiagonalState | None, lengths: Tensor | None
) -> tuple[Tensor, DiagonalState]:
    """The convolution with the kernel 2 Re Σ C B̄ Āˡ, plus the free response of the state before."""
    A_bar, B_bar, C = _complex(system)
    time = x.shape[1]
    u, before = x.to(system.D.dtype), None if state is None else torch.complex(*state)
    kernel = vandermonde_sum(C * B_bar, A_bar, time).mT
    y = fft_conv(u, kernel) + system.D * u
    if before is not None:
        y = y + free_response(before, A_bar, C, time)
    after = final_state(u, A_bar, B_bar, lengths, initial_state=before)
    return y.to(x.dtype), _real(after)


def _scan(
    system: DiagonalConstants,
    x: Tensor,
    state: DiagonalState | None,
    lengths: Tensor | None,
    segments: Tensor | None,
) -> tuple[Tensor, DiagonalState]:
    """The operation :func:`clew.ops.diagonal_ssm`."""
    y, after = diagonal_ssm(
        x,
        *_complex(system),
        system.D,
        initial_state=None if state is None else torch.complex(*state),
        segments=segments,
        lengths=lengths,
    )
    return y, _real(after)


def _loop(
    system: DiagonalConstants,
    x: Tensor,
    state: DiagonalState | None,
    lengths: Tensor | None,
    segments: Tensor | None,
) -> tuple[Tensor, DiagonalState]:
    """:func:`step` for each sample in turn."""
    state = _zeros(system, len(x)) if state is None else state
    outputs = []
    for k, (x_k, system_k) in enumerate(zip(x.unbind(1), _each(system, x.shape[1]), strict=True)):
        before = state
        if segments is not None and k > 0:
            goes_on = (segments[:, k] == segments[:, k - 1])[:, None, None]
            before = DiagonalState(*(torch.where(goes_on, part, 0.0) for part in state))
        y_k, after = step(system_k, x_k, before)
        if lengths is not None:
            inside = (k < lengths)[:, None, None]
            after = DiagonalState(*(torch.where(inside, *parts) for parts in zip(after, state, strict=True)))
        outputs.append(y_k)
        state = after
    return torch.stack(outputs, dim=1), state


def _each(system: DiagonalConstants, time: int) -> list[DiagonalConstants]:
    """The system at each sample."""
    if system.A_bar_real.dim() == 2:
        return [system] * time
    A_bar_real, A_bar_imag, B_bar_real, B_bar_imag = (part.unbind(1) for part in system[:4])
    return [
        DiagonalConstants(*parts, system.C_real, system.C_imag, system.D)
        for parts in zip(A_bar_real, A_bar_imag, B_bar_real, B_bar_imag, strict=True)
    ]


def _zeros(system: DiagonalConstants, batch: int) -> DiagonalState:
    """Each part in memory of its own: parts that share it could not be saved."""
    shape = (batch, *system.C_real.shape)
    return DiagonalState(system.C_real.new_zeros(shape), system.C_real.new_zeros(shape))


def _real(h: Tensor) -> DiagonalState:
    """H as real tensors that own their memory: views into h could not be saved."""
    return DiagonalState(h.real.contiguous(), h.imag.contiguous())


def _complex(system: DiagonalConstants) -> tuple[Tensor, Tensor, Tensor]:
    """Ā, B̄ and C."""
    return (
        torch.complex(system.A_bar_real, system.A_bar_imag),
        torch.complex(system.B_bar_real, system.B_bar_imag),
        torch.complex(system.C_real, system.C_imag),
    )
