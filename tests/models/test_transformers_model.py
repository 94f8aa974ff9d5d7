"""clew's language models in ``transformers``: loaded, saved, generated with.

Oracle: the language model itself. Tolerances: TOLERANCES; tokens are compared as they are.
"""

import dataclasses

import pytest
import torch
from tests.models.generation.models import MIXERS, N_TOKENS, prompts, small_model
from transformers import AutoModelForCausalLM

from clew.models import LanguageModel
from clew.models.transformers_model import ClewForCausalLM, register

TOLERANCES = {
    "float64": 1e-11,  # the same operations in another order
    "float32": 1e-5,  # transformers computes its losses, and adds up the scores of beams, in float32
}

register()


def close(actual, wanted):
    torch.testing.assert_close(actual, wanted, rtol=0, atol=TOLERANCES["float64"])


@pytest.fixture(params=MIXERS)
def mixer(request) -> str:
    return request.param


@pytest.fixture
def pair(mixer, tmp_path):
    """The model, and what ``transformers`` opens from its folder."""
    model = small_model(mixer, padded_to=40)
    model.save_pretrained(tmp_path)
    return model, AutoModelForCausalLM.from_pretrained(tmp_path)


def test_it_opens_what_clew_saved_and_clew_opens_what_it_saved(pair, tmp_path):
    model, auto = pair
    assert type(auto) is ClewForCausalLM
    assert not auto.training
    tokens = torch.tensor(prompts(9, 9))
    close(auto(tokens).logits, model(tokens)[0])
    auto.save_pretrained(tmp_path / "again")
    again = LanguageModel.from_pretrained(tmp_path / "again")
    assert again.config == model.config
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)


def test_greedy_generation_is_the_same_token_for_token(pair):
    model, auto = pair
    for prompt in prompts(1, 7):
        text = auto.generate(torch.tensor([prompt]), max_new_tokens=30, do_sample=False)
        assert text[0, len(prompt) :].tolist() == model.generate([prompt], 30, temperature=0)[0]


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_is_not_read(pair, side):
    model, auto = pair
    texts, width = prompts(3, 8, 1), 8
    tokens, mask = torch.full((3, width), 5), torch.zeros(3, width, dtype=torch.long)
    for row, text in enumerate(texts):
        place = slice(width - len(text), None) if side == "left" else slice(len(text))
        tokens[row, place], mask[row, place] = torch.tensor(text), 1
    logits = auto(tokens, attention_mask=mask).logits
    for row, text in enumerate(texts):
        close(logits[row, mask[row].bool()], model(torch.tensor([text]))[0][0])
    if side == "left":
        out = auto.generate(tokens, attention_mask=mask, max_new_tokens=12, do_sample=False)
        assert out[:, width:].tolist() == model.generate(texts, 12, temperature=0)


def test_a_state_is_gone_on_with(pair):
    model, auto = pair
    (prompt, more) = prompts(6, 4)
    expected = auto.generate(torch.tensor([prompt]), max_new_tokens=10, do_sample=False)
    first = auto.generate(
        torch.tensor([prompt]), max_new_tokens=5, do_sample=False, return_dict_in_generate=True
    )
    rest = auto.generate(
        first.sequences, past_key_values=first.past_key_values, max_new_tokens=5, do_sample=False
    )
    assert torch.equal(rest, expected)
    with torch.no_grad():
        before = auto(torch.tensor([prompt]), use_cache=True)
        after = auto(torch.tensor([more]), past_key_values=before.past_key_values)
    close(after.logits[0], model(torch.tensor([[*prompt, *more]]))[0][0, 6:])
    assert after.past_key_values.get_seq_length() == 10


def test_a_search_by_beams_takes_the_states_along(mixer):
    """The best text of beams is at least as probable as the greedy one, by the model itself."""
    model = small_model(mixer)
    auto = ClewForCausalLM.of(model)
    (prompt,) = prompts(4)
    out = auto.generate(
        torch.tensor([prompt]),
        max_new_tokens=6,
        num_beams=4,
        do_sample=False,
        return_dict_in_generate=True,
        output_scores=True,
        length_penalty=0.0,
    )
    tokens = out.sequences[:, len(prompt) :]
    of_each = model(out.sequences)[0].log_softmax(-1)[0, len(prompt) - 1 : -1]
    wanted = of_each.gather(1, tokens[0][:, None]).sum()
    torch.testing.assert_close(out.sequences_scores[0].double(), wanted, rtol=0, atol=TOLERANCES["float32"])


def test_gradients_and_loss_are_those_of_the_model(mixer):
    model = small_model(mixer)
    auto = ClewForCausalLM.of(model)
    tokens = torch.tensor(prompts(9, 9))
    loss = auto(tokens, labels=tokens).loss
    logits = model(tokens)[0]
    expected = torch.nn.functional.cross_entropy(
        logits[:, :-1].reshape(-1, N_TOKENS), tokens[:, 1:].flatten()
    )
    torch.testing.assert_close(loss.double(), expected, rtol=0, atol=1e-5)
    loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_a_state_cannot_go_back():
    auto = ClewForCausalLM.of(small_model())
    cache = auto(torch.tensor([[1, 2]])).past_key_values
    with pytest.raises(ValueError, match="cannot go back"):
        cache.crop(1)


def test_the_configuration_is_that_of_the_model():
    model = small_model()
    config = ClewForCausalLM.of(model).config
    assert (config.vocab_size, config.model) == (N_TOKENS, dataclasses.asdict(model.config))
