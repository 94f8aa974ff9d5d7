"""Handwritten digits read pixel by pixel: scikit-learn's, as sequences."""

import torch

from clew.data.dataset import Dataset, Split
from clew.data.registry import datasets
from clew.data.splitting import hold_out
from clew.errors import missing_extra

__all__ = ["digits"]

TEST_SHARE = 0.2
PIXELS = 64


@datasets.register("digits")
def digits(validation: float = 0.15, seed: int = 0, stride: int = 1) -> Dataset:
    """Which digit is this, from its 64 pixels one after the other, row by row?

    1797 images of 8 × 8 pixels, 0 (white) to 16 (black), one channel. scikit-learn ships them without a
    split, so a fifth of each class is the test split, chosen once and for all: it depends on no option. The
    writers are not known, so the same hand is in training and test. Guessing gives 10%.

    Args:
        validation: the share of each digit's training images held out to stop by.
        seed: of the choice of that share.
        stride: keep the last of every so many pixels: 2 is half the sampling rate. The splits stay.

    Raises:
        ValueError: for a ``stride`` that is not from 1 to 64.
        MissingExtraError: if scikit-learn is not installed.

    Source: E. Alpaydin and C. Kaynak, "Cascading classifiers", Kybernetika, 1998. UCI Machine Learning
    Repository, data set 80, Optical Recognition of Handwritten Digits (its test file).
    """
    if not 1 <= stride <= PIXELS:
        raise ValueError(f"stride is from 1 to {PIXELS}, the pixels of an image; got {stride}")
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise missing_extra("sklearn", "tables") from None
    bunch = load_digits()
    pixels = torch.as_tensor(bunch.data, dtype=torch.float32)[:, stride - 1 :: stride, None]
    everything = Split(pixels.unbind(), torch.as_tensor(bunch.target, dtype=torch.int64).unbind())
    classes = tuple(str(digit) for digit in range(10))
    official, test = hold_out(everything, TEST_SHARE, seed=0, classes=classes, part="test")
    train, held_out = hold_out(official, validation, seed=seed, classes=classes)
    return Dataset(
        name="digits",
        options={"validation": validation, "seed": seed, "stride": stride},
        description="Images of handwritten digits, 8 × 8 pixels read row by row as 64 frames of one channel, "
        "0 (white) to 16 (black): which digit is it?",
        source="E. Alpaydin, C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine "
        "Learning Repository, https://archive.ics.uci.edu/dataset/80; the copy in scikit-learn",
        licence="CC BY 4.0",
        channels=("pixel",),
        classes=classes,
        target="sequence",
        train=train,
        validation=held_out,
        test=test,
    )
