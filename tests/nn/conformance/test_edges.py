"""Nothing at all, one sample, the same bits twice, and what is saved comes back.

Oracle: what the sizes and the copies must be, exactly. No tolerances but member.TOLERANCES for L = 1.
"""

import safetensors.torch
import torch
from tests.nn.conformance.cases import (
    BATCH,
    CHANNELS,
    TIME,
    assert_close,
    assert_same,
    build,
    every,
    parts,
    random_input,
    random_state,
)


@every()
def test_empty_batch(member):
    layer = build(member, torch.float32)
    y, final = layer(torch.zeros(0, TIME, CHANNELS), lengths=torch.zeros(0, dtype=torch.int64))
    assert y.shape == (0, TIME, CHANNELS)
    if layer.bidirectional:
        return
    assert [part.shape for part in final] == [part.shape for part in layer.initial_state(0)]
    y_k, _ = layer.step(torch.zeros(0, CHANNELS), final)
    assert y_k.shape == (0, CHANNELS)


@every()
def test_empty_time(member):
    layer = build(member, torch.float32)
    state = random_state(layer)
    y, final = layer(torch.zeros(BATCH, 0, CHANNELS), state)
    assert y.shape == (BATCH, 0, CHANNELS)
    assert_same(final, parts(state))


@every("step")
def test_one_sample_is_a_step(member):
    layer, x = build(member, torch.float32), random_input(torch.float32, time=1)
    state = random_state(layer)
    y, final = layer(x, state)
    y_k, stepped = layer.step(x[:, 0], state)
    assert_close(y[:, 0], y_k, "float32")
    assert_close(final, stepped, "float32")


@every()
def test_same_bits_twice(member):
    layer, x = build(member, torch.float32), random_input(torch.float32, time=200)
    state = random_state(layer)

    def once():
        leaf = x.clone().requires_grad_()
        y, final = layer(leaf, state)
        total = y.square().sum() + sum(part.square().sum() for part in final)
        return (y, *final, *torch.autograd.grad(total, (leaf, *layer.parameters())))

    assert_same(once(), once())


@every()
def test_forward_changes_nothing(member):
    layer, x = build(member, torch.float32), random_input(torch.float32)
    state = random_state(layer)
    before = [value.clone() for value in (x, *parts(state), *layer.state_dict().values())]
    layer(x, state)
    if not layer.bidirectional:
        layer.step(x[:, 0], state)
    assert_same((x, *parts(state), *layer.state_dict().values()), before)


@every()
def test_state_dict_round_trip(member):
    layer, other, x = build(member, torch.float32), build(member, torch.float32), random_input(torch.float32)
    other.load_state_dict(layer.state_dict())
    assert_same(other(x)[0], layer(x)[0])


@every("state")
def test_safetensors_round_trip_of_parameters_and_state(member, tmp_path):
    layer, other, x = build(member, torch.float32), build(member, torch.float32), random_input(torch.float32)
    _, state = layer(x)
    safetensors.torch.save_file(layer.state_dict(), tmp_path / "layer.safetensors")
    safetensors.torch.save_file(state._asdict(), tmp_path / "state.safetensors")
    other.load_state_dict(safetensors.torch.load_file(tmp_path / "layer.safetensors"))
    loaded = type(state)(**safetensors.torch.load_file(tmp_path / "state.safetensors"))
    assert_same(loaded, state)
    assert_same(tuple(other.parameters()), tuple(layer.parameters()))
    # Not bit by bit: matrix products may take another path for the alignment that a loaded tensor has.
    assert_close(other(x, loaded)[0], layer(x, state)[0], "float32")


@every("state")
def test_state_is_a_flat_tuple_of_real_tensors_batch_first(member):
    layer = build(member, torch.float32)
    for batch in (0, 1, 5):
        state = layer.initial_state(batch)
        assert state._fields
        for part in state:
            assert part.shape[0] == batch
            assert part.dtype == torch.float32
            assert not part.any()


@every("step")
def test_constants_are_real_tensors(member):
    constants = build(member, torch.float32).constants()
    assert constants._fields
    assert all(part.dtype == torch.float32 for part in constants)


@every("state")
def test_the_parts_of_a_state_share_no_memory(member):
    """Tensors that do could not be saved: safetensors refuses them."""
    layer, x = build(member, torch.float32), random_input(torch.float32)
    given, nothing = random_state(layer), torch.zeros(BATCH, dtype=torch.int64)
    states = {
        "initial": layer.initial_state(BATCH),
        "empty time": layer(x[:, :0])[1],
        "empty time, lengths": layer(x[:, :0], lengths=nothing)[1],
        "one sample": layer(x[:, :1])[1],
        "no valid sample": layer(x, lengths=nothing)[1],
        "at rest": layer(x)[1],
        "going on": layer(x, given)[1],
        "step": layer.step(x[:, 0], given)[1],
    }
    for case, state in states.items():
        assert len({part.untyped_storage().data_ptr() for part in state}) == len(state), case


@every()
def test_dynamics_are_parameters(member):
    layer = build(member)
    names = dict(layer.named_parameters())
    assert set(layer.dynamics_parameters()) <= set(names)
