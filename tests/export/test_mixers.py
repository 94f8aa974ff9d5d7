"""Every registered mixer exported, whole and by steps, to torch's own programs and to ONNX; both ways, whole.

Oracle: the model itself, run in parallel and sample by sample. Tolerances: cases.TOLERANCES.
"""

import pytest
import torch
from tests.export.cases import WHATS, assert_runs_as, model_of, onnx_call, torch_call

from clew.export import interface, to_onnx, to_torch
from clew.export.onnx_model import convert
from clew.nn import mixers

# Options under which a step computes something else.
VARIANTS = (
    ("mamba", {"selection_norm_epsilon": 1e-6, "x_proj_bias": True}),
    ("mamba2", {"norm": "layer", "n_groups": 2, "head_dim": 4}),
    ("rnn", {"nonlinearity": None}),
    ("dss", {"kernel": "softmax", "normalize_length": 50}),
    ("s4", {"init": "legt"}),  # rank 2
)
# Mixers that read both ways: an output of its own for the backward branch, which is without the present, and
# a layer of its own for it.
DAILY = ("s4d", "rnn")
BOTH_WAYS = (
    *((name, {}) for name in mixers),
    ("rnn", {"nonlinearity": None}),
    ("dss", {"kernel": "softmax", "normalize_length": 50}),
    ("s4", {"init": "legt"}),
    *((name, {"share_directions": True}) for name in ("mamba", "mamba2")),
    *((name, {"conv_padding": "same", "d_conv": taps}) for name in ("mamba", "mamba2") for taps in (1, 3, 4)),
)


@pytest.fixture(scope="module", params=WHATS)
def exported(request):
    """One model with a block of every mixer there is: what makes an export slow is paid once for all."""
    torch.manual_seed(0)
    model = model_of(list(mixers), VARIANTS)
    program = to_torch(model, request.param)
    signature = interface(model, request.param)
    return model, request.param, program, convert(program, signature, {})


def test_torch_runs_every_mixer(exported):
    model, what, program, _ = exported
    assert_runs_as(model, what, torch_call(program))


def test_onnxruntime_runs_every_mixer(exported):
    model, what, _, proto = exported
    assert_runs_as(model, what, onnx_call(proto))


def test_no_tensor_is_complex_and_no_operation_is_ours(exported):
    _, _, program, proto = exported
    for module in program.graph_module.modules():
        for node in getattr(module, "graph", torch.fx.Graph()).nodes:
            value = node.meta.get("val")
            assert not (isinstance(value, torch.Tensor) and value.is_complex()), node
            assert "clew" not in str(node.target)
    assert {node.domain for node in proto.graph.node} == {""}
    assert [(opset.domain, opset.version) for opset in proto.opset_import] == [("", 18)]


def test_the_model_is_as_it_was(exported):
    model, _, _, _ = exported
    assert [type(block.mixer) for block in model.backbone.blocks] == [
        mixers[name] for name in (*mixers, *(name for name, _ in VARIANTS))
    ]


def test_both_ways():
    """Among layers that read one way, so that some have a state and the model has none."""
    torch.manual_seed(0)
    model = model_of(["gru"], [(name, {"bidirectional": True}) for name in DAILY], pooling="step")
    program = to_torch(model)
    signature = interface(model)
    assert (len(signature.outputs), signature.steps) == (1, False)
    assert_runs_as(model, "model", torch_call(program))
    assert_runs_as(model, "model", onnx_call(convert(program, signature, {})))


@pytest.mark.slow
@pytest.mark.parametrize(("mixer", "options"), BOTH_WAYS)
def test_each_mixer_both_ways(mixer, options):
    model = model_of([], [(mixer, {"bidirectional": True, **options})], pooling="step")
    signature, program = interface(model), to_torch(model)
    assert_runs_as(model, "model", torch_call(program))
    assert_runs_as(model, "model", onnx_call(convert(program, signature, {})))


@pytest.mark.slow
@pytest.mark.parametrize("what", WHATS)
@pytest.mark.parametrize("mixer", list(mixers))
@pytest.mark.parametrize("pooling", ["mean", "last", "step"])
def test_each_mixer_alone(mixer, what, pooling):
    model = model_of([mixer], pooling=pooling)
    assert_runs_as(model, what, onnx_call(to_onnx(model, what)))
    assert_runs_as(model, what, torch_call(to_torch(model, what)))


@pytest.mark.slow
@pytest.mark.parametrize("what", WHATS)
def test_float64_in_torch(what):
    model = model_of(["s4d"]).double()
    assert_runs_as(model, what, torch_call(to_torch(model, what)), torch.float64, "float64")
