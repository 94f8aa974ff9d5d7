"""The optimiser's groups.

Oracle: the lists of names below, and counting: every parameter is in exactly one group.
"""

import collections

import pytest
import torch

from clew.models import ModelConfig, build
from clew.models.groups import parameter_groups
from clew.nn import mixers

# What is trained at the rate of the dynamics, without decay. S4 as published: Gu, Goel and Ré, "Efficiently
# modeling long sequences with structured state spaces" (2022), appendix D; the others likewise, each as its
# own dynamics_parameters says.
DYNAMICS = {
    "s4": {"log_dt", "A_log_real", "A_imag", "P", "B"},
    "s4d": {"log_dt", "A_log_real", "A_imag", "B"},
    "dss": {"log_dt", "Lambda_real", "Lambda_imag", "W"},  # all of the kernel
    "s5": {"log_dt", "A_log_real", "A_imag", "B"},
    "lru": {"nu_log", "theta_log", "gamma_log", "B"},
    "rnn-linear": {"A", "B"},
    "mamba": {
        "A_log",
        "D",
        "dt_proj.bias",
    },  # its code: no decay, as for every bias
    "mamba2": {"A_log", "D", "dt_bias"},  # likewise
}
# None: their matrices are trained as any others.
WITHOUT = {"rnn", "lmu", "lmu-linear", "gru", "lstm"}
# What the branch that runs backwards adds, where it has parameters of its own that are dynamics.
REVERSE = {
    "dss": {"W_reverse"},
    **{name: {f"reverse.{own}" for own in DYNAMICS[name]} for name in ("rnn-linear", "mamba", "mamba2")},
}
SIZES = {"mamba2": {"head_dim": 2}, "rnn-linear": {"nonlinearity": None}}


def groups_of(model):
    return model.parameter_groups(1e-2, 1e-3, 0.05)


def names_of(model, group):
    members = {id(parameter) for parameter in group["params"]}
    return {name for name, parameter in model.named_parameters() if id(parameter) in members}


@pytest.fixture(params=["s4d", "rnn", "rnn-linear"])
def model(request):
    mixer, _, linear = request.param.partition("-")
    options = {"nonlinearity": None} if linear else {}
    return build(ModelConfig(3, 4, mixer=mixer, mixer_options=options, d_model=6, channel_mixing="mlp"))


def test_every_parameter_is_in_exactly_one_group(model):
    counts = collections.Counter(id(parameter) for group in groups_of(model) for parameter in group["params"])
    assert set(counts) == {id(parameter) for parameter in model.parameters()}
    assert set(counts.values()) == {1}


def test_dynamics_do_not_decay_and_have_their_own_rate():
    model = build(ModelConfig(3, 4, d_model=6))
    (dynamics,) = (group for group in groups_of(model) if group["name"] == "dynamics")
    assert (dynamics["lr"], dynamics["weight_decay"]) == (1e-3, 0.0)
    wanted = {f"backbone.blocks.{n}.mixer.{name}" for n in (0, 1) for name in DYNAMICS["s4d"]}
    assert names_of(model, dynamics) == wanted


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("name", sorted({*DYNAMICS, *WITHOUT}))
def test_the_dynamics_of_every_mixer(name, bidirectional):
    options = {**SIZES.get(name, {}), "bidirectional": bidirectional}
    layer = mixers.build("rnn" if name == "rnn-linear" else name, 6, options=options)
    found = {group["name"]: names_of(layer, group) for group in parameter_groups(layer, 1e-2, 1e-3, 0.05)}
    wanted = DYNAMICS.get(name, set()) | (REVERSE.get(name, set()) if bidirectional else set())
    assert found.get("dynamics", set()) == wanted


def test_every_mixer_is_in_the_table():
    assert {*DYNAMICS, *WITHOUT} - {"rnn-linear"} == set(mixers)


def test_what_has_one_dimension_does_not_decay():
    model = build(ModelConfig(3, 4, d_model=6, norm="rms"))
    (plain,) = (group for group in groups_of(model) if group["name"] == "plain")
    assert (plain["lr"], plain["weight_decay"]) == (1e-2, 0.0)
    names = names_of(model, plain)
    assert {"encoder.bias", "norm.weight", "backbone.blocks.0.norm.weight", "head.bias"} <= names
    assert "backbone.blocks.1.mixer.D" in names
    assert all(model.get_parameter(name).dim() == 1 for name in names)


def test_the_rest_decays():
    model = build(ModelConfig(3, 4, d_model=6))
    (decayed,) = (group for group in groups_of(model) if group["name"] == "decayed")
    assert (decayed["lr"], decayed["weight_decay"]) == (1e-2, 0.05)
    assert {"encoder.weight", "head.weight", "backbone.blocks.0.mixer.C"} <= names_of(model, decayed)


def test_no_group_is_empty_and_an_optimiser_takes_them(model):
    groups = groups_of(model)
    assert all(group["params"] for group in groups)
    optimiser = torch.optim.AdamW(groups)
    assert [group["lr"] for group in optimiser.param_groups] == [group["lr"] for group in groups]


def test_frozen_parameters_are_left_out():
    model = build(ModelConfig(3, 4, d_model=6))
    model.encoder.requires_grad_(False)
    held = {id(parameter) for group in groups_of(model) for parameter in group["params"]}
    assert id(model.encoder.weight) not in held
    assert id(model.head.weight) in held
