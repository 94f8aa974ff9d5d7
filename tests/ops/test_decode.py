"""A whole model's step in one call, and the panels that its weights lie in.

Oracles: the model run in parallel in float64 on the rounded weights, for values; for the layout and the
rounding the rules in panels.py, written out by hand; a call with one thread, to the same bits.
Tolerances: VALUES, float32 against float64, of the largest number: sums of some hundred terms, three layers.
LONG: the same after 2,000 steps, each of which rounds the states once. HALF_STEP: half a scale, which is at
most max |w| / 127 and the next bfloat16, 2⁻⁷ more; and what float32 loses.
"""

import pytest
import torch
from tests.ops.cases import assert_near, every_backend_of

from clew.models import Decoder, LanguageModelConfig, build, rounded
from clew.ops import backends, decode, use_backend
from clew.ops.decode.panels import pack, unpack

VALUES, LONG = 5e-6, 2e-5
HALF_STEP = 0.5 / 127 * (1 + 2**-7) * (1 + 1e-6)
KINDS = ("float32", "bfloat16", "int8")
TOKENS = 53
MODELS = {
    "mamba": {"mixer": "mamba", "d_model": 20, "mixer_options": {"bias": True}},
    "mamba-odd": {
        "mixer": "mamba",
        "d_model": 37,
        "mixer_options": {"d_state": 5, "dt_rank": 3, "conv_bias": False, "d_conv": 3},
        "norm": "layer",
        "tied": False,
        "padded_to": 64,
    },
    "mamba-one-tap": {"mixer": "mamba", "d_model": 150, "n_layers": 1, "mixer_options": {"d_conv": 1}},
    "mamba2": {
        "mixer": "mamba2",
        "d_model": 24,
        "mixer_options": {"d_state": 16, "n_groups": 2, "head_dim": 6, "bias": True},
    },
    "mamba2-odd": {
        "mixer": "mamba2",
        "d_model": 33,
        "mixer_options": {"d_state": 7, "n_groups": 3, "head_dim": 11},
        "norm": "none",
        "tied": False,
    },
}
each_model = pytest.mark.parametrize("name", MODELS)
each_kind = pytest.mark.parametrize("kind", KINDS)
each_backend = every_backend_of("decode")


def model_of(name):
    model = build(LanguageModelConfig(**({"n_tokens": TOKENS, "n_layers": 3} | MODELS[name])))
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model.eval()


def texts(batch, time):
    return torch.randint(TOKENS, (batch, time))


def read(decoder, tokens, state):
    """The logits after each token, and the last state."""
    logits = []
    for token in tokens.unbind(1):
        after, state = decoder.step(token, state)
        logits.append(after)
    return torch.stack(logits, 1), state


def assert_same_states(actual, expected, tolerance):
    for one, other in zip(actual, expected, strict=True):
        for part, wanted in zip(one, other, strict=True):
            assert_near(part, wanted, tolerance)


@each_backend
@each_kind
@each_model
def test_steps_equal_the_model_on_the_rounded_weights(name, kind, backend):
    model, tokens = model_of(name), texts(3, 5)
    decoder = Decoder(model, kind)
    with use_backend(backend):
        logits, state = read(decoder, tokens, decoder.initial_state(3))
    with torch.no_grad():
        wanted, after = rounded(model, kind).double()(tokens)
    assert_near(logits, wanted, VALUES)
    assert_same_states(state, after, VALUES)
    assert [type(part) for part in state] == [type(part) for part in after]


@each_backend
@pytest.mark.parametrize("batch", [0, 1, 2, 4, 5, 9])
@pytest.mark.parametrize("name", ["mamba-odd", "mamba2"])
def test_rows_of_a_batch_are_alone(name, batch, backend):
    decoder, tokens = Decoder(model_of(name), "int8"), texts(batch, 3)
    with use_backend(backend):
        logits, _ = read(decoder, tokens, decoder.initial_state(batch))
        alone = [read(decoder, row[None], decoder.initial_state(1))[0] for row in tokens]
    assert logits.shape == (batch, 3, TOKENS)
    for row, one in zip(logits, alone, strict=True):
        assert_near(row, one[0], VALUES)


@pytest.mark.skipif("native" not in backends()["decode"].available, reason="not compiled")
@each_kind
@pytest.mark.parametrize("name", ["mamba-one-tap", "mamba2"])
def test_the_same_bits_for_any_number_of_threads(name, kind):
    decoder, tokens = Decoder(model_of(name), kind), texts(3, 20)
    before, found = torch.get_num_threads(), []
    for threads in (1, 2, 3, 8):
        torch.set_num_threads(threads)
        found.append(read(decoder, tokens, decoder.initial_state(3)))
    torch.set_num_threads(before)
    for logits, state in found[1:]:
        assert torch.equal(logits, found[0][0])
        assert torch.equal(state.packed, found[0][1].packed)


@pytest.mark.parametrize("name", ["mamba", "mamba2"])
def test_two_thousand_steps(name):
    model, tokens = model_of(name), texts(1, 2000)
    decoder = Decoder(model)
    logits, state = read(decoder, tokens, decoder.initial_state(1))
    with torch.no_grad():
        wanted, after = model.double()(tokens)
    assert_near(logits, wanted, LONG)
    assert_same_states(state, after, LONG)


@each_backend
def test_a_step_leaves_the_state_before_it_as_it_is(backend):
    decoder = Decoder(model_of("mamba2"))
    token, state = torch.tensor([1, 2]), decoder.initial_state(2)
    with use_backend(backend):
        first, after = decoder.step(token, state)
        assert not state.packed.any()
        again, _ = decoder.step(token, state)
    assert after.packed.any()
    assert torch.equal(first, again)


@pytest.mark.parametrize(
    ("token", "numbers", "says"),
    [
        (torch.tensor([TOKENS]), None, "from 0 to 52"),
        (torch.tensor([-1]), None, "from 0 to 52"),
        (torch.tensor([[1]]), None, r"token is \(batch,\)"),
        (torch.tensor([1.0]), None, r"token is \(batch,\)"),
        (torch.tensor([1]), 3, "state is"),
        (torch.tensor([1, 2]), None, "state is"),
    ],
)
def test_what_does_not_fit_is_refused(token, numbers, says):
    decoder = Decoder(model_of("mamba"))
    state = decoder.initial_state(1).packed
    with pytest.raises(ValueError, match=says):
        decode(token, state if numbers is None else state[:, :numbers], decoder.weights)


def test_where_the_numbers_lie():
    weight = torch.randn(20, 34)
    for kind, bytes_of_panel in (("float32", 34 * 64), ("bfloat16", 34 * 32), ("int8", 2 * 544)):
        packed = pack(weight, kind, parts=(3, 17))
        assert packed.panels.shape == (3, bytes_of_panel)  # of 3 rows, 16 and 1
        panel = packed.panels[1]  # rows 3 to 18
        row, column = 3 + 5, 33
        if kind == "float32":
            number = panel.view(torch.float32)[column * 16 + 5]
        elif kind == "bfloat16":
            number = panel.view(torch.bfloat16)[column // 2 * 32 + 5 * 2 + column % 2].float()
        else:
            block = panel[544:]
            whole, scale = block[(column - 32) * 16 + 5].view(torch.int8), block[512:].view(torch.bfloat16)[5]
            number = whole * scale.float()
        assert number == unpack(packed)[row, column]
        assert_near(number, weight[row, column], {"float32": 0, "bfloat16": 2**-8, "int8": 2**-7}[kind])


def test_rounding_is_what_it_says():
    weight = torch.randn(50, 70) * torch.logspace(-20, 20, 50)[:, None]
    assert torch.equal(unpack(pack(weight, "float32")), weight)
    assert torch.equal(unpack(pack(weight, "bfloat16")), weight.bfloat16().float())
    error = (unpack(pack(weight, "int8")) - weight).abs()
    for first in (0, 32, 64):
        block = slice(first, first + 32)
        largest = weight[:, block].abs().amax(1, keepdim=True)
        assert (error[:, block] <= HALF_STEP * largest).all()


def test_whole_numbers_and_zeros_stay_as_they_are():
    weight = torch.randint(-127, 128, (16, 32)).float()
    weight[:, 3] = 127
    weight[5] = 0
    assert torch.equal(unpack(pack(weight, "int8")), weight)


def test_weights_that_are_not_finite_cannot_be_whole_numbers():
    with pytest.raises(ValueError, match="not finite"):
        pack(torch.tensor([[1.0, float("nan")]]), "int8")
