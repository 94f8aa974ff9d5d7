"""Backpropagation through a long sequence in chunks: examples/truncated_backpropagation.py.

Oracle: the gradient of the whole sequence in one piece; for the truncated one, autograd of the sum of the
chunks' losses, each from a state that the whole run without gradients came to. Memory is counted as the bytes
that autograd holds for the backward pass, at their highest. Tolerances: TOLERANCES.
"""

import importlib.util
from pathlib import Path

import pytest
import torch

from clew.nn import S4D, S5

# max |difference| / max |gradient|, in float64.
TOLERANCES = {
    "float64": 1e-11,  # sums of up to 20,000 samples in other orders
    "float64, a million samples": 1e-10,  # the same of a million
}

EXAMPLE = Path(__file__).parents[2] / "examples" / "truncated_backpropagation.py"
LAYERS = pytest.mark.parametrize("kind", [S4D, S5])


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("truncated_backpropagation", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def problem(kind, samples):
    layer, x = kind(2, 8).double(), torch.randn(1, samples, 2, dtype=torch.float64)
    return layer, x, x.roll(100, dims=1)


def assert_close(actual, wanted, tolerance):
    for one, other in zip(actual, wanted, strict=True):
        assert (one - other).abs().max() <= TOLERANCES[tolerance] * other.abs().max()


def most_bytes_held(call):
    """The most bytes that autograd keeps for the backward pass at one time while ``call`` runs."""
    held = most = 0

    class Kept:
        def __init__(self, tensor):
            nonlocal held, most
            self.tensor, self.size = tensor, tensor.numel() * tensor.element_size()
            held += self.size
            most = max(most, held)

        def __del__(self):
            nonlocal held
            held -= self.size

    with torch.autograd.graph.saved_tensors_hooks(Kept, lambda kept: kept.tensor):
        call()
    return most


@LAYERS
@pytest.mark.parametrize("way", ["joined", "revisited"])
@pytest.mark.parametrize("chunk", [20_000, 1_000, 768])
def test_chunks_with_their_states_give_the_gradient_of_the_whole(example, kind, way, chunk):
    given = (*problem(kind, 20_000), chunk)
    assert_close(example.WAYS[way](*given), example.whole(*given), "float64")


@LAYERS
def test_truncated_is_the_gradient_with_the_states_held_fixed(example, kind):
    layer, x, wanted = problem(kind, 5_000)
    loss = torch.zeros((), dtype=torch.float64)
    for start in range(0, 5_000, 1_000):
        with torch.no_grad():
            _, state = layer(x[:, :start])
        y, _ = layer(x[:, start : start + 1_000], state)
        loss = loss + (y - wanted[:, start : start + 1_000]).square().sum()
    exact = torch.autograd.grad(loss, tuple(layer.parameters()))
    found = example.truncated(layer, x, wanted, 1_000)
    assert_close(found, exact, "float64")
    whole = example.whole(layer, x, wanted, 1_000)
    assert max(float((one - other).abs().max()) for one, other in zip(found, whole, strict=True)) > 0


@LAYERS
@pytest.mark.parametrize("way", ["truncated", "revisited"])
def test_memory_does_not_grow_with_the_sequence(example, kind, way):
    def held(samples, way):
        given = problem(kind, samples)
        return most_bytes_held(lambda: example.WAYS[way](*given, 500))

    assert held(1_000, way) == held(10_000, way)
    assert held(10_000, "joined") > 10 * held(10_000, way)


@pytest.mark.slow
@LAYERS
def test_a_million_samples(example, kind):
    """Needs 1.1 GB, for the gradient of the whole that the others are compared with."""
    given = (*problem(kind, 1_000_000), 20_000)
    whole = example.whole(*given)
    for way in ("joined", "revisited"):
        assert_close(example.WAYS[way](*given), whole, "float64, a million samples")
    short = most_bytes_held(lambda: example.truncated(*problem(kind, 40_000), 20_000))
    assert most_bytes_held(lambda: example.truncated(*given)) == short


def test_it_runs_as_a_program(example, capsys):
    example.main(2_000, 500)
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        *("S4D,", *example.WAYS),
        *("S5,", *example.WAYS),
    ]
