"""What ``mode="auto"`` of a diagonal layer chooses.

Oracle: the rule as its docstring says it. That the modes agree is held by the conformance suite.
"""

import pytest
import torch

from clew.nn import S4D
from clew.nn.diagonal import CONVOLUTION_UP_TO, NATIVE_LARGE, NATIVE_SHORT, choose_mode
from clew.ops import use_backend
from clew.ops.backends import Choice
from clew.ops.diagonal_ssm.op import operation

ORDER = 8


def chosen(time, state=None, segments=None, dt=None):
    layer, x = S4D(3, ORDER), torch.zeros(2, time, 3)
    return choose_mode(layer._constants(dt), x, state, segments)


def test_short_sequences_at_rest_are_convolved():
    with use_backend("parallel"):
        assert chosen(1) == "convolution"
        assert chosen(CONVOLUTION_UP_TO * ORDER) == "convolution"
        assert chosen(CONVOLUTION_UP_TO * ORDER + 1) == "scan"


def test_the_compiled_scan_leaves_what_it_is_slower_at(monkeypatch):
    monkeypatch.setattr(
        operation, "choose", lambda *tensors: Choice("native", "first in order of preference")
    )

    def chosen(order, time, batch):
        return choose_mode(S4D(1, order).constants(), torch.zeros(batch, time, 1), None, None)

    for (order, time, batch), beyond in ((NATIVE_SHORT, 1), (NATIVE_LARGE, -1)):
        assert chosen(order, time, batch) == "convolution"
        assert chosen(order - 2, time, batch) == "scan"
        assert chosen(order, time + beyond, batch) == "scan"
        assert chosen(order, time, batch - 1) == "scan"


def test_a_state_segments_or_time_steps_are_scanned():
    assert chosen(4, state=S4D(3, ORDER).initial_state(2)) == "scan"
    assert chosen(4, segments=torch.zeros(2, 4, dtype=torch.int64)) == "scan"
    assert chosen(4, dt=torch.ones(2, 4)) == "scan"


@pytest.mark.parametrize("backend", ["native", "triton"])
def test_a_fused_kernel_is_preferred(backend, monkeypatch):
    monkeypatch.setattr(operation, "choose", lambda *tensors: Choice(backend, "first in order of preference"))
    assert chosen(4) == "scan"


@pytest.mark.parametrize("time", [5, 100])
def test_auto_runs_what_it_chose(time):
    layer, x = S4D(3, ORDER), torch.randn(2, time, 3)
    other = S4D(3, ORDER, mode=chosen(time))
    other.load_state_dict(layer.state_dict())
    assert torch.equal(layer(x)[0], other(x)[0])
