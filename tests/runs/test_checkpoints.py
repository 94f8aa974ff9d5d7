"""Checkpoints: whole or absent, the newest found, the damaged named.

Oracle: the checkpoints that were written; after a crash at each single change of the disk the newest is the
old one or the new one, whole. Tolerances: none, bits are compared.
"""

import itertools

import pytest
import torch

from clew.runs import newest_checkpoint, read_checkpoint, save_checkpoint
from clew.runs.checkpoints import remove_checkpoints


def _assert_same(found, wanted):
    assert (found.epoch, found.batch, found.state) == (wanted.epoch, wanted.batch, wanted.state)
    assert found.tensors.keys() == wanted.tensors.keys()
    for stem, tensors in wanted.tensors.items():
        assert found.tensors[stem].keys() == tensors.keys()
        for name, tensor in tensors.items():
            assert torch.equal(found.tensors[stem][name], tensor)


def test_a_round_trip(tmp_path, make_checkpoint):
    path = save_checkpoint(tmp_path, make_checkpoint(2, 7))
    assert path == tmp_path / "epoch-00002-batch-000007"
    _assert_same(read_checkpoint(path), make_checkpoint(2, 7))


def test_only_the_newest_is_kept(tmp_path, make_checkpoint):
    for position in [(0, 0), (0, 9), (1, 0), (1, 10)]:
        path = save_checkpoint(tmp_path, make_checkpoint(*position))
        assert list(tmp_path.iterdir()) == [path]


def test_the_newest_is_found_by_position(tmp_path, make_checkpoint):
    names = [(1, 2), (0, 9), (100_000, 0), (99_999, 5)]
    for position in names:
        (tmp_path / make_checkpoint(*position).name).mkdir()
    assert newest_checkpoint(tmp_path).name == "epoch-100000-batch-000000"
    (tmp_path / ".epoch-200000-batch-000000.writing").mkdir()
    (tmp_path / "epoch-x").mkdir()
    assert newest_checkpoint(tmp_path).name == "epoch-100000-batch-000000"


def test_none_is_newest_where_there_is_none(tmp_path):
    assert newest_checkpoint(tmp_path) is None
    assert newest_checkpoint(tmp_path / "absent") is None


def test_a_crash_leaves_the_old_or_the_new_one(tmp_path, disk_that_lasts, power_cut, make_checkpoint):
    old, new, later = make_checkpoint(1, 2), make_checkpoint(1, 3), make_checkpoint(1, 4)
    found_epochs = []
    for calls in itertools.count():
        folder = tmp_path / str(calls)
        folder.mkdir()
        disk_that_lasts()
        save_checkpoint(folder, old)
        disk = disk_that_lasts(calls)
        try:
            save_checkpoint(folder, new)
        except power_cut:
            disk_that_lasts()
        if disk.left >= 0:
            break
        found = read_checkpoint(newest_checkpoint(folder))
        _assert_same(found, old if found.batch == 2 else new)
        found_epochs.append(found.batch)
        path = save_checkpoint(folder, later)
        assert list(folder.iterdir()) == [path]
        _assert_same(read_checkpoint(path), later)
    assert len(found_epochs) > 15
    assert found_epochs == sorted(found_epochs)
    assert set(found_epochs) == {2, 3}


@pytest.mark.parametrize("name", ["state.json", "model.safetensors", "random.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "absent", "foreign"])
def test_a_damaged_file_is_named_and_none_other_taken(tmp_path, make_checkpoint, name, damage):
    older = save_checkpoint(tmp_path / "elsewhere", make_checkpoint(0, 1))
    path = save_checkpoint(tmp_path / "checkpoints", make_checkpoint(0, 5))
    older.rename(path.parent / older.name)
    file = path / name
    content = file.read_bytes()
    file.unlink()
    if damage != "absent":
        file.write_bytes(content[: len(content) // 2] if damage == "cut" else b"[1]")
    with pytest.raises(ValueError, match=f"{name}.*; remove .*{path.name} to go on") as error:
        read_checkpoint(newest_checkpoint(path.parent))
    assert "\n" not in str(error.value)
    assert older.name in {entry.name for entry in path.parent.iterdir()}


@pytest.mark.parametrize(
    "content", ['{"format": 1}', '{"format": 2}', '{"format": 2, "epoch": 0, "batch": 1}']
)
def test_a_state_of_another_kind_is_refused(tmp_path, make_checkpoint, content):
    path = save_checkpoint(tmp_path, make_checkpoint(0, 1))
    (path / "state.json").write_text(content)
    with pytest.raises(ValueError, match=r"state\.json (is not of checkpoint format|has no field)"):
        read_checkpoint(path)


def test_nothing_is_pickled(tmp_path, make_checkpoint):
    path = save_checkpoint(tmp_path, make_checkpoint(0, 1))
    assert {file.suffix for file in path.iterdir()} == {".json", ".safetensors"}


def test_all_are_removed(tmp_path, make_checkpoint):
    save_checkpoint(tmp_path, make_checkpoint(0, 1))
    (tmp_path / ".epoch-00000-batch-000002.writing").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    remove_checkpoints(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
