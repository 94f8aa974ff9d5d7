"""``clew export``: the file, what is said of it, and what is refused.

Oracle: the model of the run, and the file run by onnxruntime or torch alone.
Tolerances: the table below.
"""

import importlib
import json
import re
import sys
import zipfile

import onnxruntime
import pytest
import torch

from clew.export.runners import torch_runner
from clew.runs import load

TOLERANCES = {
    # float32 logits of order 1 in another order of sums
    "logits": 1e-5,
}
STEP = ("--format", "torch", "--what", "step")  # the quickest to export


def difference(said):
    return float(re.search(r"^difference +(\S+) at most", said.out, re.MULTILINE).group(1))


def test_a_run_becomes_onnx(here, clew):
    said = clew("export", "runs/data-rnn")
    assert (said.code, said.err) == (0, "")
    path = here / "runs/data-rnn/model.onnx"
    assert difference(said) <= TOLERANCES["logits"]
    assert f"{path.stat().st_size:,} bytes" in said.out
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    assert "in x (batch, time, 2) float32" in lines
    assert "in lengths (batch) int64" in lines
    assert "out logits (batch, 3) float32" in lines
    assert "out next.backbone.1.hidden (batch, 8) float32" in lines

    session = onnxruntime.InferenceSession(path)
    described = json.loads(session.get_modelmeta().custom_metadata_map["clew"])
    assert described["channels"] == ["left", "right"]
    assert (
        described["classes"]
        == json.loads((here / "runs/data-rnn/config.json").read_text())["data"]["classes"]
    )
    x, lengths = torch.randn(4, 9, 2), torch.tensor([9, 3, 0, 1])
    with torch.no_grad():
        wanted, _ = load("runs/data-rnn")(x, lengths=lengths)
    given = session.run(["logits"], {"x": x.numpy(), "lengths": lengths.numpy()})[0]
    torch.testing.assert_close(torch.from_numpy(given), wanted, rtol=0, atol=TOLERANCES["logits"])


def test_a_run_becomes_a_program_of_torch(here, clew):
    said = clew("export", "runs/data-s4d", *STEP, "--out", "elsewhere.pt2")
    assert (said.code, said.err) == (0, "")
    assert difference(said) <= TOLERANCES["logits"]
    with zipfile.ZipFile(here / "elsewhere.pt2") as entries:
        (name,) = (name for name in entries.namelist() if name.endswith("extra/clew.json"))
        described = json.loads(entries.read(name))
    assert (described["what"], described["channels"]) == ("step", ["left", "right"])
    assert not list(here.glob("runs/data-s4d/*.pt2"))
    assert not list(here.glob(".*.writing"))


def test_a_model_that_reads_both_ways_is_exported_whole_and_has_no_step(here, clew, monkeypatch):
    monkeypatch.setattr("clew.train.report.write", lambda path: path / "report.html")
    options = ("--mixer", "rnn", "--mixer-options", "d_state=8", "bidirectional=true", "--d-model", "8")
    assert clew("train", "data.csv", *options, "--epochs", "1", "--directory", "runs/both").code == 0
    said = clew("export", "runs/both", "--format", "torch")
    assert (said.code, said.err) == (0, "")
    assert difference(said) <= TOLERANCES["logits"]
    assert "none, and no state: the model reads whole sequences from both ends" in said.out
    assert "next." not in said.out
    said = clew("export", "runs/both", *STEP)
    assert (said.code, said.out) == (2, "")
    assert "the step cannot be exported: the model has a mixer with bidirectional=True" in said.err
    assert not (here / "runs/both/step.pt2").exists()


def test_what_is_there_is_kept_unless_asked(here, clew, tree):
    for path in ("runs/data-rnn/step.pt2", "kept"):
        (here / path).write_text("mine")
    before = tree(here)
    for words in ([], ["--out", "kept"]):
        said = clew("export", "runs/data-rnn", *STEP, *words)
        assert said.code == 2
        assert "exists: replace it with --replace" in said.err
    assert tree(here) == before
    said = clew("export", "runs/data-rnn", *STEP, "--replace")
    assert said.code == 0
    assert (here / "runs/data-rnn/step.pt2").read_bytes() != b"mine"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("runs/data-rnn --format onxx", "unknown format 'onxx'; did you mean 'onnx'? Known: onnx, torch"),
        ("runs/data-rnn --what steps", "unknown part to export 'steps'; did you mean 'step'?"),
        ("runs/data-rnn --out no/such/place.onnx", "there is no folder no/such"),
        ("runs/data-rnn --out runs", "the model goes to a file; runs is a folder"),
        ("runs/data-rmm", "did you mean 'runs/data-rnn'?"),
        ("runs/interrupted", "holds no trained model yet"),
    ],
)
def test_mistakes(here, clew, tree, words, message):
    before = tree(here)
    said = clew("export", *words.split())
    assert (said.code, said.out) == (2, "")
    assert message in said.err
    assert said.err.count("\n") == 1
    assert tree(here) == before


def test_a_file_that_is_not_the_model_is_not_written(here, clew, tree, monkeypatch):
    def wrong(data, signature):
        run = torch_runner(data, signature)
        return lambda given: {name: value + 1e-4 for name, value in run(given).items()}

    monkeypatch.setattr(importlib.import_module("clew.export.write"), "torch_runner", wrong)
    before = tree(here)
    said = clew("export", "runs/data-rnn", *STEP)
    assert said.code == 2
    assert "was not written: what was exported differs from the model by" in said.err
    assert "more than 1e-05" in said.err
    assert tree(here) == before


def test_a_missing_extra_is_named_before_the_work(here, clew, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    said = clew("export", "runs/data-rnn")
    assert said == (
        2,
        "",
        "clew: this needs the package 'onnx', which is not installed: pip install 'clew[onnx]'\n",
    )
