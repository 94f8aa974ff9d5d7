"""What PyTorch's dispatcher and compiler need of an operation: a true fake, a registered gradient, one graph.

Oracle: ``torch.library.opcheck``, which runs each custom op eagerly, with fake tensors and through
AOTDispatcher, and compares; for compiled functions the same function run eagerly.
Tolerances: cases.TOLERANCES[torch.float32] and opcheck's own.
"""

import shutil
from importlib import import_module

import pytest
import torch
from tests.ops.cases import (
    TOLERANCES,
    assert_near,
    every,
    first_of_each,
    full,
    gradients,
    leaves,
)

from clew.ops import use_backend

TIME = 7


@pytest.fixture
def calls(monkeypatch):
    """The arguments of every custom op call, by the op's name."""
    seen = {}

    def record(case):
        module = import_module(f"clew.ops.{case.operation}.op")
        for name in (case.operation, f"{case.operation}_backward"):
            op = getattr(module, name)

            def recording(*arguments, op=op, name=name):
                seen[name] = arguments
                return op(*arguments)

            monkeypatch.setattr(module, name, recording)

    record.seen = seen
    return record


@every()
def test_opcheck(case, calls):
    calls(case)
    arguments = leaves(full(case, TIME, torch.float32))
    gradients(case.run(arguments), arguments)
    for name, given in calls.seen.items():
        given = tuple(value.detach() if isinstance(value, torch.Tensor) else value for value in given)
        if name == case.operation:
            for value in given:
                if isinstance(value, torch.Tensor) and (value.is_floating_point() or value.is_complex()):
                    value.requires_grad_()
        torch.library.opcheck(getattr(torch.ops.clew, name).default, given)
    assert len(calls.seen) == 2


def compare(case, function, arguments):
    for one, two in zip(function(case, arguments), case.run(arguments), strict=True):
        assert_near(one, two, TOLERANCES[torch.float32])
    compiled = gradients(function(case, arguments), arguments)
    for name, gradient in gradients(case.run(arguments), arguments).items():
        assert_near(compiled[name], gradient, TOLERANCES[torch.float32], name)


@every()
def test_compiles_to_one_graph(case):
    torch._dynamo.reset()

    @torch.compile(fullgraph=True, backend="aot_eager")
    def compiled(case, arguments):
        return case.run(arguments)

    compare(case, compiled, leaves(full(case, TIME, torch.float32)))


@first_of_each
def test_compiles_once_for_all_sizes(case):
    torch._dynamo.reset()

    @torch.compile(fullgraph=True, backend="aot_eager", dynamic=True)
    def compiled(case, arguments):
        return case.run(arguments)

    compare(case, compiled, leaves(full(case, TIME, torch.float32)))
    with torch.compiler.set_stance("fail_on_recompile"):
        compare(case, compiled, leaves(full(case, TIME + 2, torch.float32)))


@first_of_each
def test_compiles_with_a_backend_chosen_inside(case):
    torch._dynamo.reset()

    @torch.compile(fullgraph=True, backend="aot_eager")
    def compiled(case, arguments):
        with use_backend("reference"):
            return case.run(arguments)

    compare(case, compiled, leaves(full(case, TIME, torch.float32)))


def test_a_backend_chosen_outside_is_seen_by_a_compiled_function():
    torch._dynamo.reset()
    graphs = []

    def keep(graph, _):
        graphs.append(graph.code)
        return graph

    from clew.ops import linear_scan

    compiled = torch.compile(linear_scan, fullgraph=True, backend=keep)
    decay, inputs = torch.rand(1, 3, 1), torch.rand(1, 3, 1)
    for name in ("parallel", "reference", "parallel"):
        with use_backend(name):
            compiled(decay, inputs)
    assert ["clew.linear_scan" in code for code in graphs] == [True, False]


# Warnings of torch's own: inductor imports a deprecated decorator and leaves complex numbers to eager.
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Torchinductor does not support code generation for complex:UserWarning")
@pytest.mark.skipif(
    not shutil.which("g++") and not shutil.which("clang++"), reason="inductor needs a C++ compiler"
)
@pytest.mark.slow
@first_of_each
def test_compiles_with_inductor(case):
    torch._dynamo.reset()

    @torch.compile(fullgraph=True)
    def compiled(case, arguments):
        return case.run(arguments)

    compare(case, compiled, leaves(full(case, TIME, torch.float32)))
