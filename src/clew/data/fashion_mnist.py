"""Fashion-MNIST read pixel by pixel, from the files of Debian's package."""

import gzip
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from clew.data.dataset import Dataset, Split
from clew.data.registry import datasets
from clew.data.splitting import hold_out

__all__ = ["fashion_mnist"]

FOLDER = "/usr/share/datasets/fashion-mnist"
CLASSES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
UNSIGNED_BYTE = 8


@datasets.register("fashion-mnist")
def fashion_mnist(
    folder: str = FOLDER, train_images: int | None = None, validation: float = 0.1, seed: int = 0
) -> Dataset:
    """Which of ten kinds of clothing is this, from its 784 pixels one after the other, row by row?

    60,000 images to train and 10,000 to test, the official split, of 28 × 28 pixels, 0 (black) to 255
    (white), one channel. Guessing gives 10%.

    Args:
        folder: where ``train-images-idx3-ubyte.gz`` and the three other files are; the default is where
            Debian's package ``dataset-fashion-mnist`` puts them.
        train_images: learn from the first so many alone; from all when not given.
        validation: the share of each class's training images held out to stop by.
        seed: of the choice of that share.

    Raises:
        FileNotFoundError: if the files are not there; the message says how to get them.
        ValueError: if a file is not what its name says, or an option is out of range.

    Source: H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine
    learning algorithms", 2017. The format of the files: Y. LeCun, C. Cortes and C. Burges, "The MNIST
    database of handwritten digits".
    """
    place = Path(folder).expanduser().resolve()
    official, test = _read(place, "train"), _read(place, "t10k")
    if train_images is not None:
        if not 1 <= train_images <= len(official):
            raise ValueError(f"'train_images' is from 1 to {len(official)}, got {train_images}")
        official = official.select(range(train_images))
    train, held_out = hold_out(official, validation, seed=seed, classes=CLASSES)
    return Dataset(
        name="fashion-mnist",
        options={
            "folder": str(place),
            "train_images": train_images,
            "validation": validation,
            "seed": seed,
        },
        description="Images of clothing, 28 × 28 pixels read row by row as 784 frames of one channel, "
        "0 (black) to 255 (white): which of ten kinds is it?",
        source="H. Xiao, K. Rasul, R. Vollgraf (2017), Fashion-MNIST: a novel image dataset for benchmarking "
        "machine learning algorithms, https://arxiv.org/abs/1708.07747",
        licence="MIT",
        channels=("pixel",),
        classes=CLASSES,
        target="sequence",
        train=train,
        validation=held_out,
        test=test,
    )


def _read(folder: Path, part: str) -> Split:
    """The images and labels of one official part."""
    images = _idx(folder / f"{part}-images-idx3-ubyte.gz", 3)
    labels = _idx(folder / f"{part}-labels-idx1-ubyte.gz", 1)
    if len(images) != len(labels):
        raise ValueError(f"{folder}: {len(images)} images and {len(labels)} labels in {part}")
    if len(labels) and labels.max() >= len(CLASSES):
        raise ValueError(f"{folder}: a label of {part} is {labels.max()}, wanted 0 to {len(CLASSES) - 1}")
    pixels = torch.from_numpy(images.reshape(len(images), -1, 1)).float()
    return Split(pixels.unbind(), torch.from_numpy(labels).long().unbind())


def _idx(file: Path, dimensions: int) -> npt.NDArray[np.uint8]:
    """The array in a gzipped IDX file of bytes.

    Two zero bytes, the type of the values, the number of dimensions, each dimension as a big-endian 32-bit
    number, the values.

    Raises:
        FileNotFoundError: if it is not there.
        ValueError: if it is something else.
    """
    if not file.is_file():
        raise FileNotFoundError(
            f"there is no {file}: on Debian and Ubuntu 'apt-get install dataset-fashion-mnist' brings it; "
            "elsewhere get the four files from https://github.com/zalandoresearch/fashion-mnist and give "
            "their folder (folder=…)"
        )
    try:
        content = gzip.decompress(file.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{file} cannot be unpacked: {error}") from None
    head = 4 + 4 * dimensions
    if len(content) < head or content[:4] != bytes([0, 0, UNSIGNED_BYTE, dimensions]):
        raise ValueError(f"{file} is not an IDX file of bytes in {dimensions} dimensions")
    shape = np.frombuffer(content, dtype=">u4", count=dimensions, offset=4).astype(int)
    if len(content) - head != shape.prod():
        raise ValueError(f"{file} has {len(content) - head} values, its head says {shape.prod()}")
    return np.frombuffer(content, dtype=np.uint8, offset=head).reshape(shape).copy()
