"""What a mixer refuses: each a ValueError that says what it got, what it wanted and what to do.

Oracle: members.EXCEPTIONS for what a member cannot do; for the rest the words of the message.
"""

import re

import pytest
import torch
from tests.nn.conformance.cases import BATCH, CHANNELS, TIME, build, every, random_input, random_state
from tests.nn.conformance.members import EXCEPTIONS, MEMBERS

from clew.nn import RNN, S4D, mixers

INTEGERS = torch.zeros(BATCH, TIME, dtype=torch.int64)


def rows(feature):
    chosen = [(by_name, why) for (by_name, what), why in EXCEPTIONS.items() if what == feature]
    return pytest.mark.parametrize(("name", "why"), chosen, ids=[name for name, _ in chosen])


def member_called(name):
    (member,) = (member for member in MEMBERS if member.name == name)
    return member


@rows("segments")
def test_no_segments(name, why):
    layer = build(member_called(name))
    with pytest.raises(ValueError, match=re.escape(why)):
        layer(random_input(), segments=INTEGERS)


@rows("dt")
def test_no_dt(name, why):
    layer, x = build(member_called(name)), random_input()
    with pytest.raises(ValueError, match=re.escape(why)):
        layer(x, dt=torch.ones(BATCH, TIME))
    if "mode='convolution'" in why:
        return  # the kernel of forward has one step; step itself takes any
    if layer.bidirectional:
        return  # no step
    with pytest.raises(ValueError, match=re.escape(why)):
        layer.step(x[:, 0], layer.initial_state(BATCH), dt=torch.ones(BATCH))


@rows("system")
def test_no_system(name, why):
    with pytest.raises(ValueError, match=re.escape(why)):
        build(member_called(name)).system()


@rows("continuous_system")
def test_no_continuous_system(name, why):
    with pytest.raises(ValueError, match=re.escape(why)):
        build(member_called(name)).continuous_system()


@rows("state")
def test_no_state(name, why):
    """Neither in nor out, so no chunks: what forward returns in its place cannot be handed on."""
    layer, x = build(member_called(name)), random_input()
    with pytest.raises(ValueError, match=re.escape(why)):
        layer.initial_state(BATCH)
    _, nothing = layer(x)
    with pytest.raises(ValueError, match=re.escape(why)):
        layer(x, nothing)


@rows("step")
def test_no_step(name, why):
    layer, x = build(member_called(name)), random_input()
    with pytest.raises(ValueError, match=re.escape(why)):
        layer.step(x[:, 0], ())
    with pytest.raises(ValueError, match="has no constants"):
        layer.constants()


@rows("resample")
def test_no_resampling(name, why):
    with pytest.raises(ValueError, match=re.escape(why)):
        build(member_called(name)).resample(2)


@rows("vmap")
def test_no_vmap(name, why):
    layer = build(member_called(name))
    with pytest.raises(RuntimeError, match=re.escape(why)):
        torch.func.vmap(lambda row: layer(row[None])[0])(random_input())


@every()
@pytest.mark.parametrize("factor", [0.0, -1.0, float("inf"), float("nan")])
def test_what_is_no_factor_is_refused(member, factor):
    with pytest.raises(
        ValueError, match=f"how many times as far apart the samples are, above 0; got {factor}"
    ):
        build(member).resample(factor)


def test_every_exception_has_its_test():
    assert {what for _, what in EXCEPTIONS} == {
        "segments",
        "dt",
        "system",
        "continuous_system",
        "resample",
        "state",
        "step",
        "vmap",
    }
    assert {name for name, _ in EXCEPTIONS} <= {member.name for member in MEMBERS}


@every()
@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("x", torch.zeros(TIME, CHANNELS), "x is (batch, time, channel) with 3 channels; got shape (23, 3)"),
        (
            "x",
            torch.zeros(BATCH, TIME, 4),
            "x is (batch, time, channel) with 3 channels; got shape (3, 23, 4)",
        ),
        ("x", INTEGERS[..., None].expand(-1, -1, 3), "x is floating point; got torch.int64"),
        ("x", torch.zeros(BATCH, TIME, 3, dtype=torch.complex64), "x is floating point; got torch.complex64"),
        ("lengths", torch.ones(2, dtype=torch.int64), "lengths is (batch) = (3,); got shape (2,)"),
        ("lengths", torch.ones(BATCH), "lengths holds integers; got torch.float32"),
        ("lengths", torch.tensor([1, 2, 24]), "lengths lie between 0 and time = 23; got 1 to 24"),
        ("lengths", torch.tensor([-1, 2, 3]), "lengths lie between 0 and time = 23; got -1 to 3"),
        ("segments", INTEGERS[:, 1:], "segments is (batch, time) = (3, 23); got shape (3, 22)"),
        ("segments", torch.zeros(BATCH, TIME), "segments holds integers; got torch.float32"),
        ("dt", torch.ones(BATCH), "dt is (batch, time) = (3, 23); got shape (3,)"),
        ("dt", INTEGERS, "dt is floating point; got torch.int64"),
    ],
)
def test_forward_names_what_does_not_fit(member, argument, value, message):
    layer = build(member, torch.float32)
    arguments = {"x": random_input(torch.float32), argument: value}
    with pytest.raises(ValueError, match=re.escape(message)):
        layer(arguments.pop("x"), **arguments)


@every("state")
def test_a_state_that_does_not_fit_is_named(member):
    layer, x = build(member, torch.float32), random_input(torch.float32)
    state = random_state(layer)
    field = state._fields[0]
    for call in (lambda given: layer(x, given), lambda given: layer.step(x[:, 0], given)):
        with pytest.raises(ValueError, match=rf"state\.{field} is \(batch, \.\.\.\) = \(3, "):
            call(random_state(layer, 2))
        with pytest.raises(ValueError, match=rf"state\.{field} is torch\.float32; got torch\.float64"):
            call(type(state)(*(part.double() for part in state)))
        with pytest.raises(
            ValueError, match=rf"state is a {type(state).__name__} of {len(state)} tensors; got "
        ):
            call((*state, state[0]))


@every("step")
def test_step_names_what_does_not_fit(member):
    layer = build(member, torch.float32)
    state = random_state(layer)
    with pytest.raises(ValueError, match=r"x_k is \(batch, channel\) with 3 channels; got shape \(3, 1, 3\)"):
        layer.step(torch.zeros(3, 1, 3), state)
    with pytest.raises(ValueError, match="give step dt or constants, not both"):
        layer.step(torch.zeros(3, 3), state, dt=torch.ones(3), constants=layer.constants())
    with pytest.raises(ValueError, match=r"dt is \(batch\) = \(3,\); got shape \(1,\)"):
        layer.step(torch.zeros(3, 3), state, dt=torch.ones(1))


@every()
def test_float64_input_is_not_rounded_in_silence(member):
    layer = build(member, torch.float32)
    with pytest.raises(ValueError, match=r"x is float64 and the layer computes in float32"):
        layer(random_input())


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("s4e", {}, "unknown mixer 's4e'; did you mean 's4"),
        ("s4d", {"d_stat": 8}, "unknown option of the mixer 's4d': 'd_stat'; did you mean 'd_state'"),
        ("s4d", {"init": "leg"}, "unknown value for 'init': 'leg'; did you mean 'legs'"),
        ("s4d", {"discretization": "billinear"}, "did you mean 'bilinear'"),
        ("s4d", {"mode": "scann"}, "unknown value for 'mode': 'scann'; did you mean 'scan'"),
        ("s4d", {"d_state": 7}, "two for each conjugate pair: even, at least 2; got 7"),
        (
            "s4d",
            {"dt_min": 0.1, "dt_max": 0.01},
            "0 < dt_min ≤ dt_max is needed; got dt_min=0.1, dt_max=0.01",
        ),
        ("rnn", {"nonlinearity": "tan"}, "unknown value for 'nonlinearity': 'tan'; did you mean 'tanh'"),
        ("rnn", {"mode": "recurent"}, "unknown value for 'mode': 'recurent'; did you mean 'recurrent'"),
        ("rnn", {"mode": "scan"}, "mode='scan' needs a linear recurrence, and nonlinearity='tanh' is not"),
        ("rnn", {"d_state": 0}, "d_model and d_state are at least 1; got 4 and 0"),
    ],
)
def test_options_by_name(name, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        mixers.build(name, 4, options=options)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (S4D, {"init": "leg"}, "unknown init 'leg'; did you mean 'legs'"),
        (S4D, {"discretization": "zoo"}, "unknown discretization 'zoo'; did you mean 'zoh'"),
        (S4D, {"mode": "scann"}, "unknown mode 'scann'; did you mean 'scan'"),
        (RNN, {"nonlinearity": "tan"}, "unknown nonlinearity 'tan'; did you mean 'tanh'"),
        (RNN, {"mode": "recurent"}, "unknown mode 'recurent'; did you mean 'recurrent'"),
    ],
)
def test_options_of_the_classes(kind, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        kind(4, **options)


def test_every_registered_mixer_is_in_the_suite():
    built = {type(member.build()) for member in MEMBERS}
    assert {mixers[name] for name in mixers} == built
