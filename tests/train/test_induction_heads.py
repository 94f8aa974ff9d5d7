"""Induction heads: learned at 256 samples, kept far beyond: examples/induction_heads.py.

Oracle: the task. Tolerances: the least accuracy, LEAST.
"""

import importlib.util
from pathlib import Path

import pytest
from safetensors.torch import load_file

import clew

EXAMPLE = Path(__file__).parents[2] / "examples" / "induction_heads.py"
LEAST = 0.99


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("induction_heads", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_length_goes_on_from_the_one_before(example, tmp_path, monkeypatch, capsys):
    begun, fit = [], clew.fit

    def noting(model, *given, **named):
        begun.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
        return fit(model, *given, **named)

    monkeypatch.setattr(clew, "fit", noting)
    stages = (example.Stage(8, 60, 1), example.Stage(12, 60, 1))
    model = example.learn(stages, tmp_path, 0)
    first, second = (load_file(tmp_path / f"length-{stage.length}" / "model.safetensors") for stage in stages)
    assert all((begun[1][name] == first[name]).all() for name in first)
    assert all((model.state_dict()[name] == second[name]).all() for name in second)
    assert any((first[name] != second[name]).any() for name in first)
    assert list(example.judge(model, {20: 5, 30: 4}, 1)) == [20, 30]
    assert "of 5" in capsys.readouterr().out


@pytest.mark.slow
def test_what_was_learned_at_256_samples_holds_at_65_536(example, tmp_path):
    model = example.learn(example.STAGES, tmp_path, 0)
    found = example.judge(model, {256: 1000, 16_384: 200, 65_536: 100}, 1)
    assert min(found.values()) >= LEAST, found
