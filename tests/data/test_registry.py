"""Data sets by name or by path.

Oracle: which data set it is must follow from the name alone, else from what is there. Tolerances: none.
"""

from pathlib import Path

import pytest

from clew.data import datasets, load


def _folder(folder: Path) -> Path:
    for label in "ab":
        (folder / label).mkdir(parents=True)
        for number in range(3):
            (folder / label / f"{number}.csv").write_text(f"x\n{number}\n")
    return folder


def test_names():
    assert list(datasets) == [
        "adding",
        "aeon",
        "cifar10",
        "csv-folder",
        "csv-table",
        "delayed-copy",
        "digits",
        "fashion-mnist",
        "induction-heads",
        "japanese-vowels",
        "listops",
        "lra-listops",
        "lra-pathfinder",
        "lra-retrieval",
        "lra-text",
        "maze",
        "pathfinder",
        "selective-copying",
        "speech-commands",
        "spoken-language",
    ]


def test_a_folder_and_a_file(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("series,time,x,label\n" + "".join(f"{i},0,{i},{i % 2}\n" for i in range(8)))
    for path in (_folder(tmp_path / "mine"), str(tmp_path / "mine")):
        assert load(path).name == "csv-folder"
    for path in (file, str(file)):
        assert load(path).name == "csv-table"


def test_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    _folder(tmp_path / "mine")
    assert load("~/mine").options["path"] == load("csv-folder", {"path": "~/mine"}).options["path"]


def test_a_name_comes_before_a_folder(tmp_path, monkeypatch):
    _folder(tmp_path / "japanese-vowels")
    monkeypatch.chdir(tmp_path)
    assert load("japanese-vowels").name == "japanese-vowels"
    assert load("./japanese-vowels").name == "csv-folder"


@pytest.mark.parametrize("name", ["nothing/here", "nothing.csv", "./digits"])
def test_a_path_with_nothing_there(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=f"{name}: no such file or folder"):
        load(name)


def test_a_file_of_another_kind(tmp_path):
    (tmp_path / "notes.txt").write_text("x\n1\n")
    with pytest.raises(ValueError, match=r"notes.txt is not a .csv file"):
        load(tmp_path / "notes.txt")


def test_an_unknown_name():
    with pytest.raises(ValueError, match="unknown data set 'japanese-vowel'; did you mean 'japanese-vowels'"):
        load("japanese-vowel")


@pytest.mark.parametrize("name", ["csv-folder", "csv-table"])
def test_a_missing_path(name):
    with pytest.raises(ValueError, match=f"the data set '{name}' needs the option 'path'"):
        load(name)


def test_the_options_given_are_left_alone(tmp_path):
    options = {"validation": "0"}
    load(_folder(tmp_path / "mine"), options)
    assert options == {"validation": "0"}
