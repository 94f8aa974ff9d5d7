"""Continuations: greedy and drawn, of one text and of many, stopped and gone on with.

Oracle: a loop that runs the model over the whole text for each token, in float64. Tolerances: TOLERANCES;
tokens are compared as they are, and states bit for bit. (Two ways to compute logits in float64 differ by
1e-15 or so; that no token differs for it is a matter of fixed seeds.)
"""

import pytest
import torch
from tests.models.generation.models import MIXERS, N_TOKENS, prompts, small_model

from clew.models import Decoder
from clew.models.generation import ENDED, Continuation, Sampling, load, read, save
from clew.models.generation.draw import draw

TOLERANCES = {"float64": 1e-11}  # the same operations in another order

SAMPLINGS = [
    Sampling(temperature=0),
    Sampling(temperature=0, repetition_penalty=1.5),
    Sampling(temperature=0.9, top_k=20, top_p=0.9, repetition_penalty=1.2),
]
LENGTHS = (1, 9, 4)


def plain(model, prompt, count, sampling, seed=0):
    """The continuation of one text, the whole text read anew for each token."""
    text = list(prompt)
    for number in range(count):
        logits = model(torch.tensor([text]))[0][:, -1].detach()
        seen = torch.zeros(1, N_TOKENS, dtype=torch.bool)
        seen[0, text] = True
        if sampling == Sampling(temperature=0):
            text.append(int(logits[0].argmax()))
        else:
            text += draw(logits, seen, sampling, torch.tensor([seed]), torch.tensor([number])).tolist()
    return text[len(prompt) :]


def columns(continuation):
    """The tokens of each row, without what stands for the end."""
    return [[token for token in row if token != ENDED] for row in zip(*continuation, strict=True)]


def same(one, other):
    """Whether two contexts are the same bits."""
    from clew.models.state_tree import named_leaves

    return all(
        torch.equal(a, b) for (_, a), (_, b) in zip(named_leaves(one), named_leaves(other), strict=True)
    )


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
@pytest.mark.parametrize("mixer", MIXERS)
def test_it_is_the_plain_loop(mixer, sampling):
    model = small_model(mixer)
    for prompt in prompts(*LENGTHS):
        context = read(model, [prompt], seed=5, chunk=4)
        expected = plain(model, prompt, 15, sampling, seed=5)
        assert columns(Continuation(model, context, sampling, max_new_tokens=15)) == [expected]
        assert len(set(expected)) > 1  # a text that says nothing would show nothing


@pytest.mark.parametrize("mixer", MIXERS)
@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_a_row_is_what_it_is_alone(mixer, chunk):
    model, texts = small_model(mixer), prompts(*LENGTHS)
    together = read(model, texts, seed=2, chunk=chunk)
    rows = columns(Continuation(model, together, SAMPLINGS[2], max_new_tokens=10))
    for number, prompt in enumerate(texts):
        assert rows[number] == plain(model, prompt, 10, SAMPLINGS[2], seed=2 + number)


def test_stop_tokens_end_a_row_and_its_place_stays():
    model, texts = small_model(), prompts(*LENGTHS)
    free = [plain(model, prompt, 20, SAMPLINGS[0]) for prompt in texts]
    stops = {free[0][3], free[1][8]}
    ends = [next((k for k, token in enumerate(row) if token in stops), 20) for row in free]
    assert len(set(ends)) > 1
    running = Continuation(model, read(model, texts), SAMPLINGS[0], max_new_tokens=20, stop_tokens=stops)
    assert columns(running) == [row[:end] for row, end in zip(free, ends, strict=True)]
    for row, (prompt, tokens, end) in enumerate(zip(texts, free, ends, strict=True)):
        alone = read(model, [[*prompt, *tokens[:end]]])
        torch.testing.assert_close(
            running.context.rows([row]).logits, alone.logits, rtol=0, atol=TOLERANCES["float64"]
        )
    assert next(running, None) is None


def test_a_row_that_is_ended_from_outside():
    model, texts = small_model(), prompts(*LENGTHS)
    running = Continuation(model, read(model, texts), SAMPLINGS[0], max_new_tokens=5)
    first = next(running)
    running.end(1)
    rest = list(running)
    assert {row[1] for row in rest} == {ENDED}
    assert [first[0], *(row[0] for row in rest)] == plain(model, texts[0], 5, SAMPLINGS[0])
    running = Continuation(model, read(model, texts), SAMPLINGS[0])
    for row in range(3):
        running.end(row)
    assert next(running, None) is None


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
@pytest.mark.parametrize("mixer", MIXERS)
def test_stopped_saved_and_gone_on_with_it_is_as_if_nothing_had_stopped(mixer, sampling, tmp_path):
    model, texts = small_model(mixer, dtype=torch.float32), prompts(*LENGTHS)
    undisturbed = Continuation(model, read(model, texts, seed=7), sampling, max_new_tokens=24)
    expected = list(undisturbed)
    context, got = read(model, texts, seed=7), []
    for count in (1, 0, 10, 13):
        running = Continuation(model, context, sampling, max_new_tokens=count)
        got += list(running)
        save(tmp_path / "place", running.context, model)
        context = load(tmp_path / "place", small_model(mixer, dtype=torch.float32))
        assert same(context, running.context)
    assert got == expected
    assert same(context, undisturbed.context)


def test_one_prompt_several_continuations():
    model, (prompt,) = small_model(), prompts(6)
    once = read(model, [prompt])
    branches = once.rows([0] * 4).seeded(11)
    rows = columns(Continuation(model, branches, Sampling(), max_new_tokens=15))
    assert rows == [plain(model, prompt, 15, Sampling(), seed=11 + row) for row in range(4)]
    assert len({tuple(row) for row in rows}) == 4
    assert same(once, read(model, [prompt]))  # what goes on from a place leaves it as it is


def test_text_can_be_added_to_what_was_generated():
    model, (prompt, more) = small_model(), prompts(6, 5)
    running = Continuation(model, read(model, [prompt, prompt]), SAMPLINGS[1], max_new_tokens=4)
    rows = columns(running)
    context = read(model, [more, []], running.context, chunk=2)
    after = columns(Continuation(model, context, SAMPLINGS[1], max_new_tokens=4))
    assert after[0] == plain(model, [*prompt, *rows[0], *more], 4, SAMPLINGS[1])
    assert after[1] == plain(model, [*prompt, *rows[1]], 4, SAMPLINGS[1])


@pytest.mark.parametrize("tensor", [False, True])
def test_the_model_s_own_method(tensor):
    model, texts = small_model(), prompts(5, 5)
    given = torch.tensor(texts) if tensor else texts
    expected = [plain(model, prompt, 12, SAMPLINGS[2], seed=3 + row) for row, prompt in enumerate(texts)]
    assert (
        model.generate(given, 12, temperature=0.9, top_k=20, top_p=0.9, repetition_penalty=1.2, seed=3)
        == expected
    )
    cut = expected[0].index(expected[0][6])
    stopped = model.generate(
        given[:1],
        12,
        temperature=0.9,
        top_k=20,
        top_p=0.9,
        repetition_penalty=1.2,
        seed=3,
        stop_tokens=[expected[0][6]],
    )
    assert stopped == [expected[0][:cut]]
    assert model.generate(given, 0) == [[], []]


def test_no_gradient_is_kept():
    context = read(small_model(), prompts(3))
    assert not context.logits.requires_grad


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: read(model, []), "there is no prompt"),
        (lambda model: read(model, [[1], []]), "row 1 has none"),
        (lambda model: read(model, [[1], [2]], read(model, [[1]])), "context has 1 rows; got 2 prompts"),
        (lambda model: read(model, [[1]], chunk=0), "chunk is at least one token; got 0"),
        (lambda model: read(model, [[N_TOKENS]]), f"from 0 to {N_TOKENS - 1}; got {N_TOKENS}"),
        (lambda model: read(model.train(), [[1]]), r"call model\.eval\(\) first"),
        (lambda model: read(model, [[1]], seed=-1), "seed is a whole number"),
        (lambda model: read(model, [[1]]).seeded(1 << 62), "seed is a whole number"),
        (lambda model: Continuation(model, read(model, [[1]]), max_new_tokens=-1), "max_new_tokens is 0 or"),
        (lambda model: model.generate([[1]], 3, temperature=-1), "temperature is 0 or more"),
    ],
)
def test_what_cannot_be_done_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(small_model())


def test_a_saved_place_of_another_model_is_refused(tmp_path):
    model = small_model()
    save(tmp_path / "place", read(model, [[1]]), model)
    with pytest.raises(ValueError, match="the context of another model"):
        load(tmp_path / "place", small_model(seed=1))
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing", model)
    (tmp_path / "place").write_bytes((tmp_path / "place").read_bytes()[:-9])
    with pytest.raises(ValueError, match="damaged"):
        load(tmp_path / "place", model)
    model.save_pretrained(tmp_path / "model")
    with pytest.raises(ValueError, match="not the context of a language model"):
        load(tmp_path / "model" / "model.safetensors", model)


def test_a_decoder_takes_the_place_of_the_model_token_by_token(tmp_path):
    model, texts = small_model(dtype=torch.float32, tied=True), prompts(*LENGTHS)
    sampling, stops = SAMPLINGS[1], (3,)
    expected = Continuation(model, read(model, texts), sampling, max_new_tokens=20, stop_tokens=stops)
    running = Continuation(Decoder(model), read(model, texts), sampling, max_new_tokens=20, stop_tokens=stops)
    rows = columns(running)
    assert rows == columns(expected)
    save(tmp_path / "place", running.context, model)
    assert same(load(tmp_path / "place", model), running.context)
