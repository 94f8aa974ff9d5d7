"""Fashion-MNIST from its own files.

Oracle: files written byte by byte by this test; of the real ones, what their authors say of them. The real
ones are read where Debian's package is installed. Tolerances: none; pixels are whole numbers.
"""

import gzip
from collections import Counter
from pathlib import Path

import pytest
import torch
from tests.data.published_files import clothing, write_fashion_mnist, write_idx

from clew.data import load
from clew.data.fashion_mnist import CLASSES, FOLDER


@pytest.fixture
def folder(tmp_path):
    write_fashion_mnist(tmp_path, train=30, test=10)
    return tmp_path


def test_pixels_and_labels_are_those_of_the_files(folder):
    data = load("fashion-mnist", {"folder": str(folder), "validation": 0})
    for split, indices in ((data.train, range(30)), (data.test, range(30, 40))):
        for index, sequence, target in zip(indices, split.inputs, split.targets, strict=True):
            assert sequence[:, 0].tolist() == clothing(index)
            assert int(target) == index % 10


def test_the_first_images_alone(folder):
    data = load("fashion-mnist", {"folder": str(folder), "train_images": 20, "validation": 0})
    assert [int(target) for target in data.train.targets] == [index % 10 for index in range(20)]
    for count in (0, 31):
        with pytest.raises(ValueError, match=f"'train_images' is from 1 to 30, got {count}"):
            load("fashion-mnist", {"folder": str(folder), "train_images": count})


def test_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"train-images.*apt-get install dataset-fashion-mnist"):
        load("fashion-mnist", {"folder": str(tmp_path)})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no gzip", "labels-idx1-ubyte.gz cannot be unpacked"),
        (gzip.compress(b"x" * 40, mtime=0)[:-9], "labels-idx1-ubyte.gz cannot be unpacked"),
        (gzip.compress(bytes([0, 0, 8]), mtime=0), "is not an IDX file of bytes in 1 dimensions"),
        (
            gzip.compress(bytes([0, 0, 13, 1, 0, 0, 0, 0]), mtime=0),
            "is not an IDX file of bytes in 1 dimensions",
        ),
        (gzip.compress(bytes([0, 0, 8, 1, 0, 0, 0, 9, 1]), mtime=0), "has 1 values, its head says 9"),
        (gzip.compress(bytes([0, 0, 8, 1, 0, 0, 0, 1, 1]), mtime=0), "30 images and 1 labels in train"),
    ],
)
def test_broken_files(folder, content, message):
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load("fashion-mnist", {"folder": str(folder)})


def test_a_label_that_is_none(folder):
    write_idx(folder / "t10k-labels-idx1-ubyte.gz", (10,), [10] * 10)
    with pytest.raises(ValueError, match="a label of t10k is 10, wanted 0 to 9"):
        load("fashion-mnist", {"folder": str(folder)})


@pytest.mark.slow
@pytest.mark.skipif(
    not Path(FOLDER).is_dir(), reason="Debian's package dataset-fashion-mnist is not installed"
)
def test_the_real_images():
    """Xiao et al. (2017), section 2: 6,000 and 1,000 of each class; an ankle boot is the first."""
    data = load("fashion-mnist", {"validation": 0})
    assert Counter(map(int, data.train.targets)) == dict.fromkeys(range(10), 6000)
    assert Counter(map(int, data.test.targets)) == dict.fromkeys(range(10), 1000)
    assert {tuple(x.shape) for x in (*data.train.inputs, *data.test.inputs)} == {(784, 1)}
    assert CLASSES[int(data.train.targets[0])] == "ankle boot"
    pixels = torch.stack(data.train.inputs)
    assert (pixels.min(), pixels.max()) == (0, 255)
    # What users of the set standardise by: 0.2860 and 0.3530 of full scale.
    assert float(data.mean) / 255 == pytest.approx(0.2860, abs=5e-5)
    assert float(data.std) / 255 == pytest.approx(0.3530, abs=5e-5)
