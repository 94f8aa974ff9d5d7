"""CIFAR-10 read pixel by pixel, from its binary files: the Long Range Arena's task "image"."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from clew.data.dataset import Dataset, Split
from clew.data.registry import datasets
from clew.data.splitting import hold_out

__all__ = ["cifar10"]

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
PIXELS = 32 * 32
GREY = np.array([2989, 5870, 1140], dtype=np.int32)
"""Of red, green and blue in a grey pixel, in 10,000ths: ITU-R BT.601, with the digits of ``tf.image``."""


@datasets.register("cifar10")
def cifar10(folder: str, colour: bool = False, validation: float = 0.1, seed: int = 0) -> Dataset:
    """Which of ten kinds of thing is this, from its 1,024 pixels one after the other, row by row?

    50,000 pictures to train and 10,000 to test, the official split, of 32 × 32 pixels, 0 to 255. Without
    colour this is the task "image" of the Long Range Arena, with whole numbers of grey. Guessing gives 10%.

    Args:
        folder: where ``data_batch_1.bin`` to ``data_batch_5.bin`` and ``test_batch.bin`` are: those of the
            "binary version". (The "Python version" holds pickles, which could run any program.)
        colour: three channels, red, green and blue, instead of one.
        validation: the share of each class's training pictures held out to stop by.
        seed: of the choice of that share.

    Raises:
        FileNotFoundError: if a file is not there.
        ValueError: if a file is not as published.

    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009,
    https://www.cs.toronto.edu/~kriz/cifar.html; Y. Tay et al., "Long Range Arena", ICLR 2021, section 2.2.
    """
    place = Path(folder).expanduser().resolve()
    official = _read([place / f"data_batch_{number}.bin" for number in range(1, 6)], colour)
    test = _read([place / "test_batch.bin"], colour)
    train, held_out = hold_out(official, validation, seed=seed, classes=CLASSES)
    return Dataset(
        name="cifar10",
        options={"folder": str(place), "colour": colour, "validation": validation, "seed": seed},
        description="Pictures of animals and vehicles, 32 × 32 pixels read row by row as 1,024 frames of "
        f"{'red, green and blue' if colour else 'grey'}, 0 to 255: which of ten kinds is it?",
        source="A. Krizhevsky (2009), Learning multiple layers of features from tiny images, "
        "https://www.cs.toronto.edu/~kriz/cifar.html",
        licence="none stated by its author",
        channels=("red", "green", "blue") if colour else ("grey",),
        classes=CLASSES,
        target="sequence",
        train=train,
        validation=held_out,
        test=test,
    )


def _read(files: list[Path], colour: bool) -> Split:
    """The pictures of the files: a byte for the class, then 1,024 bytes each of red, green and blue."""
    inputs: list[Tensor] = []
    targets: list[Tensor] = []
    for file in files:
        if not file.is_file():
            raise FileNotFoundError(
                f"there is no {file}; unpack cifar-10-binary.tar.gz, "
                "https://www.cs.toronto.edu/~kriz/cifar.html, and give its folder"
            )
        content = np.fromfile(file, dtype=np.uint8)
        if not len(content) or len(content) % (1 + 3 * PIXELS):
            raise ValueError(f"{file} has {len(content)} bytes, not a whole number of records of 3,073")
        records = content.reshape(-1, 1 + 3 * PIXELS)
        if (worst := records[:, 0].max()) >= len(CLASSES):
            raise ValueError(f"{file}: a label is {worst}, wanted 0 to {len(CLASSES) - 1}")
        pixels = records[:, 1:].reshape(-1, 3, PIXELS).transpose(0, 2, 1)
        if not colour:
            pixels = ((pixels.astype(np.int32) * GREY).sum(axis=-1, keepdims=True) + 5000) // 10000
        inputs += torch.from_numpy(pixels.astype(np.float32)).unbind()
        targets += torch.from_numpy(records[:, 0].astype(np.int64)).unbind()
    return Split(tuple(inputs), tuple(targets))
