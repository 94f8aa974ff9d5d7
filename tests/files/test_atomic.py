"""Writing that a crash cannot tear.

Oracle: after a crash at each single change of the disk, one after another, what is visible is the old state
or the new one, byte for byte. And the order of the calls: a file reaches the disk before the name that shows
it does.
Tolerances: none.
"""

import itertools

import pytest

from clew.files.atomic import clean_leftovers, json_to_bytes, new_directory, remove_directory, write_bytes

OLD, NEW = b"old " * 50, b"the new one " * 30


def _until_it_succeeds(disk_that_lasts, power_cut, attempt):
    """Run ``attempt`` on disks that last ever longer; yield after each crash, stop at the first success."""
    for calls in itertools.count():
        disk_that_lasts(calls)
        try:
            attempt(calls)
        except power_cut:
            disk_that_lasts()
            yield calls
        else:
            disk_that_lasts()
            return


def test_a_file_is_the_old_one_or_the_new_one(tmp_path, disk_that_lasts, power_cut):
    path = tmp_path / "file"
    seen = set()

    def attempt(_):
        path.unlink(missing_ok=True)
        path.write_text(OLD.decode())
        write_bytes(path, NEW)

    for _ in _until_it_succeeds(disk_that_lasts, power_cut, attempt):
        assert path.read_bytes() in (OLD, NEW)
        seen.add(path.read_bytes())
    assert path.read_bytes() == NEW
    assert seen == {OLD, NEW}


def test_a_folder_is_whole_or_absent(tmp_path, disk_that_lasts, power_cut):
    crashes = 0

    def attempt(calls):
        with new_directory(tmp_path / str(calls) / "folder") as aside:
            write_bytes(aside / "a", OLD)
            (aside / "inner").mkdir()
            write_bytes(aside / "inner" / "b", NEW)

    for calls in _until_it_succeeds(disk_that_lasts, power_cut, attempt):
        crashes += 1
        folder = tmp_path / str(calls) / "folder"
        if folder.exists():
            assert (folder / "a").read_bytes() == OLD
            assert (folder / "inner" / "b").read_bytes() == NEW
        else:
            # What is left over is no obstacle to the next attempt.
            with new_directory(folder) as aside:
                write_bytes(aside / "a", OLD)
            assert [entry.name for entry in folder.parent.iterdir()] == ["folder"]
    assert crashes > 10


def test_a_folder_is_removed_whole(tmp_path, disk_that_lasts, power_cut):
    def attempt(calls):
        folder = tmp_path / str(calls)
        folder.mkdir()
        for name in "ab":
            (folder / name).write_text(OLD.decode())
        remove_directory(folder)

    for calls in _until_it_succeeds(disk_that_lasts, power_cut, attempt):
        folder = tmp_path / str(calls)
        assert not folder.exists() or sorted(path.name for path in folder.iterdir()) == ["a", "b"]
        clean_leftovers(tmp_path)
        assert list(tmp_path.glob(".*")) == []


def test_contents_reach_the_disk_before_the_name(tmp_path, disk_that_lasts):
    disk = disk_that_lasts()
    write_bytes(tmp_path / "file", NEW)
    assert disk.calls == ["write_bytes", "open", "fsync", "replace", "open", "fsync"]
    disk = disk_that_lasts()
    with new_directory(tmp_path / "folder") as aside:
        (aside / "written by others").write_bytes(NEW)
    assert disk.calls == [
        "makedirs", "mkdir", "write_bytes",
        "open", "fsync",  # the file
        "open", "fsync",  # the folder
        "rename", "open", "fsync",  # its name
    ]  # fmt: skip


def test_an_error_in_the_block_leaves_nothing(tmp_path):
    def fill():
        with new_directory(tmp_path / "folder") as aside:
            write_bytes(aside / "a", OLD)
            raise KeyError

    with pytest.raises(KeyError):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_an_error_in_a_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    def full(_):
        raise OSError("no space left on device")

    path = tmp_path / "file"
    write_bytes(path, OLD)
    monkeypatch.setattr("clew.files.atomic.os.fsync", full)
    with pytest.raises(OSError, match="no space left"):
        write_bytes(path, NEW)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == OLD


@pytest.mark.parametrize("kind", ["file", "empty folder"])
def test_what_exists_is_not_replaced_by_a_folder(tmp_path, kind):
    path = tmp_path / "folder"
    path.mkdir() if kind == "empty folder" else path.write_bytes(OLD)
    with pytest.raises(FileExistsError, match="exists already"), new_directory(path):
        pass
    path.rmdir() if kind == "empty folder" else path.unlink()
    # Nor is what comes to exist while the folder is being filled.
    with pytest.raises(FileExistsError, match="exists already"), new_directory(path):
        path.mkdir()
    assert list(tmp_path.iterdir()) == [path]


def test_json_says_no_nan():
    with pytest.raises(ValueError, match="JSON"):
        json_to_bytes({"loss": float("nan")})
    assert json_to_bytes({"name": "Å"}).decode() == '{\n  "name": "Å"\n}\n'
