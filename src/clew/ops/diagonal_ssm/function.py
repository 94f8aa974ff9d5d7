"""The public function: checks, dtypes, packing, and the choice of a backend."""

from torch import Tensor

from clew.ops.diagonal_ssm import op, reference
from clew.ops.gradients import needs_gradient
from clew.ops.precision import accumulation_dtype, converted, real_dtype, without_autocast
from clew.ops.segments import reset_mask

__all__ = ["diagonal_ssm"]


def diagonal_ssm(
    x: Tensor,
    A_bar: Tensor,
    B_bar: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    *,
    initial_state: Tensor | None = None,
    segments: Tensor | None = None,
    lengths: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """One diagonal state space model per channel, real input and output, complex state in conjugate pairs.

    h[k] = Ā h[k−1] + B̄ x[k] and y[k] = 2 Re(C h[k]) + D x[k] for k = 0 … time − 1, with h[−1] =
    ``initial_state``. Each of the pairs stands for itself and its conjugate, whence the 2 Re: a system of
    2 · pairs real states.

    Everything is differentiable once: x, the parameters and the initial state. The state is accumulated in
    the widest of the arguments' dtypes, complex64 at least; powers of a constant Ā are formed in complex128.
    An empty time axis returns the initial state unchanged.

    Args:
        x: (batch, time, channel), real.
        A_bar: (channel, pairs), complex; or (batch, time, channel, pairs), one per sample.
        B_bar: (channel, pairs), complex; or (batch, time, channel, pairs), one per sample.
        C: (channel, pairs), complex.
        D: (channel,), real: the feedthrough; zero unless given.
        initial_state: (batch, channel, pairs), complex; zero unless given.
        segments: (batch, time) integers: the number of the sequence each sample belongs to. Sample 0
            continues the initial state; a sample whose number differs from the one before starts at zero.
        lengths: (batch,) integers, 0 … time: the outputs from here on are zero, and the final state is the
            one after this many samples.

    Returns:
        y (batch, time, channel) in the dtype of ``x``, and the final state (batch, channel, pairs) in the
        dtype of the accumulation.

    Raises:
        ValueError: if a shape or dtype does not fit.

    >>> import torch
    >>> one = torch.ones(1, 1, dtype=torch.complex64)
    >>> y, state = diagonal_ssm(torch.ones(1, 3, 1), 0.5 * one, one, one)
    >>> y.flatten().tolist(), state.tolist()
    ([2.0, 3.0, 3.5], [[[(1.75+0j)]]])

    Source: A. Gu et al., "On the Parameterization and Initialization of Diagonal State Space Models" (2022),
    eqs. 1–3 and section 3.1 for the conjugate pairs.
    """
    _check(x, A_bar, B_bar, C, D, initial_state)
    batch, time, _ = x.shape
    dtype = accumulation_dtype(
        {"x": x, "A_bar": A_bar, "B_bar": B_bar, "C": C, "D": D, "initial_state": initial_state}
    )
    A_bar, B_bar, C = (converted(parameter, dtype) for parameter in (A_bar, B_bar, C))
    D = None if D is None else converted(D, real_dtype(dtype))
    initial_state = None if initial_state is None else converted(initial_state, dtype)
    reset = None if segments is None else reset_mask(segments, batch, time)
    if lengths is not None and (
        lengths.shape != (batch,) or lengths.is_floating_point() or lengths.is_complex()
    ):
        raise ValueError(
            f"lengths has shape {tuple(lengths.shape)} and dtype {lengths.dtype}; "
            f"wanted (batch,) = ({batch},) integers"
        )
    if time == 0:
        return x.clone(), C.new_zeros((batch, *C.shape)) if initial_state is None else initial_state.clone()
    backend = op.operation.choose(x, A_bar, B_bar, C).backend
    if backend == "reference":
        with without_autocast(x.device):
            return reference.forward(x, A_bar, B_bar, C, D, initial_state, reset, lengths)
    tensors = (x, A_bar, B_bar, C, D, initial_state)
    y, final_state, _ = op.diagonal_ssm(*tensors, reset, lengths, needs_gradient(tensors), backend)
    return y, final_state


def _check(
    x: Tensor, A_bar: Tensor, B_bar: Tensor, C: Tensor, D: Tensor | None, initial_state: Tensor | None
) -> None:
    """Raise a ValueError unless all shapes fit and each argument is real or complex as it should be."""
    if x.ndim != 3 or x.is_complex():
        raise ValueError(
            f"x has shape {tuple(x.shape)} and dtype {x.dtype}; wanted (batch, time, channel), real"
        )
    batch, time, channel = x.shape
    if C.ndim != 2 or C.shape[0] != channel:
        raise ValueError(
            f"C has shape {tuple(C.shape)}; wanted (channel, pairs) with {channel} channels, as x has"
        )
    constant, varying = tuple(C.shape), (batch, time, *C.shape)
    for name, parameter in (("A_bar", A_bar), ("B_bar", B_bar)):
        if parameter.shape != constant and parameter.shape != varying:
            raise ValueError(
                f"{name} has shape {tuple(parameter.shape)}; wanted {constant} or, per sample, {varying}"
            )
    given = (("A_bar", A_bar), ("B_bar", B_bar), ("C", C), ("initial_state", initial_state))
    for name, tensor in given:
        if tensor is not None and not tensor.is_complex():
            raise ValueError(f"{name} has dtype {tensor.dtype}; wanted a complex one")
    if D is not None and (D.shape != (channel,) or D.is_complex()):
        raise ValueError(
            f"D has shape {tuple(D.shape)} and dtype {D.dtype}; wanted (channel,) = ({channel},), real"
        )
    if initial_state is not None and initial_state.shape != (batch, *C.shape):
        raise ValueError(f"initial_state has shape {tuple(initial_state.shape)}; wanted {(batch, *C.shape)}")
