"""What is in the files: names, free axes, metadata; nothing of this machine, no pickle, no need of clew.

Oracle: the files, read by onnx, zipfile and torch where clew cannot be imported. Tolerances: none.
"""

import io
import json
import pickle
import subprocess
import sys
import zipfile

import onnx
import pytest
import torch
from tests.export.cases import CHANNELS, CLASSES, assert_runs_as, model_of, onnx_call, samples, torch_call

from clew.export import interface, to_torch
from clew.export.onnx_model import convert
from clew.version import __version__

HIDDEN = ["backbone.0.real", "backbone.0.imag", "pooled", "count"]
CLASS_NAMES = ("still", "laufend", "走", "cut")


@pytest.fixture(scope="module")
def exported():
    """The step of one S4D that answers every sample, so that a part of its state goes through unchanged."""
    torch.manual_seed(0)
    model = model_of(["s4d"], pooling="step")
    signature = interface(model, "step")
    program = to_torch(model, "step")
    return model, program, convert(program, signature, signature.as_json(model, (), CLASS_NAMES))


@pytest.fixture(scope="module")
def archive(exported):
    file = io.BytesIO()
    torch.export.save(exported[1], file)
    return file.getvalue()


def test_both_run(exported):
    model, program, proto = exported
    assert_runs_as(model, "step", onnx_call(proto))
    assert_runs_as(model, "step", torch_call(program))


def test_onnx_has_readable_names_and_free_axes(exported):
    _, _, proto = exported
    onnx.checker.check_model(proto, full_check=True)
    shapes = {
        value.name: [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in (*proto.graph.input, *proto.graph.output)
    }
    assert list(shapes) == [
        "x_k",
        *(f"state.{name}" for name in HIDDEN),
        "logits",
        *(f"next.{name}" for name in HIDDEN),
    ]
    assert shapes["x_k"] == ["batch", CHANNELS]
    assert shapes["state.backbone.0.real"] == shapes["next.backbone.0.real"] == ["batch", 8, 32]
    assert shapes["logits"] == ["batch", CLASSES]
    assert shapes["state.count"] == ["batch"]


def test_onnx_tells_a_reader_without_clew_what_it_is(exported):
    model, _, proto = exported
    (text,) = (entry.value for entry in proto.metadata_props if entry.key == "clew")
    described = json.loads(text)
    assert described["clew"] == __version__
    assert (described["what"], described["mixer"], described["opset"]) == ("step", "s4d", 18)
    assert (described["channels"], described["classes"]) == ([], list(CLASS_NAMES))
    assert [value["name"] for value in described["inputs"]] == [value.name for value in proto.graph.input]
    assert [value["name"] for value in described["outputs"]] == [value.name for value in proto.graph.output]
    assert described["inputs"][1] == {
        "name": "state.backbone.0.real",
        "shape": ["batch", 8, 32],
        "dtype": "float32",
    }
    assert described["state"][0] == {
        "name": "backbone.0.real",
        "input": "state.backbone.0.real",
        "output": "next.backbone.0.real",
    }
    with pytest.raises(ValueError, match="the model has 4 classes, got the names of 2"):
        interface(model, "step").as_json(model, (), ("a", "b"))


def test_the_paths_of_this_machine_stay_here(exported, archive):
    _, _, proto = exported
    contents = [proto.SerializeToString()]
    with zipfile.ZipFile(io.BytesIO(archive)) as entries:
        contents += [entries.read(name) for name in entries.namelist()]
    for content in contents:
        assert b"src/clew" not in content
        assert b"site-packages" not in content


def test_onnx_holds_none_of_the_exporters_notes(exported):
    _, _, proto = exported
    parts = (*proto.graph.node, *proto.graph.input, *proto.graph.output, *proto.graph.value_info)
    assert not any(part.metadata_props or part.doc_string for part in parts)


def test_the_archive_holds_no_pickle(archive, monkeypatch):
    with zipfile.ZipFile(io.BytesIO(archive)) as entries:
        for name in entries.namelist():
            content = entries.read(name)
            assert b'"use_pickle": true' not in content, name
            assert not (name.endswith((".pt", ".pkl")) and content), name

    def refuse(*_, **__):
        raise AssertionError("something was unpickled")

    monkeypatch.setattr(torch, "load", refuse)
    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    torch.export.load(io.BytesIO(archive))


def test_the_state_goes_in_by_name(exported):
    _, program, _ = exported
    x_k = samples(2)
    state = {"backbone.0.real": torch.randn(2, 8, 32), "backbone.0.imag": torch.randn(2, 8, 32)}
    state |= {"pooled": torch.zeros(2, 0, dtype=torch.float64), "count": torch.tensor([3, 4])}
    logits, after = program.module()(x_k, state)
    swapped = ["backbone.0.imag", "backbone.0.real", "pooled", "count"]  # the shapes fit nevertheless
    again, _ = program.module()(x_k, {name: state[name] for name in swapped})
    assert torch.equal(logits, again)
    assert after["count"].tolist() == [4, 5]


@pytest.mark.slow
def test_torch_runs_the_archive_where_clew_is_not(exported, archive, tmp_path):
    model, _, _ = exported
    x_k = samples(1)
    (tmp_path / "step.pt2").write_bytes(archive)
    (tmp_path / "run.py").write_text(
        "import sys\n"
        "sys.modules['clew'] = None\n"  # makes its import fail
        "import torch\n"
        "step = torch.export.load('step.pt2').module()\n"
        "state = {f'backbone.0.{part}': torch.zeros(1, 8, 32) for part in ('real', 'imag')}\n"
        "state |= {'pooled': torch.zeros(1, 0, dtype=torch.float64), 'count': torch.tensor([0])}\n"
        f"print(step(torch.tensor({x_k.tolist()}), state)[0].tolist())\n"
    )
    done = subprocess.run([sys.executable, "run.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with torch.no_grad():
        wanted = model.step(x_k, model.initial_state(1))[0]
    torch.testing.assert_close(torch.tensor(json.loads(done.stdout)), wanted, rtol=0, atol=1e-5)
