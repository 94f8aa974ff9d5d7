"""The end of the line for derivatives: hand-written backward passes are not differentiable themselves."""

from typing import Any

from torch import Tensor
from torch._library.custom_ops import CustomOpDef

__all__ = ["once_differentiable"]


def once_differentiable(backward: CustomOpDef) -> None:
    """Make a second backward pass through the backward op raise a ``RuntimeError`` that says what to do."""
    name = backward._qualname.removeprefix("clew::").removesuffix("_backward")

    def refuse(ctx: Any, *gradients: Tensor) -> None:
        raise RuntimeError(
            f"{name} is differentiable once: its backward pass has no derivative. "
            'For second derivatives, call it inside clew.use_backend("reference").'
        )

    backward.register_autograd(refuse)
