"""Other kinds of the same argument: any integer dtype, any tuple for a state; and what is no tensor at all.

Oracle: the same call with int64 and with the layer's own state, bit by bit; for what is refused, the words of
the message. Tolerances: none.
"""

import re

import pytest
import torch
from tests.nn.conformance.cases import (
    BATCH,
    CHANNELS,
    TIME,
    assert_same,
    build,
    every,
    parts,
    random_input,
    random_state,
)
from tests.nn.conformance.members import takes

LONG = 300  # more samples than int8 and uint8 can count
NARROW = [torch.int32, torch.int16, torch.int8, torch.uint8]


@every()
def test_lengths_and_segments_of_every_integer_dtype(member):
    layer, x = build(member, torch.float32), random_input(torch.float32, time=LONG)
    state = random_state(layer)
    given = {"lengths": torch.tensor([100, 0, 7])}
    if takes(member, "segments"):
        given["segments"] = (torch.arange(LONG) // 40).expand(BATCH, -1)
    with torch.no_grad():
        y, final = layer(x, state, **given)
        for dtype in NARROW:
            again, other = layer(x, state, **{name: value.to(dtype) for name, value in given.items()})
            assert_same((again, *parts(other)), (y, *parts(final)))


@every("state")
@pytest.mark.parametrize("kind", [tuple, list])
def test_any_tuple_of_its_tensors_is_a_state(member, kind):
    layer, x = build(member, torch.float32), random_input(torch.float32)
    state = random_state(layer)
    calls = (
        lambda given: layer(x, given),
        lambda given: layer(x[:, :0], given),
        lambda given: layer(x, given, lengths=torch.tensor([TIME, 0, 9])),
        lambda given: layer.step(x[:, 0], given),
    )
    for call in calls:
        (y, final), (again, other) = call(state), call(kind(state))
        assert_same((again, *other), (y, *final))
        assert type(other) is type(final) is type(state)


@every("state")
@pytest.mark.parametrize("given", [torch.zeros(BATCH, CHANNELS), {"hidden": torch.zeros(BATCH, CHANNELS)}])
def test_what_is_no_state_is_named(member, given):
    layer, x = build(member, torch.float32), random_input(torch.float32)
    for call in (lambda: layer(x, given), lambda: layer.step(x[:, 0], given)):
        with pytest.raises(ValueError, match=rf"got {type(given).__name__}: start with layer\.initial_state"):
            call()


@every("state")
def test_a_state_of_what_is_no_tensor_is_named(member):
    layer, x = build(member, torch.float32), random_input(torch.float32)
    state = layer.initial_state(BATCH)
    with pytest.raises(
        ValueError, match=rf"state\.{state._fields[0]} is a tensor \(batch, \.\.\.\); got float"
    ):
        layer(x, (0.0,) * len(state))


@every("step")
def test_a_step_without_a_state_says_where_one_begins(member):
    layer = build(member, torch.float32)
    state = layer.initial_state(BATCH)
    wanted = (
        f"state is a {type(state).__name__} of {len(state)} tensors; got NoneType: start with "
        f"layer.initial_state({BATCH})"
    )
    with pytest.raises(ValueError, match=re.escape(wanted)):
        layer.step(torch.zeros(BATCH, CHANNELS), None)


@every()
@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        (
            "x",
            torch.zeros(BATCH, TIME, CHANNELS).numpy(),
            "x is a tensor (batch, time, channel); got ndarray",
        ),
        ("lengths", [TIME, 4, 9], "lengths is a tensor (batch); got list"),
        ("segments", [[0] * TIME] * BATCH, "segments is a tensor (batch, time); got list"),
        ("dt", 0.5, "dt is a tensor (batch, time); got float"),
    ],
)
def test_what_is_no_tensor_is_named(member, argument, value, message):
    layer = build(member, torch.float32)
    arguments = {"x": random_input(torch.float32), argument: value}
    remedy = ": make one of numbers with torch.as_tensor, of one number with torch.full"
    with pytest.raises(ValueError, match=re.escape(message + remedy)):
        layer(arguments.pop("x"), **arguments)


@every("step")
def test_what_is_no_tensor_is_named_by_step(member):
    layer = build(member, torch.float32)
    state = layer.initial_state(BATCH)
    with pytest.raises(ValueError, match=r"x_k is a tensor \(batch, channel\); got list"):
        layer.step([[0.0] * CHANNELS] * BATCH, state)
    with pytest.raises(ValueError, match=r"dt is a tensor \(batch\); got float"):
        layer.step(torch.zeros(BATCH, CHANNELS), state, dt=0.5)


@every()
def test_a_factor_that_is_no_number_is_named(member):
    with pytest.raises(ValueError, match=r"factor is a number, .*; got str: give it as a float"):
        build(member).resample("2")


@every()
def test_shapes_are_worked_out_without_numbers(member):
    layer, x = build(member, torch.float32), random_input(torch.float32)
    y, final = layer(x)
    shapes, without = layer.to("meta")(x.to("meta"))
    assert (shapes.shape, shapes.dtype) == (y.shape, y.dtype)
    assert [part.shape for part in without] == [part.shape for part in final]
