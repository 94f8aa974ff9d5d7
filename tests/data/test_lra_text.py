"""The Long Range Arena's task "text", the IMDb reviews.

Oracle: reviews written by this test in the layout that they are published in. Tolerances: none.
"""

import pytest
from tests.data.published_files import review, write_lra_text

from clew.data import load


@pytest.fixture
def folder(tmp_path):
    write_lra_text(tmp_path, 20, 5)
    return tmp_path


def _texts(split):
    return [bytes(sequence.argmax(dim=1).tolist()) for sequence in split.inputs]


def test_bytes_classes_and_official_splits(folder):
    data = load("lra-text", {"folder": str(folder), "validation": 0})
    assert _texts(data.train) == [review(index) for index in range(40)]
    assert _texts(data.test) == [review(index) for index in range(40, 50)]
    assert [data.classes[target] for target in data.train.targets] == ["negative"] * 20 + ["positive"] * 20
    assert [int(target) for target in data.test.targets] == [0] * 5 + [1] * 5
    assert data.channels[ord("a")] == "byte 97"


def test_the_validation_share_is_of_the_training_reviews(folder):
    data = load("lra-text", {"folder": str(folder)})
    assert [len(split) for split in (data.train, data.validation, data.test)] == [36, 4, 10]
    assert sorted(_texts(data.train) + _texts(data.validation)) == sorted(map(review, range(40)))


def test_long_reviews_are_cut(folder):
    whole = review(6)
    for length in (1, 10, len(whole) - 1, len(whole), 4096):
        data = load("lra-text", {"folder": str(folder), "length": length, "validation": 0})
        assert _texts(data.train)[6] == whole[:length]
    with pytest.raises(ValueError, match="'length' is at least 1, got 0"):
        load("lra-text", {"folder": str(folder), "length": 0})


def test_an_empty_review(folder):
    (folder / "test" / "pos" / "003_9.txt").write_bytes(b"")
    with pytest.raises(ValueError, match=r"003_9.txt is empty, wanted a review"):
        load("lra-text", {"folder": str(folder)})


def test_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no reviews .*\*.txt; the folder is aclImdb"):
        load("lra-text", {"folder": str(tmp_path)})
    write_lra_text(tmp_path, 3, 3)
    for file in (tmp_path / "test" / "pos").iterdir():
        file.unlink()
    with pytest.raises(FileNotFoundError, match=r"no reviews .*test.pos.\*.txt"):
        load("lra-text", {"folder": str(tmp_path)})
