"""What a model's own border takes and refuses, before any layer sees it.

Oracle: the same call with int64 and with the model's own state, bit by bit; for what is refused, the words of
the message. Tolerances: none.
"""

import pytest
import torch

from clew.models import LanguageModelConfig, ModelConfig, build

BATCH, TIME = 3, 300  # more samples than int8 and uint8 can count
LENGTHS = torch.tensor([100, 1, 7])
NARROW = [torch.int32, torch.int16, torch.int8, torch.uint8]


def classifier(pooling="last"):
    return build(ModelConfig(2, 4, mixer="lru", d_model=6, n_layers=1, pooling=pooling)).eval()


def language_model():
    return build(LanguageModelConfig(n_tokens=11, d_model=8, n_layers=1)).eval()


@pytest.mark.parametrize("pooling", ["mean", "last", "step"])
@pytest.mark.parametrize("dtype", NARROW)
def test_a_classifier_counts_in_every_integer_dtype(pooling, dtype):
    model, x = classifier(pooling), torch.randn(BATCH, TIME, 2)
    answers, state = model(x, lengths=LENGTHS)
    again, other = model(x, lengths=LENGTHS.to(dtype))
    assert torch.equal(again, answers)
    assert torch.equal(other.count, state.count)
    assert other.count.dtype == torch.int64


@pytest.mark.parametrize("dtype", NARROW)
def test_a_language_model_counts_in_every_integer_dtype(dtype):
    model, tokens = language_model(), torch.randint(11, (BATCH, TIME))
    for read in (model, model.prefill):
        assert torch.equal(read(tokens, lengths=LENGTHS.to(dtype))[0], read(tokens, lengths=LENGTHS)[0])


def test_plain_tuples_are_a_state():
    model, x = classifier(), torch.randn(BATCH, 5, 2)
    _, state = model(x)
    plain = (tuple(tuple(block) for block in state.backbone), state.pooled, state.count)
    assert torch.equal(model(x, plain)[0], model(x, state)[0])
    assert torch.equal(model.step(x[:, 0], plain)[0], model.step(x[:, 0], state)[0])


def test_a_step_without_a_state_says_where_one_begins():
    model = classifier()
    with pytest.raises(
        ValueError, match=r"SequenceState .*; got NoneType: start with initial_state\(batch\)"
    ):
        model.step(torch.zeros(BATCH, 2), None)
    with pytest.raises(ValueError, match=r"states of the blocks.*; got None: start with initial_state\(3\)"):
        model.backbone.step(torch.zeros(BATCH, 6), None)
    with pytest.raises(ValueError, match=r"states of the blocks.*; got None: start with initial_state\(3\)"):
        language_model().step(torch.zeros(BATCH, dtype=torch.int64), None)


def test_what_is_no_tensor_is_named():
    model, text = classifier(), language_model()
    x = torch.zeros(BATCH, TIME, 2)
    with pytest.raises(ValueError, match=r"x is a tensor \(batch, time, channel\); got ndarray"):
        model(x.numpy())
    with pytest.raises(ValueError, match=r"lengths is a tensor \(batch\); got list"):
        model(x, lengths=LENGTHS.tolist())
    with pytest.raises(ValueError, match=r"x_k is a tensor \(batch, channel\); got ndarray"):
        model.step(x[:, 0].numpy(), model.initial_state(BATCH))
    with pytest.raises(ValueError, match=r"tokens is a tensor \(batch, time\); got list"):
        text([[1, 2]])
    with pytest.raises(ValueError, match=r"lengths is a tensor \(batch\); got list"):
        text.prefill(torch.zeros(BATCH, TIME, dtype=torch.int64), lengths=LENGTHS.tolist())
    with pytest.raises(ValueError, match=r"token is a tensor \(batch\); got list"):
        text.step([1, 2], text.initial_state(2))
