"""Pure torch: matrix products over chunks of time; a scan in each chunk where Ā or B̄ varies."""

from torch import Tensor

from clew.ops.diagonal_ssm import constant, varying

__all__ = ["available", "backward", "empty_saved", "forward", "supports"]


def available() -> str | None:
    """Always available."""
    return None


def supports(x: Tensor, A_bar: Tensor, B_bar: Tensor, C: Tensor) -> str | None:
    """Takes every call."""
    return None


def empty_saved(x: Tensor, A_bar: Tensor, B_bar: Tensor, reset: Tensor | None) -> Tensor:
    """A tensor of the shape and dtype that ``forward`` saves for ``backward``."""
    if _is_constant(A_bar, B_bar):
        return A_bar.new_empty(constant.saved_shape(x, A_bar, reset))
    return A_bar.new_empty(varying.saved_shape(x, A_bar))


def forward(
    x: Tensor,
    A_bar: Tensor,
    B_bar: Tensor,
    C: Tensor,
    D: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    lengths: Tensor | None,
    differentiable: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """y, the final state, and the states at the borders of chunks if it is to be differentiable.

    Other arguments as in ``reference.forward``.
    """
    run = constant.forward if _is_constant(A_bar, B_bar) else varying.forward
    y, final_state, saved = run(x, A_bar, B_bar, C, D, initial_state, reset, lengths)
    return y, final_state, saved if differentiable else x.new_empty(0)


def backward(
    y_gradient: Tensor,
    final_gradient: Tensor,
    saved: Tensor,
    x: Tensor,
    A_bar: Tensor,
    B_bar: Tensor,
    C: Tensor,
    D: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    lengths: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Gradients of x, A_bar, B_bar, C, D as if it were given, and the initial state (empty without one)."""
    run = constant.backward if _is_constant(A_bar, B_bar) else varying.backward
    gradients = run(y_gradient, final_gradient, saved, x, A_bar, B_bar, C, D, initial_state, reset, lengths)
    return gradients if initial_state is not None else (*gradients[:5], C.new_empty(0))


def _is_constant(A_bar: Tensor, B_bar: Tensor) -> bool:
    """Whether the system is the same at all times."""
    return A_bar.ndim == 2 and B_bar.ndim == 2
