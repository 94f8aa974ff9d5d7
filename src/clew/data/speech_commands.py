"""Speech Commands: one of many short words, from raw samples, from its own folder."""

from pathlib import Path
from typing import Literal

import torch

from clew.data.dataset import Dataset, Split
from clew.data.recordings import halve_rate, read_wav
from clew.data.registry import datasets
from clew.data.splitting import official_or_share

__all__ = ["speech_commands"]

RATE = 16000
TEN = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
LISTS = {"validation": "validation_list.txt", "test": "testing_list.txt"}


@datasets.register("speech-commands")
def speech_commands(
    folder: str,
    words: Literal["ten", "all"] = "ten",
    rate: Literal[16000, 8000] = 16000,
    validation: float | None = None,
    seed: int = 0,
) -> Dataset:
    """Which word is this, from the raw samples of at most a second?

    Many voices, 16-bit samples at 16,000 Hz, one channel, −1 to 1; a recording keeps its length. The official
    lists say which recordings are for validation and test; nobody's voice is in two splits. Version 2 has 35
    words in 105,829 recordings, which take about 7 GB, and the usual ten of them in 38,546.

    Args:
        folder: with a folder for each word, ``validation_list.txt`` and ``testing_list.txt``.
        words: "ten" (yes, no, up, down, left, right, on, off, stop, go) or "all" that there are.
        rate: samples a second: 16000, as recorded, or 8000, every second one after a low-pass filter.
        validation: the official list when not given; else this share of it and the training recordings
            together is held out to stop by, and then voices are in both.
        seed: of the choice of that share.

    Raises:
        FileNotFoundError: if a list or the folder of a word is not there.
        ValueError: if a recording is not as above, or an option out of range.

    Source: P. Warden, "Speech Commands: A dataset for limited-vocabulary speech recognition", 2018.
    """
    place = Path(folder).expanduser().resolve()
    if rate not in (16000, 8000):
        raise ValueError(f"'rate' is 16000 or 8000, got {rate}")
    listed = {part: _listed(place / name) for part, name in LISTS.items()}
    classes = TEN if words == "ten" else _words(place)
    files: dict[str, list[tuple[Path, int]]] = {"train": [], "validation": [], "test": []}
    for label, word in enumerate(classes):
        if not (place / word).is_dir():
            raise FileNotFoundError(f"there is no folder {place / word} for the word {word!r}")
        for file in sorted((place / word).glob("*.wav")):
            name = f"{word}/{file.name}"
            part = next((part for part, names in listed.items() if name in names), "train")
            files[part].append((file, label))
    parts = {part: _read(found, rate) for part, found in files.items()}
    train, held_out = official_or_share(
        parts["train"], parts["validation"], validation, seed=seed, classes=classes
    )
    return Dataset(
        name="speech-commands",
        options={
            "folder": str(place),
            "words": words,
            "rate": rate,
            "validation": validation,
            "seed": seed,
        },
        description=f"One of {len(classes)} short words, spoken by many, as raw samples at {rate} Hz: which?",
        source="P. Warden (2018), Speech Commands: A dataset for limited-vocabulary speech recognition, "
        "https://arxiv.org/abs/1804.03209",
        licence="CC BY 4.0",
        channels=("pressure",),
        classes=classes,
        target="sequence",
        train=train,
        validation=held_out,
        test=parts["test"],
    )


def _listed(file: Path) -> frozenset[str]:
    """The recordings of a list, ``word/name.wav`` a line."""
    if not file.is_file():
        raise FileNotFoundError(
            f"there is no {file}; the folder is what speech_commands_v0.02.tar.gz unpacks to"
        )
    return frozenset(file.read_text(encoding="utf-8").split())


def _words(folder: Path) -> tuple[str, ...]:
    """All words there are; ``_background_noise_`` is none."""
    return tuple(
        sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and entry.name[0] not in "_.")
    )


def _read(files: list[tuple[Path, int]], rate: int) -> Split:
    inputs, targets = [], []
    for file, label in files:
        samples = read_wav(file, RATE)
        samples = samples if rate == RATE else halve_rate(samples)
        inputs.append(torch.from_numpy(samples)[:, None])
        targets.append(torch.tensor(label))
    return Split(tuple(inputs), tuple(targets))
