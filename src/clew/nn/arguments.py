"""The checks of a mixer's arguments: shapes and dtypes, never the values of x."""

from typing import Any

import torch
from torch import Tensor

from clew.nn.both_ways import check_one_way
from clew.nn.mixer import Mixer, state_dtype

__all__ = ["INTEGERS", "check_lengths", "check_sequence", "check_step"]

INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


def check_sequence(
    layer: Mixer[Any, Any],
    x: Tensor,
    state: tuple[Tensor, ...] | None,
    lengths: Tensor | None,
    segments: Tensor | None,
    dt: Tensor | None,
) -> None:
    """Refuse what :meth:`clew.nn.Mixer.forward` cannot take.

    Raises:
        ValueError: naming the argument, what it is and what was wanted.
    """
    if x.dim() != 3 or x.shape[-1] != layer.d_model:
        raise ValueError(
            f"x is (batch, time, channel) with {layer.d_model} channels; got shape {tuple(x.shape)}"
        )
    batch, time, _ = x.shape
    _check_input("x", x, layer)
    if state is not None:
        check_one_way(layer, "state")
        _check_state(state, layer.initial_state(0), batch)
    check_lengths(x, lengths)
    if segments is not None:
        _check_shape("segments", segments, (batch, time), "batch, time")
        _check_integer("segments", segments)
    if dt is not None:
        _check_shape("dt", dt, (batch, time), "batch, time")
        _check_floating("dt", dt)


def check_lengths(x: Tensor, lengths: Tensor | None) -> None:
    """Refuse lengths that do not fit ``x`` (batch, time, ...).

    Raises:
        ValueError: for another shape than (batch,), no integers, or (on the CPU, not compiled) values that
            are not from 0 to time.
    """
    if lengths is None:
        return
    batch, time = x.shape[:2]
    _check_shape("lengths", lengths, (batch,), "batch")
    _check_integer("lengths", lengths)
    # Reading the values costs a synchronisation on other devices, and a break in a compiled graph.
    if batch and lengths.device.type == "cpu" and not torch.compiler.is_compiling():
        low, high = int(lengths.min()), int(lengths.max())
        if low < 0 or high > time:
            raise ValueError(f"lengths lie between 0 and time = {time}; got {low} to {high}")


def check_step(
    layer: Mixer[Any, Any],
    x_k: Tensor,
    state: tuple[Tensor, ...],
    dt: Tensor | None,
    constants: tuple[Tensor, ...] | None,
) -> None:
    """Refuse what :meth:`clew.nn.Mixer.step` cannot take.

    Raises:
        ValueError: naming the argument, what it is and what was wanted.
    """
    check_one_way(layer, "step")
    if x_k.dim() != 2 or x_k.shape[-1] != layer.d_model:
        raise ValueError(
            f"x_k is (batch, channel) with {layer.d_model} channels; got shape {tuple(x_k.shape)}"
        )
    _check_input("x_k", x_k, layer)
    _check_state(state, layer.initial_state(0), x_k.shape[0])
    if dt is not None:
        if constants is not None:
            raise ValueError("constants hold for dt = 1: give step dt or constants, not both")
        _check_shape("dt", dt, (x_k.shape[0],), "batch")
        _check_floating("dt", dt)


def _check_input(name: str, x: Tensor, layer: Mixer[Any, Any]) -> None:
    _check_floating(name, x)
    if x.dtype == torch.float64 and state_dtype(next(layer.parameters())) != torch.float64:
        raise ValueError(f"{name} is float64 and the layer computes in float32: convert one of them")


def _check_state(state: tuple[Tensor, ...], expected: Any, batch: int) -> None:
    """``expected`` is a state of no rows: the names, shapes and dtypes that are wanted."""
    if len(state) != len(expected):
        raise ValueError(f"state is a {type(expected).__name__} of {len(expected)} tensors; got {len(state)}")
    for name, given, empty in zip(expected._fields, state, expected, strict=True):
        _check_shape(f"state.{name}", given, (batch, *empty.shape[1:]), "batch, ...")
        if given.dtype != empty.dtype:
            raise ValueError(f"state.{name} is {empty.dtype}; got {given.dtype}")


def _check_shape(name: str, given: Tensor, wanted: tuple[int, ...], axes: str) -> None:
    if tuple(given.shape) != wanted:
        raise ValueError(f"{name} is ({axes}) = {wanted}; got shape {tuple(given.shape)}")


def _check_integer(name: str, given: Tensor) -> None:
    if given.dtype not in INTEGERS:
        raise ValueError(f"{name} holds integers; got {given.dtype}")


def _check_floating(name: str, given: Tensor) -> None:
    if not given.is_floating_point():
        raise ValueError(f"{name} is floating point; got {given.dtype}")
