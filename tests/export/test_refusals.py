"""What cannot be exported is refused, before the work.

Oracle: the messages. Tolerances: none.
"""

import sys

import pytest
from tests.export.cases import WIDTH, model_of

from clew.errors import MissingExtraError
from clew.export import interface, to_onnx, to_torch
from clew.export.runners import onnx_runner
from clew.nn import RNN


def bidirectional(model):
    """With a mixer that cannot run by steps, of which even the whole sequence is made."""
    model.backbone.blocks[0].mixer = RNN(WIDTH, bidirectional=True).eval()
    return model


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda model: model.train(), "training mode; call model.eval"),
        (lambda model: model.bfloat16(), r"is in bfloat16: model.float\(\)"),
        (lambda model: model.to("meta"), r"not on the CPU; .*model.cpu\(\)"),
        (bidirectional, "reads whole sequences from both ends and has no state"),
    ],
)
@pytest.mark.parametrize("what", ["model", "step"])
@pytest.mark.parametrize("export", [to_torch, to_onnx])
def test_models_that_are_not_exported(export, what, spoil, message):
    with pytest.raises(ValueError, match=message):
        export(spoil(model_of(["rnn"])), what)


@pytest.mark.parametrize("export", [to_torch, to_onnx, interface])
def test_an_unknown_part(export):
    with pytest.raises(ValueError, match="unknown part to export 'steps'; did you mean 'step'"):
        export(model_of(["rnn"]), "steps")


def test_names_that_do_not_fit():
    with pytest.raises(ValueError, match="the model has 3 channels, got the names of 1"):
        to_onnx(model_of(["rnn"]), channels=("left",))


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_package_is_named_with_what_brings_it(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    model = model_of(["rnn"])
    with pytest.raises(MissingExtraError, match=rf"'{package}'.*clew\[onnx\]"):
        onnx_runner(b"", interface(model)) if package == "onnxruntime" else to_onnx(model)
