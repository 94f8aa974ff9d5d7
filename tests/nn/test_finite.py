"""No NaN and no infinity in float32, whatever the options, the sizes, the inputs and their scale.

Oracle: none is needed; every output, state and gradient must be finite. Only of the nonlinear LMU a case is
passed over in which one of them is too large for float32, as the same case in float64 has to show. Each case
is drawn from a seed of its own, which a failure names: ``case("s4d", 17)`` is the same everywhere.
Tolerances: none.
"""

import inspect
from random import Random

import pytest
import torch
from tests.nn.ranges import RANGES, logarithmic

from clew.nn import mixers

EVERY_DAY, MANY = 200, 10_000
LONG = 65_536
NAMES = pytest.mark.parametrize("name", list(mixers))

LARGEST = torch.finfo(torch.float32).max
# The nonlinear LMU as it is published starts with recurrent weights that may make its rest unstable. In
# silence from the zero state no tanh damps it, and over some hundred samples the gradient of the input is
# 1e43 to 1e125: infinite in float32, and infinity times a state of zero is NaN.
EXPLODING = {"lmu"}

SIGNALS = {
    "noise": torch.randn,
    "a constant": torch.ones,
    "silence": torch.zeros,
    "a click": lambda *shape: torch.nn.functional.pad(
        torch.ones(shape[0], 1, shape[2]), (0, 0, 0, shape[1] - 1)
    ),
    "alternating": lambda *shape: torch.ones(shape) * (-1.0) ** torch.arange(shape[1])[:, None],
}


def build(name, random, channels, time=0):
    """A layer with options drawn; for a long time none that is told to loop over it in Python."""
    options = RANGES[name](random)
    while time == LONG and options.get("mode") == "recurrent":
        options = RANGES[name](random)
    return mixers.build(name, channels, options=options), options


def accepts(layer, **argument):
    """Whether the layer takes the argument, asked of one sample."""
    try:
        layer(torch.zeros(1, 1, layer.d_model), **argument)
    except ValueError:
        return False
    return True


def inputs(layer, random, time):
    """A signal, and at random a state, lengths, segments and time steps, as far as the layer takes them."""
    batch = random.randint(1, 3)
    signal, scale = random.choice(list(SIGNALS)), logarithmic(random, 1e-4, 1e4)
    x = scale * SIGNALS[signal](batch, time, layer.d_model)
    given = {}
    if not layer.bidirectional and random.random() < 0.5:
        rest = layer.initial_state(batch)
        given["state"] = type(rest)(*(scale * torch.randn_like(part) for part in rest))
    if random.random() < 0.3:
        given["lengths"] = torch.tensor([random.randint(0, time) for _ in range(batch)])
    if random.random() < 0.3 and accepts(layer, segments=torch.zeros(1, 1, dtype=torch.int64)):
        given["segments"] = (torch.rand(batch, time) < 0.1).cumsum(1)
    if random.random() < 0.3 and accepts(layer, dt=torch.ones(1, 1)):
        given["dt"] = torch.rand(batch, time) * logarithmic(random, 1e-2, 1e2)
    return x, given, f"{signal} × {scale:.3g}, {batch} × {time}, with {sorted(given)}"


def run(layer, x, given):
    """Every output, state and gradient, by name; the loss weighs them with noise."""
    leaves = {"x": x.requires_grad_(), **dict(layer.named_parameters())}
    if "state" in given:
        given["state"] = type(given["state"])(*(part.requires_grad_() for part in given["state"]))
        leaves |= {f"state.{key}": part for key, part in given["state"]._asdict().items()}
    y, state = layer(x, **given)
    loss = sum((part * torch.randn_like(part)).sum() for part in (y, *state))
    gradients = torch.autograd.grad(loss, tuple(leaves.values()))
    found = {"y": y, **{f"final state {k}": part for k, part in enumerate(state)}}
    return found | {f"gradient of {key}": part for key, part in zip(leaves, gradients, strict=True)}


def case(name, number, *, time=None, most_channels=8):
    """Draw a case, run it forward and backward, and say what is not finite."""
    random = Random(f"{name} {number}")
    torch.manual_seed(random.randrange(2**31))
    layer, options = build(name, random, random.randint(1, most_channels), time)
    x, given, words = inputs(layer, random, round(logarithmic(random, 1, 512)) if time is None else time)
    state = torch.get_rng_state()
    bad = [what for what, value in run(layer, x, given).items() if not torch.isfinite(value).all()]
    if bad and name in EXPLODING and beyond_float32(layer, x, given, state):
        return
    assert not bad, f"case({name!r}, {number}): {options}, {words}: {', '.join(bad)}"


def beyond_float32(layer, x, given, generator):
    """Whether some of the numbers, computed in float64, are too large for float32."""
    torch.set_rng_state(generator)
    wide = {
        key: value.double() if value.is_floating_point() else value
        for key, value in given.items()
        if key != "state"
    }
    if "state" in given:
        wide["state"] = type(given["state"])(*(part.detach().double() for part in given["state"]))
    found = run(layer.double(), x.detach().double(), wide)
    return any(bool((value.detach().abs() > LARGEST).any()) for value in found.values())


def share(total):
    """How many of ``total`` cases each mixer has."""
    return -(-total // len(RANGES))


def test_every_mixer_and_every_option_is_drawn():
    assert set(RANGES) == set(mixers)
    for name in mixers:
        random = Random(0)
        drawn = {option for _ in range(20) for option in RANGES[name](random)}
        assert drawn == set(inspect.signature(mixers[name]).parameters) - {"d_model"}, name


@NAMES
def test_forward_and_backward(name):
    for number in range(share(EVERY_DAY)):
        case(name, number)


@pytest.mark.slow
@NAMES
def test_forward_and_backward_of_many(name):
    for number in range(share(MANY)):
        case(name, number)


@pytest.mark.slow
@NAMES
def test_long_sequences(name):
    for number in range(20):
        case(name, number, time=LONG, most_channels=3)


@pytest.mark.slow
@NAMES
@pytest.mark.parametrize("number", range(10))
def test_training_at_a_high_rate(name, number):
    """200 steps of Adam at 1e-2, all parameters alike, towards an echo of the input ten samples before."""
    random = Random(f"{name} trained {number}")
    torch.manual_seed(random.randrange(2**31))
    layer, options = build(name, random, random.randint(1, 8))
    optimiser = torch.optim.Adam(layer.parameters(), lr=1e-2)
    scale, time = logarithmic(random, 1e-2, 1e2), random.randint(16, 128)
    for step in range(200):
        x = scale * torch.randn(4, time, layer.d_model)
        y, _ = layer(x)
        loss = (y - x.roll(10, dims=1)).square().mean()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        values = {"loss": loss, **{f"gradient of {key}": part.grad for key, part in layer.named_parameters()}}
        optimiser.step()
        values |= dict(layer.named_parameters())
        bad = [key for key, value in values.items() if not torch.isfinite(value).all()]
        assert not bad, f"{name} {options}, {scale:.3g}, {time} samples, step {step}: {', '.join(bad)}"
