"""Lower precisions: the state stays in float32 at least, and only the output is rounded.

Oracle: the same layer in float64, on the same rounded numbers. Tolerances: member.TOLERANCES.
"""

import copy

import pytest
import torch
from tests.nn.conformance.cases import (
    assert_close,
    build,
    every,
    every_way,
    parts,
    random_input,
    random_state,
)

LOW = torch.bfloat16


def doubled(layer, x, state):
    """What the layer gives in float64 throughout."""
    wide = None if state is None else type(state)(*(part.double() for part in state))
    return copy.deepcopy(layer).double()(x.double(), wide)


@every()
@pytest.mark.parametrize("weights", [torch.float32, LOW], ids=["float32", "bfloat16"])
def test_bfloat16_activations(member, weights):
    layer, x = build(member, weights), random_input(LOW, time=200)
    state = random_state(layer)
    assert all(part.dtype == torch.float32 for part in parts(state))
    wanted, last = doubled(layer, x, state)
    for y, final in every_way(layer, x, state):
        assert y.dtype == LOW
        assert all(part.dtype == torch.float32 for part in final)
        assert_close(y, wanted, "bfloat16")
        assert_close(final, last, "float32")


@every()
def test_autocast_stops_at_the_recurrence(member):
    layer, x = build(member, torch.float32), random_input(torch.float32, time=200)
    state = random_state(layer)
    wanted, last = doubled(layer, x, state)
    with torch.autocast("cpu", dtype=LOW):
        results = every_way(layer, x, state)
    for y, final in results:
        assert y.dtype == torch.float32
        assert_close(y, wanted, "float32")
        assert_close(final, last, "float32")


@every()
def test_gradients_reach_bfloat16_activations(member):
    layer = build(member, torch.float32)
    x = random_input(LOW).requires_grad_()
    y, final = layer(x)
    total = y.float().sum() + sum(part.sum() for part in final)
    gradients = torch.autograd.grad(total, (x, *layer.parameters()))
    assert gradients[0].dtype == LOW
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


@every()
def test_a_float64_layer_keeps_a_float64_state(member):
    layer, x = build(member), random_input()
    y, final = layer(x)
    assert y.dtype == torch.float64
    assert all(part.dtype == torch.float64 for part in final)


@every()
def test_non_contiguous_input(member):
    layer, x = build(member), random_input()
    scattered = x.permute(2, 0, 1).contiguous().permute(1, 2, 0)
    assert not scattered.is_contiguous()
    assert_close(layer(scattered)[0], layer(x)[0], "float64")
