"""The run directory: made whole, opened, finished, loaded.

Oracle: what was put in. Tolerances: none, bits are compared.
"""

import errno
import itertools

import pytest
import torch

from clew.models import build
from clew.runs import RunDirectory, load, newest_checkpoint, read_checkpoint, save_checkpoint


@pytest.fixture
def made(tmp_path, run_config, make_checkpoint):
    """A run directory at its start."""
    return RunDirectory.create(tmp_path / "runs" / "toy", run_config, make_checkpoint(0, 0))


def test_a_new_directory_is_whole(made, run_config, make_checkpoint):
    assert {path.name for path in made.path.iterdir()} == {"config.json", "metrics.jsonl", "checkpoints"}
    assert RunDirectory(made.path).config == run_config
    assert made.metrics() == []
    assert not made.finished
    assert made.evaluation() is None
    start = read_checkpoint(newest_checkpoint(made.checkpoints))
    assert torch.equal(start.tensors["model"]["a"], make_checkpoint(0, 0).tensors["model"]["a"])
    assert repr(made) == f"RunDirectory({str(made.path)!r}, not finished)"


def test_a_crash_leaves_a_whole_directory_or_none(
    tmp_path, disk_that_lasts, power_cut, run_config, make_checkpoint
):
    there = []
    for calls in itertools.count():
        path = tmp_path / str(calls)
        disk = disk_that_lasts(calls)
        try:
            RunDirectory.create(path, run_config, make_checkpoint(0, 0))
        except power_cut:
            disk_that_lasts()
        if disk.left >= 0:
            break
        there.append(path.exists())
        if path.exists():
            read_checkpoint(newest_checkpoint(RunDirectory(path).checkpoints))
        else:
            RunDirectory.create(path, run_config, make_checkpoint(0, 0))
    assert len(there) > 20
    assert there == sorted(there)
    assert set(there) == {False, True}


@pytest.mark.parametrize("kind", ["run", "file", "empty folder", "broken link"])
def test_what_exists_is_left_alone(tmp_path, made, run_config, make_checkpoint, kind):
    path = made.path if kind == "run" else tmp_path / "other"
    if kind == "file":
        path.write_text("mine")
    elif kind == "empty folder":
        path.mkdir()
    elif kind == "broken link":
        path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError, match=r"exists: continue that run with --resume .* --directory"):
        RunDirectory.create(path, run_config, make_checkpoint(0, 0))


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"is not a run directory: it has no config\.json"):
        RunDirectory(tmp_path)
    with pytest.raises(FileNotFoundError, match="is not a run directory: it does not exist"):
        RunDirectory(tmp_path / "absent")


def test_a_finished_run_is_loaded(made, run_config):
    model = build(run_config.model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    model.standardize(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    made.finish(model)
    assert made.finished
    assert list(made.checkpoints.iterdir()) == []
    loaded = load(made.path)
    assert not loaded.training
    assert loaded.config == run_config.model
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)


def test_a_run_that_is_not_finished_is_not_loaded(made):
    with pytest.raises(FileNotFoundError, match="no trained model yet: finish the run with --resume"):
        load(made.path)


@pytest.mark.parametrize("damage", ["cut", "foreign", "another model"])
def test_damaged_weights_are_refused(made, run_config, damage):
    made.finish(build(run_config.model))
    content = made.model_file.read_bytes()
    if damage == "cut":
        made.model_file.write_bytes(content[:-1])
    elif damage == "foreign":
        torch.save({"a": 1}, made.model_file)
    else:
        made.finish(torch.nn.Linear(2, 2))
    with pytest.raises(ValueError, match=r"model\.safetensors (is damaged|does not belong here)"):
        load(made.path)


def test_a_directory_is_rewound(made, make_checkpoint):
    made.metrics_file.write_text('{"step": 1}\n{"step": 2}\n')
    (made.path / ".model.safetensors.writing").write_text("half")
    (made.checkpoints / ".epoch-00000-batch-000004.writing").mkdir()
    save_checkpoint(made.checkpoints, make_checkpoint(0, 1))
    made.rewind(12)
    assert made.metrics() == [{"step": 1}]
    assert {path.name for path in made.path.iterdir()} == {"config.json", "metrics.jsonl", "checkpoints"}
    assert [path.name for path in made.checkpoints.iterdir()] == ["epoch-00000-batch-000001"]


def test_an_evaluation_is_kept(made):
    made.write_evaluation({"split": "test", "loss": 0.25})
    assert made.evaluation() == {"split": "test", "loss": 0.25}
    made.evaluation_file.write_text("[")
    with pytest.raises(ValueError, match=r"evaluation\.json is not a JSON object"):
        made.evaluation()


def test_one_process_at_a_time(made):
    fcntl = pytest.importorskip("fcntl", reason="this system has no such lock")

    def train():
        with made.lock():
            return True

    # The lock belongs to the open file, so a second one in this process stands for another process's.
    with made.config_file.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ValueError, match=f"another process is training in {made.path}"):
            train()
    assert train()
    assert train()


def test_where_files_cannot_be_locked_nothing_is(made, monkeypatch):
    fcntl = pytest.importorskip("fcntl", reason="this system has no such lock")

    def no_locks(*_):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with made.lock():
        pass
