"""The language model: whole texts, chunks, padded rows and single tokens give the same logits.

Oracles: the pieces put together by hand for the architecture; the model run another way for the views.
Tolerances: TOLERANCES.
"""

import dataclasses

import pytest
import torch
from torch.nn.functional import layer_norm, rms_norm

from clew.models import LanguageModelConfig, build

TOLERANCES = {
    "float64": 1e-11,  # the same operations in another order
    "float32": 1e-5,  # the same in float32
    "bfloat16": 6e-2,  # of the mean logit: what runs inside a block has 8 bits; 0.035 is the worst seen
}

BATCH, TIME, TOKENS = 3, 17, 53
CONFIG = LanguageModelConfig(TOKENS, d_model=16, n_layers=2, mixer_options={"d_state": 8})
VARIANTS = pytest.mark.parametrize(
    "changes",
    [
        {"mixer": "mamba"},
        {"mixer": "mamba2", "tied": False},
        {"mixer": "s4d", "padded_to": 56, "activation": "gelu", "channel_mixing": "glu"},
        {"mixer": "lstm", "mixer_options": {}, "norm": "layer", "tied": False, "padded_to": 64},
    ],
    ids=lambda changes: changes["mixer"],
)


def model_with(dtype=torch.float64, **changes):
    model = build(dataclasses.replace(CONFIG, **changes))
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model.to(dtype).eval()


def texts(time=TIME):
    return torch.randint(TOKENS, (BATCH, time))


def flat(state):
    return [part for mixer in state for part in mixer]


def close(actual, wanted, tolerance="float64"):
    torch.testing.assert_close(actual, wanted, rtol=0, atol=TOLERANCES[tolerance])


@VARIANTS
def test_it_is_embedding_blocks_norm_and_head(changes):
    model, tokens = model_with(**changes), texts()
    x = model.embedding.weight[tokens]
    for block in model.backbone.blocks:
        x, _ = block(x)
    if model.config.norm == "rms":
        x = rms_norm(x, (16,), model.norm.weight, 1e-5)
    else:
        x = layer_norm(x, (16,), model.norm.weight, model.norm.bias, 1e-5)
    head = model.embedding.weight if model.config.tied else model.head.weight
    close(model(tokens)[0], x @ head[:TOKENS].T)


def test_the_norms_take_the_epsilon():
    model = model_with(norm_epsilon=0.5)
    assert model.norm.eps == 0.5
    assert [block.norm.eps for block in model.backbone.blocks] == [0.5, 0.5]


@VARIANTS
def test_steps_and_chunks_are_the_whole(changes):
    model, tokens = model_with(**changes), texts()
    whole, after = model(tokens)
    state, constants, seen = model.initial_state(BATCH), model.constants(), []
    for k in range(5):
        logits, state = model.step(tokens[:, k], state, constants=constants)
        seen.append(logits[:, None])
    for chunk in (tokens[:, 5:6], tokens[:, 6:6], tokens[:, 6:]):
        logits, state = model(chunk, state)
        seen.append(logits)
    close(torch.cat(seen, 1), whole)
    for one, other in zip(flat(state), flat(after), strict=True):
        close(one, other)


@VARIANTS
def test_padding_is_inert_and_the_prompt_s_last_logits_are_those_of_the_whole(changes):
    model, tokens, lengths = model_with(**changes), texts(), torch.tensor([17, 4, 1])
    logits, after = model(tokens, lengths=lengths)
    last, after_prompt = model.prefill(tokens, lengths=lengths)
    for row, length in enumerate(lengths.tolist()):
        alone, state = model(tokens[row : row + 1, :length])
        close(logits[row, :length], alone[0])
        assert not logits[row, length:].any()
        close(last[row], alone[0, -1])
        for parts in (flat(after), flat(after_prompt)):
            for one, other in zip(parts, flat(state), strict=True):
                close(one[row : row + 1], other)
    close(model.prefill(tokens)[0], model(tokens)[0][:, -1])


def test_packed_texts_are_separate():
    model, tokens = model_with(), texts()
    segments = torch.tensor([0] * 6 + [1] * 11).expand(BATCH, -1)
    packed, _ = model(tokens, segments=segments)
    close(packed, torch.cat([model(tokens[:, :6])[0], model(tokens[:, 6:])[0]], 1))


@VARIANTS
def test_sixteen_bits_lose_what_they_must(changes):
    exact, model, tokens = model_with(**changes), model_with(torch.bfloat16, **changes), texts()
    exact.load_state_dict({name: value.double() for name, value in model.state_dict().items()})
    logits, state = model(tokens)
    assert logits.dtype == torch.float32
    assert {part.dtype for part in flat(state)} == {torch.float32}
    size = exact(tokens)[0].abs().mean()
    close(logits.double() / size, exact(tokens)[0] / size, "bfloat16")


def test_tied_weights_are_one_parameter():
    assert [name for name, _ in model_with().named_parameters() if "head" in name] == []
    assert [name for name, _ in model_with(tied=False).named_parameters() if "head" in name] == [
        "head.weight"
    ]


def test_the_outputs_start_smaller_the_deeper_the_model():
    torch.manual_seed(0)
    shallow = build(dataclasses.replace(CONFIG, n_layers=1))
    torch.manual_seed(0)
    deep = build(dataclasses.replace(CONFIG, n_layers=4))
    one, other = (model.backbone.blocks[0].mixer.out_proj.weight for model in (shallow, deep))
    close(other, one / 2, "float32")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: model(torch.zeros(3, dtype=torch.long)), r"tokens are \(batch, time\)"),
        (lambda model: model(torch.zeros(3, 4)), "tokens are integers; got torch.float32"),
        (lambda model: model(torch.full((1, 2), TOKENS)), f"from 0 to {TOKENS - 1}; got {TOKENS}"),
        (lambda model: model(torch.full((1, 2), -1)), "got -1"),
        (lambda model: model(torch.zeros(1, 2, dtype=torch.long), lengths=torch.tensor([3])), "lengths lie"),
        (lambda model: model.step(torch.zeros(1, 1, dtype=torch.long), model.initial_state(1)), "token is"),
        (lambda model: model.prefill(torch.zeros(1, 0, dtype=torch.long)), "at least one token"),
        (
            lambda model: model.prefill(torch.zeros(2, 3, dtype=torch.long), lengths=torch.tensor([3, 0])),
            "at least one token",
        ),
    ],
)
def test_what_cannot_be_read_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(model_with(padded_to=56))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"padded_to": 52}, "padded_to is at least n_tokens, 53; got 52"),
        ({"n_tokens": 0}, "n_tokens is at least 1"),
        ({"mixer": "mamba3"}, "did you mean 'mamba"),
    ],
)
def test_what_cannot_be_built_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        build(dataclasses.replace(CONFIG, **changes))
