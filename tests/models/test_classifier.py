"""The classifier: padded batches, chunks and single samples give the same answers.

Oracles: for the pooling the definition, spelled out with torch on the backbone's output; for steps, chunks
and padding the model run another way. Tolerances: TOLERANCES.
"""

import dataclasses
import math

import pytest
import torch
from safetensors.torch import load_file, save_file

from clew.models import ModelConfig, SequenceState, build

TOLERANCES = {
    "float64": 1e-11,  # the same operations in another order
    "float32": 1e-5,  # the same in float32
    "views": 1e-4,  # what training in parallel and running by steps promise, in float32
}

BATCH, TIME, CHANNELS, CLASSES = 4, 13, 3, 5
POOLINGS = pytest.mark.parametrize("pooling", ["mean", "last", "step"])
CONFIG = ModelConfig(CHANNELS, CLASSES, d_model=6, n_layers=2, mixer_options={"d_state": 4})


def model_with(dtype=torch.float64, **changes):
    model = build(dataclasses.replace(CONFIG, **changes))
    model.standardize(torch.tensor([1.0, -2.0, 0.5]), torch.tensor([2.0, 0.5, 1.0]))
    return model.to(dtype)


def inputs(dtype=torch.float64, time=TIME):
    return torch.randn(BATCH, time, CHANNELS, dtype=dtype)


def close(actual, wanted, tolerance="float64"):
    torch.testing.assert_close(actual, wanted, rtol=0, atol=TOLERANCES[tolerance])


def flat(state):
    return [*(part for mixer in state.backbone for part in mixer), state.pooled, state.count]


def by_steps(model, x, state=None, constants=None):
    state = model.initial_state(len(x)) if state is None else state
    answers = []
    for x_k in x.unbind(1):
        logits, state = model.step(x_k, state, constants=constants)
        answers.append(logits)
    return torch.stack(answers, dim=1), state


@POOLINGS
def test_what_the_head_reads(pooling):
    model, x = model_with(pooling=pooling), inputs()
    lengths = torch.tensor([TIME, 4, 1, 7])
    standardised = (x - torch.tensor([1.0, -2.0, 0.5])) / torch.tensor([2.0, 0.5, 1.0])
    logits, _ = model(x, lengths=lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = model.encoder(standardised[row : row + 1, :length])
        features = model.norm(model.backbone(alone)[0])[0]
        read = {"mean": features.mean(0), "last": features[-1], "step": features}[pooling]
        answer = logits[row, :length] if pooling == "step" else logits[row]
        close(answer, model.head(read))


@POOLINGS
@pytest.mark.parametrize("mixer", ["s4d", "rnn"])
def test_steps_are_the_whole(pooling, mixer):
    model, x = model_with(pooling=pooling, mixer=mixer), inputs()
    logits, final = model(x)
    for constants in (None, model.constants()):
        answers, after = by_steps(model, x, constants=constants)
        close(answers if pooling == "step" else answers[:, -1], logits)
        for one, other in zip(flat(after), flat(final), strict=True):
            close(one, other)


@POOLINGS
def test_each_step_answers_for_what_it_has_seen(pooling):
    model, x = model_with(pooling=pooling), inputs()
    answers, _ = by_steps(model, x)
    for length in range(1, TIME + 1):
        logits, _ = model(x[:, :length])
        close(answers[:, length - 1], logits[:, -1] if pooling == "step" else logits)


@POOLINGS
@pytest.mark.parametrize("splits", [[1], [4, 5, 9], list(range(1, TIME))], ids=str)
def test_chunks_are_the_whole(pooling, splits):
    model, x = model_with(pooling=pooling), inputs()
    whole, final = model(x)
    parts, state = [], None
    for chunk in x.tensor_split(splits, dim=1):
        logits, state = model(chunk, state)
        parts.append(logits)
    close(torch.cat(parts, dim=1) if pooling == "step" else parts[-1], whole)
    for one, other in zip(flat(state), flat(final), strict=True):
        close(one, other)


@POOLINGS
def test_chunks_that_end_before_their_rows_do(pooling):
    """Rows of different lengths, in chunks: some rows are over, with length 0, while others go on."""
    model, x = model_with(pooling=pooling), inputs()
    lengths = torch.tensor([TIME, 3, 0, 8])
    whole, final = model(x, lengths=lengths)
    parts, state = [], None
    for start, end in ((0, 5), (5, 9), (9, TIME)):
        logits, state = model(x[:, start:end], state, lengths=(lengths - start).clamp(0, end - start))
        parts.append(logits)
    close(torch.cat(parts, dim=1) if pooling == "step" else parts[-1], whole)
    assert state.count.tolist() == final.count.tolist() == lengths.tolist()
    for one, other in zip(flat(state), flat(final), strict=True):
        close(one, other)


@POOLINGS
def test_no_sample_at_all(pooling):
    model, x = model_with(pooling=pooling), inputs()
    logits, state = model(x, lengths=torch.zeros(BATCH, dtype=torch.int64))
    assert torch.isfinite(logits).all()
    for one, other in zip(flat(state), flat(model.initial_state(BATCH)), strict=True):
        assert torch.equal(one, other)
    if pooling == "step":
        assert not logits.any()
    else:
        close(logits, model.head.bias.expand(BATCH, -1))


@POOLINGS
@pytest.mark.parametrize("filling", [1e30, math.nan])
def test_padding_is_inert(pooling, filling):
    model, x = model_with(torch.float32, pooling=pooling), inputs(torch.float32)
    lengths = torch.tensor([TIME, 4, 0, 7])
    results = []
    for value in (0.0, filling):
        padded = x.clone()
        for row, length in enumerate(lengths):
            padded[row, length:] = value
        logits, state = model(padded, lengths=lengths)
        gradients = torch.autograd.grad(logits.square().sum(), list(model.parameters()))
        results.append([logits, *flat(state), *gradients])
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)


@POOLINGS
def test_time_steps_reach_the_mixers(pooling):
    model, x = model_with(pooling=pooling), inputs()
    dt = torch.rand(BATCH, TIME).double() + 0.5
    logits, _ = model(x, dt=dt)
    state = model.initial_state(BATCH)
    for k in range(TIME):
        answer, state = model.step(x[:, k], state, dt=dt[:, k])
    close(answer, logits[:, -1] if pooling == "step" else logits)
    assert (logits - model(x)[0]).abs().max() > 1e-6


def test_a_long_stream_keeps_its_mean():
    """A float32 sum of as many samples would be off in the fourth digit."""
    model = model_with(torch.float32)
    state = model.initial_state(1)
    count = 20_000_000
    state = state._replace(
        pooled=torch.full_like(state.pooled, 0.1) * count, count=torch.full_like(state.count, count)
    )
    features = torch.full((1, 6), 0.1)
    x_k = torch.zeros(1, CHANNELS)
    logits, after = model.step(x_k, state)
    close(logits, model.head(features), "float32")
    assert after.count.item() == count + 1
    assert (after.pooled != state.pooled).all()


@pytest.mark.parametrize("mixer", ["s4d", "rnn"])
def test_views_agree_in_float32(mixer):
    model, x = model_with(torch.float32, mixer=mixer), inputs(torch.float32, time=500)
    logits, _ = model(x)
    answers, _ = by_steps(model, x, constants=model.constants())
    close(answers[:, -1], logits, "views")


def test_standardisation_is_saved_with_the_parameters(tmp_path):
    model, other = model_with(torch.float32), build(CONFIG)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    other.load_state_dict(load_file(tmp_path / "model.safetensors"))
    x = inputs(torch.float32)
    assert torch.equal(other(x)[0], model(x)[0])
    assert other.input_mean.tolist() == [1.0, -2.0, 0.5]


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        (torch.zeros(2), torch.ones(3), r"mean is \(d_input,\) = \(3,\); got shape \(2,\)"),
        (torch.zeros(3), torch.ones(3, 1), r"std is \(d_input,\) = \(3,\); got shape \(3, 1\)"),
        (torch.zeros(3), torch.tensor([1.0, 0.0, 1.0]), "finite, and std positive"),
        (torch.tensor([0.0, math.nan, 0.0]), torch.ones(3), "finite, and std positive"),
    ],
)
def test_what_does_not_standardise_is_refused(mean, std, message):
    with pytest.raises(ValueError, match=message):
        build(CONFIG).standardize(mean, std)


def test_shapes_that_do_not_fit():
    model = build(CONFIG)
    with pytest.raises(
        ValueError, match=r"x is \(batch, time, channel\) with 3 channels; got shape \(2, 3\)"
    ):
        model(torch.zeros(2, 3))
    with pytest.raises(
        ValueError, match=r"x is \(batch, time, channel\) with 3 channels; got shape \(2, 3, 4\)"
    ):
        model(torch.zeros(2, 3, 4))
    with pytest.raises(ValueError, match=r"x_k is \(batch, channel\) with 3 channels; got shape \(2, 1, 3\)"):
        model.step(torch.zeros(2, 1, 3), model.initial_state(2))
    with pytest.raises(ValueError, match=r"lengths lie between 0 and time = 7; got 1 to 8"):
        model(torch.zeros(2, 7, 3), lengths=torch.tensor([1, 8]))
    with pytest.raises(ValueError, match=r"lengths is \(batch\) = \(2,\); got shape \(3,\)"):
        model(torch.zeros(2, 7, 3), lengths=torch.tensor([1, 2, 3]))


def test_an_empty_batch():
    logits, state = build(CONFIG)(torch.zeros(0, TIME, CHANNELS), lengths=torch.zeros(0, dtype=torch.int64))
    assert logits.shape == (0, CLASSES)
    assert state.count.shape == (0,)


def test_integers_are_samples_too():
    model = build(CONFIG)
    x = torch.randint(0, 9, (2, 7, CHANNELS))
    close(model(x)[0], model(x.float())[0], "float32")


@POOLINGS
@pytest.mark.parametrize("mixer", ["s4d", "rnn"])
def test_step_exports(pooling, mixer):
    model = model_with(torch.float32, pooling=pooling, mixer=mixer).eval()

    class Step(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x_k, state):
            return self.model.step(x_k, state)

    x, state = inputs(torch.float32), model.initial_state(BATCH)
    program = torch.export.export(Step(), (x[:, 0], state))
    _, state = model(x)
    logits, after = program.module()(x[:, 1], state)
    wanted, last = model.step(x[:, 1], state)
    close(logits, wanted, "float32")
    assert isinstance(after, SequenceState)
    for one, other in zip(flat(after), flat(last), strict=True):
        close(one, other, "float32")


def test_forward_compiles_in_one_graph():
    model, x = model_with(torch.float32), inputs(torch.float32)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    lengths = torch.tensor([TIME, 4, 0, 7])
    close(compiled(x, lengths=lengths)[0], model(x, lengths=lengths)[0], "float32")
