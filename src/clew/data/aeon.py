"""Data sets of the UCR and UEA archives: those that the package aeon has inside, or from their own files."""

import importlib.util
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from clew.data.dataset import Dataset, Split
from clew.data.registry import datasets
from clew.data.splitting import hold_out
from clew.errors import missing_extra, unknown_name

__all__ = ["BUNDLED", "aeon"]

BUNDLED = (
    "ACSF1",
    "ArrowHead",
    "BasicMotions",
    "GunPoint",
    "ItalyPowerDemand",
    "JapaneseVowels",
    "OSULeaf",
    "PickupGestureWiimoteZ",
)
"""The sets of both archives that aeon 1.6 has inside, whole and as they are there."""


@datasets.register("aeon")
def aeon(name: str, folder: str | None = None, validation: float = 0.15, seed: int = 0) -> Dataset:
    """One of the data sets of the UCR and UEA archives, by its name, with its official split.

    Inside the package are ``ACSF1``, ``ArrowHead``, ``BasicMotions``, ``GunPoint``, ``ItalyPowerDemand``,
    ``JapaneseVowels``, ``OSULeaf`` and ``PickupGestureWiimoteZ``; nothing is downloaded. Any other set can be
    read from a folder of your own with the archives' files in the ``.ts`` format. Only the package's files
    are read, so ``pip install --no-deps aeon`` is enough.

    Args:
        name: of the set.
        folder: where ``NAME/NAME_TRAIN.ts`` and ``NAME/NAME_TEST.ts`` are; inside the package when not given.
        validation: the share of each class's training series held out to stop by.
        seed: of the choice of that share.

    Raises:
        MissingExtraError: if ``folder`` is not given and aeon is not installed.
        FileNotFoundError: if the files are not in ``folder``.
        ValueError: for a set that is not inside, or a file that is not as above.

    Source: H. A. Dau et al., "The UCR time series archive", IEEE/CAA Journal of Automatica Sinica 6 (6),
    2019; A. Bagnall et al., "The UEA multivariate time series classification archive, 2018", 2018.
    """
    place = _inside_aeon(name) if folder is None else Path(folder).expanduser().resolve()
    learn, test = (_Table(place / name / f"{name}_{part}.ts") for part in ("TRAIN", "TEST"))
    if (test.classes, test.d_input) != (learn.classes, learn.d_input):
        raise ValueError(f"{test.file} has other classes or another number of channels than {learn.file}")
    official = learn.split()
    train, held_out = hold_out(official, validation, seed=seed, classes=learn.classes)
    channels = tuple(f"channel {number + 1}" for number in range(learn.d_input))
    return Dataset(
        name="aeon",
        options={
            "name": name,
            "folder": None if folder is None else str(place),
            "validation": validation,
            "seed": seed,
        },
        description=f"{name} of the UCR and UEA archives: {len(learn.classes)} classes of series "
        f"of {len(channels)} channel{'s' * (len(channels) > 1)}, with the official split.",
        source=f"{name}, https://timeseriesclassification.com (H. A. Dau et al., 2019, The UCR time series "
        "archive; A. Bagnall et al., 2018, The UEA multivariate time series classification archive)",
        licence="that of the archives, for research: see https://timeseriesclassification.com",
        channels=channels,
        classes=learn.classes,
        target="sequence",
        train=train,
        validation=held_out,
        test=test.split(),
    )


def _inside_aeon(name: str) -> Path:
    """Where the package keeps its data; it is not imported, which would compile and take seconds."""
    found = importlib.util.find_spec("aeon")
    if found is None or not found.submodule_search_locations:
        raise missing_extra("aeon", "aeon")
    if name not in BUNDLED:
        raise unknown_name("data set inside aeon (others need folder=…):", name, BUNDLED)
    return Path(found.submodule_search_locations[0]) / "datasets" / "data"


class _Table:
    """A file in the ``.ts`` format, with class labels and without time stamps.

    Lines that begin with ``#`` are comments, with ``@`` facts, of which ``@classLabel true A B …`` is needed
    here. After ``@data`` a line is a series: its channels, separated by colons, and its class; a channel is
    numbers separated by commas.

    Source: https://www.aeon-toolkit.org/en/stable/api_reference/file_specifications/ts.html.
    """

    def __init__(self, file: Path) -> None:
        if not file.is_file():
            raise FileNotFoundError(f"there is no {file}; it is one of the archives' files in the .ts format")
        self.file = file
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
        numbered = [(n, line) for n, line in enumerate(lines, start=1) if line and not line.startswith("#")]
        facts = {
            name.lower(): value.split()
            for name, _, value in (line[1:].partition(" ") for _, line in numbered if line.startswith("@"))
        }
        labels = facts.get("classlabel", ["false"])
        if labels[0].lower() != "true" or "data" not in facts:
            raise ValueError(f"{file} is not a classification set in the .ts format: no '@classLabel true …'")
        if facts.get("timestamps", ["false"])[0].lower() == "true":
            raise ValueError(f"{file} has time stamps, which are not read")
        self.classes = tuple(labels[1:])
        self._series = [self._read(number, line) for number, line in numbered if not line.startswith("@")]
        if not self._series:
            raise ValueError(f"{file} has no series")
        self.d_input = self._series[0][0].shape[1]

    def _read(self, number: int, line: str) -> tuple[npt.NDArray[np.float32], int]:
        """The series (time, channel) and class on a line."""
        *channels, label = line.split(":")
        where = f"{self.file}, line {number}"
        if label.strip() not in self.classes:
            raise ValueError(f"{where}: the class {label.strip()!r} is none of {', '.join(self.classes)}")
        try:
            values = np.array([channel.split(",") for channel in channels], dtype=np.float64)
        except ValueError:
            raise ValueError(f"{where}: a value is not a number, or channels differ in length") from None
        if not values.size or not np.isfinite(values).all():
            raise ValueError(f"{where}: a value is missing, and gaps are not filled")
        return values.T.astype(np.float32), self.classes.index(label.strip())

    def split(self) -> Split:
        """The series and their classes, in the order of the file."""
        return Split(
            tuple(torch.from_numpy(np.ascontiguousarray(values)) for values, _ in self._series),
            tuple(torch.tensor(label) for _, label in self._series),
        )
