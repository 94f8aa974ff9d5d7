"""Each operation as nested Python loops written from its equation: the suite's oracle.

Nothing of clew is used. The loops use only indexing, sums and products, so they run on numpy arrays, for
values in float64, and on torch tensors, where autograd gives the gradients of the same equations. Every
function takes the arguments of the operation by name, and returns a tuple.
"""

import numpy as np
import torch


def linear_scan(decay, inputs, initial_state=None, segments=None):
    batch, time = inputs.shape[:2]
    decay = _broadcast(decay, inputs.shape)
    rows, finals = [], []
    for row in range(batch):
        h = _zero(inputs[row, 0]) if initial_state is None else initial_state[row]
        states = []
        for k in range(time):
            if _starts(segments, row, k):
                h = _zero(inputs[row, 0])
            h = decay[row, k] * h + inputs[row, k]
            states.append(h)
        rows.append(_stack(states))
        finals.append(h)
    return _stack(rows), _stack(finals)


def matrix_scan(A, inputs, initial_state=None):
    time, order = inputs.shape[-2:]
    if A.ndim == 2:
        A = A[None]
    batch = np.broadcast_shapes(
        A.shape[:-3], inputs.shape[:-2], () if initial_state is None else initial_state.shape[:-1]
    )
    A = _broadcast(A, (*batch, time, order, order)).reshape(-1, time, order, order)
    inputs = _broadcast(inputs, (*batch, time, order)).reshape(-1, time, order)
    if initial_state is not None:
        initial_state = _broadcast(initial_state, (*batch, order)).reshape(-1, order)
    rows, finals = [], []
    for row in range(len(inputs)):
        h = _zero(inputs[row, 0]) if initial_state is None else initial_state[row]
        states = []
        for k in range(time):
            h = (A[row, k] * h[None, :]).sum(-1) + inputs[row, k]
            states.append(h)
        rows.append(_stack(states))
        finals.append(h)
    return _stack(rows).reshape(*batch, time, order), _stack(finals).reshape(*batch, order)


def fft_conv(x, kernel, mixing=False):
    taps_axis = -3 if mixing else -2
    time, length = x.shape[-2], kernel.shape[taps_axis]
    batch = np.broadcast_shapes(x.shape[:-2], kernel.shape[:taps_axis])
    x = _broadcast(x, (*batch, *x.shape[-2:])).reshape(-1, *x.shape[-2:])
    kernel = _broadcast(kernel, (*batch, *kernel.shape[taps_axis:])).reshape(-1, *kernel.shape[taps_axis:])
    rows = []
    for row in range(len(x)):
        outputs = []
        for k in range(time):
            products = [
                (kernel[row, lag] * x[row, k - lag][None, :]).sum(-1)
                if mixing
                else kernel[row, lag] * x[row, k - lag]
                for lag in range(min(k + 1, length))
            ]
            outputs.append(sum(products[1:], start=products[0]))
        rows.append(_stack(outputs))
    y = _stack(rows)
    return (y.reshape(*batch, *y.shape[1:]),)


def diagonal_ssm(x, A_bar, B_bar, C, D=None, initial_state=None, segments=None, lengths=None):
    batch, time = x.shape[:2]
    rows, finals = [], []
    for row in range(batch):
        h = _zero(C) if initial_state is None else initial_state[row]
        outputs = []
        for k in range(time):
            if lengths is not None and k >= int(lengths[row]):
                outputs.append(_zero(x[row, 0]))
                continue
            if _starts(segments, row, k):
                h = _zero(C)
            a = A_bar[row, k] if A_bar.ndim == 4 else A_bar
            b = B_bar[row, k] if B_bar.ndim == 4 else B_bar
            h = a * h + b * x[row, k][:, None]
            y = 2 * (C * h).real.sum(-1)
            outputs.append(y if D is None else y + D * x[row, k])
        rows.append(_stack(outputs))
        finals.append(h)
    return _stack(rows), _stack(finals)


def selective_scan(
    x,
    dt,
    A,
    B,
    C,
    D=None,
    z=None,
    dt_bias=None,
    dt_softplus=True,
    initial_state=None,
    segments=None,
    lengths=None,
):
    channels = len(A)
    if B.ndim == 3:
        B, C = B[:, :, None], C[:, :, None]
    group_of = [c * B.shape[2] // channels for c in range(channels)]
    rows, finals = [], []
    for row in range(len(x)):
        h = _zero(A) if initial_state is None else initial_state[row]
        outputs = []
        for k in range(x.shape[1]):
            if lengths is not None and k >= int(lengths[row]):
                outputs.append(_zero(x[row, 0]))
                continue
            if _starts(segments, row, k):
                h = _zero(A)
            step = _step_size(dt[row, k], dt_bias, dt_softplus)
            h = _exp(step[:, None] * A) * h + (step * x[row, k])[:, None] * B[row, k][group_of]
            y = (C[row, k][group_of] * h).sum(-1)
            y = y if D is None else y + D * x[row, k]
            outputs.append(y if z is None else y * _silu(z[row, k]))
        rows.append(_stack(outputs))
        finals.append(h)
    return _stack(rows), _stack(finals)


def ssd(
    x,
    dt,
    A,
    B,
    C,
    D=None,
    dt_bias=None,
    dt_softplus=True,
    initial_state=None,
    segments=None,
    lengths=None,
):
    heads = len(A)
    group_of = [head * B.shape[2] // heads for head in range(heads)]
    rows, finals = [], []
    for row in range(len(x)):
        zero = _zero(x[row, 0][:, :, None] * B[row, 0][group_of][:, None, :])
        h = zero if initial_state is None else initial_state[row]
        outputs = []
        for k in range(x.shape[1]):
            if lengths is not None and k >= int(lengths[row]):
                outputs.append(_zero(x[row, 0]))
                continue
            if _starts(segments, row, k):
                h = zero
            step = _step_size(dt[row, k], dt_bias, dt_softplus)
            inputs = (step[:, None] * x[row, k])[:, :, None] * B[row, k][group_of][:, None, :]
            h = _exp(step * A)[:, None, None] * h + inputs
            y = (C[row, k][group_of][:, None, :] * h).sum(-1)
            outputs.append(y if D is None else y + D[:, None] * x[row, k])
        rows.append(_stack(outputs))
        finals.append(h)
    return _stack(rows), _stack(finals)


def causal_conv(x, weight, bias=None, activation=None, initial_state=None, segments=None, lengths=None):
    width = weight.shape[1]
    rows, finals = [], []
    for row in range(len(x)):
        zero = _zero(x[row, 0])
        past = [zero] * (width - 1) if initial_state is None else list(initial_state[row])
        outputs = []
        for k in range(x.shape[1]):
            if lengths is not None and k >= int(lengths[row]):
                outputs.append(zero)
                continue
            if _starts(segments, row, k):
                past = [zero] * (width - 1)
            past = [*past, x[row, k]]
            y = sum((weight[:, j] * past[j] for j in range(width)), start=zero)
            y = y if bias is None else y + bias
            outputs.append(y if activation is None else _silu(y))
            past = past[1:]
        rows.append(_stack(outputs))
        finals.append(_stack(past) if past else x[row, :0])
    return _stack(rows), _stack(finals)


def _step_size(dt, bias, softplus):
    dt = dt if bias is None else dt + bias
    return _log(1 + _exp(dt)) if softplus else dt


def _silu(v):
    return v / (1 + _exp(-v))


def _exp(v):
    return torch.exp(v) if isinstance(v, torch.Tensor) else np.exp(v)


def _log(v):
    return torch.log(v) if isinstance(v, torch.Tensor) else np.log(v)


def _starts(segments, row, k):
    return segments is not None and k > 0 and int(segments[row, k]) != int(segments[row, k - 1])


def _zero(like):
    return 0 * (torch.zeros_like(like) if isinstance(like, torch.Tensor) else np.zeros_like(like))


def _stack(parts):
    return torch.stack(parts) if isinstance(parts[0], torch.Tensor) else np.stack(parts)


def _broadcast(array, shape):
    return array.expand(shape) if isinstance(array, torch.Tensor) else np.broadcast_to(array, shape)
