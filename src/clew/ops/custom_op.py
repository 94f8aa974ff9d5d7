"""PyTorch's custom ops, called without its dispatcher where nothing that traces them looks on.

The dispatcher takes a tenth of a millisecond for a custom op written in Python, forward and backward. Most
calls need none of what it does: they have plain tensors, and autograd at most. It also knows nothing of
``torch.func``, where a custom op has no reverse mode and, without a word, a derivative of zero in forward
mode.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import TransformType, peek_interpreter_stack
from torch.autograd import forward_ad

from clew.ops.gradients import needs_gradient

__all__ = ["CustomOp", "custom_op"]

_PLAIN = (Tensor, torch.nn.Parameter)


class CustomOp:
    """A function of tensors as one operation; what :func:`custom_op` makes of it.

    It is called by position. Its results are fresh tensors, never its arguments or views of them.

    Args:
        name: namespace and name, ``"clew::linear_scan"``.
        function: with annotations, as ``torch.library.custom_op`` wants them.
    """

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name = name
        self.__doc__ = function.__doc__
        self._function = function
        self._dispatched = torch.library.custom_op(name, function, mutates_args=())
        self._recorded: Callable[..., Any] = self._dispatched
        self._transformed: Callable[..., Any] = self._dispatched
        self._jvp: Callable[..., None] = self._refuse_forward_mode

    def register_fake(self, fake: Callable[..., Any]) -> Callable[..., Any]:
        """Say what the results look like, as ``CustomOpDef.register_fake`` does; a decorator."""
        return self._dispatched.register_fake(fake)

    def register_autograd(
        self,
        backward: Callable[..., Any],
        *,
        setup_context: Callable[[Any, tuple[Any, ...], Any], None] | None = None,
        jvp: Callable[..., None] | None = None,
    ) -> None:
        """Give the operation a gradient, as ``CustomOpDef.register_autograd`` does.

        Args:
            backward: as there.
            setup_context: as there.
            jvp: raises the error of forward mode, which has no derivative; if not given, one that says so.
        """
        self._jvp = jvp or self._refuse_forward_mode
        self._dispatched.register_autograd(backward, setup_context=setup_context)

        def keep(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
            if setup_context is not None:
                setup_context(ctx, inputs, output)

        def forward(ctx: Any, *arguments: Any) -> Any:
            results = self._function(*arguments)
            keep(ctx, arguments, results)
            return results

        def function(**methods: Callable[..., Any]) -> Callable[..., Any]:
            methods |= {"backward": backward, "jvp": self._jvp}
            attributes = {name: staticmethod(method) for name, method in methods.items()}
            kind: Any = type(self._short_name, (torch.autograd.Function,), attributes)
            apply: Callable[..., Any] = kind.apply
            return apply

        self._recorded = function(forward=forward)
        # torch.func wants to be told apart what is kept, which takes other calls longer. It calls forward
        # with the tensors of the transform below, so that the last call is one without any.
        self._transformed = function(forward=self.__call__, setup_context=keep, vmap=self._one_by_one)

    def __call__(self, *arguments: Any) -> Any:
        """Call the function: through the dispatcher, under a transform, recorded by autograd, or as it is."""
        if torch.compiler.is_compiling():
            return self._dispatched(*arguments)
        if torch._C._are_functorch_transforms_active():
            # What makes a program functional has no rule for functions of autograd's, and one for operations.
            functional = peek_interpreter_stack().key() == TransformType.Functionalize
            return (self._dispatched if functional else self._transformed)(*arguments)
        if forward_ad._current_level >= 0 and any(map(_has_tangent, arguments)):
            self._jvp()
        if _watched(arguments):
            return self._dispatched(*arguments)
        return (self._recorded if needs_gradient(arguments) else self._function)(*arguments)

    def _one_by_one(self, info: Any, in_dims: tuple[int | None, ...], *arguments: Any) -> tuple[Any, Any]:
        """The rule of ``torch.func.vmap``: the calls one after another, their results stacked."""
        if info.batch_size == 0:
            raise ValueError(f"{self._short_name}: torch.func.vmap needs 1 or more to map over, got 0")
        found = [
            self(
                *(
                    each if dim is None else each.select(dim, index)
                    for each, dim in zip(arguments, in_dims, strict=True)
                )
            )
            for index in range(info.batch_size)
        ]
        if isinstance(found[0], Tensor):
            return torch.stack(found), 0
        results = tuple(torch.stack(parts) for parts in zip(*found, strict=True))
        return results, (0,) * len(results)

    def _refuse_forward_mode(self, *_: Any) -> None:
        raise RuntimeError(
            f"{self._short_name} has no derivative in forward mode (torch.func.jvp, jacfwd, dual tensors): "
            'take torch.func.vjp or jacrev, or call it inside clew.use_backend("reference").'
        )

    @property
    def _short_name(self) -> str:
        return self.name.partition("::")[2]


def custom_op(name: str) -> Callable[[Callable[..., Any]], CustomOp]:
    """Make a function an operation of PyTorch's that changes none of its arguments; a decorator.

    Args:
        name: namespace and name.
    """
    return lambda function: CustomOp(name, function)


def _watched(arguments: tuple[Any, ...]) -> bool:
    """Whether something has to see a call as one operation: a mode, a tracer, a kind of tensor."""
    return (
        torch._C._len_torch_dispatch_stack() > 0
        or torch._C._len_torch_function_stack() > 0
        or torch._C._is_tracing()
        or torch._C._dispatch_tls_is_dispatch_key_included("VmapMode")
        or any(isinstance(each, Tensor) and type(each) not in _PLAIN for each in arguments)
    )


def _has_tangent(argument: Any) -> bool:
    """Whether it is a tensor with a derivative in forward mode, which PyTorch's dispatcher would let fall."""
    if not isinstance(argument, Tensor):
        return False
    dual = forward_ad.unpack_dual(argument)  # type: ignore[no-untyped-call]  # torch has no types for it
    return dual.tangent is not None
