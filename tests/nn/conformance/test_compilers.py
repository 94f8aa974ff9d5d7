"""torch.compile in one graph, forward and backward, and torch.export of the step.

Oracle: the layer itself, not compiled. Tolerances: member.TOLERANCES ("float32": another order of the same
sums).
"""

import shutil

import pytest
import torch
from tests.nn.conformance.cases import (
    BATCH,
    assert_close,
    build,
    every,
    fresh,
    parts,
    random_dt,
    random_input,
    random_segments,
    random_state,
)
from tests.nn.conformance.members import MEMBERS, takes

TIME = 3  # the loops are unrolled: a short time keeps compilation short
COMPILER = shutil.which("g++") or shutil.which("clang++")


@pytest.fixture(autouse=True)
def no_graphs():
    """No graph of one test counts against the recompilation limit of another."""
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def agree(compiled, layer, x, state, tolerance="float32", **options):
    results, gradients = [], []
    for call in (compiled, layer):
        leaf = x.clone().requires_grad_()
        start = fresh(state)
        y, final = call(leaf, start, **options)
        total = y.square().sum() + sum(part.square().sum() for part in final)
        results.append((y, *final))
        gradients.append(torch.autograd.grad(total, (leaf, *parts(start), *layer.parameters())))
    assert_close(*results, "float32")
    assert_close(*gradients, tolerance)


def everything(member, time):
    """lengths, and whatever else the member takes."""
    options = {"lengths": torch.tensor([time, 0, 1])}
    if takes(member, "segments"):
        options["segments"] = random_segments(time=time)
    if takes(member, "dt"):
        options["dt"] = random_dt(torch.float32, time=time)
    return options


# s4 with dt is s4-recurrent's loop and dss is dss-softmax with another b: thousands of operations to trace.
@every("state", slow=("s4", "dss"))
def test_aot_eager(member):
    layer, x = build(member, torch.float32), random_input(torch.float32, time=TIME)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    agree(compiled, layer, x, random_state(layer), **everything(member, TIME))


# Two branches in one graph take twice as long to trace: those of one layer stand for all every day.
BOTH_WAYS = [
    pytest.param(member, id=member.name, marks=[] if member.name == "lru-bidirectional" else pytest.mark.slow)
    for member in MEMBERS
    if not takes(member, "state")
]


@pytest.mark.parametrize("member", BOTH_WAYS)
def test_aot_eager_both_ways(member):
    test_aot_eager(member)


@every("state", slow=("s4", "dss"))  # s4's is s4-convolution's
def test_aot_eager_from_rest(member):
    """Without a state, as training runs it: another path through some layers that have one."""
    layer, x = build(member, torch.float32), random_input(torch.float32, time=TIME)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    with torch.no_grad():
        assert_close(compiled(x)[0], layer(x)[0], "float32")


@pytest.mark.slow
@every()
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated")  # inductor's own
@pytest.mark.filterwarnings("ignore:`torch._prims_common.check` is deprecated")  # likewise
@pytest.mark.filterwarnings(
    "ignore:Torchinductor does not support code generation for complex"
)  # it calls ATen
@pytest.mark.skipif(COMPILER is None, reason="inductor needs a C++ compiler")
def test_inductor(member):
    layer, x = build(member, torch.float32), random_input(torch.float32, time=TIME)
    compiled = torch.compile(layer, fullgraph=True)
    # Its sums are in another order than eager's, and its tanh is another one.
    agree(compiled, layer, x, random_state(layer), "float32 gradients", **everything(member, TIME))


class Step(torch.nn.Module):
    """``step`` as the forward of a module, which is what export takes."""

    def __init__(self, layer, known):
        super().__init__()
        self.layer, self.known = layer, known

    def forward(self, x_k, state, *more):
        return self.layer.step(x_k, state, **dict(zip(self.known, more, strict=True)))


@every("step")
@pytest.mark.parametrize("given", ["", "constants", "dt"])
def test_step_exports(member, given):
    if given == "dt" and not takes(member, "dt"):
        return
    layer = build(member, torch.float32)
    x, state = random_input(torch.float32), random_state(layer)
    known = type(layer.constants())(*(part.detach() for part in layer.constants()))
    more = {"": (), "constants": (known,), "dt": (torch.full((BATCH,), 1.5),)}[given]
    module = Step(layer, [given] if given else [])
    program = torch.export.export(module, (x[:, 0], state, *more))
    for node in program.graph.nodes:
        value = node.meta.get("val")
        assert not (isinstance(value, torch.Tensor) and value.is_complex()), node
    y_k, after = program.module()(x[:, 1], state, *more)
    wanted, last = module(x[:, 1], state, *more)
    assert_close(y_k, wanted, "float32")
    assert_close(tuple(after), tuple(last), "float32")
