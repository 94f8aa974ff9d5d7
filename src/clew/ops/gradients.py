"""Where derivatives begin and end: whether one is wanted, and that there is no second."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch._library.custom_ops import CustomOpDef

__all__ = ["needs_gradient", "once_differentiable"]


def needs_gradient(arguments: Iterable[Tensor | None]) -> bool:
    """Whether autograd records a call with these arguments; if not, nothing need be kept for backward.

    >>> needs_gradient([torch.ones(1), None])
    False
    """
    return torch.is_grad_enabled() and any(
        tensor is not None and tensor.requires_grad for tensor in arguments
    )


def once_differentiable(backward: CustomOpDef) -> None:
    """Make a second backward pass through the backward op raise a ``RuntimeError`` that says what to do."""
    name = backward._qualname.removeprefix("clew::").removesuffix("_backward")

    def refuse(ctx: Any, *gradients: Tensor) -> None:
        raise RuntimeError(
            f"{name} is differentiable once: its backward pass has no derivative. "
            'For second derivatives, call it inside clew.use_backend("reference").'
        )

    backward.register_autograd(refuse)
