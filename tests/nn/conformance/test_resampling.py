"""A resampled layer does what the layer does with a constant ``dt``, and leaves the layer alone.

Oracle: the published equations with that ``dt``; for zero-order hold, the layer itself on an input held over
each pair of samples. Tolerances: member.TOLERANCES.
"""

import pytest
import torch
from tests.nn.conformance.cases import (
    BATCH,
    TIME,
    assert_close,
    assert_same,
    build,
    every,
    every_way,
    leaves,
    parts,
    random_input,
    random_state,
)
from tests.nn.conformance.members import takes

DTYPES = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])


@every("resample")
@DTYPES
@pytest.mark.parametrize("factor", [2, 0.3])
def test_is_dt_of_the_factor(member, dtype, factor):
    layer, x = build(member, dtype), random_input(dtype)
    state, known = random_state(layer), leaves(layer)
    dt = torch.full((BATCH, TIME), factor, dtype=torch.float64)
    wanted = member.equations(known, x.double(), tuple(part.double() for part in parts(state)), dt=dt)
    resampled = layer.resample(factor)
    tolerance = str(dtype).removeprefix("torch.")
    for y, final in every_way(resampled, x, state):
        assert_close(y, wanted[0], tolerance)
        assert_close(final, wanted[1], tolerance)
    if takes(member, "dt"):
        assert_close(layer(x, state, dt=dt.to(dtype))[0], wanted[0], tolerance)


@every("resample")
def test_there_and_back(member):
    layer, x = build(member), random_input()
    assert_close(layer.resample(4).resample(0.25)(x)[0], layer(x)[0], "float64")


@every("resample")
def test_the_layer_itself_stays(member):
    layer = build(member).eval()
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    resampled = layer.resample(3)
    assert type(resampled) is type(layer)
    assert not resampled.training
    with torch.no_grad():
        for parameter in resampled.parameters():
            parameter.add_(1.0)
    assert list(layer.state_dict()) == list(before)
    assert_same(tuple(layer.state_dict().values()), tuple(before.values()))


@every("resample", "system")
def test_its_system_is_resampled_too(member):
    layer, x = build(member).resample(2), random_input()
    system = layer.system()
    inputs = x if system.A.dim() == 2 else x.mT[..., None]
    wanted, _ = system.run(inputs)
    assert_close(layer(x)[0], wanted if system.A.dim() == 2 else wanted[..., 0].mT, "float64")


@every("resample")
def test_every_second_sample_of_a_held_signal_gives_the_same_states(member):
    """Zero-order hold is exact: what differs between the rates is the signal, not the system."""
    if not member.holds:
        return
    layer, x = build(member), random_input()
    state = random_state(layer)
    held, last = layer(x.repeat_interleave(2, dim=1), state)
    y, final = layer.resample(2)(x, state)
    assert_close(final, last, "float64")
    assert_close(y, held[:, 1::2], "float64")
