"""A task that asks for values, through the whole product.

Oracle: the model run on one sequence after the other, numpy's mean of squares, the json module; for the
comparison what train and evaluate say. Tolerances: TOLERANCES.
"""

import importlib
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from clew.compare.measure import measure
from clew.runs import load, load_dataset

TOLERANCES = {"batches": 1e-5}  # relative: float32 values of batches against single sequences

DATA = "--data-options length=8 sequences=120 test_sequences=40"
SMALL = "--epochs 2 --batch-size 16 --d-model 8"


@pytest.fixture
def run(clew, tmp_path, monkeypatch):
    """A folder with a run, and what the program said as it trained it."""
    monkeypatch.chdir(tmp_path)
    return clew("train", "adding", *DATA.split(), *SMALL.split(), "--directory", "run")


def test_train_says_the_error(run):
    assert (run.code, run.err) == (0, "")
    assert run.out.startswith("trained s4d on adding: 2 epochs, best validation loss ")
    metrics = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    best = min((line for line in metrics if line["kind"] == "validation"), key=lambda line: line["loss"])
    assert f"with mean squared error {best['mean_squared_error']:.4g}\n" in run.out


def test_evaluate_says_error_and_what_is_explained(run, clew):
    said = clew("evaluate", "run", "--batch-size", "7")
    assert (said.code, said.err) == (0, "")
    model, data = load("run"), load_dataset("run")
    with torch.no_grad():
        values = np.array([model(inputs[None])[0].item() for inputs in data.test.inputs])
    targets = np.array([target.item() for target in data.test.targets])
    error = np.mean((values - targets) ** 2)
    mean = float(np.mean([target.item() for target in data.train.targets]))
    found = json.loads(Path("run/evaluation.json").read_text())
    wanted = {
        "mean_squared_error": error,
        "explained": 1 - error / targets.var(),
        "trivial_mean_squared_error": np.mean((mean - targets) ** 2),
    }
    for name, number in wanted.items():
        assert found[name] == pytest.approx(number, rel=TOLERANCES["batches"]), name
    assert found["loss"] == pytest.approx(error / data.target_std.item() ** 2, rel=TOLERANCES["batches"])
    assert (found["split"], found["count"]) == ("test", 40)
    np.testing.assert_allclose(np.ravel(found["predictions"]), values, rtol=TOLERANCES["batches"])
    assert np.ravel(found["targets"]).tolist() == targets.tolist()
    lines = dict(line.rsplit("  ", 1) for line in said.out.splitlines())
    shown = {name.strip(): value for name, value in lines.items()}
    assert shown == {
        "split": "test",
        "mean squared error": f"{found['mean_squared_error']:.4g}",
        "its root": f"{math.sqrt(found['mean_squared_error']):.4g}",
        "R²": f"{found['explained']:.4f}",
        "always the mean": f"{found['trivial_mean_squared_error']:.4g}",
        "count": "40",
        "report": "run/report.html",
    }


def test_side_by_side_with_other_data(run, clew):
    said = clew("evaluate", "run", "--data-options", "length=16", "--resample", "0.5")
    assert (said.code, said.err) == (0, "")
    rows = [line.split("  ")[0] for line in said.out.splitlines()]
    assert rows == ["test", "mean squared error", "its root", "R²", "always the mean", "count"]


def test_info_names_the_values(run, clew):
    said = clew("info", "run")
    assert (said.code, said.err) == (0, "")
    assert "\ndata        adding: 2 channels, 1 value a sequence\n" in said.out
    assert "\nvalues      sum\n" in said.out
    assert "\nclasses" not in said.out
    assert "with mean squared error 0." in said.out
    assert clew("evaluate", "run").code == 0
    assert "evaluation  test: mean squared error 0." in clew("info", "run").out


def test_stream_answers_with_values(run, clew):
    inputs = load_dataset("run").test.inputs[0]
    said = clew("stream", "run", stdin="".join(f"{v:.9g},{m}\n" for v, m in inputs.tolist()).encode())
    assert (said.code, said.err) == (0, "")
    answers = [json.loads(line) for line in said.out.splitlines()]
    assert [answer["sample"] for answer in answers] == list(range(8))
    with torch.no_grad():
        whole = load("run")(inputs[None])[0].item()
    assert answers[-1]["values"]["sum"] == pytest.approx(whole, rel=TOLERANCES["batches"])


def test_export_writes_the_step(run, clew):
    said = clew("export", "run", "--format", "torch", "--what", "step")
    assert (said.code, said.err) == (0, "")
    assert "out  values" in said.out


def test_compare_puts_the_least_error_first(run, clew, monkeypatch):
    monkeypatch.setattr(importlib.import_module("clew.compare.carry_out"), "measure_apart", measure)
    said = clew("compare", "adding", *DATA.split(), *SMALL.split(), "--mixers", "s4d,rnn", "--seeds", "0")
    assert (said.code, said.err) == (0, "")
    assert clew("evaluate", "run", "--batch-size", "16").code == 0
    evaluation = json.loads(Path("run/evaluation.json").read_text())
    rows = json.loads(Path("runs/compare/results.json").read_text())["rows"]
    for name in ("mean_squared_error", "loss", "count"):
        assert rows[0]["measured"][name] == evaluation[name], name
    assert rows[0]["measured"]["trivial"] == evaluation["trivial_mean_squared_error"]
    errors = {row["mixer"]: row["measured"]["mean_squared_error"] for row in rows}
    head = next(number for number, line in enumerate(said.out.splitlines()) if line.startswith("mixer"))
    table = [line.split() for line in said.out.splitlines()[head + 1 : head + 4]]
    assert [line[0] for line in table] == [*sorted(errors, key=errors.get), "always"]
    assert [line[1] for line in table[:2]] == [f"{error:.4g}" for error in sorted(errors.values())]
    assert f"s4d, seed 0: mean squared error {errors['s4d']:.4g} after 2 epochs" in said.out
