"""Blocks and the backbone: they run as their mixers do.

Oracle: the sentence in the docstring, spelled out with torch's modules; for steps, chunks and padding the
block run another way. Tolerances: TOLERANCES.
"""

import pytest
import torch
from torch import nn
from torch.nn import functional

from clew.nn import RNN, S4D, Backbone, Block

TOLERANCES = {"float64": 1e-12, "float32": 1e-5}  # the same operations, another order or shape of products

CHANNELS, BATCH, TIME = 4, 3, 11


def close(actual, wanted, tolerance="float64"):
    torch.testing.assert_close(actual, wanted, rtol=0, atol=TOLERANCES[tolerance])


def backbone(**options):
    blocks = [
        Block(S4D(CHANNELS, 6, mode="scan"), **options),
        Block(RNN(CHANNELS, 5), **options),
        Block(S4D(CHANNELS, 4, mode="convolution"), **options),
    ]
    return Backbone(blocks).double()


def random_state(stack):
    return tuple(type(state)(*map(torch.randn_like, state)) for state in stack.initial_state(BATCH))


def flat(states):
    return [part for state in states for part in state]


def test_block_is_what_it_says():
    block = Block(RNN(CHANNELS, 5), norm="layer", activation="gelu", channel_mixing="glu").double()
    x = torch.randn(BATCH, TIME, CHANNELS).double()
    mixed, last = block.mixer(functional.layer_norm(x, (CHANNELS,), block.norm.weight, block.norm.bias))
    linear = block.channel_mixing[0]
    value, gate = (functional.gelu(mixed) @ linear.weight.mT + linear.bias).chunk(2, dim=-1)
    y, final = block(x)
    close(y, x + value * torch.sigmoid(gate))
    close(final.hidden, last.hidden)


@pytest.mark.parametrize(
    ("name", "kind"), [("layer", nn.LayerNorm), ("rms", nn.RMSNorm), ("none", nn.Identity)]
)
def test_norms(name, kind):
    assert isinstance(Block(RNN(4), norm=name).norm, kind)


@pytest.mark.parametrize(
    ("name", "function"),
    [("gelu", functional.gelu), ("silu", functional.silu), ("relu", functional.relu), ("none", lambda x: x)],
)
def test_activations(name, function):
    block = Block(RNN(CHANNELS), norm="none", activation=name, channel_mixing="none").double()
    x = torch.randn(BATCH, TIME, CHANNELS).double()
    close(block(x)[0], x + function(block.mixer(x)[0]))


def test_mlp_has_its_expansion():
    mlp = Block(RNN(4), channel_mixing="mlp", expansion=3).channel_mixing
    assert [module.weight.shape for module in (mlp[0], mlp[2])] == [(12, 4), (4, 12)]


def test_dropout_stands_after_the_activation_and_after_the_mixing():
    block = Block(RNN(CHANNELS), channel_mixing="none", dropout=0.5)
    torch.manual_seed(0)
    y, _ = block(torch.zeros(1, 1000, CHANNELS))
    rate = float((y == 0).float().mean())
    assert 0.72 < rate < 0.78  # two layers of one half each
    assert torch.equal(block.eval()(torch.zeros(1, 5, CHANNELS))[0], block(torch.zeros(1, 5, CHANNELS))[0])


@pytest.mark.parametrize("mixing", ["glu", "mlp", "none"])
@pytest.mark.parametrize("norm", ["layer", "rms", "none"])
def test_steps_are_the_whole(mixing, norm):
    stack = backbone(channel_mixing=mixing, norm=norm, dropout=0.5).eval()
    x, state = torch.randn(BATCH, TIME, CHANNELS).double(), random_state(backbone())
    y, final = stack(x, state)
    for constants in (None, stack.constants()):
        outputs, after = [], state
        for x_k in x.unbind(1):
            y_k, after = stack.step(x_k, after, constants=constants)
            outputs.append(y_k)
        close(torch.stack(outputs, dim=1), y)
        for one, other in zip(flat(after), flat(final), strict=True):
            close(one, other)


def test_chunks_are_the_whole():
    stack, x = backbone(), torch.randn(BATCH, TIME, CHANNELS).double()
    whole, _ = stack(x)
    first, state = stack(x[:, :4])
    second, _ = stack(x[:, 4:], state)
    close(torch.cat((first, second), dim=1), whole)


def test_padding_is_inert_and_zero():
    stack, x = backbone(), torch.randn(BATCH, TIME, CHANNELS).double()
    lengths = torch.tensor([TIME, 0, 4])
    results = []
    for filling in (0.0, float("nan")):
        padded = x.clone()
        for row, length in enumerate(lengths):
            padded[row, length:] = filling
        y, final = stack(padded.requires_grad_(), lengths=lengths)
        gradients = torch.autograd.grad(y.square().sum(), (padded, *stack.parameters()))
        results.append([y, *flat(final), *gradients])
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)
    alone, _ = stack(x[2:, :4])
    close(results[0][0][2:, :4], alone)
    assert not results[0][0][2, 4:].any()


def test_segments_and_dt_reach_the_mixers():
    stack = Backbone([Block(S4D(CHANNELS, 6)) for _ in range(2)]).double()
    x, dt = torch.randn(1, TIME, CHANNELS).double(), torch.rand(1, TIME).double() + 0.5
    segments = torch.tensor([[0] * 4 + [1] * (TIME - 4)])
    y, _ = stack(x, segments=segments, dt=dt)
    first, _ = stack(x[:, :4], dt=dt[:, :4])
    second, _ = stack(x[:, 4:], dt=dt[:, 4:])
    close(y, torch.cat((first, second), dim=1))
    state = stack.initial_state(1)
    y_0, _ = stack.step(x[:, 0], state, dt=dt[:, 0])
    close(y_0, y[:, 0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"norm": "layr"}, "unknown norm 'layr'; did you mean 'layer'"),
        ({"activation": "gel"}, "unknown activation 'gel'; did you mean 'gelu'"),
        ({"channel_mixing": "gl"}, "unknown channel_mixing 'gl'; did you mean 'glu'"),
        ({"dropout": 1.0}, "at least 0 and below 1; got 1.0"),
    ],
)
def test_unknown_names(options, message):
    with pytest.raises(ValueError, match=message):
        Block(RNN(4), **options)


def test_lengths_that_do_not_fit():
    with pytest.raises(ValueError, match=r"lengths is \(batch\) = \(3,\); got shape \(2,\)"):
        Block(RNN(CHANNELS))(torch.zeros(BATCH, TIME, CHANNELS), lengths=torch.tensor([1, 2]))


def test_a_backbone_needs_blocks_of_one_width():
    with pytest.raises(ValueError, match="blocks of one number of channels; got no block at all"):
        Backbone([])
    with pytest.raises(ValueError, match=r"blocks of one number of channels; got \[4, 5\]"):
        Backbone([Block(RNN(4)), Block(RNN(5))])


def test_states_of_another_depth_are_refused():
    stack = backbone()
    with pytest.raises(ValueError, match="the backbone has 3 blocks; got states for 2"):
        stack(torch.zeros(BATCH, TIME, CHANNELS).double(), stack.initial_state(BATCH)[:2])
