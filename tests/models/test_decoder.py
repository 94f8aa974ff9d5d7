"""The decoder beside the model that it was made of.

Oracle: the model itself, whose step is held to its published equations elsewhere.
Tolerances: NEAR, of logits of order one: the same float32 sums in another order.
"""

import copy

import pytest
import torch

from clew.models import Decoder, LanguageModelConfig, build, rounded

NEAR = {"rtol": 0, "atol": 1e-5}
TOKENS = 37
TEXT = torch.tensor([[1, 5, 30, 2, 2], [7, 36, 0, 9, 4]])
MIXERS = pytest.mark.parametrize("mixer", ["mamba", "mamba2"])


def model_of(mixer, **changes):
    return build(LanguageModelConfig(TOKENS, mixer, d_model=16, n_layers=2, **changes)).eval()


@MIXERS
def test_states_go_from_the_model_to_the_decoder_and_back(mixer):
    model = model_of(mixer)
    decoder = Decoder(model)
    with torch.no_grad():
        _, state = model.prefill(TEXT[:, :2])
        second, by_model = model.step(TEXT[:, 2], state)
        found, by_decoder = decoder.step(TEXT[:, 2], state)
        torch.testing.assert_close(found, second, **NEAR)
        torch.testing.assert_close(tuple(by_decoder), by_model, **NEAR)
        after, _ = model(TEXT[:, 3:], by_decoder)
        wanted, _ = model(TEXT[:, 3:], by_model)
    torch.testing.assert_close(after, wanted, **NEAR)
    torch.testing.assert_close(tuple(decoder.initial_state(3)), model.initial_state(3))


def test_the_weights_are_a_copy():
    model = model_of("mamba")
    decoder = Decoder(model)
    before, _ = decoder.step(TEXT[:, 0], decoder.initial_state(2))
    for parameter in model.parameters():
        parameter.data.zero_()
    after, _ = decoder.step(TEXT[:, 0], decoder.initial_state(2))
    assert torch.equal(before, after)


def test_a_model_of_16_bits_decodes_in_32():
    model = model_of("mamba2").bfloat16()
    decoder = Decoder(model)
    logits, _ = decoder.step(TEXT[:, 0], decoder.initial_state(2))
    with torch.no_grad():
        wanted, _ = copy.deepcopy(model).float().step(TEXT[:, 0], model.initial_state(2))
    torch.testing.assert_close(logits, wanted, **NEAR)


def test_a_rounded_model_is_another_one():
    model = model_of("mamba")
    before = copy.deepcopy(model.state_dict())
    other = rounded(model, "int8")
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
    changed = {
        name for name, value in other.state_dict().items() if not torch.equal(value, model.state_dict()[name])
    }
    maps = {"embedding", "in_proj", "x_proj", "dt_proj", "out_proj"}
    assert {name.split(".")[-2] for name in changed} == maps
    assert all(name.endswith("weight") for name in changed)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"mixer": "s4d"}, "takes the mixers 'mamba' and 'mamba2'; got S4D"),
        ({"activation": "gelu"}, "no blocks with an activation"),
        ({"channel_mixing": "glu"}, "no blocks with channel mixing"),
        ({"mixer_options": {"bidirectional": True}}, "bidirectional"),
    ],
)
def test_other_models_are_refused(changes, says):
    with pytest.raises(ValueError, match=says):
        Decoder(model_of(**({"mixer": "mamba"} | changes)))


def test_other_precisions_are_refused():
    with pytest.raises(ValueError, match=r"model\.float\(\) first"):
        Decoder(model_of("mamba").double())
    with pytest.raises(ValueError, match="did you mean 'bfloat16'"):
        Decoder(model_of("mamba"), "bfloat61")


def test_the_state_of_another_model_is_refused():
    with pytest.raises(ValueError, match="not one of this model"):
        Decoder(model_of("mamba")).step(TEXT[:, 0], model_of("mamba2").initial_state(2))
