"""A folder of CSV files: what is read, and what is refused in which words.

Oracle: the files as the test wrote them. Tolerances: none; values are written with ``repr`` and read back as
the nearest float32.
"""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from clew.data import load

FRAMES = "x,y\n1,2\n3,4\n"
LISTING = "file,label\n1.csv,a\n2.csv,b\n"


def _write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def _four(**changes: str | bytes) -> dict[str, str | bytes]:
    """Two files of each of two classes; ``first`` is the content of a/1.csv."""
    files = {f"{label}/{number}.csv": FRAMES for label in "ab" for number in (1, 2)}
    return files | {"a/1.csv": changes["first"]} if changes else files


EVERYTHING = {"test": 0, "validation": 0}

finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
sequences = st.integers(1, 3).flatmap(
    lambda channels: st.lists(
        arrays(np.float32, st.tuples(st.integers(1, 6), st.just(channels)), elements=finite),
        min_size=2,
        max_size=5,
    )
)


@given(
    data=sequences,
    names=st.booleans(),
    separator=st.sampled_from(",;\t"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    mark=st.booleans(),
    quoted=st.booleans(),
    last=st.sampled_from(["", "{end}", "{end}{end}", "{end}  {end}"]),
)
@settings(max_examples=60)
def test_what_is_written_is_read(tmp_path_factory, data, names, separator, end, mark, quoted, last):
    folder = tmp_path_factory.mktemp("csv")
    quote = '"' if quoted else ""
    for index, values in enumerate(data):
        lines = (
            [separator.join(f" {quote}c{i}{quote} ".strip() for i in range(values.shape[1]))] if names else []
        )
        lines += [separator.join(f"{quote}{float(value)!r}{quote}" for value in row) for row in values]
        text = end.join(lines) + last.format(end=end)
        _write(folder, {f"{'ab'[index % 2]}/{index}.csv": ("\ufeff" if mark else "") + text})
    read = load(folder, EVERYTHING)
    order = [*range(0, len(data), 2), *range(1, len(data), 2)]
    assert [int(target) for target in read.train.targets] == [index % 2 for index in order]
    assert read.channels == tuple((f"c{i}" if names else str(i + 1)) for i in range(data[0].shape[1]))
    for sequence, index in zip(read.train.inputs, order, strict=True):
        assert torch.equal(sequence, torch.from_numpy(data[index]))
        assert torch.equal(torch.signbit(sequence), torch.from_numpy(np.signbit(data[index])))


def test_space_around_cells_and_other_files_do_not_matter(tmp_path):
    files = {f"{label}/{n}.CSV": " x ; y \n 1 ;\t2e0\n" for label in "ab" for n in (1, 2)}
    others = {
        "README.md": "read me",
        "a/notes.txt": "notes",
        ".git/config": "",
        "a/.1.csv": "?",
        "__x/y/z.csv": "?",
    }
    read = load(_write(tmp_path, {**files, **others}), EVERYTHING)
    assert [sequence.tolist() for sequence in read.train.inputs] == [[[1.0, 2.0]]] * 4
    assert read.channels == ("x", "y")


def test_a_first_line_of_numbers_is_a_frame_unless_it_is_said_to_be_names(tmp_path):
    _write(tmp_path, {f"{label}/{number}.csv": "10,20\n1,2\n3,4\n" for label in "ab" for number in (1, 2)})
    as_frame = load(tmp_path, EVERYTHING)
    as_names = load(tmp_path, {**EVERYTHING, "header": "yes"})
    assert (as_frame.channels, as_frame.train.inputs[0].tolist()) == (("1", "2"), [[10, 20], [1, 2], [3, 4]])
    assert (as_names.channels, as_names.train.inputs[0].tolist()) == (("10", "20"), [[1, 2], [3, 4]])


def test_channels_are_picked_in_the_order_asked_for_and_others_may_hold_text(tmp_path):
    _write(tmp_path, {f"{label}/{number}.csv": "x,note,y\n1,good,2\n" for label in "ab" for number in (1, 2)})
    read = load(tmp_path, {**EVERYTHING, "channels": "y, x"})
    assert (read.channels, read.train.inputs[0].tolist()) == (("y", "x"), [[2.0, 1.0]])


@pytest.mark.parametrize(
    ("labels", "classes"),
    [("10 9 1", "1 9 10"), ("2.5 -1 +3e1", "-1 2.5 +3e1"), ("10 9 x", "10 9 x"), ("10 9 nan", "10 9 nan")],
)
def test_labels_that_are_numbers_are_sorted_by_value_and_others_as_text(tmp_path, labels, classes):
    read = load(_write(tmp_path, {f"{label}/1.csv": FRAMES for label in labels.split()}), EVERYTHING)
    assert read.classes == tuple(classes.split())
    assert [read.classes[target] for target in read.train.targets] == sorted(labels.split())


def test_a_list_of_labels_reads_its_files_in_its_order(tmp_path):
    files = {f"{n}.csv": f"x\n{n}\n" for n in range(5)} | {"deep/er/5.csv": "x\n5\n"}
    listing = "note,label,file\n,wild,3.csv\n,calm,deep/er/5.csv\nyes,wild,0.csv\n"
    read = load(_write(tmp_path, {**files, "labels.csv": listing}), EVERYTHING)
    assert read.classes == ("calm", "wild")
    assert [int(target) for target in read.train.targets] == [1, 0, 1]
    assert [sequence.item() for sequence in read.train.inputs] == [3, 5, 0]


def test_train_and_test_are_the_splits(tmp_path):
    train = {f"train/{label}/{n}.csv": f"x\n{n}\n" for label in "ab" for n in range(4)}
    test = {"test/labels.csv": "file,label\n9.csv,b\n", "test/9.csv": "x\n9\n"}
    read = load(_write(tmp_path, {**train, **test}), {"validation": 0.25})
    assert (len(read.train), len(read.validation), len(read.test)) == (6, 2, 1)
    assert (read.test.inputs[0].item(), int(read.test.targets[0])) == (9, 1)
    assert read.options["test"] is None


def test_the_share_to_test_on_is_a_fifth_unless_said(tmp_path):
    files = {f"{label}/{n}.csv": f"x\n{n}\n" for label in "ab" for n in range(20)}
    read = load(_write(tmp_path, files), {"validation": 0.25})
    assert (len(read.train), len(read.validation), len(read.test)) == (24, 8, 8)
    assert read.options["test"] == 0.2


def test_options_hold_an_absolute_path(tmp_path, monkeypatch):
    _write(tmp_path / "mine", _four())
    monkeypatch.chdir(tmp_path)
    read = load("./mine", EVERYTHING)
    monkeypatch.chdir("/")
    again = load(read.name, read.options)
    assert again.options["path"] == str((tmp_path / "mine").resolve()) == again.source
    assert len(again.train) == 4


def test_data_that_has_moved(tmp_path):
    options = load(_write(tmp_path / "here", _four()), EVERYTHING).options
    (tmp_path / "here").rename(tmp_path / "there")
    with pytest.raises(
        FileNotFoundError, match=r"here: no such folder; if the data has moved, give its new path"
    ):
        load("csv-folder", options)


# Bad files: the content of a/1.csv beside good ones, and the message, which begins with the path of the file.
BAD_FILES = {
    "empty file": ("", ": the file is empty"),
    "only empty lines": ("\n\n", ": the file has only empty lines"),
    "names only": ("x,y\n", ": an empty sequence, nothing follows the names of the columns"),
    "short line": ("x,y\n1,2\n3\n", ", line 3: 1 cells, where the first line has 2"),
    "long line": ("x,y\n1,2\n3,4,5\n", ", line 3: 3 cells, where the first line has 2"),
    "empty line inside": ("x,y\n1,2\n\n3,4\n", ", line 3: the line is empty"),
    "empty line first": ("\nx,y\n1,2\n", ", line 1: the line is empty"),
    "text": ("x,y\n1,2\n3,four\n", ", line 3, column 'y': 'four' is not a number"),
    "long text": (
        "x,y\n1," + "z" * 5000 + "\n",
        ", line 2, column 'y': 'zzzzzzzzzzzz...zzzzzzzzzzzzz' is not a number",
    ),
    "number with underscores": ("x,y\n1,1_000\n", ", line 2, column 'y': '1_000' is not a number"),
    "no value": ("x,y\n1,\n", ", line 2, column 'y': there is no value, and gaps are not filled"),
    "NaN": ("x,y\n1,2\nNaN,4\n", ", line 3, column 'x': nan is not finite"),
    "infinity": ("x,y\n1,2\n3,-inf\n", ", line 3, column 'y': -inf is not finite"),
    "too large": ("x,y\n1,1e39\n", ", line 2, column 'y': 1e+39 is too large for float32"),
    "NaN after a quoted line break": ('x,"y"\n"1\n",2\n3,nan\n', ", line 4, column 'y': nan is not finite"),
    "bytes that are no text": (b"x,y\n1,2\n3,\xff\n", ", line 3: not UTF-8 text"),
    "UTF-16": ("x,y\n1,2\n".encode("utf-16"), ", line 1: not UTF-8 text"),
    "binary": (b"\x00\x01\x02\n", ", line 1: 1 columns, '\\x00\\x01\\x02'; "),
    "broken quotes": ('x,y\n1,"2"3\n', ", line 2: "),
    "open quotes": ('x,y\n1,"2\n', ", line 2: unexpected end of data"),
    "huge cell": ("x,y\n1," + "2" * 200_000 + "\n", ", line 2: field larger than field limit (131072)"),
    "name missing": ("x,\n1,2\n", ", line 1: column 2 has no name (a pandas index? write with index=False)"),
    "name twice": ("x,x\n1,2\n", ", line 1: two columns are called 'x'"),
    "mixed first line": ("x,2\n1,2\n", ", line 1: some cells are numbers and some, like 'x', are not; "),
    "other channel count": ("x,y,z\n1,2,3\n", ", line 1: 3 columns, x, y, z; "),
    "other names": ("y,x\n1,2\n", ", line 1: 2 columns, y, x; "),
    "no names where others have them": ("1,2\n3,4\n", ", line 1: 2 columns, 1, 2; "),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_named_with_its_line(tmp_path, kind):
    content, message = BAD_FILES[kind]
    files = {"a/0.csv": FRAMES, **_four(first=content)}
    with pytest.raises(ValueError) as error:
        load(_write(tmp_path, files), EVERYTHING)
    text = str(error.value)
    assert text.startswith(f"{tmp_path / 'a' / '1.csv'}{message}")
    assert text.isprintable()
    assert len(text) < 400


# Bad folders: files, options, what the message says.
BAD_FOLDERS = {
    "nothing": ({"README.md": ""}, {}, "has no data: wanted LABEL/*.csv, or labels.csv"),
    "no label": ({**_four(), "loose.csv": FRAMES}, {}, "loose.csv has no label: put it in a folder"),
    "label without files": ({**_four(), "c/notes.txt": ""}, {}, "c has no .csv file"),
    "nested": (
        {**_four(), "a/old/3.csv": FRAMES},
        {},
        "a/old is a folder inside the folder of the label 'a'",
    ),
    "one class": (
        {"a/1.csv": FRAMES, "a/2.csv": FRAMES},
        {},
        "every label is 'a', at least two classes are needed",
    ),
    "too rare to test": (
        {**_four(), "c/1.csv": FRAMES},
        {},
        "class 'c' has only one sequence to learn from.*test=0",
    ),
    "too rare to stop by": (_four(), {}, "class 'a' has only one sequence to learn from.*validation=0"),
    "train and test and more": (
        {f"{part}/{name}": FRAMES for part in ("train", "test", "valid") for name in _four()},
        {},
        "beside them valid; a validation share is taken from train/",
    ),
    "train and test and a share": (
        {f"{part}/{name}": FRAMES for part in ("train", "test") for name in _four()},
        {"test": 0.5},
        "has train/ and test/, so test=0.5 has nothing to choose",
    ),
    "class only in test": (
        {**{f"train/{name}": FRAMES for name in _four()}, "test/c/1.csv": FRAMES},
        {},
        "test has the class 'c', which .*train does not have",
    ),
    "channel that is not there": (
        {f"{label}/{n}.csv": "speed,height\n1,2\n" for label in "ab" for n in (1, 2)},
        {"channels": "height,sped"},
        r"a/1.csv, line 1: no column 'sped' \(channels\); did you mean 'speed'\? Columns: speed, height",
    ),
    "channel named twice": (_four(), {"channels": "x,x"}, "channels=x,x names a column twice"),
    "unknown header": (_four(), {"header": "maybe"}, "unknown value for 'header': 'maybe'"),
    "share": (_four(), {"test": 1.0}, "'test' is the share held out"),
    "list without columns": (
        {**_four(), "labels.csv": "file,lable\n1.csv,a\n"},
        {},
        r"labels.csv, line 1: no column 'label' \(label\); did you mean 'lable'\? Columns: file, lable",
    ),
    "list without files": ({"labels.csv": "file,label\n"}, {}, "labels.csv lists no files"),
    "listed file missing": (
        {"labels.csv": LISTING, "1.csv": FRAMES},
        {},
        "labels.csv, line 3: there is no file .*2.csv",
    ),
    "listed twice": (
        {"labels.csv": LISTING + "1.csv,b\n", "1.csv": FRAMES, "2.csv": FRAMES},
        {},
        "labels.csv, line 4: 1.csv is listed on line 2 already",
    ),
    "listed without label": (
        {"labels.csv": "file,label\n1.csv,\n", "1.csv": FRAMES},
        {},
        "line 2: the label is empty",
    ),
    "listed without file": ({"labels.csv": "file,label\n,a\n"}, {}, "line 2: the file is empty"),
    "empty list": ({"labels.csv": ""}, {}, "labels.csv: the file is empty"),
    "path twice": (_four(), {"path": "elsewhere"}, "the path is given twice"),
}


@pytest.mark.parametrize("kind", BAD_FOLDERS)
def test_a_bad_folder_is_named(tmp_path, kind):
    files, options, message = BAD_FOLDERS[kind]
    with pytest.raises(ValueError) as error:
        load(_write(tmp_path, files), options)
    assert re.search(message if ".*" in message or r"\(" in message else re.escape(message), str(error.value))
    assert str(error.value).isprintable()


def test_a_column_name_with_a_line_break_stays_on_one_line(tmp_path):
    files = {**_four(first='"x\nx",y\n1,2\n'), "a/0.csv": FRAMES}
    with pytest.raises(ValueError, match=r"line 1: 2 columns, 'x\\nx', y; ") as error:
        load(_write(tmp_path, files), EVERYTHING)
    assert "\n" not in str(error.value)


def test_many_columns_are_cut_short(tmp_path):
    names = ",".join(f"column{i}" for i in range(500))
    with pytest.raises(ValueError, match=r"column19, … \(500 in all\)") as error:
        load(_write(tmp_path, {"a/1.csv": names + "\n", "b/1.csv": FRAMES}), {"channels": "x"})
    assert len(str(error.value)) < 500
