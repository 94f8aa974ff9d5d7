"""All views of a layer agree in float32 over 16,384 samples, with time constants up to as many.

Oracle: the recurrence in float64 on the layer's own rounded constants. That is what every view must
compute: an exact Ā drifts from a rounded one by 16,384 roundings. The float64 step is held by
test_equations. Tolerances: member.TOLERANCES.
"""

import copy

import pytest
import torch
from tests.nn.conformance.cases import assert_close, build, by_steps, every, random_input, random_state

LENGTH = 16_384
# Two loops of so many steps: a quarter every day, when test_the_system_agrees has the whole of what is LTI.
STEPS = [LENGTH // 4, pytest.param(LENGTH, marks=pytest.mark.slow)]

# A selective layer's step is some thirty operations: one member of each stands for all every day.
SELECTIVE = ("mamba-odd", "mamba2-groups")


def slow_layer(member, length=LENGTH):
    layer = build(member, torch.float32)
    member.slow(layer, length)
    return layer


def in_float64(layer, x, state, constants):
    """The recurrence in float64 on ``constants``."""
    wide = type(state)(*(part.double() for part in state))
    exact = type(constants)(*(part.double() for part in constants))
    return by_steps(copy.deepcopy(layer).double(), x.double(), wide, constants=exact)


@every("step", slow=SELECTIVE)
@pytest.mark.parametrize("length", STEPS)
def test_views_agree(member, length):
    layer, x = slow_layer(member, length), random_input(torch.float32, 1, length)
    state = random_state(layer, 1)
    with torch.no_grad():
        constants = layer.constants()
        wanted, last = in_float64(layer, x, state, constants)
        views = {
            "forward": layer(x, state),
            "steps": by_steps(layer, x, state, constants=constants),
        }
        first, middle = layer(x[:, : length // 3], state)
        second, final = layer(x[:, length // 3 :], middle)
        views["chunks"] = torch.cat((first, second), dim=1), final
    for y, final in views.values():
        assert_close(y, wanted, "float32 long")
        assert_close(final, last, "float32 long")


@every("system")
def test_the_system_agrees(member):
    layer, x = slow_layer(member), random_input(torch.float32, 1, LENGTH)
    system = layer.system()
    with torch.no_grad():
        y, _ = layer(x)
        for mode in ("convolution", "scan"):
            if system.A.dim() == 2:
                wanted, _ = system.run(x.double(), mode=mode)
            else:
                wanted = system.run(x.double().mT[..., None], mode=mode)[0][..., 0].mT
            assert_close(y, wanted, "float32 long")


@pytest.mark.slow
@every("step")
def test_gradients_agree(member):
    layer, x = slow_layer(member), random_input(torch.float32, 1, LENGTH)
    state, weights = random_state(layer, 1), torch.randn(1, LENGTH, layer.d_model)
    known = layer.constants()
    leaves = type(known)(*(part.detach().double().requires_grad_() for part in known))
    start = type(state)(*(part.double().requires_grad_() for part in state))
    wide = x.double().requires_grad_()
    y, _ = in_float64(layer, wide, start, leaves)
    inner = torch.autograd.grad((y * weights).sum(), (*leaves, wide, *start), materialize_grads=True)
    depends = [k for k, part in enumerate(known) if part.requires_grad]
    outer = torch.autograd.grad(
        [known[k] for k in depends], tuple(layer.parameters()), [inner[k].float() for k in depends]
    )
    leaf = x.clone().requires_grad_()
    begin = type(state)(*(part.clone().requires_grad_() for part in state))
    total = (layer(leaf, begin)[0] * weights).sum()
    actual = torch.autograd.grad(total, (*layer.parameters(), leaf, *begin))
    assert_close(actual, (*outer, *inner[len(known) :]), "float32 gradients")
