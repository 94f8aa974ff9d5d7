"""Training on text, interrupted or not.

Oracle: the same run undisturbed, its weights and its log; a loop over the same tokens with a state carried by
hand; the mean of the logged losses.
Tolerances: see the table; where none is named, bits are compared.
"""

import itertools
import json
import math

import numpy as np
import pytest
import torch
from tests.train.text.toy import toy_config, toy_files, toy_model, toy_text
from tests.train.toy import toy_config as labelled_config
from tests.train.toy import toy_data

import clew
from clew.data import read_text
from clew.runs import RunDirectory, load_dataset, load_sequence_model, load_text, newest_checkpoint
from clew.train import evaluate, fit, loop
from clew.train.text import evaluate_text
from clew.train.text.steps import TextSteps

TOLERANCES = {
    # The same float32 sums, in rows of another shape.
    "carried": 1e-5,
}


class Kill(BaseException):
    """Not an Exception: nothing may catch it and go on."""


@pytest.fixture
def text(tmp_path):
    """The toy's."""
    (tmp_path / "text").mkdir()
    return toy_text(tmp_path / "text")


def kill_before(monkeypatch, name, count):
    """Let the ``count``-th call of a method of the steps be the last thing that happens."""
    function, calls = getattr(TextSteps, name), itertools.count(1)

    def call(*arguments):
        if next(calls) == count:
            raise Kill
        return function(*arguments)

    monkeypatch.setattr(TextSteps, name, call)


def test_a_run_says_what_it_measured(text, tmp_path):
    run = fit(toy_model(), text, toy_config(tmp_path / "run"), progress=False)
    kinds = [line["kind"] for line in run.metrics]
    stretch = lambda count: ["train"] * count + ["validation", "sample"]  # noqa: E731
    assert kinds == stretch(2) + stretch(3) + stretch(2)
    steps = [line for line in run.metrics if line["kind"] == "train"]
    assert [line["step"] for line in steps] == list(range(1, 8))
    assert all(line["bits_per_byte"] == pytest.approx(line["loss"] / math.log(2)) for line in steps)
    # W = round(0.1 · 7) = 1, and the cosine over the six steps behind it.
    rates = [0.01 * 0.5 * (1 + math.cos(math.pi * max(k - 1, 0) / 6)) for k in range(7)]
    assert [line["learning_rate"] for line in steps] == pytest.approx(rates)
    validations = [line for line in run.metrics if line["kind"] == "validation"]
    best = min(validations, key=lambda line: line["loss"])
    found = evaluate_text(run.model, text.validation, lanes=3).bits_per_byte
    assert best["bits_per_byte"] == pytest.approx(found, rel=1e-12)
    sample = next(line for line in run.metrics if line["kind"] == "sample")
    prompt = bytes(text.validation.text[:32]).decode()
    assert sample["prompt"] == prompt
    assert sample["text"].startswith(prompt)
    assert len(sample["text"]) > len(prompt)


def test_the_run_directory_gives_model_text_and_tokenizer_back(tmp_path):
    (tmp_path / "text").mkdir()
    text = read_text(toy_files(tmp_path / "text"), vocabulary=265)
    path = tmp_path / "run"
    run = fit(toy_model(n_tokens=265), text, toy_config(path, sample_length=0), progress=False)
    assert {line["kind"] for line in run.metrics} == {"train", "validation"}
    model = clew.load(path)
    assert isinstance(model, clew.models.LanguageModel)
    assert not model.training
    for name, tensor in run.model.state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name])
    again = load_text(path)
    assert again.train.tokens.tolist() == text.train.tokens.tolist()
    assert clew.text.load(path).encode("the sea") == text.tokenizer.encode("the sea")
    assert RunDirectory(path).config.data.tokenizer == "bpe"
    for ask in (load_sequence_model, load_dataset, clew.stream.open):
        with pytest.raises(ValueError, match="language model"):
            ask(path)
    (tmp_path / "text/c.txt").write_text("something else " * 80)
    with pytest.raises(ValueError, match="the text has changed since"):
        load_text(path)


@pytest.mark.parametrize("carry", [False, True], ids=["drawn", "carried"])
def test_a_resumed_run_ends_in_the_same_bits(text, tmp_path, monkeypatch, without_seconds, weights, carry):
    fields = {"carry_state": carry, "checkpoint_every": 0.0, "length": 16}
    whole = tmp_path / "whole"
    fit(toy_model(), text, toy_config(whole, **fields), progress=False)
    for name, count in (("step", 2), ("step", 5), ("validate", 2), ("samples", 3)):
        path = tmp_path / f"{name}-{count}"
        with monkeypatch.context() as patched:
            kill_before(patched, name, count)
            with pytest.raises(Kill):
                fit(toy_model(), text, toy_config(path, **fields), progress=False)
        fit(toy_model(seed=9), text, toy_config(path, **fields), resume=True, progress=False)
        assert without_seconds(path) == without_seconds(whole)
        assert weights(path) == weights(whole)


def test_carried_rows_are_one_long_text(text, tmp_path, monkeypatch):
    """At a rate of next to nothing, the losses of carried rows are those of a reader with a memory."""
    still = {"learning_rate": 1e-12, "dynamics_learning_rate": 1e-12}
    config = toy_config(tmp_path / "run", carry_state=True, length=16, steps=12, **still)
    model = toy_model(dropout=0.0)
    run = fit(model, text, config, progress=False)
    found = [line["loss"] for line in run.metrics if line["kind"] == "train"]
    lane = (len(text.train) - 1) // 3
    tokens = text.train.tokens.astype(np.int64)
    nats: dict[int, float] = {}
    with torch.no_grad():
        for low in (0, lane, 2 * lane):
            state = model.initial_state(1)
            for place in range(low, low + 12 * 16):
                if place > low and place in text.train.starts:
                    state = model.initial_state(1)
                logits, state = model.step(torch.tensor([tokens[place]]), state)
                if place + 1 not in text.train.starts:
                    nats[place] = float(-logits[0].double().log_softmax(-1)[tokens[place + 1]])
    rows = [[low + 16 * step + k for low in (0, lane, 2 * lane) for k in range(16)] for step in range(12)]
    wanted = [np.mean([nats[place] for place in row if place in nats]) for row in rows]
    assert found == pytest.approx(wanted, rel=TOLERANCES["carried"])


def test_the_clock_ends_a_run_of_minutes(text, tmp_path, monkeypatch, weights):
    class Clock:
        now = 0.0

        def monotonic(self):
            self.now += 1.0
            return self.now

    monkeypatch.setattr("clew.train.text.steps.time", Clock())
    path = tmp_path / "run"
    config = toy_config(path, minutes=0.2, checkpoint_every=0.0)  # each step takes one tick, a second
    run = fit(toy_model(), text, config, progress=False)
    steps = [line for line in run.metrics if line["kind"] == "train"]
    assert len(steps) == 12
    rates = [line["learning_rate"] for line in steps]
    assert rates.index(max(rates)) in (1, 2)
    assert rates[-1] < 0.1 * max(rates)
    other = tmp_path / "other"
    with monkeypatch.context() as patched:
        kill_before(patched, "step", 8)
        with pytest.raises(Kill):
            fit(toy_model(), text, toy_config(other, minutes=0.2, checkpoint_every=0.0), progress=False)
    again = fit(
        toy_model(), text, toy_config(other, minutes=0.2, checkpoint_every=0.0), resume=True, progress=False
    )
    assert sum(line["kind"] == "train" for line in again.metrics) == 12
    assert weights(other) == weights(path)


def test_a_checkpoint_without_its_state_is_refused(text, tmp_path, monkeypatch):
    config = toy_config(tmp_path / "run", carry_state=True, checkpoint_every=0.0, length=16)
    with monkeypatch.context() as patched:
        kill_before(patched, "step", 4)
        with pytest.raises(Kill):
            fit(toy_model(), text, config, progress=False)
    checkpoint = newest_checkpoint(tmp_path / "run/checkpoints")
    state = json.loads((checkpoint / "state.json").read_text())
    state["files"].remove("memory")
    (checkpoint / "state.json").write_text(json.dumps(state))
    with pytest.raises(
        ValueError, match=r"memory\.safetensors does not belong here: it has no tensor 'state"
    ):
        fit(toy_model(), text, config, resume=True, progress=False)


def test_what_does_not_belong_together_is_refused(text, tmp_path):
    config = toy_config(tmp_path / "run")
    with pytest.raises(ValueError, match="the model tells 99 tokens apart, and the text is of 256"):
        fit(toy_model(n_tokens=99), text, config)
    with pytest.raises(ValueError, match="too few for a row of 5,000"):
        fit(toy_model(), text, toy_config(tmp_path / "run", length=5000))
    with pytest.raises(ValueError, match="got a LanguageModel, a Dataset and a TextConfig"):
        fit(toy_model(), toy_data(), config)
    with pytest.raises(ValueError, match="got a LanguageModel, a TextDataset and a TrainConfig"):
        fit(toy_model(), text, labelled_config(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"steps": 1, "minutes": 1.0}, "steps or minutes; got steps=1 and minutes=1.0"),
        ({"steps": None}, "got steps=None and minutes=None"),
        ({"steps": 0}, "steps must be a whole number of 1 or more, got 0"),
        ({"minutes": 0.0, "steps": None}, "minutes must be a number above 0, got 0.0"),
        ({"length": 1.5}, "length must be a whole number"),
        ({"sample_length": -1}, "sample_length must be"),
        ({"warmup": 1.5}, "warmup must be a share"),
        ({"device": "gpu"}, "unknown device 'gpu'; did you mean 'cpu'"),
    ],
)
def test_settings_out_of_range_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        clew.train.TextConfig(**{"steps": 5} | fields)


def test_labelled_runs_still_load(tmp_path):
    """Nothing of the text's gets into a classifier's run."""
    data = toy_data()
    from tests.train.toy import toy_model as labelled_model

    run = fit(labelled_model(), data, labelled_config(tmp_path / "run"), progress=False)
    assert not (tmp_path / "run/tokenizer.json").exists()
    assert evaluate(load_sequence_model(tmp_path / "run"), data.validation).accuracy >= 0
    assert run.metrics[-1]["kind"] == "validation"
    with pytest.raises(ValueError, match="was trained on labelled sequences, not on text"):
        load_text(tmp_path / "run")


def test_samples_are_shown_above_the_bar(text, tmp_path, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(loop.Bar, "say", lambda self, words: said.append(words))
    run = fit(toy_model(), text, toy_config(tmp_path / "run"))
    assert said == [line["text"] for line in run.metrics if line["kind"] == "sample"]
