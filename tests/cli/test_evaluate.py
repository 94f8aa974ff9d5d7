"""``clew evaluate``: loss, accuracy and count on a split.

Oracle: the model run on one sequence after the other, the loss from its log probabilities.
Tolerances: the table below.
"""

import json

import pytest
import torch

from clew.runs import load, load_dataset

TOLERANCES = {
    # float32 logits of batches against single sequences; the loss is of order 1.
    "loss": 1e-5,
}


@pytest.mark.parametrize(("words", "split"), [("", "test"), ("--split validation", "validation")])
@pytest.mark.parametrize("run", ["runs/data-s4d", "runs/data-rnn"])
def test_it_says_what_the_model_does(here, clew, monkeypatch, run, words, split):
    reports = []
    monkeypatch.setattr("clew.train.report.write", lambda path: reports.append(path) or path / "report.html")
    said = clew("evaluate", run, *words.split(), "--batch-size", "4")
    assert (said.code, said.err) == (0, "")
    model, data = load(run), getattr(load_dataset(run), split)
    confusion = [[0] * 3 for _ in range(3)]
    loss = 0.0
    for inputs, target in zip(data.inputs, data.targets, strict=True):
        with torch.no_grad():
            logits = model(inputs[None])[0][0]
        loss -= float(logits.double().log_softmax(-1)[target]) / len(data)
        confusion[int(target)][int(logits.argmax())] += 1
    accuracy = sum(confusion[k][k] for k in range(3)) / len(data)

    found = json.loads((here / run / "evaluation.json").read_text())
    assert sorted(found) == ["accuracy", "confusion", "count", "loss", "split"]
    assert found["split"] == split
    assert found["count"] == len(data)
    assert found["confusion"] == confusion
    assert found["accuracy"] == accuracy
    assert found["loss"] == pytest.approx(loss, abs=TOLERANCES["loss"])
    assert f"split     {split}" in said.out
    assert f"accuracy  {accuracy:.2%}" in said.out
    assert f"count     {len(data)}" in said.out
    assert [str(path) for path in reports] == [run]


def test_the_data_set_must_have_the_split(here, clew, small):
    words = f"train data.csv {small} --data-options validation=0 --directory new"
    assert clew(*words.split()).code == 0
    said = clew("evaluate", "new", "--split", "validation")
    assert said == (2, "", "clew: the data set of new has no validation split\n")
    assert not (here / "new/evaluation.json").exists()


@pytest.mark.slow
def test_the_program_evaluates_and_refreshes_the_report(here, program):
    before = (here / "runs/data-s4d/report.html").read_bytes()
    said = program("evaluate", "runs/data-s4d", cwd=here)
    assert (said.code, said.err) == (0, "")
    assert json.loads((here / "runs/data-s4d/evaluation.json").read_text())["split"] == "test"
    assert (here / "runs/data-s4d/report.html").read_bytes() != before


def test_another_rate_with_and_without_resampling(here, clew, tree):
    """The accuracies are those of the model with ``dt`` = 1 and 2, and the run stays as it is."""
    before = tree(here / "runs")
    said = clew("evaluate", "runs/data-s4d", "--resample", "2")
    assert (said.code, said.err) == (0, "")
    assert tree(here / "runs") == before
    model, data = load("runs/data-s4d"), load_dataset("runs/data-s4d").test
    shares = []
    for factor in (1.0, 2.0):
        right = 0
        for inputs, target in zip(data.inputs, data.targets, strict=True):
            with torch.no_grad():
                logits, _ = model(inputs[None], dt=torch.full((1, len(inputs)), factor))
            right += int(logits[0].argmax() == target)
        shares.append(f"{right / len(data):.2%}")
    head, _, accuracy, count = said.out.splitlines()
    assert head.split("  ")[-2:] == ["as trained", "resampled by 2"]
    assert accuracy.split() == ["accuracy", *shares]
    assert count.split() == ["count", str(len(data)), str(len(data))]


def test_the_data_set_may_have_other_options(here, clew, tree, small):
    assert clew("train", "data.csv", *small.split(), "--directory", "new").code == 0
    before = tree(here / "new")
    said = clew("evaluate", "new", "--split", "train", "--data-options", "validation=0")
    assert (said.code, said.err) == (0, "")
    everything = len(load_dataset("new").train) + len(load_dataset("new").validation)
    assert said.out.splitlines()[-1].split() == ["count", str(everything)]
    assert tree(here / "new") == before


def test_what_cannot_be_evaluated_is_one_line(here, clew):
    said = clew("evaluate", "runs/data-rnn", "--resample", "2")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("clew: cannot resample the model (layer 1: an RNN is defined in discrete time")
    said = clew("evaluate", "runs/data-s4d", "--data-options", "strid=2")
    assert (said.code, said.out) == (2, "")
    assert "unknown option of the data set 'csv-table': 'strid'" in said.err
