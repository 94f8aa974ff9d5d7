"""What is measured of one training, and with what it was made.

Oracle: a training of the same with the library's own functions; git and torch asked directly; a process that
fills a known amount of memory.

| tolerance | why |
| --- | --- |
| SLACK = 8 MiB | what an interpreter and its allocator take besides |
"""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import clew
from clew import data
from clew.compare import plan
from clew.compare.made import commit, made_here
from clew.compare.measure import measure, measured_before, trivial_accuracy
from clew.models import ModelConfig, build
from clew.train import TrainConfig, evaluate

SLACK = 8 * 2**20


@pytest.fixture
def training(dataset, budget):
    (training,) = plan(dataset, {"s4d": {"d_state": 4}}, budget, [5])
    return training


def test_it_is_the_training_that_the_library_does(training, dataset, tmp_path):
    row = measure(training, tmp_path / "run", "cpu")
    torch.manual_seed(5)
    config = ModelConfig(dataset.d_input, 16, "s4d", {"d_state": 4}, d_model=4, n_layers=1, pooling="step")
    model = build(config)
    settings = TrainConfig(epochs=2, batch_size=16, seed=5, device="cpu", directory=tmp_path / "same")
    run = clew.fit(model, dataset, settings, progress=False)
    result = evaluate(run.model, dataset.test, 16)
    measured = row.measured
    assert (measured.accuracy, measured.loss, measured.count) == (result.accuracy, result.loss, 20)
    assert measured.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert measured.epochs == 2
    validations = [line for line in run.metrics if line["kind"] == "validation"]
    assert measured.best_epoch == 1 + min(validations, key=lambda line: line["loss"])["epoch"]
    assert measured.seconds > measured.epoch_seconds > 0
    assert row.training == training
    assert measured_before(training, tmp_path / "run") == row


def test_of_values_it_is_the_mean_squared_error(budget, tmp_path):
    dataset = data.load("adding", {"length": 5, "sequences": 40, "test_sequences": 10})
    budget = dataclasses.replace(budget, pooling="mean")
    (training,) = plan(dataset, {"s4d": {"d_state": 4}}, budget, [5])
    measured = measure(training, tmp_path / "run", "cpu").measured
    found = evaluate(clew.load(tmp_path / "run"), dataset.test, 16)
    assert measured.accuracy is None
    assert (measured.score, measured.loss, measured.count) == (found.mean_squared_error, found.loss, 10)
    wanted = (torch.cat(dataset.test.targets) - dataset.target_mean).double().square().mean().item()
    assert measured.trivial == pytest.approx(wanted, rel=1e-6)


def test_a_run_that_was_interrupted_goes_on(training, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("clew.train.loop.Loop._end_epoch", interrupt)
        with pytest.raises(KeyboardInterrupt):
            measure(training, tmp_path / "run", "cpu")
    assert measured_before(training, tmp_path / "run") is None
    resumed = measure(training, tmp_path / "run", "cpu").measured
    whole = measure(training, tmp_path / "whole", "cpu").measured
    assert (resumed.accuracy, resumed.loss) == (whole.accuracy, whole.loss)


def test_a_run_that_was_trained_and_not_measured_says_nothing_of_its_memory(training, tmp_path):
    first = measure(training, tmp_path / "run", "cpu").measured
    (tmp_path / "run/comparison.json").unlink()
    again = measure(training, tmp_path / "run", "cpu").measured
    assert again.peak_bytes is None
    assert again.start_bytes is None
    assert (again.accuracy, again.seconds) == (first.accuracy, first.seconds)


@pytest.mark.parametrize(
    ("content", "message"), [(b"{", "is not a row"), (b"{}", "is not a row"), (None, "of another training")]
)
def test_a_row_in_a_run_is_the_right_one_or_refused(training, tmp_path, row, content, message):
    other = json.dumps(row().as_json()).encode()
    (tmp_path / "comparison.json").write_bytes(other if content is None else content)
    with pytest.raises(ValueError, match=message):
        measured_before(training, tmp_path)


def test_the_trivial_answer_is_the_most_frequent_class_to_learn_from(dataset):
    targets = [int(target) for sequence in dataset.train.targets for target in sequence if target >= 0]
    answer = max(range(16), key=lambda name: (targets.count(name), -name))
    asked = [int(target) for sequence in dataset.test.targets for target in sequence if target >= 0]
    assert trivial_accuracy(dataset) == pytest.approx(asked.count(answer) / len(asked), abs=0)
    vowels = data.load("japanese-vowels")
    assert trivial_accuracy(vowels) == 31 / 370


def test_the_commit_is_that_of_the_checkout_and_only_source_makes_it_dirty(tmp_path):
    top = tmp_path / "checkout"
    package = top / "src" / "clew"
    package.mkdir(parents=True)
    (package / "a.py").write_text("")
    assert commit(package) is None

    def git(*words):
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        return subprocess.run(
            ["git", *who, *words], cwd=top, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "a")
    name = git("rev-parse", "HEAD")
    assert name.startswith(commit(package))
    (top / "results.json").write_text("[]")
    assert not commit(package).endswith("-dirty")
    (package / "a.py").write_text("1")
    assert commit(package).endswith("-dirty")
    elsewhere = top / "environment" / "site-packages" / "clew"
    elsewhere.mkdir(parents=True)
    assert commit(elsewhere) is None


def test_made_here_is_this_machine():
    made = made_here(torch.device("cpu"))
    assert (made.torch, made.clew, made.device) == (torch.__version__, clew.__version__, "cpu")
    assert made.threads == torch.get_num_threads()
    assert made.processor


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux says")
def test_the_peak_of_memory_is_that_of_what_comes_after_the_start():
    code = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('memory', {clew.compare.memory.__file__!r})\n"
        "memory = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(memory)\n"
        "big = bytearray(200 * 2**20)\n"
        "del big\n"
        "start = memory.start_peak()\n"
        "small = bytearray(64 * 2**20)\n"
        "del small\n"
        "print(memory.peak() - start)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert abs(int(done.stdout) - 64 * 2**20) < SLACK
