"""What cannot be exported is refused, before the work.

Oracle: the messages. Tolerances: none.
"""

import sys

import pytest
from tests.export.cases import WIDTH, model_of

from clew.errors import MissingExtraError
from clew.export import interface, to_onnx, to_torch
from clew.export.runners import onnx_runner
from clew.nn import RNN, S4D


class Stranger(S4D):
    """A mixer of someone else's, whose backward branch may be anything."""


def bidirectional(kind):
    model = model_of(["rnn"])
    model.backbone.blocks[0].mixer = kind(WIDTH, bidirectional=True).eval()
    return model


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda model: model.train(), "training mode; call model.eval"),
        (lambda model: model.bfloat16(), r"is in bfloat16: model.float\(\)"),
        (lambda model: model.to("meta"), r"not on the CPU; .*model.cpu\(\)"),
    ],
)
@pytest.mark.parametrize("what", ["model", "step"])
@pytest.mark.parametrize("export", [to_torch, to_onnx])
def test_models_that_are_not_exported(export, what, spoil, message):
    with pytest.raises(ValueError, match=message):
        export(spoil(model_of(["rnn"])), what)


@pytest.mark.parametrize("export", [to_torch, to_onnx, interface])
def test_the_step_of_a_model_that_reads_both_ways(export):
    with pytest.raises(ValueError, match=r"the step cannot be exported: .*bidirectional=True.*what='model'"):
        export(bidirectional(RNN), "step")


@pytest.mark.parametrize("export", [to_torch, to_onnx])
def test_both_directions_of_an_unknown_mixer(export):
    with pytest.raises(
        ValueError, match=r"Stranger with bidirectional=True cannot be exported: .*Mamba2, RNN"
    ):
        export(bidirectional(Stranger))


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
