"""Runs that are interrupted and go on.

Oracle: the same run undisturbed: its weights and its log. The clock of the loop is a counter, so that
checkpoints fall at known places.
Tolerances: none, bits are compared; but 1e-12 relative for sums taken apart and put together in float64.
"""

import dataclasses
import json

import pytest
import torch
from tests.train.toy import toy_config, toy_data, toy_model

from clew.files import atomic
from clew.runs import RunDirectory, newest_checkpoint
from clew.train import fit, loop
from clew.train.step import Stepper

# Stops early, after 5 of 12 epochs, the third of which was the best.
SETTINGS = {"epochs": 12, "patience": 2, "learning_rate": 0.01}
DATA = toy_data(learnable=False)


class Kill(BaseException):
    """Not an Exception: nothing may catch it and go on."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The directory of the run that no one disturbed."""
    path = tmp_path_factory.mktemp("undisturbed") / "run"
    run = fit(toy_model(), DATA, toy_config(path, **SETTINGS))
    best = [line["best"] for line in run.metrics if line["kind"] == "validation"]
    assert best == [True, True, True, False, False], "the run must stop early for its counters to matter"
    return path


@pytest.fixture
def kill_at(monkeypatch):
    """Make the ``count``-th call of a function the last thing that happens, before or after it is done."""

    def install(owner, name: str, count: int, after: bool = False):
        function, calls = getattr(owner, name), []

        def call(*arguments, **keywords):
            calls.append(name)
            if len(calls) == count and not after:
                raise Kill
            result = function(*arguments, **keywords)
            if len(calls) == count:
                raise Kill
            return result

        monkeypatch.setattr(owner, name, call)

    return install


@pytest.fixture
def slow_clock(monkeypatch):
    """A clock that ticks once a reading: the loop reads it at least twice a step."""

    class Clock:
        now = 0.0

        def monotonic(self):
            self.now += 1.0
            return self.now

    monkeypatch.setattr(loop, "time", Clock())


POINTS = [
    ("the first step", Stepper, "step", 1, False),
    ("a step within an epoch", Stepper, "step", 5, False),
    ("a step just taken", Stepper, "step", 6, True),
    ("the first step of an epoch", Stepper, "step", 7, False),
    ("a validation", Stepper, "validate", 2, False),
    ("a validation just done", Stepper, "validate", 3, True),
    ("a late validation", Stepper, "validate", 5, True),
    ("a checkpoint", loop, "save_checkpoint", 2, False),
    ("a checkpoint just written", loop, "save_checkpoint", 3, True),
    ("a file of a checkpoint", atomic, "_sync_file", 9, False),
    ("a late file of a checkpoint", atomic, "_sync_file", 17, True),
    ("the final weights", RunDirectory, "finish", 1, False),
    ("the weights just written", RunDirectory, "finish", 1, True),
]


@pytest.mark.parametrize("every", [0.0, 9.0])
@pytest.mark.parametrize("point", POINTS, ids=[point[0] for point in POINTS])
def test_a_resumed_run_ends_in_the_same_bits(
    tmp_path, monkeypatch, undisturbed, kill_at, slow_clock, without_seconds, weights, every, point
):  # fmt: skip
    config = toy_config(tmp_path / "run", **SETTINGS | {"checkpoint_every": every})
    with monkeypatch.context() as patched:
        kill_at(*point[1:])
        with pytest.raises(Kill):
            fit(toy_model(), DATA, config)
        patched.undo()
    monkeypatch.undo()
    # The weights that are passed do not matter, nor does the state of the generator.
    run = fit(toy_model(seed=5), DATA, config, resume=True)
    assert without_seconds(tmp_path / "run") == without_seconds(undisturbed)
    assert weights(tmp_path / "run") == weights(undisturbed)
    assert run.metrics == RunDirectory(tmp_path / "run").metrics()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "config.json", "metrics.jsonl", "model.safetensors", "checkpoints",
    }  # fmt: skip


def _interrupt(kill_at, monkeypatch, config, step, **keywords):
    """A run that was killed before its ``step``-th step."""
    kill_at(Stepper, "step", step)
    with pytest.raises(Kill):
        fit(toy_model(), DATA, config, **keywords)
    monkeypatch.undo()


def test_a_run_may_be_interrupted_again_and_again(
    tmp_path, monkeypatch, undisturbed, kill_at, without_seconds, weights
):
    config = toy_config(tmp_path / "run", **SETTINGS | {"checkpoint_every": 0.0})
    resume, kills = False, 0
    while True:
        kill_at(Stepper, "step", 3)
        try:
            fit(toy_model(), DATA, config, resume=resume)
        except Kill:
            kills += 1
            resume = True
            monkeypatch.undo()
        else:
            break
    assert kills > 5
    assert without_seconds(tmp_path / "run") == without_seconds(undisturbed)
    assert weights(tmp_path / "run") == weights(undisturbed)


def test_the_log_is_cut_back_to_the_checkpoint(tmp_path, monkeypatch, kill_at, slow_clock):
    config = toy_config(tmp_path / "run", **SETTINGS | {"checkpoint_every": 9.0})
    _interrupt(kill_at, monkeypatch, config, 12)
    directory = RunDirectory(tmp_path / "run")
    state = json.loads((newest_checkpoint(directory.checkpoints) / "state.json").read_text())
    assert 0 < state["position"]["step"] < 11
    with directory.metrics_file.open("ab") as file:
        file.write(b'{"kind": "train", "st')
    # Killed again before its first step, the run has the lines up to the checkpoint and no other.
    _interrupt(kill_at, monkeypatch, config, 1, resume=True)
    lines = [line for line in directory.metrics() if line["kind"] == "train"]
    assert [line["step"] for line in lines] == list(range(1, state["position"]["step"] + 1))
    assert directory.metrics_file.stat().st_size == state["metrics_size"]


def test_the_sums_of_an_epoch_go_on(tmp_path, monkeypatch, kill_at):
    config = toy_config(tmp_path / "run", **SETTINGS | {"checkpoint_every": 0.0})
    _interrupt(kill_at, monkeypatch, config, 9)
    kill_at(Stepper, "validate", 1)
    with pytest.raises(Kill):
        fit(toy_model(), DATA, config, resume=True)
    directory = RunDirectory(tmp_path / "run")
    position = json.loads((newest_checkpoint(directory.checkpoints) / "state.json").read_text())["position"]
    assert (position["epoch"], position["batch"], position["step"]) == (2, 3, 9)
    lines = [line for line in directory.metrics() if line["kind"] == "train" and line["epoch"] == 2]
    sizes = [5, 5, 1]
    losses = sum(line["loss"] * size for line, size in zip(lines, sizes, strict=True))
    assert position["loss"] == pytest.approx(losses, rel=1e-12)
    right = sum(line["accuracy"] * size for line, size in zip(lines, sizes, strict=True))
    assert (position["measured"], position["count"]) == (round(right), 11)


def test_seconds_go_on_from_where_they_were(tmp_path, monkeypatch, kill_at):
    config = toy_config(tmp_path / "run", **SETTINGS | {"checkpoint_every": 0.0})
    _interrupt(kill_at, monkeypatch, config, 7)
    file = newest_checkpoint(tmp_path / "run" / "checkpoints") / "state.json"
    state = json.loads(file.read_text())
    state["position"]["seconds"] = 1000.0
    file.write_text(json.dumps(state))
    run = fit(toy_model(), DATA, config, resume=True)
    seconds = [line["seconds"] for line in run.metrics if line["kind"] == "train"]
    assert seconds[5] < 1000 < seconds[6] < 1100


def test_without_any_checkpoint_a_run_starts_over(
    tmp_path, monkeypatch, undisturbed, kill_at, without_seconds, weights, caplog
):
    config = toy_config(tmp_path / "run", **SETTINGS)
    _interrupt(kill_at, monkeypatch, config, 7)
    newest = newest_checkpoint(tmp_path / "run" / "checkpoints")
    newest.rename(tmp_path / "elsewhere")
    fit(toy_model(), DATA, config, resume=True)
    assert "holds no checkpoint: training starts over" in caplog.text
    assert without_seconds(tmp_path / "run") == without_seconds(undisturbed)
    assert weights(tmp_path / "run") == weights(undisturbed)


def test_a_finished_run_says_so_and_is_loaded(tmp_path, caplog, weights):
    config = toy_config(tmp_path / "run", epochs=1)
    first = fit(toy_model(), DATA, config)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    again = fit(toy_model(seed=3), DATA, config, resume=True)
    assert f"the run in {tmp_path / 'run'} is finished: there is nothing to resume" in caplog.text
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert again.metrics == first.metrics
    assert not again.model.training
    for name, tensor in first.model.state_dict().items():
        assert torch.equal(tensor, again.model.state_dict()[name])


def test_resuming_what_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a run directory: it does not exist"):
        fit(toy_model(), DATA, toy_config(tmp_path / "run"), resume=True)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def interrupted(tmp_path, monkeypatch, kill_at):
    """The settings of a run that waits to be resumed."""
    config = toy_config(tmp_path / "run", **SETTINGS | {"checkpoint_every": 0.0})
    _interrupt(kill_at, monkeypatch, config, 9)
    return config


def _files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_another_run_is_not_resumed(tmp_path, interrupted):
    before = _files(tmp_path)
    others = {
        r"training\.epochs is 12 there and 13 here; training\.seed is 0 there and 1 here": (
            toy_model(), DATA, dataclasses.replace(interrupted, epochs=13, seed=1),
        ),
        r"model\.d_model is 8 there and 4 here": (toy_model(width=4), DATA, interrupted),
        r"data\.digest is '\w+' there and '\w+' here": (toy_model(), toy_data(), interrupted),
    }  # fmt: skip
    for message, arguments in others.items():
        with pytest.raises(ValueError, match=f"run is another run: {message}$") as error:
            fit(*arguments, resume=True)
        assert "\n" not in str(error.value)
    assert _files(tmp_path) == before


def test_what_is_not_part_of_the_run_may_change(tmp_path, interrupted, undisturbed, weights):
    config = dataclasses.replace(interrupted, checkpoint_every=3.0, device="auto")
    moved = tmp_path / "moved"
    interrupted.directory.rename(moved)
    fit(toy_model(), DATA, dataclasses.replace(config, directory=moved), resume=True)
    if not torch.cuda.is_available():
        assert weights(moved) == weights(undisturbed)


def test_other_threads_are_mentioned(interrupted, caplog):
    file = interrupted.directory / "config.json"
    content = json.loads(file.read_text()) | {"threads": 77, "processes": 3}
    file.write_text(json.dumps(content))
    fit(toy_model(), DATA, interrupted, resume=True)
    assert "was started with 3 × 77 threads and goes on with 1 ×" in caplog.text


def test_a_run_that_another_process_writes_is_not_resumed(tmp_path, interrupted):
    fcntl = pytest.importorskip("fcntl", reason="this system has no such lock")
    before = _files(tmp_path)
    with (interrupted.directory / "config.json").open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ValueError, match="another process is training in"):
            fit(toy_model(), DATA, interrupted, resume=True)
    assert _files(tmp_path) == before


def _truncate(file):
    file.write_bytes(file.read_bytes()[:-7])


def _rename_tensor(file):
    content = file.read_bytes()
    file.write_bytes(content.replace(b"head.weight", b"haed.weight"))


def _no_position(file):
    content = json.loads(file.read_text())
    del content["position"]
    file.write_text(json.dumps(content))


def _other_position(file):
    content = json.loads(file.read_text())
    content["position"]["colour"] = 3
    file.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("model.safetensors", _truncate, r"model\.safetensors is damaged"),
        ("best.safetensors", _truncate, r"best\.safetensors is damaged"),
        ("optimiser.safetensors", _truncate, r"optimiser\.safetensors is damaged"),
        ("model.safetensors", _rename_tensor, r"model\.safetensors does not belong here"),
        ("best.safetensors", _rename_tensor, r"best\.safetensors does not belong here"),
        ("optimiser.safetensors", _rename_tensor, r"optimiser\.safetensors does not belong here"),
        ("random.safetensors", lambda file: file.unlink(), r"random\.safetensors"),
        ("state.json", _truncate, r"state\.json is not a JSON file"),
        ("state.json", _no_position, "is not a checkpoint of training: 'position'"),
        ("state.json", _other_position, "is not a checkpoint of training: .*colour"),
        ("../../metrics.jsonl", _truncate, r"metrics\.jsonl is cut short"),
    ],
)
def test_a_damaged_checkpoint_is_named_and_nothing_is_changed(tmp_path, interrupted, name, damage, message):
    damage(newest_checkpoint(interrupted.directory / "checkpoints") / name)
    before = _files(tmp_path)
    with pytest.raises(ValueError, match=message) as error:
        fit(toy_model(), DATA, interrupted, resume=True)
    assert "\n" not in str(error.value)
    assert _files(tmp_path) == before


def test_an_older_checkpoint_is_taken_when_the_newest_is_removed(
    tmp_path, monkeypatch, interrupted, kill_at, undisturbed, without_seconds, weights
):
    """What the message of a damaged checkpoint advises."""
    folder = interrupted.directory / "checkpoints"
    newest = newest_checkpoint(folder)
    newest.rename(tmp_path / newest.name)
    _interrupt(kill_at, monkeypatch, interrupted, 3, resume=True)
    older = newest_checkpoint(folder)
    assert older.name < newest.name
    (tmp_path / newest.name).rename(newest)
    (newest / "state.json").write_text("")
    with pytest.raises(ValueError, match=f"; remove {newest} to go on from the checkpoint before it"):
        fit(toy_model(), DATA, interrupted, resume=True)
    newest.rename(tmp_path / newest.name)
    fit(toy_model(), DATA, interrupted, resume=True)
    assert without_seconds(interrupted.directory) == without_seconds(undisturbed)
    assert weights(interrupted.directory) == weights(undisturbed)
