"""The Long Range Arena's task "text": a film review, byte by byte, from the files of the IMDb reviews."""

from pathlib import Path

import torch

from clew.data.byte_sequences import BYTES, ByteSequences
from clew.data.dataset import Dataset, Split
from clew.data.generated import at_least
from clew.data.registry import datasets
from clew.data.splitting import hold_out

__all__ = ["lra_text"]

CLASSES = ("negative", "positive")
FOLDERS = ("neg", "pos")


@datasets.register("lra-text")
def lra_text(folder: str, length: int = 4096, validation: float = 0.1, seed: int = 0) -> Dataset:
    """Does the writer of a film review like the film, from its bytes one after the other?

    25,000 reviews to train and 25,000 to test, half of each positive: the official split. A frame is a byte
    of the file, one-hot. There is no official validation split, and the publication's own program takes the
    test split for it; here a share of the training reviews is held out. They are kept as bytes.
    Guessing gives 50%.

    Args:
        folder: ``aclImdb``, with ``train/pos``, ``train/neg``, ``test/pos`` and ``test/neg``, a file
            ``*.txt`` each review; ``train/unsup``, which nobody judged, is not read.
        length: of a longer review the first so many bytes; the publication has 1,000 to 4,000.
        validation: the share of each class's training reviews held out to stop by.
        seed: of the choice of that share.

    Raises:
        FileNotFoundError: if a folder is not there or has no reviews.
        ValueError: if a review is empty, or an option out of range.

    Source: A. L. Maas et al., "Learning word vectors for sentiment analysis", ACL 2011; Y. Tay et al., "Long
    Range Arena: A benchmark for efficient transformers", ICLR 2021, section 2.2.
    """
    at_least({"length": length}, {"length": 1})
    place = Path(folder).expanduser().resolve()
    official, test = (_read(place / part, length) for part in ("train", "test"))
    train, held_out = hold_out(official, validation, seed=seed, classes=CLASSES)
    return Dataset(
        name="lra-text",
        options={"folder": str(place), "length": length, "validation": validation, "seed": seed},
        description=f"Film reviews, byte by byte, the first {length} at most: does the writer like the film?",
        source="A. L. Maas et al. (2011), Learning word vectors for sentiment analysis, ACL 2011, 142–150; "
        "as in Y. Tay et al. (2021), Long Range Arena, https://arxiv.org/abs/2011.04006",
        licence="none stated by its authors",
        channels=BYTES,
        classes=CLASSES,
        target="sequence",
        train=train,
        validation=held_out,
        test=test,
    )


def _read(folder: Path, length: int) -> Split:
    """The reviews of one part, those of each class in the order of their files' names."""
    texts, targets = [], []
    for label, name in enumerate(FOLDERS):
        files = sorted((folder / name).glob("*.txt"))
        if not files:
            raise FileNotFoundError(
                f"there are no reviews {folder / name / '*.txt'}; the folder is aclImdb, which "
                "aclImdb_v1.tar.gz unpacks to"
            )
        for file in files:
            with file.open("rb") as stream:
                text = stream.read(length)
            if not text:
                raise ValueError(f"{file} is empty, wanted a review")
            texts.append(text)
            targets.append(torch.tensor(label))
    return Split(ByteSequences(tuple(texts)), tuple(targets))
