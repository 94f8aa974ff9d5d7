"""The ways to run one mixer agree: steps, chunks, packed rows, padded rows, other time steps.

Oracle: the same layer run another way (its values are held by test_equations). Tolerances:
member.TOLERANCES.
"""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.nn.conformance.cases import (
    BATCH,
    TIME,
    assert_close,
    assert_same,
    build,
    by_steps,
    every,
    parts,
    random_dt,
    random_input,
    random_segments,
    random_state,
)
from tests.nn.conformance.members import takes

CLOSE = "float64"


@every("step")
def test_parallel_is_repeated_step(member):
    layer, x = build(member), random_input()
    state = random_state(layer)
    y, final = layer(x, state)
    for constants in (None, layer.constants()):
        steps, last = by_steps(layer, x, state, constants=constants)
        assert_close(steps, y, CLOSE)
        assert_close(last, final, CLOSE)


@every("state")
@settings(max_examples=12)
@given(splits=st.sets(st.integers(1, TIME - 1), max_size=6))
def test_whole_is_any_split_in_chunks(member, splits):
    torch.manual_seed(len(splits))
    layer, x = build(member), random_input()
    state = random_state(layer)
    whole, final = layer(x, state)
    parts = []
    for chunk in x.tensor_split(sorted(splits), dim=1):
        y, state = layer(chunk, state)
        parts.append(y)
    assert_close(torch.cat(parts, dim=1), whole, CLOSE)
    assert_close(state, final, CLOSE)


@every("state", "step")
def test_chunks_and_steps_alternate(member):
    layer, x = build(member), random_input()
    state = random_state(layer)
    whole, final = layer(x, state)
    first, state = layer(x[:, :5], state)
    second, state = by_steps(layer, x[:, 5:8], state)
    third, state = layer(x[:, 8:], state)
    assert_close(torch.cat((first, second, third), dim=1), whole, CLOSE)
    assert_close(state, final, CLOSE)


@every("segments", "state")
def test_packed_is_separate(member):
    layer, x = build(member), random_input(batch=1, time=20)
    state = random_state(layer, 1)
    numbers = [4] * 7 + [2] + [4] * 12  # a number comes back, and one sequence is a single sample
    y, final = layer(x, state, segments=torch.tensor([numbers]))
    first, _ = layer(x[:, :7], state)
    second, _ = layer(x[:, 7:8])
    third, last = layer(x[:, 8:])
    assert_close(y, torch.cat((first, second, third), dim=1), CLOSE)
    assert_close(final, last, CLOSE)


@every("segments")
def test_packed_neighbours_do_not_leak(member):
    layer, x = build(member), random_input()
    segments = torch.zeros(BATCH, TIME, dtype=torch.int64)
    segments[:, 10:] = 1
    loud = x.clone()
    loud[:, :10] *= 1e12
    assert_close(layer(loud, segments=segments)[0][:, 10:], layer(x, segments=segments)[0][:, 10:], CLOSE)


@every("segments")
def test_one_segment_is_none(member):
    layer, x = build(member), random_input()
    state = random_state(layer)
    y, final = layer(x, state, segments=torch.full((BATCH, TIME), 3))
    plain, last = layer(x, state)
    assert_close(y, plain, CLOSE)
    assert_close(final, last, CLOSE)


@every()
def test_lengths_are_each_row_alone(member):
    layer, x = build(member), random_input()
    state = random_state(layer)
    lengths = torch.tensor([TIME, 0, 9])
    y, final = layer(x, state, lengths=lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = None if state is None else type(state)(*(part[row : row + 1] for part in state))
        if length:
            wanted, alone = layer(x[row : row + 1, :length], alone)
            assert_close(y[row : row + 1, :length], wanted, CLOSE)
        assert not y[row, length:].any()
        assert_close(tuple(part[row : row + 1] for part in final), parts(alone), CLOSE)


@every()
def test_length_zero_returns_the_state_unchanged(member):
    layer, x = build(member, torch.float32), random_input(torch.float32)
    state = random_state(layer)
    y, final = layer(x, state, lengths=torch.zeros(BATCH, dtype=torch.int64))
    assert not y.any()
    assert_same(final, parts(state))


@every()
@pytest.mark.parametrize("garbage", [1e30, float("inf"), float("nan")])
def test_padding_is_inert(member, garbage):
    layer = build(member, torch.float32)
    lengths = torch.tensor([TIME, 4, 9])
    inside = (torch.arange(TIME) < lengths[:, None])[..., None]
    x = random_input(torch.float32)
    results = []
    for filling in (0.0, garbage):
        padded = torch.where(inside, x, filling).requires_grad_()
        options = {"lengths": lengths}
        if takes(member, "dt"):
            options["dt"] = torch.where(inside[..., 0], 1.5, filling)
        y, final = layer(padded, **options)
        loss = y.square().sum() + sum(part.square().sum() for part in final)
        gradients = torch.autograd.grad(loss, (padded, *layer.parameters()))
        results.append((y, *final, *gradients))
    assert_same(*results)
    assert not results[0][1 + len(final)].masked_select(~inside).any()


@every("state")
@pytest.mark.parametrize("moment", [1, 11, TIME - 1])
def test_causal(member, moment):
    layer, x = build(member), random_input()
    changed = x.clone()
    changed[:, moment:] += torch.randn_like(changed[:, moment:])
    before, after = layer(x)[0], layer(changed)[0]
    assert_close(after[:, :moment], before[:, :moment], CLOSE)
    assert (after[:, moment] - before[:, moment]).abs().min() > 1e-6


@every("dt")
def test_dt_of_one_is_none(member):
    layer, x = build(member, torch.float32), random_input(torch.float32)
    state = random_state(layer)
    ones = torch.ones(BATCH, TIME)
    y, final = layer(x, state, dt=ones)
    plain, last = layer(x, state)
    assert_close(y, plain, "float32")
    assert_close(final, last, "float32")
    if layer.bidirectional:
        return
    y_k, stepped = layer.step(x[:, 0], state, dt=ones[:, 0])
    plain_k, plain_state = layer.step(x[:, 0], state)
    assert_same((y_k, *stepped), (plain_k, *plain_state))


@every("dt")
def test_dt_of_two_is_two_steps_of_a_held_input(member):
    if not member.holds:
        return  # only a zero-order hold takes the input as constant over the step
    layer, x = build(member), random_input()
    state = random_state(layer)
    y, final = layer(x, state, dt=torch.full((BATCH, TIME), 2.0))
    held, last = layer(x.repeat_interleave(2, dim=1), state)
    assert_close(y, held[:, 1::2], CLOSE)
    assert_close(final, last, CLOSE)


@every("dt", "segments")
def test_packed_rows_may_be_sampled_irregularly(member):
    layer, x, dt = build(member), random_input(batch=1, time=12), random_dt(batch=1, time=12)
    segments = torch.tensor([[0] * 5 + [1] * 7])
    y, final = layer(x, segments=segments, dt=dt)
    first, _ = layer(x[:, :5], dt=dt[:, :5])
    second, last = layer(x[:, 5:], dt=dt[:, 5:])
    assert_close(y, torch.cat((first, second), dim=1), CLOSE)
    assert_close(final, last, CLOSE)


@every("segments")
def test_packed_rows_may_be_padded(member):
    layer, x, segments = build(member), random_input(), random_segments()
    lengths = torch.tensor([TIME, 5, 14])
    y, final = layer(x, segments=segments, lengths=lengths)
    for row, length in enumerate(lengths.tolist()):
        alone, last = layer(x[row : row + 1, :length], segments=segments[row : row + 1, :length])
        assert_close(y[row : row + 1, :length], alone, CLOSE)
        assert_close(tuple(part[row : row + 1] for part in final), last, CLOSE)
