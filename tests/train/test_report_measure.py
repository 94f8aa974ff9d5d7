"""What the report measures: views, memory, dynamics, streams, learning curves, cost.

Oracle: the same quantity found another way: each sequence alone and unpadded through layers built by hand; a
layer made wrong by a known amount; bytes counted on paper; an impulse sent through ``step``; pages mapped by
the test; a clock that the test turns.

| tolerance | why |
| --- | --- |
| VIEWS = 2e-6 | differences are rounding errors of float32 values up to 5; another batch rounds otherwise |
| KNOWN = 1e-6 | 0.25 added to float32 outputs of size 1 |
| KERNEL = 1e-5 | float32 steps against a float64 kernel, relative to its peak |
| POSTERIOR = 1e-5 | float32 logits of two orders of summation |
| HEAP = 1 MiB | the interpreter's own allocations, and Linux counts pages in batches |
"""

import dataclasses
import json
import math
import mmap
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from clew.data import Batch, Dataset, load
from clew.models import Classifier, ModelConfig, build
from clew.nn import RNN, S4D
from clew.train.report.measure import cost_process
from clew.train.report.measure.confusion import count_confusions
from clew.train.report.measure.cost import measure_cost
from clew.train.report.measure.dynamics import LayerDynamics, layer_dynamics
from clew.train.report.measure.learning import learning
from clew.train.report.measure.memory import state_bytes
from clew.train.report.measure.sample import MOST_SAMPLES, sample_batch, sample_split
from clew.train.report.measure.stream import Trace, traces
from clew.train.report.measure.views import STEPS, agreements

VIEWS, KNOWN, KERNEL, POSTERIOR = 2e-6, 1e-6, 1e-5, 1e-5
HEAP = 2**20


@pytest.fixture(scope="module")
def vowels() -> Dataset:
    return load("japanese-vowels", {})


def classifier(dataset: Dataset, mixer: str = "s4d", pooling: str = "mean", **options: object) -> Classifier:
    """Two layers of eight channels, in evaluation mode."""
    torch.manual_seed(3)
    config = ModelConfig(
        dataset.d_input, dataset.n_classes, mixer=mixer, mixer_options=options, d_model=8, pooling=pooling
    )
    model = build(config).eval()
    model.standardize(dataset.mean, dataset.std)
    return model


def few(dataset: Dataset, number: int = 5) -> Batch:
    return sample_batch(dataset.validation, number)


# Views.


@torch.no_grad()
def test_differences_of_a_layer_are_those_found_sequence_by_sequence(vowels: Dataset) -> None:
    model, batch = classifier(vowels, d_state=8), few(vowels)
    found = agreements(model, batch)[0]
    assert set(found.differences) == {"convolution", "scan", "recurrent"}
    layer = model.backbone.blocks[0]
    largest, scale = dict.fromkeys(found.differences, 0.0), 0.0
    for sequence, length in zip(batch.inputs, batch.lengths.tolist(), strict=True):
        x = model.encoder((sequence[:length] - model.input_mean) / model.input_std)[None]
        x = layer.norm(x)
        state, outputs = layer.mixer.initial_state(1), []
        for k in range(length):
            y, state = layer.mixer.step(x[:, k], state)
            outputs.append(y)
        steps = torch.stack(outputs, dim=1).double()
        scale = max(scale, float(steps.abs().max()))
        for mode in largest:
            other = S4D(8, d_state=8, mode=mode)  # type: ignore[arg-type]
            other.load_state_dict(layer.mixer.state_dict())
            largest[mode] = max(largest[mode], float((other(x)[0].double() - steps).abs().max()))
    assert found.scale == pytest.approx(scale, abs=VIEWS)
    for mode, value in largest.items():
        assert found.differences[mode] == pytest.approx(value, abs=VIEWS)
        assert found.differences[mode] <= found.largest


@pytest.mark.parametrize("pooling", ["mean", "last", "step"])
def test_a_known_difference_is_found(vowels: Dataset, pooling: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch = classifier(vowels, pooling=pooling, d_state=8), few(vowels)
    right = agreements(model, batch)
    original = S4D.step

    def wrong(self: S4D, *arguments: object, **named: object) -> object:
        y, state = original(self, *arguments, **named)  # type: ignore[arg-type]
        return y + 0.25, state

    monkeypatch.setattr(S4D, "step", wrong)
    found = agreements(model, batch)
    for part, before in zip(found[:-1], right[:-1], strict=True):
        for mode, value in part.differences.items():
            assert value == pytest.approx(0.25, abs=KNOWN + before.differences[mode]) or mode == "recurrent"
        assert part.largest >= 0.25 - KNOWN
    assert found[-1].part == "logits"
    assert found[-1].differences["convolution"] > 1e3 * right[-1].differences["convolution"]


def test_padding_is_not_compared(vowels: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch = classifier(vowels, mixer="rnn"), few(vowels)
    before = agreements(model, batch)
    inputs = batch.inputs.clone()
    inputs[~batch.mask] = 1e6
    assert agreements(model, batch._replace(inputs=inputs)) == before
    assert max(part.largest for part in before) < VIEWS  # the output of a step past the end is not zero


def test_views_are_the_modes_that_the_mixer_has(vowels: Dataset) -> None:
    linear = agreements(classifier(vowels, mixer="rnn", nonlinearity=None), few(vowels))
    assert set(linear[0].differences) == {"scan", "recurrent", "convolution"}
    tanh = agreements(classifier(vowels, mixer="rnn"), few(vowels))
    assert set(tanh[0].differences) == {"recurrent"}
    assert [part.part for part in tanh] == ["layer 1", "layer 2", "logits"]


def test_comparing_changes_nothing_in_the_model(vowels: Dataset) -> None:
    model = classifier(vowels, d_state=8)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    agreements(model, few(vowels))
    assert not model.training
    assert not any(module._forward_pre_hooks for module in model.modules())
    torch.testing.assert_close(dict(model.state_dict()), before, rtol=0, atol=0)


# Memory.


def test_bytes_of_a_state_are_those_counted_by_hand(vowels: Dataset) -> None:
    pairs, layers, channels = 8 // 2, 2, 8
    mixers = layers * 2 * channels * pairs * 4  # real and imaginary parts, float32
    pooled, count = channels * 8, 8  # a float64 sum, an int64 count
    assert state_bytes(classifier(vowels, d_state=8)) == mixers + pooled + count == 584
    assert state_bytes(classifier(vowels, mixer="rnn")) == layers * channels * 4 + pooled + count == 136
    assert state_bytes(classifier(vowels, mixer="rnn", pooling="step")) == layers * channels * 4 + count == 72


# Dynamics.


@torch.no_grad()
def test_kernels_are_the_answers_to_an_impulse(vowels: Dataset) -> None:
    model, lags = classifier(vowels, d_state=8), 40
    (first, _) = layer_dynamics(model, lags)
    mixer = model.backbone.blocks[0].mixer
    impulse = torch.zeros(lags, 1, 8)
    impulse[0] = 1.0
    state, answers = mixer.initial_state(1), []
    for x in impulse:
        y, state = mixer.step(x, state)
        answers.append(y[0])
    expected = torch.stack(answers, dim=1)
    expected[:, 0] -= mixer.D  # the kernel has no feedthrough
    np.testing.assert_allclose(first.kernels, expected.numpy(), atol=KERNEL * expected.abs().max().item())


@torch.no_grad()
def test_of_many_responses_the_strongest_are_kept(vowels: Dataset) -> None:
    torch.manual_seed(0)
    config = ModelConfig(12, 9, mixer="rnn", mixer_options={"nonlinearity": None}, d_model=20, n_layers=1)
    model = build(config)
    (layer,) = layer_dynamics(model, 5)
    mixer = model.backbone.blocks[0].mixer
    assert isinstance(mixer, RNN)
    A, B, C = (value.double().numpy() for value in (mixer.A, mixer.B, mixer.C))
    every = np.stack([C @ np.linalg.matrix_power(A, lag) @ B for lag in range(5)]).reshape(5, 400)
    energy = np.sort((every**2).sum(axis=0))[::-1]
    assert layer.kernels.shape == (256, 5)
    np.testing.assert_allclose(np.sort((layer.kernels**2).sum(axis=1))[::-1], energy[:256], rtol=1e-5)
    assert layer.continuous_poles is None


@torch.no_grad()
def test_continuous_poles_lead_to_the_discrete_ones(vowels: Dataset) -> None:
    for layer in layer_dynamics(classifier(vowels, d_state=8), 4):
        assert layer.continuous_poles is not None
        assert layer.poles.shape == layer.continuous_poles.shape == (8, 8)
        for continuous, discrete in zip(layer.continuous_poles, layer.poles, strict=True):
            expected = np.exp(continuous)  # zero-order hold keeps e^{λΔ}
            distance = np.abs(expected[:, None] - discrete[None, :])
            assert distance.min(axis=0).max() < 1e-6
            assert distance.min(axis=1).max() < 1e-6


def test_time_constants() -> None:
    poles = np.array([[np.exp(-1 / 7), 0.5j, 0.0, -1.0, 1.5]])
    layer = LayerDynamics("layer 1", np.zeros((1, 1)), poles, None)
    expected = [7.0, 1 / math.log(2), 0.0, np.inf, np.inf]
    np.testing.assert_allclose(layer.time_constants, expected, rtol=1e-12)


def test_a_mixer_without_a_system_says_why(vowels: Dataset) -> None:
    with pytest.raises(ValueError, match="tanh"):
        layer_dynamics(classifier(vowels, mixer="rnn"), 4)


# Streams.


@torch.no_grad()
def test_a_trace_is_what_the_model_says_of_each_beginning(vowels: Dataset) -> None:
    model, batch = classifier(vowels, d_state=8), few(vowels, 40)
    found = traces(model, batch, most=4)
    assert len(found) == 4
    for trace in found:
        sequence, length = batch.inputs[trace.index], int(batch.lengths[trace.index])
        assert len(trace.probabilities) == length
        assert trace.target == batch.targets[trace.index]
        for seen in (1, length // 2, length):
            expected = model(sequence[None, :seen])[0].softmax(dim=-1)[0]
            np.testing.assert_allclose(trace.probabilities[seen - 1], expected.numpy(), atol=POSTERIOR)


@torch.no_grad()
def test_traces_have_the_least_believed_and_one_of_each_class(vowels: Dataset) -> None:
    model, batch = classifier(vowels, d_state=8), few(vowels, 40)
    found = traces(model, batch, most=6)
    final = model(batch.inputs, lengths=batch.lengths)[0].softmax(dim=-1)
    least = int(final[torch.arange(40), batch.targets].argmin())
    assert least in [trace.index for trace in found]
    targets = [int(trace.target) for trace in found]
    assert targets == sorted(set(targets))


def test_traces_of_a_class_for_each_sample() -> None:
    dataset = load("delayed-copy", {"length": 3, "delay": 4, "sequences": 40, "test_sequences": 2})
    found = traces(classifier(dataset, pooling="step", d_state=8), few(dataset), most=3)
    assert [trace.index for trace in found] == [0, 1, 2]
    for trace in found:
        np.testing.assert_array_equal(trace.target, dataset.validation.targets[trace.index].numpy())


def test_a_trace_is_right_where_it_was_asked() -> None:
    probabilities = np.array([[0.6, 0.4], [0.4, 0.6]])
    assert Trace(0, np.array(1), probabilities).right
    assert not Trace(0, np.array(0), probabilities).right
    assert Trace(0, np.array([-100, 1]), probabilities).right
    assert Trace(0, np.array([0, 1]), probabilities).right
    assert not Trace(0, np.array([1, 1]), probabilities).right


def test_samples_are_of_the_validation_split_and_cut(vowels: Dataset) -> None:
    assert sample_split(vowels) == ("validation", vowels.validation)
    bare = dataclasses.replace(vowels, validation=vowels.validation.select([]))
    assert sample_split(bare) == ("training", vowels.train)
    long = dataclasses.replace(vowels, validation=vowels.validation.select([0]))
    long.validation.inputs[0].resize_(0)
    split = type(vowels.validation)((torch.ones(MOST_SAMPLES + 5, 12),), (torch.tensor(1),))
    batch = sample_batch(split, 3)
    assert batch.inputs.shape == (1, MOST_SAMPLES, 12)
    assert batch.lengths.tolist() == [MOST_SAMPLES]


# Counting.


def test_confusions_are_counted_and_what_asks_for_nothing_is_not() -> None:
    predictions, targets = torch.tensor([[0, 1, 1], [2, 2, 0]]), torch.tensor([[0, 2, 2], [1, -100, -100]])
    found = count_confusions(predictions, targets, ("a", "b", "c"), "test", "samples")
    np.testing.assert_array_equal(found.counts, [[1, 0, 0], [0, 0, 1], [0, 2, 0]])
    assert found.accuracy == 0.25


def test_learning_curves_keep_the_last_best_epoch() -> None:
    lines = []
    for epoch, loss in enumerate([2.0, 1.0, 1.5]):
        for step in range(2):
            line = {"step": 2 * epoch + step + 1, "epoch": epoch, "loss": loss + step, "accuracy": 0.5}
            lines.append({"kind": "train", "seconds": 0.5 * len(lines), **line})
        lines.append({"kind": "validation", "epoch": epoch, "loss": loss, "accuracy": 0.5, "best": epoch < 2})
    found = learning(lines)
    np.testing.assert_array_equal(found.train.epochs, [1, 2, 3])
    np.testing.assert_array_equal(found.train.loss, [2.5, 1.5, 2.0])
    np.testing.assert_array_equal(found.validation.loss, [2.0, 1.0, 1.5])
    assert found.best == 1
    assert found.seconds == 3.5
    assert learning([]).best is None


# Cost.


class Sized(torch.nn.Module):
    """Stands for a model where only its inputs' size matters."""

    def __init__(self) -> None:
        super().__init__()
        self.config = ModelConfig(1, 2)
        self.register_buffer("input_std", torch.ones(1))
        self.register_buffer("input_mean", torch.zeros(1))


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of resident memory is read from /proc")
def test_memory_is_what_a_pass_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost_process, "SHORTEST", 64)
    monkeypatch.setattr(cost_process, "LONGEST", 1024)
    per_sample = 128 * 1024  # bytes: 8 to 128 MiB a pass

    def take(x: torch.Tensor) -> None:
        with mmap.mmap(-1, x.shape[1] * per_sample) as pages:
            for page in range(0, len(pages), mmap.PAGESIZE):
                pages[page] = 1

    take(torch.empty(1, 2 * 1024, 1))  # an earlier peak, higher than all to come
    found = cost_process._measure(take, Sized(), 60.0)  # type: ignore[arg-type]
    assert [point.length for point in found] == [64, 256, 1024]
    for point in found:
        assert point.memory == pytest.approx(point.length * per_sample, abs=HEAP)


def test_time_is_that_of_a_pass_and_the_budget_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    passes = []

    def run(x: torch.Tensor) -> None:
        nonlocal now
        passes.append(x.shape[1])
        slow = 5.0 if len(passes) == 4 else 1.0  # one pass of the first length is disturbed
        now += slow * x.shape[1] * 1e-4

    monkeypatch.setattr(cost_process.time, "perf_counter", lambda: now)
    monkeypatch.setattr(cost_process, "SHORTEST", 64)
    found = cost_process._measure(run, Sized(), 1.0)  # type: ignore[arg-type]
    assert [point.length for point in found] == [64, 256, 1024]
    for point in found:
        assert point.seconds == pytest.approx(point.length * 1e-4)
    assert now <= 1.0


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(ChildProcessError, match="not a run directory"):
        measure_cost(tmp_path / "nothing", 0.1)


def test_the_process_prints_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], vowels: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost_process, "load_sequence_model", lambda path: classifier(vowels, d_state=8))
    cost_process.main([str(tmp_path), "0.01", str(torch.get_num_threads())])
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"training", "steps", "repeats"}
    assert set(found["steps"][0]) == {"length", "seconds", "memory"}
    assert STEPS == "step by step"
