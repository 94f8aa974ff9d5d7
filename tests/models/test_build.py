"""Models from configurations.

Oracle: the configuration's own fields, found again in what was built.
"""

import dataclasses
import json

import pytest
import torch

from clew.models import ModelConfig, build


def test_every_field_is_used():
    config = ModelConfig(
        d_input=3,
        n_classes=5,
        mixer="rnn",
        mixer_options={"d_state": 7},
        d_model=6,
        n_layers=4,
        norm="rms",
        activation="silu",
        channel_mixing="mlp",
        dropout=0.25,
        pooling="last",
    )
    model = build(config)
    block = model.backbone.blocks[3]
    assert model.config is config
    assert len(model.backbone.blocks) == 4
    assert model.encoder.weight.shape == (6, 3)
    assert model.head.weight.shape == (5, 6)
    assert block.mixer.d_state == 7
    assert isinstance(block.norm, torch.nn.RMSNorm)
    assert isinstance(model.norm, torch.nn.RMSNorm)
    assert isinstance(block.activation, torch.nn.SiLU)
    assert block.channel_mixing[0].out_features == 12
    assert block.dropout.p == 0.25
    assert model(torch.zeros(2, 9, 3))[0].shape == (2, 5)


def test_a_configuration_goes_through_json():
    config = ModelConfig(3, 5, mixer_options={"d_state": 16, "init": "lin"})
    again = ModelConfig(**json.loads(json.dumps(dataclasses.asdict(config))))
    assert again == config


def test_the_same_seed_builds_the_same_model():
    models = []
    for _ in range(2):
        torch.manual_seed(5)
        models.append(build(ModelConfig(3, 5, d_model=8)))
    for one, other in zip(*(model.state_dict().values() for model in models), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mixer": "s4f"}, "unknown mixer 's4f'; did you mean 's4'"),
        ({"mixer_options": {"d_sate": 4}}, "'d_sate'; did you mean 'd_state'"),
        ({"mixer_options": {"init": "legz"}}, "'legz'; did you mean 'legs'"),
        ({"norm": "lay"}, "unknown norm 'lay'; did you mean 'layer'"),
        ({"activation": "gello"}, "unknown activation 'gello'; did you mean 'gelu'"),
        ({"channel_mixing": "mpl"}, "unknown channel_mixing 'mpl'; did you mean 'mlp'"),
        ({"pooling": "men"}, "unknown pooling 'men'; did you mean 'mean'"),
        ({"d_model": 0}, "d_model is at least 1; got 0"),
        ({"n_layers": 0}, "n_layers is at least 1; got 0"),
        ({"d_input": 0}, "d_input is at least 1; got 0"),
        ({"n_classes": -1}, "n_classes is at least 1; got -1"),
        ({"dropout": 1.0}, "at least 0 and below 1; got 1.0"),
    ],
)
def test_what_cannot_be_built_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        build(dataclasses.replace(ModelConfig(3, 5, d_model=4), **changes))
