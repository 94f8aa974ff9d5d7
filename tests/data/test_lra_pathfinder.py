"""The Long Range Arena's Pathfinder.

Oracle: pictures and lists written by this test in the layout of the release. Tolerances: none.
"""

import numpy as np
import pytest
from PIL import Image
from tests.data.published_files import picture, write_lra_pathfinder

from clew.data import load

WHOLE = {"test": 0, "validation": 0}


@pytest.fixture
def folder(tmp_path):
    write_lra_pathfinder(tmp_path, 40)
    return tmp_path


def test_pixels_labels_and_order(folder):
    """Lists are read by their numbers: 2 before 10."""
    train = load("lra-pathfinder", {"folder": str(folder), **WHOLE}).train
    assert len(train) == 40
    for index, (sequence, target) in enumerate(zip(train.inputs, train.targets, strict=True)):
        assert bytes(sequence[:, 0].numpy().astype(np.uint8)) == picture(index)
        assert int(target) == index % 2
    few = load("lra-pathfinder", {"folder": str(folder), "pictures": 6, **WHOLE}).train
    assert len(few) == 6
    assert few.inputs[5].equal(train.inputs[5])


def test_shares(folder):
    data = load("lra-pathfinder", {"folder": str(folder)})
    assert [len(split) for split in (data.train, data.validation, data.test)] == [32, 4, 4]


def test_the_empty_file_of_the_release_is_passed_over(tmp_path):
    write_lra_pathfinder(tmp_path, 12, "curv_baseline")
    place = tmp_path / "curv_baseline"
    (place / "imgs" / "0").mkdir()
    (place / "imgs" / "0" / "sample_172.png").touch()
    (place / "metadata" / "0.npy").write_text("imgs/0 sample_172.png 172 1 1.8 6 2 2 0.5 1 1\n")
    options = {"folder": str(tmp_path), "level": "curv_baseline", **WHOLE}
    assert len(load("lra-pathfinder", options).train) == 12
    (place / "imgs" / "2" / "sample_0.png").replace(place / "imgs" / "0" / "sample_172.png")
    Image.frombytes("L", (32, 32), picture(0)).save(place / "imgs" / "2" / "sample_0.png")
    assert len(load("lra-pathfinder", options).train) == 13
    (place / "metadata" / "0.npy").write_text("imgs/0 sample_173.png 173 1\n")
    with pytest.raises(FileNotFoundError, match=r"sample_173.png, which the lists name"):
        load("lra-pathfinder", options)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x93NUMPY\x01\x00v\x00", "2.npy is not text, as the lists of the release are"),
        (b"imgs/2 sample_0.png 0\n", "2.npy, line 1: wanted a folder, a file, a number and a label 0 or 1"),
        (b"imgs/2 sample_0.png 0 2\n", "2.npy, line 1: wanted a folder, a file, a number and a label 0 or 1"),
    ],
)
def test_other_lists(folder, content, message):
    (folder / "curv_contour_length_14" / "metadata" / "2.npy").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load("lra-pathfinder", {"folder": str(folder)})


def test_a_file_that_is_no_picture(folder):
    (folder / "curv_contour_length_14" / "imgs" / "2" / "sample_3.png").write_bytes(b"GIF89a")
    with pytest.raises(ValueError, match=r"sample_3.png is not a picture in PNG"):
        load("lra-pathfinder", {"folder": str(folder)})


def test_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there are no lists .*; the folder is pathfinder32"):
        load("lra-pathfinder", {"folder": str(tmp_path)})
    with pytest.raises(ValueError, match="'pictures' is at least 1, got 0"):
        load("lra-pathfinder", {"folder": str(tmp_path), "pictures": 0})
