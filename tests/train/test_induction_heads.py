"""Induction heads: learned at 256 samples, kept far beyond: examples/induction_heads.py.

Oracle: the task. Tolerances: the least accuracy, LEAST.
"""

import importlib.util
from pathlib import Path

import pytest
import torch

EXAMPLE = Path(__file__).parents[2] / "examples" / "induction_heads.py"
LEAST = 0.99


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("induction_heads", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_asked_for_followed_the_special_symbol(example):
    stream, seen = example.batches(9, 20_000, 0), set()
    for _ in range(3):
        inputs, symbols = next(stream)
        shown = inputs.argmax(-1)
        first = (shown == 15).int().argmax(1)
        assert (shown[:, -1] == 15).all()
        assert (shown[torch.arange(len(shown)), first + 1] == symbols).all()
        seen.add(shown.sum().item())
    assert len(seen) == 3  # none of the batches is another


def test_time_is_stretched_by_1_to_the_given_factor(example):
    x = torch.zeros(4000, 3, 1)
    dt = example.stretched(100.0, x)
    assert dt.shape == (4000, 3)
    assert (dt == dt[:, :1]).all()
    assert 1 <= dt.min() < 1.1
    assert 90 < dt.max() <= 100
    assert 0.45 < (dt[:, 0] < 10).float().mean() < 0.55
    assert (example.stretched(1.0, x) == 1).all()


def test_a_model_is_judged_as_often_as_asked(example):
    model, asked = example.new_model(), []
    model.register_forward_hook(lambda module, given, answer: asked.append(tuple(given[0].shape[:2])))
    example.judge(model, {20: 15, 50: 1}, 7, chunk=200)
    assert asked == [(10, 20), (10, 20), (4, 50)]


def test_a_model_is_judged_in_chunks_by_what_it_says_at_the_end(example):
    model, (x, wanted) = example.new_model(), next(example.batches(500, 1, 7))
    given, left = [], []

    def note(module, arguments, answer):
        given.append(arguments)
        left.append(answer)

    model.register_forward_hook(note)
    found = example.judge(model, {500: 1}, 7, chunk=200)
    assert (torch.cat([piece for piece, _ in given], dim=1) == x).all()
    assert [state for _, state in given] == [None, left[0][1], left[1][1]]
    assert found == {500: float(left[2][0].argmax(-1) == wanted)}


def test_a_length_is_left_when_it_is_learned_and_the_last_one_is_not(example, capsys, monkeypatch):
    def easy(length, size, seed):
        while True:
            yield torch.ones(2, length, 16), torch.full((2,), 3)

    monkeypatch.setattr(example, "batches", easy)
    example.learn((3, 4), steps=200)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == ["3", "4"]
    first, both = (int(line[2]) for line in lines)
    assert 149 <= first < 200  # 1 − 0.98 ** 149 is the first above 0.95
    assert both == first + 200


def test_no_length_gets_more_than_its_steps(example, capsys):
    model = example.learn((8, 9), steps=20)
    assert [line.split()[2] for line in capsys.readouterr().out.splitlines()] == ["20", "40"]
    assert list(example.judge(model, {10: 4}, 1)) == [10]


@pytest.mark.slow
def test_what_was_learned_at_256_samples_holds_at_65_536(example):
    model = example.learn()
    found = example.judge(model, {256: 1000, 16_384: 500, 65_536: 100}, 500_000)
    assert min(found.values()) >= LEAST, found
