"""CIFAR-10 from its binary files.

Oracle: files written by this test in the published layout; a grey pixel in exact decimals.
Tolerances: none; grey is a whole number, halves rounded up.
"""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from tests.data.published_files import picture, write_cifar10

from clew.data import load


@pytest.fixture
def folder(tmp_path):
    write_cifar10(tmp_path, 6)
    return tmp_path


def _colours(index):
    return [list(picture(3 * index + colour)) for colour in range(3)]


@pytest.mark.parametrize("colour", [True, False])
def test_pixels_labels_and_official_splits(folder, colour):
    data = load("cifar10", {"folder": str(folder), "colour": colour, "validation": 0})
    assert data.channels == (("red", "green", "blue") if colour else ("grey",))
    assert (len(data.train), len(data.test)) == (30, 6)
    for index, (sequence, target) in enumerate(
        zip(data.train.inputs + data.test.inputs, data.train.targets + data.test.targets, strict=True)
    ):
        assert int(target) == index % 10
        wanted = list(zip(*_colours(index), strict=True))
        if not colour:
            shares = [Decimal(share) for share in ("0.2989", "0.5870", "0.1140")]
            wanted = [
                (sum(s * v for s, v in zip(shares, rgb, strict=True)).quantize(Decimal(1), ROUND_HALF_UP),)
                for rgb in wanted
            ]
        assert sequence.tolist() == [[float(value) for value in values] for values in wanted]


def test_broken_files(folder):
    (folder / "test_batch.bin").write_bytes(b"x" * 3000)
    with pytest.raises(ValueError, match=r"test_batch.bin has 3000 bytes, not a whole number of records"):
        load("cifar10", {"folder": str(folder)})
    (folder / "test_batch.bin").write_bytes(bytes([10]) + bytes(3072))
    with pytest.raises(ValueError, match=r"test_batch.bin: a label is 10, wanted 0 to 9"):
        load("cifar10", {"folder": str(folder)})


def test_missing_files(folder):
    (folder / "data_batch_3.bin").unlink()
    with pytest.raises(FileNotFoundError, match=r"data_batch_3.bin; unpack cifar-10-binary.tar.gz"):
        load("cifar10", {"folder": str(folder)})
