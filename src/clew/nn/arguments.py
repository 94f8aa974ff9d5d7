"""The checks of a mixer's arguments, and their one form: kinds, shapes and dtypes, never the values of x."""

from typing import Any, TypeVar

import torch
from torch import Tensor

from clew.nn.both_ways import check_one_way
from clew.nn.mixer import Mixer, state_dtype

__all__ = ["INTEGERS", "check_lengths", "check_sequence", "check_step", "check_tensor"]

INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)

StateT = TypeVar("StateT", bound=tuple[Tensor, ...])


def check_sequence(
    layer: Mixer[StateT, Any],
    x: Tensor,
    state: StateT | None,
    lengths: Tensor | None,
    segments: Tensor | None,
    dt: Tensor | None,
) -> tuple[StateT | None, Tensor | None, Tensor | None]:
    """Refuse what :meth:`clew.nn.Mixer.forward` cannot take.

    Returns:
        The state as the layer's own named tuple, where any tuple or list of its tensors may have come, and
        lengths and segments in int64: a narrower type holds neither the time nor an index.

    Raises:
        ValueError: naming the argument, what it is and what was wanted.
    """
    check_tensor("x", x, "batch, time, channel")
    if x.dim() != 3 or x.shape[-1] != layer.d_model:
        raise ValueError(
            f"x is (batch, time, channel) with {layer.d_model} channels; got shape {tuple(x.shape)}"
        )
    batch, time, _ = x.shape
    _check_input("x", x, layer)
    if state is not None:
        check_one_way(layer, "state")
        state = _check_state(state, layer.initial_state(0), batch)
    lengths = check_lengths(x, lengths)
    if segments is not None:
        _check_shape("segments", segments, (batch, time), "batch, time")
        _check_integer("segments", segments)
        segments = segments.long()
    if dt is not None:
        _check_shape("dt", dt, (batch, time), "batch, time")
        _check_floating("dt", dt)
    return state, lengths, segments


def check_lengths(x: Tensor, lengths: Tensor | None) -> Tensor | None:
    """Refuse lengths that do not fit ``x`` (batch, time, ...).

    Returns:
        The lengths in int64.

    Raises:
        ValueError: for another shape than (batch,), no integers, or (on the CPU, not compiled) values that
            are not from 0 to time.
    """
    if lengths is None:
        return None
    batch, time = x.shape[:2]
    _check_shape("lengths", lengths, (batch,), "batch")
    _check_integer("lengths", lengths)
    # Reading the values costs a synchronisation on other devices, and a break in a compiled graph.
    if batch and lengths.device.type == "cpu" and not torch.compiler.is_compiling():
        low, high = int(lengths.min()), int(lengths.max())
        if low < 0 or high > time:
            raise ValueError(f"lengths lie between 0 and time = {time}; got {low} to {high}")
    return lengths.long()


def check_step(
    layer: Mixer[StateT, Any],
    x_k: Tensor,
    state: StateT,
    dt: Tensor | None,
    constants: tuple[Tensor, ...] | None,
) -> StateT:
    """Refuse what :meth:`clew.nn.Mixer.step` cannot take.

    Returns:
        The state, as :func:`check_sequence` does.

    Raises:
        ValueError: naming the argument, what it is and what was wanted.
    """
    check_one_way(layer, "step")
    check_tensor("x_k", x_k, "batch, channel")
    if x_k.dim() != 2 or x_k.shape[-1] != layer.d_model:
        raise ValueError(
            f"x_k is (batch, channel) with {layer.d_model} channels; got shape {tuple(x_k.shape)}"
        )
    _check_input("x_k", x_k, layer)
    state = _check_state(state, layer.initial_state(0), x_k.shape[0])
    if dt is not None:
        if constants is not None:
            raise ValueError("constants hold for dt = 1: give step dt or constants, not both")
        _check_shape("dt", dt, (x_k.shape[0],), "batch")
        _check_floating("dt", dt)
    return state


def check_tensor(name: str, given: object, axes: str) -> None:
    """Refuse what is no tensor.

    Raises:
        ValueError: naming the argument, what it is and how to make a tensor of it.
    """
    if not isinstance(given, Tensor):
        raise ValueError(
            f"{name} is a tensor ({axes}); got {type(given).__name__}: "
            "make one of numbers with torch.as_tensor, of one number with torch.full"
        )


def _check_input(name: str, x: Tensor, layer: Mixer[Any, Any]) -> None:
    _check_floating(name, x)
    if x.dtype == torch.float64 and state_dtype(next(layer.parameters())) != torch.float64:
        raise ValueError(f"{name} is float64 and the layer computes in float32: convert one of them")


def _check_state(state: StateT, expected: StateT, batch: int) -> StateT:
    """``expected`` is a state of no rows: the names, shapes and dtypes that are wanted."""
    kind: Any = type(expected)
    wanted = f"state is a {kind.__name__} of {len(expected)} tensors"
    if not isinstance(state, tuple | list):
        raise ValueError(
            f"{wanted}; got {type(state).__name__}: start with layer.initial_state({batch}), then hand on "
            "what forward and step return"
        )
    if len(state) != len(expected):
        raise ValueError(f"{wanted}; got {len(state)}")
    for name, given, empty in zip(kind._fields, state, expected, strict=True):
        _check_shape(f"state.{name}", given, (batch, *empty.shape[1:]), "batch, ...")
        if given.dtype != empty.dtype:
            raise ValueError(f"state.{name} is {empty.dtype}; got {given.dtype}")
    own: StateT = state if isinstance(state, kind) else kind(*state)
    return own


def _check_shape(name: str, given: Tensor, wanted: tuple[int, ...], axes: str) -> None:
    check_tensor(name, given, axes)
    if tuple(given.shape) != wanted:
        raise ValueError(f"{name} is ({axes}) = {wanted}; got shape {tuple(given.shape)}")


def _check_integer(name: str, given: Tensor) -> None:
    if given.dtype not in INTEGERS:
        raise ValueError(f"{name} holds integers; got {given.dtype}")


def _check_floating(name: str, given: Tensor) -> None:
    if not given.is_floating_point():
        raise ValueError(f"{name} is floating point; got {given.dtype}")
