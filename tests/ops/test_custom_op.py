"""Calls past PyTorch's dispatcher, and what must not go past it: modes, tracers, transforms.

Oracle: the same call through the dispatcher, to the bit; for transforms autograd, or the calls one by one.
Tolerances: cases.TOLERANCES[torch.float64] between sums in another order.
"""

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
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from clew.ops import custom_op, use_backend

TIME = 7

# PyTorch's own use of it: its forward mode comes as scripts.
_deprecated_within = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")


def floating(arguments):
    """The arguments with a gradient, and the others."""
    return (
        {name: value for name, value in arguments.items() if value.is_floating_point() or value.is_complex()},
        {
            name: value
            for name, value in arguments.items()
            if not (value.is_floating_point() or value.is_complex())
        },
    )


def scalar(results):
    """A real number that all results have a part in."""
    return sum(
        (result * result).real.sum() if result.is_complex() else (result * result).sum() for result in results
    )


def ops_of(case):
    module = import_module(f"clew.ops.{case.operation}.op")
    return [getattr(module, case.operation), getattr(module, f"{case.operation}_backward")]


@every()
def test_a_plain_call_gives_what_the_dispatcher_gives(case, monkeypatch):
    arguments = leaves(full(case, TIME, torch.float32))
    found = []
    for watched in (False, True):
        if watched:
            monkeypatch.setattr(custom_op, "_watched", lambda arguments: True)
        with torch.no_grad():
            unrecorded = case.run(arguments)
        results = case.run(arguments)
        assert all(result.requires_grad for result in results)
        found.append([*unrecorded, *results, *gradients(results, arguments).values()])
    assert all(map(torch.equal, *found))


@first_of_each
def test_a_plain_call_goes_past_the_dispatcher(case, monkeypatch):
    for op in ops_of(case):
        monkeypatch.setattr(op, "_dispatched", None)
    arguments = leaves(full(case, TIME, torch.float64))
    gradients(case.run(arguments), arguments)
    with torch.no_grad():
        case.run(arguments)


class Seen(TorchDispatchMode):
    """Keeps the names of clew's operations."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        if function.namespace == "clew":
            self.names.append(function._opname)
        return function(*arguments, **(options or {}))


class Called(TorchFunctionMode):
    """Keeps the names of what is called."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_function__(self, function, types, arguments=(), options=None):
        self.names.append(getattr(function, "_opname", None))
        return function(*arguments, **(options or {}))


@first_of_each
def test_modes_and_tracers_see_one_operation(case):
    arguments = leaves(full(case, TIME, torch.float64))
    with Seen() as mode:
        gradients(case.run(arguments), arguments)
    assert mode.names == [case.operation, f"{case.operation}_backward"]

    graph = make_fx(lambda given: case.run(given))(full(case, TIME, torch.float64)).graph
    assert [str(node.target) for node in graph.nodes if "clew" in str(node.target)] == [
        f"clew.{case.operation}.default"
    ]

    with Called() as mode:
        case.run(arguments)
    assert mode.names.count(case.operation) == 1

    fake = FakeTensorMode()
    given = floating(full(case, TIME, torch.float64))[0]
    results = case.run({name: fake.from_tensor(value) for name, value in given.items()})
    assert all(type(result) is FakeTensor for result in results)

    shapes = leaves({name: value.to("meta") for name, value in given.items()})
    assert all(result.is_meta for result in case.run(shapes))


@first_of_each
def test_a_functional_program_has_the_operation(case):
    arguments = full(case, TIME, torch.float64)
    found = torch.func.functionalize(case.run)(arguments)
    assert all(map(torch.equal, found, case.run(arguments)))


@_deprecated_within
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@first_of_each
def test_a_trace_holds_the_operation_and_not_its_result(case):
    arguments = floating(full(case, TIME, torch.float64))[0]
    names, others = list(arguments), [value + 0.1 for value in arguments.values()]
    traced = torch.jit.trace(
        lambda *values: case.run(dict(zip(names, values, strict=True))),
        tuple(arguments.values()),
        check_trace=False,
    )
    for found, wanted in zip(traced(*others), case.run(dict(zip(names, others, strict=True))), strict=True):
        assert torch.equal(found, wanted)


@every()
def test_torch_func_gives_the_gradients_of_autograd(case):
    given, rest = floating(full(case, TIME, torch.float64))
    arguments = leaves(given)
    wanted = torch.autograd.grad(scalar(case.run(arguments | rest)), list(arguments.values()))
    found = torch.func.grad(lambda values: scalar(case.run(values | rest)))(given)
    for (name, one), two in zip(found.items(), wanted, strict=True):
        assert_near(one, two, TOLERANCES[torch.float64], name)


@first_of_each
def test_torch_func_maps_over_calls(case):
    """Mapped, differentiated and mapped, mapped and differentiated: as one call after another."""
    rest = floating(full(case, TIME, torch.float64))[1]
    sets = [floating(full(case, TIME, torch.float64))[0] for _ in range(3)]
    stacked = {name: torch.stack([given[name] for given in sets]) for name in sets[0]}

    def run(given):
        return case.run(given | rest)

    def loss(given):
        return scalar(run(given))

    for mapped, single in ((run, run), (torch.func.grad(loss), torch.func.grad(loss))):
        found = torch.func.vmap(mapped)(stacked)
        for index, given in enumerate(sets):
            wanted = single(given)
            names = wanted if isinstance(wanted, dict) else range(len(wanted))
            for name in names:
                assert_near(found[name][index], wanted[name], TOLERANCES[torch.float64], name)

    found = torch.func.grad(lambda given: torch.func.vmap(loss)(given).sum())(stacked)
    for index, given in enumerate(sets):
        for name, wanted in torch.func.grad(loss)(given).items():
            assert_near(found[name][index], wanted, TOLERANCES[torch.float64], name)


@first_of_each
def test_gradients_come_in_batches(case):
    """As torch.autograd.functional.jacobian(vectorize=True) wants them."""
    arguments = leaves(floating(full(case, TIME, torch.float64))[0])
    y = case.run(arguments)[0]
    weights = torch.stack([torch.randn_like(y) for _ in range(3)])
    inputs = list(arguments.values())
    found = torch.autograd.grad(
        y, inputs, weights, is_grads_batched=True, retain_graph=True, allow_unused=True
    )
    for index, weight in enumerate(weights):
        wanted = torch.autograd.grad(y, inputs, weight, retain_graph=True, allow_unused=True)
        for one, two in zip(found, wanted, strict=True):
            assert two is None or torch.equal(one[index], two)


@_deprecated_within
@first_of_each
def test_forward_mode_is_refused(case):
    """PyTorch's custom ops return zero for the derivative."""
    given = floating(full(case, TIME, torch.float64))[0]
    tangents = {name: torch.ones_like(value) for name, value in given.items()}
    name, value = next(iter(given.items()))

    def run(value):
        return case.run(given | {name: value})[0]

    def duals():
        return {name: forward_ad.make_dual(value, tangents[name]) for name, value in given.items()}

    message = f"^{case.operation} has no derivative in forward mode .*use_backend"
    with pytest.raises(RuntimeError, match=message):
        torch.func.jvp(lambda values: case.run(values)[0], (given,), (tangents,))
    with pytest.raises(RuntimeError, match=message):
        torch.func.linearize(run, value)
    with pytest.raises(RuntimeError, match=message):
        torch.autograd.functional.jacobian(run, value, vectorize=True, strategy="forward-mode")
    with forward_ad.dual_level(), pytest.raises(RuntimeError, match=message):
        case.run(duals())
    with Seen(), forward_ad.dual_level(), pytest.raises(RuntimeError, match=message):
        case.run(duals())
    with forward_ad.dual_level():  # and nothing in it that has a derivative
        assert torch.equal(run(value), case.run(given)[0])


@first_of_each
def test_forward_mode_of_the_backward_pass_is_a_second_derivative(case):
    arguments = leaves(floating(full(case, TIME, torch.float64))[0])
    y = case.run(arguments)[0]
    with forward_ad.dual_level():
        weight = forward_ad.make_dual(torch.ones_like(y), torch.ones_like(y))
        with pytest.raises(RuntimeError, match=f"^{case.operation} is differentiable once"):
            torch.autograd.grad(y, list(arguments.values()), weight, allow_unused=True)


@_deprecated_within
@first_of_each
def test_the_reference_has_forward_mode(case):
    """⟨u, J v⟩ = ⟨Jᵀ u, v⟩."""
    given, rest = floating(full(case, TIME, torch.float64))
    tangents = {name: torch.randn_like(value) for name, value in given.items()}

    def run(values):
        return case.run(values | rest)[0]

    y, back = torch.func.vjp(run, given)
    weight = torch.randn_like(y)
    with use_backend("reference"):
        _, forwards = torch.func.jvp(run, (given,), (tangents,))
    one = (weight.conj() * forwards).real.sum()
    two = sum((gradient.conj() * tangents[name]).real.sum() for name, gradient in back(weight)[0].items())
    torch.testing.assert_close(one, two, rtol=1e-10, atol=1e-10)


def test_nothing_to_map_over_is_refused():
    from clew.ops import linear_scan

    with pytest.raises(ValueError, match=r"linear_scan: torch.func.vmap needs 1 or more"):
        torch.func.vmap(lambda inputs: linear_scan(torch.ones(1), inputs)[0])(torch.ones(0, 2, 3, 4))
