"""Training as a whole.

Oracle: what the settings promise; a step of the optimiser computed here without the loop; the log, read as
JSON. Tolerances: 1e-5 for float32 losses of batches of another shape; else none, bits are compared.
"""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.train.toy import TRAIN, VALIDATION, toy_config, toy_data, toy_model

from clew.data import Split
from clew.runs import RunDirectory, load
from clew.runs.config import digest
from clew.train import default_directory, evaluate, fit
from clew.train.schedule import learning_rate_factor

RTOL = 1e-5


@pytest.mark.parametrize("target", ["sequence", "step"])
def test_a_run_is_all_there(tmp_path, target):
    path, data = tmp_path / "run", toy_data(target)
    run = fit(toy_model(target), data, toy_config(path, checkpoint_every=0))
    assert {file.name for file in path.iterdir()} == {
        "config.json", "metrics.jsonl", "model.safetensors", "checkpoints",
    }  # fmt: skip
    assert list((path / "checkpoints").iterdir()) == []
    assert run.directory == path
    assert run.config == RunDirectory(path).config
    assert run.config.data.digest == digest(data.train, data.validation)
    assert not run.model.training
    assert [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()] == run.metrics
    for name, tensor in load(path).state_dict().items():
        assert torch.equal(tensor, run.model.state_dict()[name])


def test_the_log_has_a_line_a_step_and_a_line_an_epoch(tmp_path):
    run = fit(toy_model(), toy_data(), toy_config(tmp_path / "run", warmup=0.2, learning_rate=0.01))
    steps = [line for line in run.metrics if line["kind"] == "train"]
    validations = [line for line in run.metrics if line["kind"] == "validation"]
    assert [line["kind"] for line in run.metrics] == (["train"] * 3 + ["validation"]) * 3
    fields = {"kind", "step", "epoch", "loss", "accuracy", "learning_rate", "seconds"}
    assert all(line.keys() == fields for line in steps)
    assert all(line.keys() == {"kind", "step", "epoch", "loss", "accuracy", "best"} for line in validations)
    assert [line["step"] for line in steps] == list(range(1, 10))
    assert [line["epoch"] for line in steps] == [0] * 3 + [1] * 3 + [2] * 3
    assert [(line["epoch"], line["step"]) for line in validations] == [(0, 3), (1, 6), (2, 9)]
    rates = [0.01 * learning_rate_factor(step, 9, 2) for step in range(9)]
    np.testing.assert_allclose([line["learning_rate"] for line in steps], rates, rtol=1e-12)
    seconds = [line["seconds"] for line in steps]
    assert seconds == sorted(seconds)


def test_training_learns(tmp_path):
    config = toy_config(tmp_path / "run", epochs=15, learning_rate=0.01, patience=15)
    run = fit(toy_model(), toy_data(), config)
    losses = [line["loss"] for line in run.metrics if line["kind"] == "train"]
    assert np.mean(losses[-5:]) < 0.3 * np.mean(losses[:5])


def test_a_first_step_is_one_on_the_mean_over_the_targets(tmp_path):
    """One step over the whole split at once, against plain torch."""
    data, model, twin = toy_data("step"), toy_model("step", dropout=0.0), toy_model("step", dropout=0.0)
    config = toy_config(tmp_path / "run", epochs=1, batch_size=TRAIN, warmup=0.0, gradient_clip=0.01)
    run = fit(model, dataclasses.replace(data, validation=Split((), ())), config)
    twin.standardize(data.mean, data.std)
    losses = []
    for inputs, targets in zip(data.train.inputs, data.train.targets, strict=True):
        logits = twin(inputs[None])[0][0]
        losses.append(torch.nn.functional.cross_entropy(logits, targets, reduction="none")[targets >= 0])
    loss = torch.cat(losses).mean()
    np.testing.assert_allclose(run.metrics[0]["loss"], loss.item(), rtol=RTOL)
    loss.backward()
    norm = math.sqrt(sum(float((parameter.grad**2).sum()) for parameter in twin.parameters()))
    assert norm > 0.01
    groups = twin.parameter_groups(config.learning_rate, config.dynamics_learning_rate, config.weight_decay)
    for group in groups:
        for parameter in group["params"]:
            # The first step of AdamW is the sign of the gradient, where that is well above ε.
            gradient = parameter.grad * (0.01 / norm)
            moved = (1 - group["lr"] * group["weight_decay"]) * parameter.detach()
            moved -= group["lr"] * gradient / (gradient.abs() + 1e-8)
            parameter.data.copy_(torch.where(gradient.abs() > 1e-6, moved, torch.nan))
    for name, parameter in twin.named_parameters():
        known = ~parameter.isnan()
        found = run.model.get_parameter(name)
        np.testing.assert_allclose(found[known].detach(), parameter[known].detach(), rtol=2e-3, atol=2e-5)


def test_the_data_standardise_the_model(tmp_path):
    data = toy_data()
    model = fit(toy_model(), data, toy_config(tmp_path / "run", epochs=1)).model
    assert torch.equal(model.input_mean, data.mean)
    assert torch.equal(model.input_std, data.std)


def test_the_best_weights_are_kept_and_training_stops_early(tmp_path):
    data = toy_data(learnable=False)
    config = toy_config(tmp_path / "run", epochs=40, patience=3, learning_rate=0.01)
    run = fit(toy_model(), data, config)
    validations = [line for line in run.metrics if line["kind"] == "validation"]
    losses = [line["loss"] for line in validations]
    best = int(np.argmin(losses))
    assert best > 0
    assert len(losses) == best + 1 + 3 < 40
    lows = np.minimum.accumulate([math.inf, *losses])
    better = [loss < low for loss, low in zip(losses, lows, strict=False)]
    assert [line["best"] for line in validations] == better
    np.testing.assert_allclose(evaluate(run.model, data.validation).loss, losses[best], rtol=RTOL)
    assert evaluate(run.model, data.validation).loss < losses[-1]


def test_without_a_validation_split_the_last_weights_are_kept(tmp_path, caplog):
    data = toy_data(validation=0)
    run = fit(toy_model(), data, toy_config(tmp_path / "run", epochs=2, patience=1))
    assert "no validation split: no early stopping" in caplog.text
    assert [line["kind"] for line in run.metrics] == ["train"] * 6
    # One epoch more would have come to the same: these are the weights after the last step.
    again = fit(toy_model(), toy_data(validation=VALIDATION), toy_config(tmp_path / "again", epochs=2))
    assert again.metrics[-1]["best"]
    for name, tensor in run.model.state_dict().items():
        assert torch.equal(tensor, again.model.state_dict()[name])


def test_the_same_seed_gives_the_same_bits(tmp_path, without_seconds, weights):
    for name in ("one", "two"):
        torch.manual_seed(hash(name) % 1000)
        fit(toy_model(), toy_data(), toy_config(tmp_path / name))
    assert without_seconds(tmp_path / "one") == without_seconds(tmp_path / "two")
    assert weights(tmp_path / "one") == weights(tmp_path / "two")


def test_another_seed_gives_another_run(tmp_path):
    losses = []
    for seed in (0, 1):
        run = fit(toy_model(), toy_data(), toy_config(tmp_path / str(seed), seed=seed, epochs=1))
        losses.append([line["loss"] for line in run.metrics])
    assert losses[0] != losses[1]


def test_the_seed_governs_dropout(tmp_path):
    """The whole split in one batch, so that only dropout can tell the seeds apart."""
    first = []
    for seed, dropout in ((0, 0.5), (1, 0.5), (0, 0.0), (1, 0.0)):
        config = toy_config(tmp_path / f"{seed}{dropout}", seed=seed, epochs=1, batch_size=TRAIN)
        first.append(fit(toy_model(dropout=dropout), toy_data(), config).metrics[0]["loss"])
    assert first[0] != first[1]
    np.testing.assert_allclose(first[2], first[3], rtol=RTOL)


def test_when_checkpoints_are_written_changes_no_bit(tmp_path, without_seconds, weights):
    for name, every in (("often", 0.0), ("never", 1e9)):
        fit(toy_model(), toy_data(), toy_config(tmp_path / name, checkpoint_every=every))
    assert without_seconds(tmp_path / "often") == without_seconds(tmp_path / "never")
    assert weights(tmp_path / "often") == weights(tmp_path / "never")


def test_the_callers_generator_is_left_alone(tmp_path):
    model = toy_model()
    before = torch.get_rng_state()
    fit(model, toy_data(), toy_config(tmp_path / "run", epochs=1))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", ["run", "file", "empty folder"])
def test_a_directory_that_exists_is_left_alone(tmp_path, kind):
    path = tmp_path / "run"
    if kind == "run":
        fit(toy_model(), toy_data(), toy_config(path, epochs=1))
    elif kind == "file":
        path.write_text("mine")
    else:
        path.mkdir()
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    message = r"exists: continue that run with --resume .* another --directory"
    with pytest.raises(FileExistsError, match=message):
        fit(toy_model(), toy_data(), toy_config(path))
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def _with(value, name):
    data = toy_data()
    # Checked when it was made, and written to since.
    getattr(data, name).inputs[1][0, 1] = value
    return data


UNFIT = {
    "NaN in training": (
        toy_model, lambda: _with(math.nan, "train"), "sequence 1 of the train split holds NaN or infinity",
    ),
    "infinity in validation": (
        toy_model, lambda: _with(math.inf, "validation"), "sequence 1 of the validation split holds",
    ),
    "targets per step": (
        toy_model, lambda: toy_data("step"), "one target a step: it needs pooling 'step', and the model",
    ),
    "targets per sequence": (
        lambda: toy_model("step"), toy_data, "one target a sequence: it needs pooling 'mean' or 'last'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", UNFIT)
def test_what_cannot_be_trained_is_said_before_anything_is_written(tmp_path, case):
    model, data, message = UNFIT[case]
    with pytest.raises(ValueError, match=message) as error:
        fit(model(), data(), toy_config(tmp_path / "runs" / "run"))
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("field", "message"), [("d_input", "takes 2 channels"), ("n_classes", "tells 3 classes")]
)
def test_a_model_for_other_data_is_refused(tmp_path, field, message):
    data = toy_data()
    other = {"d_input": {"channels": ("x", "y", "z")}, "n_classes": {"classes": ("a", "b", "c", "d")}}[field]
    inputs = tuple(torch.zeros(3, 3 if field == "d_input" else 2) for _ in range(2))
    split = Split(inputs, (torch.tensor(0), torch.tensor(1)))
    data = dataclasses.replace(data, **other, train=split, validation=split)
    with pytest.raises(ValueError, match=message):
        fit(toy_model(), data, toy_config(tmp_path / "run"))
    assert list(tmp_path.iterdir()) == []


def test_an_empty_training_split_is_refused(tmp_path):
    data = toy_data()
    object.__setattr__(data, "train", Split((), ()))
    with pytest.raises(ValueError, match="train split of 'toy' is empty"):
        fit(toy_model(), data, toy_config(tmp_path / "run"))
    assert list(tmp_path.iterdir()) == []


def test_cuda_where_there_is_none_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ValueError, match="device is 'cuda', and torch finds none here"):
        fit(toy_model(), toy_data(), toy_config(tmp_path / "run", device="cuda"))
    assert list(tmp_path.iterdir()) == []


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint(tmp_path, monkeypatch):
    from clew.train import objective

    original, calls = objective.cross_entropy_sum, []

    def explode_at_the_eighth(logits, targets):
        loss, right = original(logits, targets)
        if not torch.is_grad_enabled():  # a validation
            return loss, right
        calls.append(1)
        return (loss * float("nan") if len(calls) == 8 else loss), right

    monkeypatch.setattr(objective, "cross_entropy_sum", explode_at_the_eighth)
    message = r"the loss is nan at step 8 \(epoch 3, batch 2\): training stops"
    with pytest.raises(ValueError, match=message):
        fit(toy_model(), toy_data(), toy_config(tmp_path / "run", checkpoint_every=0))
    directory = RunDirectory(tmp_path / "run")
    assert not directory.finished
    assert [path.name for path in directory.checkpoints.iterdir()] == ["epoch-00002-batch-000001"]
    assert len([line for line in directory.metrics() if line["kind"] == "train"]) == 7


def test_a_gradient_that_is_not_finite_stops_the_run(tmp_path):
    model = toy_model()
    model.head.weight.register_hook(lambda gradient: gradient * float("inf"))
    before = model.head.weight.detach().clone()
    with pytest.raises(ValueError, match=r"the norm of the gradient is (nan|inf) at step 1 "):
        fit(model, toy_data(), toy_config(tmp_path / "run"))
    assert torch.equal(model.head.weight, before)


def test_a_batch_without_targets_is_passed_over(tmp_path):
    data = toy_data("step")
    targets = tuple(torch.full_like(target, -100) for target in data.train.targets[:-1])
    split = Split(data.train.inputs, (*targets, data.train.targets[-1]))
    data = dataclasses.replace(data, train=split)
    run = fit(toy_model("step"), data, toy_config(tmp_path / "run", epochs=1))
    assert sorted(line["loss"] for line in run.metrics if line["kind"] == "train")[:2] == [0.0] * 2


def test_a_batch_may_be_larger_than_the_split(tmp_path):
    run = fit(toy_model(), toy_data(), toy_config(tmp_path / "run", epochs=2, batch_size=10 * TRAIN))
    assert [line["step"] for line in run.metrics if line["kind"] == "train"] == [1, 2]


def test_where_a_run_lies_that_does_not_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(default_directory(toy_data(), toy_model().config)) == "runs/toy-s4d"
    config = dataclasses.replace(toy_config(tmp_path), directory=None, epochs=1)
    run = fit(toy_model(), toy_data(), config)
    assert fit(toy_model(), toy_data(), toy_config("runs/text", epochs=1)).directory == Path("runs/text")
    assert run.directory.resolve() == tmp_path / "runs" / "toy-s4d"


def test_the_bar_shows_loss_and_accuracy_on_a_terminal(tmp_path, monkeypatch, capsys):
    for name, terminal, progress in (("on", True, True), ("off", True, False), ("piped", False, True)):
        monkeypatch.setattr("sys.stderr.isatty", lambda terminal=terminal: terminal)
        fit(toy_model(), toy_data(), toy_config(tmp_path / name, epochs=1), progress=progress)
        shown = capsys.readouterr()
        assert shown.out == ""
        assert (shown.err == "") == (name != "on")
        if name == "on":
            assert "epoch 1/1" in shown.err
            assert "3/3" in shown.err
            assert "loss=" in shown.err
            assert "accuracy=" in shown.err


def test_clip_none_clips_nothing(tmp_path, monkeypatch):
    """A clip above every norm and no clip at all come to the same bits."""
    runs = [
        fit(toy_model(), toy_data(), toy_config(tmp_path / str(clip), epochs=1, gradient_clip=clip)).metrics
        for clip in (None, 1e9)
    ]
    assert [line["loss"] for line in runs[0]] == [line["loss"] for line in runs[1]]
