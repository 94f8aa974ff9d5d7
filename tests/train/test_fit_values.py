"""Training a regressor.

Oracle: linear least squares, solved by numpy, for a model that can be no more than linear; the run
undisturbed; the log, read as JSON. Tolerances: the table; bits where a run goes on.
"""

import pytest
import torch
from tests.train.toy import toy_config, toy_data, toy_model, toy_values

from clew.data import Dataset, Split
from clew.models import ModelConfig, build
from clew.runs import load
from clew.train import evaluate, fit
from clew.train.loop import Loop

TOLERANCES = {
    # Relative, above the least mean squared error that a linear answer can have: what 120 steps leave.
    "least squares": 0.02,
    # float32 sums over batches of another shape.
    "validation": 1e-5,
}


@pytest.mark.parametrize("target", ["sequence", "step"])
def test_the_log_has_errors_in_units_of_the_data(tmp_path, target):
    data = toy_values(target)
    run = fit(toy_model(target, values=True), data, toy_config(tmp_path / "run"), progress=False)
    assert run.config.data.values == ("small", "large")
    steps = [line for line in run.metrics if line["kind"] == "train"]
    assert set(steps[0]) == {
        "kind", "step", "epoch", "loss", "mean_squared_error", "learning_rate", "seconds",
    }  # fmt: skip
    validations = [line for line in run.metrics if line["kind"] == "validation"]
    best = min(validations, key=lambda line: line["loss"])
    assert best["best"]
    found = evaluate(load(tmp_path / "run"), data.validation)
    assert best["mean_squared_error"] == pytest.approx(found.mean_squared_error, rel=TOLERANCES["validation"])
    assert best["loss"] == pytest.approx(found.loss, rel=TOLERANCES["validation"])


def test_least_squares_is_found(tmp_path):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(200, 1, 2, generator=generator) * torch.tensor([1.0, 50.0]) + 7
    noise = torch.randn(200, generator=generator)
    targets = (1000 + 30 * inputs[:, 0, 0] - 2 * inputs[:, 0, 1] + 20 * noise)[:, None]
    split = Split(inputs.unbind(), targets.unbind())
    data = Dataset(
        name="line", options={}, description="", source="", licence="", channels=("x", "y"), classes=(),
        values=("height",), target="sequence", train=split, validation=Split((), ()), test=Split((), ()),
    )  # fmt: skip
    torch.manual_seed(0)
    plain = {"norm": "none", "activation": "none", "channel_mixing": "none"}
    linear = {"mixer": "rnn", "mixer_options": {"nonlinearity": None}}
    model = build(ModelConfig(2, n_values=1, d_model=4, n_layers=1, **plain, **linear))
    config = toy_config(tmp_path / "run", epochs=120, batch_size=200, learning_rate=0.02, weight_decay=0.0)
    run = fit(model, data, config, progress=False)
    design = torch.cat([inputs[:, 0], torch.ones(200, 1)], dim=1).double()
    least = torch.linalg.lstsq(design, targets.double()).solution
    wanted = (design @ least - targets).square().mean().item()
    found = evaluate(run.model, split)
    assert wanted <= found.mean_squared_error <= (1 + TOLERANCES["least squares"]) * wanted
    assert found.trivial_mean_squared_error == pytest.approx(
        targets.double().var(correction=0).item(), rel=1e-6
    )


def test_an_interrupted_run_goes_on_to_the_same_bits(tmp_path, monkeypatch, weights, without_seconds):
    config = {"checkpoint_every": 0.0, "epochs": 4}
    fit(toy_model(values=True), toy_values(), toy_config(tmp_path / "whole", **config), progress=False)
    step, calls = Loop._step, []

    def interrupted(self, position):
        calls.append(position)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return step(self, position)

    monkeypatch.setattr(Loop, "_step", interrupted)
    settings = toy_config(tmp_path / "parts", **config)
    with pytest.raises(KeyboardInterrupt):
        fit(toy_model(values=True), toy_values(), settings, progress=False)
    run = fit(toy_model(values=True, seed=9), toy_values(), settings, resume=True, progress=False)
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")
    assert without_seconds(tmp_path / "parts") == without_seconds(tmp_path / "whole")
    assert torch.equal(run.model.head.mean, toy_values().target_mean)


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (toy_model(), toy_values(), "the model tells 3 classes apart, and 'toy' has 0"),
        (toy_model(values=True), toy_data(), "the model tells 0 classes apart, and 'toy' has 3"),
        (
            build(ModelConfig(2, n_values=1, d_model=4)),
            toy_values(),
            "the model gives 1 values, and 'toy' asks for 2",
        ),
        (toy_model("step", values=True), toy_values(), "'toy' has one target a sequence: it needs pooling"),
    ],
)
def test_a_model_for_other_answers_is_refused(tmp_path, model, data, message):
    with pytest.raises(ValueError, match=message):
        fit(model, data, toy_config(tmp_path / "run"))
    assert list(tmp_path.iterdir()) == []
