"""Japanese Vowels: nine speakers told apart by how they say /ae/; ships with the library."""

from pathlib import Path

import torch
from safetensors.torch import load_file

from clew.data.dataset import Dataset, Split
from clew.data.registry import datasets
from clew.data.splitting import hold_out

__all__ = ["japanese_vowels"]

FILE = Path(__file__).parent / "shipped" / "japanese_vowels" / "utterances.safetensors"


@datasets.register("japanese-vowels")
def japanese_vowels(validation: float = 0.15, seed: int = 0) -> Dataset:
    """Which of nine men said /ae/, from 7 to 29 frames of 12 LPC cepstrum coefficients.

    270 utterances to train, 30 a speaker, and 370 to test, recorded on other occasions: the official split.
    A frame covers 25.6 ms of speech at 10 kHz and comes every 6.4 ms. Guessing gives 11.1% on the test split,
    always the most frequent speaker 23.8%.

    Args:
        validation: the share of each speaker's training utterances held out to stop by.
        seed: of the choice of that share.

    Source: M. Kudo, J. Toyama and M. Shimbo, "Multidimensional curve classification using passing-through
    regions", Pattern Recognition Letters 20 (11–13), 1999, pp. 1103–1111. UCI Machine Learning Repository,
    doi 10.24432/C5NS47. What ships and how it was made: ``shipped/japanese_vowels/SOURCE.md``.
    """
    tensors = load_file(FILE)
    sequences = torch.split(tensors["frames"], tensors["lengths"].tolist())
    targets = tensors["labels"].unbind()
    classes = tuple(f"speaker {number}" for number in range(1, 10))
    first_test = int(tensors["train_count"])
    official = Split(sequences[:first_test], targets[:first_test])
    train, held_out = hold_out(official, validation, seed=seed, classes=classes)
    return Dataset(
        name="japanese-vowels",
        options={"validation": validation, "seed": seed},
        description="Nine male speakers say the Japanese vowels /ae/: which of them is it? "
        "12 LPC cepstrum coefficients a frame, a frame every 6.4 ms, 7 to 29 frames an utterance.",
        source="M. Kudo, J. Toyama, M. Shimbo (1999), Multidimensional curve classification using "
        "passing-through regions, Pattern Recognition Letters 20 (11–13), 1103–1111; "
        "UCI Machine Learning Repository, https://doi.org/10.24432/C5NS47",
        licence="CC BY 4.0",
        channels=tuple(f"cepstrum {number}" for number in range(1, 13)),
        classes=classes,
        target="sequence",
        train=train,
        validation=held_out,
        test=Split(sequences[first_test:], targets[first_test:]),
    )
