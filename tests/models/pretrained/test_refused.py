"""Checkpoints that are not read, and what is said of them.

Oracle: what was changed in a checkpoint that is read. Tolerances: none.
"""

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.models.pretrained.published import published, read_config, write_config, write_original

from clew.models import LanguageModel

MIXER = "backbone.layers.1.mixer."


@pytest.fixture
def mamba(tmp_path):
    published("mamba").save_pretrained(tmp_path)
    return tmp_path


@pytest.fixture
def mamba2(tmp_path):
    published("mamba2, one group").save_pretrained(tmp_path)
    return tmp_path


@pytest.fixture
def original(tmp_path):
    write_original(tmp_path, published("mamba2, one group"))
    return tmp_path


def change(folder, **tensors):
    """Put tensors in, or take those out that are ``None``; a dot is written ``__``."""
    path = folder / "model.safetensors"
    there = load_file(path)
    for name, tensor in tensors.items():
        there[name.replace("__", ".")] = tensor
    save_file({name: tensor for name, tensor in there.items() if tensor is not None}, path)


def refused(folder, message):
    with pytest.raises(ValueError, match=message) as error:
        LanguageModel.from_pretrained(folder)
    return str(error.value)


def test_every_tensor_that_does_not_fit_is_named_at_once(mamba):
    change(
        mamba,
        backbone__norm_f__weight=None,
        backbone__layers__1__mixer__D=None,
        backbone__layers__1__mixer__d=torch.ones(48),
        backbone__layers__0__mixer__in_proj__weight=torch.ones(24, 96),
        backbone__layers__2__norm__weight=torch.ones(24),
    )
    lines = refused(mamba, "do not fit the model that its config.json describes").split("\n  ")
    assert str(mamba) in lines[0]
    assert sorted(lines[1:]) == [
        "misshapen: backbone.layers.0.mixer.in_proj.weight (24, 96), wanted (96, 24)",
        f"missing: {MIXER}D (48,)",
        "missing: backbone.norm_f.weight (24,)",
        "not known: backbone.layers.1.mixer.d (48,)",
        "not known: backbone.layers.2.norm.weight (24,)",
    ]


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({"num_hidden_layers": 1}, ["not known: backbone.layers.1.norm.weight (24,)"]),
        (
            {"hidden_size": 32, "intermediate_size": 64},
            ["misshapen: backbone.norm_f.weight (24,), wanted (32,)"],
        ),
        ({"state_size": 7}, [f"misshapen: {MIXER}A_log (48, 6), wanted (48, 7)"]),
        ({"time_step_rank": 4}, [f"misshapen: {MIXER}dt_proj.weight (48, 2), wanted (48, 4)"]),
        ({"use_bias": True}, [f"missing: {MIXER}in_proj.bias (96,)", f"missing: {MIXER}out_proj.bias (24,)"]),
        ({"use_conv_bias": False}, [f"not known: {MIXER}conv1d.bias (48,)"]),
        ({"conv_kernel": 3}, [f"misshapen: {MIXER}conv1d.weight (48, 1, 4), wanted (48, 1, 3)"]),
        ({"tie_word_embeddings": False}, ["missing: lm_head.weight (101, 24)"]),
        ({"rms_norm": False}, ["missing: backbone.norm_f.bias (24,)"]),
        ({"vocab_size": 80}, ["misshapen: backbone.embeddings.weight (101, 24), wanted (80, 24)"]),
    ],
    ids=str,
)
def test_a_field_goes_before_a_shape(fields, lines, mamba):
    write_config(mamba, read_config(mamba) | fields)
    message = refused(mamba, "do not fit")
    assert all(line in message.split("\n  ") for line in lines)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"hidden_act": "gelu"}, "hidden_act in config.json is silu.*got 'gelu'"),
        ({"hidden_size": "24"}, "hidden_size in config.json is a whole number of at least 1; got '24'"),
        ({"hidden_size": 0}, "hidden_size in config.json is a whole number of at least 1; got 0"),
        ({"num_hidden_layers": True}, "num_hidden_layers in config.json is a whole number"),
        ({"use_bias": 1}, "use_bias in config.json is true or false; got 1"),
        (
            {"layer_norm_epsilon": "tiny"},
            "layer_norm_epsilon in .* is a positive number; got 'tiny'",
        ),
        ({"layer_norm_epsilon": float("inf")}, "layer_norm_epsilon in config.json is a positive number"),
        ({"intermediate_size": 30}, "30 inner channels with 24 channels; a whole multiple is needed"),
        ({"ssm_cfg": [1]}, r"ssm_cfg in config.json is a mapping; got \[1\]"),
        ({"attn_layer_idx": [1]}, "models with attention layers are not supported"),
        ({"d_intermediate": 48}, "a network beside each mixer are not supported"),
    ],
    ids=str,
)
def test_fields_that_ask_for_what_there_is_not(fields, message, mamba):
    write_config(mamba, read_config(mamba) | fields)
    refused(mamba, message)


@pytest.mark.parametrize("limit", [[0.0, 0.1], [0.001, float("inf")], [0.0], 3])
def test_steps_with_a_limit(limit, mamba2):
    write_config(mamba2, read_config(mamba2) | {"time_step_limit": limit})
    refused(mamba2, "time_step_limit in config.json is from 0 to infinity")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "Mamba3"}, "layer in ssm_cfg is Mamba1 or Mamba2; 'Mamba3' is not supported"),
        ({"layer": "Mamba1"}, "layer in ssm_cfg is 'Mamba1', and the tensors are those of Mamba2"),
        ({"rmsnorm": 3}, "rmsnorm in config.json is true or false"),
        ({"norm_before_gate": True}, "norm_before_gate in config.json is False"),
        ({"D_has_hdim": True}, "D_has_hdim in config.json is False"),
        ({"d_ssm": 24}, "d_ssm in config.json is all 48 inner channels"),
        ({"dt_limit": [0.0, 1.0]}, "dt_limit in config.json is from 0 to infinity"),
        ({"twist": 1, "dt_rank": 3}, "options that are not known here: dt_rank, twist"),
    ],
    ids=str,
)
def test_layers_of_the_original_that_there_are_not(options, message, original):
    content = read_config(original)
    write_config(original, content | {"ssm_cfg": content["ssm_cfg"] | options})
    refused(original, message)


def test_options_that_concern_the_start_or_the_speed_are_passed_over(original):
    content = read_config(original)
    layer = content["ssm_cfg"] | {"chunk_size": 64, "dt_min": 0.1, "A_init_range": [1, 2], "d_ssm": 48}
    write_config(original, content | {"ssm_cfg": layer, "attn_layer_idx": [], "d_intermediate": 0})
    LanguageModel.from_pretrained(original)


def test_the_original_s_mamba2_without_a_norm_has_no_weights_for_one(original):
    content = read_config(original)
    write_config(original, content | {"ssm_cfg": content["ssm_cfg"] | {"rmsnorm": False}})
    assert f"not known: {MIXER}norm.weight (48,)" in refused(original, "do not fit")
    change(original, backbone__layers__0__mixer__norm__weight=None)
    change(original, backbone__layers__1__mixer__norm__weight=None)
    assert LanguageModel.from_pretrained(original).backbone.blocks[1].mixer.norm is None


def test_a_head_that_is_not_the_embedding_it_is_said_to_be(mamba):
    change(mamba, lm_head__weight=torch.ones(101, 24))
    refused(mamba, "lm_head.weight is not the embedding, though config.json says so")
    change(mamba, lm_head__weight=torch.ones(100, 24))
    refused(mamba, "lm_head.weight is not the embedding, though config.json says so")


def test_whole_numbers_are_no_weights(mamba):
    change(mamba, backbone__layers__1__mixer__D=torch.ones(48, dtype=torch.int8))
    refused(mamba, "quantised checkpoints are not supported")


def test_tensors_of_another_architecture(mamba):
    save_file({"model.layers.0.self_attn.q_proj.weight": torch.ones(2)}, mamba / "model.safetensors")
    refused(mamba, "no checkpoint of Mamba, Mamba-2 or Falcon-Mamba: .*self_attn.q_proj")


def test_an_embedding_under_a_third_name(mamba):
    table = load_file(mamba / "model.safetensors")["backbone.embeddings.weight"]
    change(mamba, backbone__embeddings__weight=None, backbone__embed__weight=table)
    lines = refused(mamba, "do not fit").split("\n  ")
    assert "missing: backbone.embeddings.weight (101, 24)" in lines
    assert "not known: backbone.embed.weight (101, 24)" in lines


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not a JSON file"),
        ("[]", "it holds no mapping"),
        ('{"clew": "1", "format": 2, "model": {}}', "has format 2; this version of clew reads format 1"),
        ('{"clew": "1", "format": 1, "model": {"n_classes": 2}}', "no language model; clew.load opens"),
        (
            '{"clew": "1", "format": 1, "model": {"n_tokens": 2, "new": 1}}',
            "does not know new, which config.json",
        ),
    ],
)
def test_configs_that_are_none(content, message, mamba):
    (mamba / "config.json").write_text(content)
    refused(mamba, message)


def test_our_own_layout_is_held_to_its_tensors(tmp_path, mamba):
    own = tmp_path / "own"
    LanguageModel.from_pretrained(mamba).save_pretrained(own)
    change(own, norm__weight=None, more=torch.ones(2))
    lines = refused(own, "do not fit").split("\n  ")
    assert lines[1:] == ["missing: norm.weight (24,)", "not known: more (2,)"]


def test_numbers_of_a_dtype_that_is_no_floating_point(mamba):
    with pytest.raises(ValueError, match=r"dtype is a floating-point one; got torch.int8"):
        LanguageModel.from_pretrained(mamba, dtype=torch.int8)
