"""One sample at a time: each operation's step, repeated, is the operation.

Oracle: the operation on the whole sequence, whose values are checked in test_values.py.
Tolerances: cases.TOLERANCES, for float64 sums in other orders.
"""

import pytest
import torch
from tests.ops.cases import CASES, TOLERANCES, assert_near, gradients, leaves

import clew.ops

OVER_TIME = {"x", "dt", "B", "C", "z"}
STEPPING = [case for case in CASES if hasattr(clew.ops, f"{case.operation}_step")]
every_step = pytest.mark.parametrize("case", STEPPING, ids=[case.name for case in STEPPING])


def stepped(case, arguments):
    """The outputs and last state of the steps."""
    step = getattr(clew.ops, f"{case.operation}_step")
    fixed = {name: value for name, value in arguments.items() if name not in OVER_TIME}
    state = fixed.pop("initial_state")
    outputs = []
    for k in range(arguments["x"].shape[1]):
        moving = {name: value[:, k] for name, value in arguments.items() if name in OVER_TIME}
        y, state = step(**moving, **fixed, state=state, **dict(case.options))
        outputs.append(y)
    return torch.stack(outputs, dim=1), state


@every_step
def test_steps_are_the_operation(case):
    arguments = leaves(case.build(9, torch.float64))
    whole, steps = case.run(arguments), stepped(case, arguments)
    for one, several in zip(whole, steps, strict=True):
        assert_near(several, one, TOLERANCES[torch.float64])
    expected = gradients(whole, arguments)
    for name, gradient in gradients(steps, arguments).items():
        assert_near(gradient, expected[name], TOLERANCES["gradients"], name)


@every_step
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_a_step_keeps_the_dtype_and_a_float32_state(case, dtype):
    arguments = case.build(9, dtype)
    outputs, state = stepped(case, arguments)
    assert outputs.dtype == dtype
    assert state.dtype == torch.float32
    for one, several in zip(case.run(arguments), (outputs, state), strict=True):
        assert_near(several, one, TOLERANCES[dtype])


@every_step
def test_a_step_of_an_empty_batch(case):
    outputs, state = stepped(case, case.build(2, torch.float32, batch=0))
    assert outputs.shape[:2] == (0, 2)
    assert len(state) == 0


@every_step
def test_a_step_can_be_exported(case):
    arguments = case.build(2, torch.float32)
    arguments = {name: value[:, 0] if name in OVER_TIME else value for name, value in arguments.items()}
    arguments["state"] = arguments.pop("initial_state")

    class Step(torch.nn.Module):
        def forward(self, arguments):
            return getattr(clew.ops, f"{case.operation}_step")(**arguments, **dict(case.options))

    exported = torch.export.export(Step(), (arguments,)).module()
    for one, two in zip(exported(arguments), Step()(arguments), strict=True):
        assert_near(one, two, TOLERANCES[torch.float32])
