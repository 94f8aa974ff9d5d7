"""The sets of the UCR and UEA archives.

Oracle: files written by this test in the ``.ts`` format; for aeon's own, where the package is there, the
utterances that clew ships, which come from UCI, and the sizes that the archives publish. Tolerances: none.
"""

import importlib.util

import pytest
import torch
from tests.data.published_files import write_ts

from clew.data import load
from clew.data.aeon import BUNDLED
from clew.errors import MissingExtraError

# timeseriesclassification.com: training series, test series, longest, classes, channels.
PUBLISHED = {
    "ACSF1": (100, 100, 1460, 10, 1),
    "ArrowHead": (36, 175, 251, 3, 1),
    "BasicMotions": (40, 40, 100, 4, 6),
    "GunPoint": (50, 150, 150, 2, 1),
    "ItalyPowerDemand": (67, 1029, 24, 2, 1),
    "JapaneseVowels": (270, 370, 29, 9, 12),
    "OSULeaf": (200, 242, 427, 6, 1),
    "PickupGestureWiimoteZ": (50, 50, 361, 10, 1),
}
installed = pytest.mark.skipif(importlib.util.find_spec("aeon") is None, reason="aeon is not installed")


def test_values_classes_and_official_splits(tmp_path):
    write_ts(tmp_path, "Mine", (10, 4))
    data = load("aeon", {"name": "Mine", "folder": str(tmp_path), "validation": 0})
    assert data.classes == ("calm", "wild")
    assert data.channels == ("channel 1", "channel 2")
    assert (len(data.train), len(data.test)) == (10, 4)
    for index, (sequence, target) in enumerate(
        zip(data.train.inputs + data.test.inputs, data.train.targets + data.test.targets, strict=True)
    ):
        assert sequence.tolist() == [[index + 0.5 * k, -index * k] for k in range(3 + index % 4)]
        assert int(target) == index % 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@classLabel false\n@data\n1,2:3\n", "is not a classification set in the .ts format"),
        ("1,2:3\n", "is not a classification set in the .ts format"),
        ("@timeStamps true\n@classLabel true a b\n@data\n1:a\n", "has time stamps, which are not read"),
        ("@classLabel true a b\n@data\n", "has no series"),
        ("@classLabel true a b\n@data\n1,2:c\n", "line 3: the class 'c' is none of a, b"),
        ("@classLabel true a b\n@data\n1,x:a\n", "line 3: a value is not a number, or channels differ"),
        ("@classLabel true a b\n@data\n1,2:3:a\n", "line 3: a value is not a number, or channels differ"),
        ("@classLabel true a b\n@data\n1,NaN:a\n", "line 3: a value is missing, and gaps are not filled"),
        ("@classLabel true a c\n@data\n1,2:c\n", "has other classes or another number of channels than"),
    ],
)
def test_other_files(tmp_path, text, message):
    write_ts(tmp_path, "Mine", (10, 4))
    (tmp_path / "Mine" / "Mine_TEST.ts").write_text(text)
    with pytest.raises(ValueError, match=message):
        load("aeon", {"name": "Mine", "folder": str(tmp_path)})


def test_what_is_missing(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"Mine_TRAIN.ts; it is one of the archives' files"):
        load("aeon", {"name": "Mine", "folder": str(tmp_path)})
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"'aeon'.*pip install 'clew\[aeon\]'"):
        load("aeon", {"name": "GunPoint"})


def test_the_sets_that_are_named():
    assert set(BUNDLED) == set(PUBLISHED)


@installed
@pytest.mark.parametrize("name", PUBLISHED)
def test_the_real_sets_have_the_published_sizes(name):
    data = load("aeon", {"name": name, "validation": 0})
    longest = max(len(sequence) for sequence in data.train.inputs + data.test.inputs)
    assert (len(data.train), len(data.test), longest, data.n_classes, data.d_input) == PUBLISHED[name]


@installed
def test_the_real_vowels_are_those_that_ship_with_clew():
    theirs = load("aeon", {"name": "JapaneseVowels", "validation": 0})
    ours = load("japanese-vowels", {"validation": 0})
    for part in ("train", "test"):
        one, other = getattr(theirs, part), getattr(ours, part)
        assert all(map(torch.equal, one.inputs, other.inputs))
        assert list(map(int, one.targets)) == list(map(int, other.targets))


@installed
def test_a_set_that_is_not_inside():
    with pytest.raises(ValueError, match="did you mean 'GunPoint'"):
        load("aeon", {"name": "GunPoints"})
