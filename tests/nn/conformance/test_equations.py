"""A mixer computes its published equations, whatever way it runs.

Oracle: mixers/, loops in float64 written from the papers; for ``system``, the layer's own output.
Tolerances: member.TOLERANCES.
"""

import pytest
import torch
from tests.nn.conformance.cases import (
    BATCH,
    TIME,
    assert_close,
    build,
    by_steps,
    every,
    every_way,
    leaves,
    parts,
    random_dt,
    random_input,
    random_segments,
    random_state,
)
from tests.nn.conformance.member import pieces
from tests.nn.conformance.members import takes

DTYPES = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])


def tolerance(dtype):
    return str(dtype).removeprefix("torch.")


def double(state):
    return tuple(part.double() for part in parts(state))


@every()
@DTYPES
@pytest.mark.parametrize("time", [1, 2, TIME, 64])
def test_forward(member, dtype, time):
    layer = build(member, dtype)
    x, state = random_input(dtype, time=time), random_state(layer)
    wanted = member.equations(leaves(layer), x.double(), double(state))
    y, final = layer(x, state)
    assert y.dtype == dtype
    assert_close(y, wanted[0], tolerance(dtype))
    assert_close(final, wanted[1], tolerance(dtype))


@every("state")
@DTYPES
def test_without_a_state_it_starts_at_zero(member, dtype):
    layer, x = build(member, dtype), random_input(dtype)
    wanted = member.equations(leaves(layer), x.double(), double(layer.initial_state(BATCH)))
    y, final = layer(x)
    assert_close(y, wanted[0], tolerance(dtype))
    assert_close(final, wanted[1], tolerance(dtype))


@every("step")
@DTYPES
def test_step(member, dtype):
    layer = build(member, dtype)
    x, state = random_input(dtype), random_state(layer)
    wanted = member.equations(leaves(layer), x.double(), double(state))
    y, final = by_steps(layer, x, state)
    assert y.dtype == dtype
    assert_close(y, wanted[0], tolerance(dtype))
    assert_close(final, wanted[1], tolerance(dtype))


@every("dt")
@DTYPES
def test_irregular_sampling(member, dtype):
    layer = build(member, dtype)
    x, state, dt = random_input(dtype), random_state(layer), random_dt(dtype)
    dt[0, 3] = 0.0  # two samples at one moment
    wanted = member.equations(leaves(layer), x.double(), double(state), dt=dt.double())
    for y, final in every_way(layer, x, state, dt):
        assert_close(y, wanted[0], tolerance(dtype))
        assert_close(final, wanted[1], tolerance(dtype))


@every()
@DTYPES
def test_everything_it_takes_at_once(member, dtype):
    layer = build(member, dtype)
    x, state = random_input(dtype), random_state(layer)
    options = {"lengths": torch.tensor([TIME, 0, 9])}
    if takes(member, "segments"):
        options["segments"] = random_segments()
    if takes(member, "dt"):
        options["dt"] = random_dt(dtype)
    doubled = {name: value.double() if name == "dt" else value for name, value in options.items()}
    wanted = pieces(member.equations, leaves(layer), x.double(), double(state), **doubled)
    y, final = layer(x, state, **options)
    assert_close(y, wanted[0], tolerance(dtype))
    assert_close(final, wanted[1], tolerance(dtype))


@every("system")
@DTYPES
def test_is_its_system(member, dtype):
    layer, x = build(member, dtype), random_input(dtype)
    system = layer.system()
    y, _ = layer(x)
    if system.A.dim() == 2:
        wanted, _ = system.run(x.double())
    else:
        assert system.A.shape[0] == layer.d_model
        wanted, _ = system.run(x.double().mT[..., None])
        wanted = wanted[..., 0].mT
    assert system.A.dtype == torch.float64
    assert_close(y, wanted, tolerance(dtype))


@every("continuous_system")
def test_its_system_is_the_continuous_one_discretised(member):
    layer = build(member)
    discrete = layer.system()
    again = layer.continuous_system().discretize(discrete.dt, method=layer.discretization)
    for name in "ABCD":
        assert_close(getattr(again, name), getattr(discrete, name), "float64")
