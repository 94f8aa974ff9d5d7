"""Gradients of the parameters, the input and the state.

Oracle: autograd through mixers/, in float64. Tolerances: member.TOLERANCES.
"""

import pytest
import torch
from tests.nn.conformance.cases import (
    BATCH,
    TIME,
    assert_close,
    build,
    every,
    fresh,
    leaves,
    parts,
    random_dt,
    random_input,
    random_segments,
    random_state,
)
from tests.nn.conformance.member import pieces
from tests.nn.conformance.members import takes

DTYPES = pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float64, "float64"), (torch.float32, "float32 gradients")],
    ids=["float64", "float32"],
)


def loss(y, final, weights):
    """A different weight for each number, so that no two errors cancel."""
    return sum(
        (part * weight.to(part.dtype)).sum() for part, weight in zip((y, *final), weights, strict=True)
    )


def gradients(layer, x, state, weights, **options):
    x = x.detach().clone().requires_grad_()
    state = fresh(state)
    y, final = layer(x, state, **options)
    return torch.autograd.grad(loss(y, final, weights), (*layer.parameters(), x, *parts(state)))


def published_gradients(member, layer, x, state, weights, **options):
    parameters = leaves(layer)
    x = x.detach().double().requires_grad_()
    state = tuple(part.detach().double().requires_grad_() for part in parts(state))
    y, final = pieces(member.equations, parameters, x, state, **options)
    return torch.autograd.grad(loss(y, final, weights), (*parameters.values(), x, *state))


def random_weights(layer):
    return torch.randn(BATCH, TIME, layer.d_model), *(
        torch.randn_like(part) for part in parts(random_state(layer))
    )


@every()
@DTYPES
def test_of_everything(member, dtype, tolerance):
    layer = build(member, dtype)
    x, state, weights = random_input(dtype), random_state(layer), random_weights(layer)
    actual = gradients(layer, x, state, weights)
    assert_close(actual, published_gradients(member, layer, x, state, weights), tolerance)


@every()
@DTYPES
def test_of_everything_padded_packed_and_irregular(member, dtype, tolerance):
    layer = build(member, dtype)
    x, state, weights = random_input(dtype), random_state(layer), random_weights(layer)
    options = {"lengths": torch.tensor([TIME, 0, 9])}
    doubled = dict(options)
    if takes(member, "segments"):
        options["segments"] = doubled["segments"] = random_segments()
    if takes(member, "dt"):
        options["dt"] = random_dt(dtype)
        doubled["dt"] = options["dt"].double()
    actual = gradients(layer, x, state, weights, **options)
    assert_close(actual, published_gradients(member, layer, x, state, weights, **doubled), tolerance)


@every("step")
def test_by_steps(member):
    layer = build(member)
    x, state, weights = random_input(), random_state(layer), random_weights(layer)
    leaf = x.clone().requires_grad_()
    start = fresh(state)
    outputs, final = [], start
    for x_k in leaf.unbind(1):
        y_k, final = layer.step(x_k, final)
        outputs.append(y_k)
    total = loss(torch.stack(outputs, dim=1), final, weights)
    actual = torch.autograd.grad(total, (*layer.parameters(), leaf, *start))
    assert_close(actual, published_gradients(member, layer, x, state, weights), "float64")


@every("state")
def test_flow_through_the_state_between_chunks(member):
    layer = build(member)
    x, state, weights = random_input(), random_state(layer), random_weights(layer)
    leaf = x.clone().requires_grad_()
    start = fresh(state)
    first, middle = layer(leaf[:, :8], start)
    second, final = layer(leaf[:, 8:], middle)
    total = loss(torch.cat((first, second), dim=1), final, weights)
    actual = torch.autograd.grad(total, (*layer.parameters(), leaf, *start))
    assert_close(actual, published_gradients(member, layer, x, state, weights), "float64")


@every("dt")
def test_of_dt(member):
    layer = build(member)
    x, state, weights, dt = random_input(), random_state(layer), random_weights(layer), random_dt()
    options = [given.clone().requires_grad_() for given in (dt, dt)]
    ours = loss(*layer(x, state, dt=options[0]), weights)
    theirs = loss(*member.equations(leaves(layer), x, parts(state), dt=options[1]), weights)
    (actual,) = torch.autograd.grad(ours, options[0])
    (wanted,) = torch.autograd.grad(theirs, options[1])
    assert_close(actual, wanted, "float64")


@pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")
@every("vmap")
def test_of_each_row_by_torch_func(member):
    """Oracle: autograd, one row after another."""
    layer, x = build(member), random_input()
    parameters = {name: parameter.detach() for name, parameter in layer.named_parameters()}

    def squares(parameters, row):
        return torch.func.functional_call(layer, parameters, (row[None],))[0].square().sum()

    found = torch.func.vmap(torch.func.grad(squares), in_dims=(None, 0))(parameters, x)
    for index, row in enumerate(x):
        wanted = torch.autograd.grad(layer(row[None])[0].square().sum(), tuple(layer.parameters()))
        assert_close(tuple(gradient[index] for gradient in found.values()), wanted, "float64")
