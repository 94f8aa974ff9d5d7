"""Where derivatives begin and end: whether one is wanted, what is kept for it, that there is no second."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from clew.ops.custom_op import CustomOp

__all__ = ["keep_for_backward", "needs_gradient", "of_given", "once_differentiable"]


def needs_gradient(arguments: Iterable[Any]) -> bool:
    """Whether autograd records a call with these arguments; if not, nothing need be kept for backward.

    >>> needs_gradient([torch.ones(1), None, "parallel"])
    False
    """
    return torch.is_grad_enabled() and (
        any(isinstance(each, Tensor) and each.requires_grad for each in arguments)
        # Under a transform of torch.func a tensor does not say so of those it stands for.
        or (not torch.compiler.is_compiling() and torch._C._are_functorch_transforms_active())
    )


def keep_for_backward(ctx: Any, tensors: Iterable[Tensor | None], saved: Tensor) -> None:
    """Keep an op's arguments behind what it ``saved`` for its backward op, the last of its results."""
    ctx.mark_non_differentiable(saved)
    ctx.set_materialize_grads(False)  # or a gradient of zeros is made for what is not differentiable
    ctx.save_for_backward(saved, *tensors)


def of_given(tensors: Iterable[Tensor | None], gradients: Iterable[Tensor]) -> tuple[Tensor | None, ...]:
    """The gradients of those tensors that are given: as many as there are of the shorter."""
    return tuple(
        None if tensor is None else gradient for tensor, gradient in zip(tensors, gradients, strict=False)
    )


def once_differentiable(backward: "CustomOp") -> None:
    """Make a derivative of the backward op raise a ``RuntimeError`` that says what to do."""
    name = backward.name.removeprefix("clew::").removesuffix("_backward")

    def refuse(*_: Any) -> None:
        raise RuntimeError(
            f"{name} is differentiable once: its backward pass has no derivative. "
            'For second derivatives, call it inside clew.use_backend("reference").'
        )

    backward.register_autograd(refuse, jvp=refuse)
