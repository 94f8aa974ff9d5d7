"""The Long Range Arena's own Pathfinder, from the pictures of its release."""

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from clew.data.dataset import Dataset, Split
from clew.data.registry import datasets
from clew.data.splitting import hold_out

__all__ = ["lra_pathfinder"]

CLASSES = ("apart", "connected")
EMPTY = "curv_baseline/imgs/0/sample_172.png"
"""The one picture of ``pathfinder32`` that is an empty file; it is passed over where it is empty."""


@datasets.register("lra-pathfinder")
def lra_pathfinder(
    folder: str,
    level: Literal[
        "curv_baseline", "curv_contour_length_9", "curv_contour_length_14"
    ] = "curv_contour_length_14",
    pictures: int | None = None,
    test: float = 0.1,
    validation: float = 0.1,
    seed: int = 0,
) -> Dataset:
    """Pathfinder as in ``pathfinder``, the very pictures of the Long Range Arena.

    Each picture is read pixel by pixel, row by row, one channel, 0 (black) to 255 (white). There is no
    official split: the publication takes 80%, 10% and 10%. The release has four resolutions, a folder each:
    32 × 32, the task "Pathfinder", 1,024 frames; 64 × 64; 128 × 128, the task "Path-X", 16,384 frames; and
    256 × 256. All 200,000 pictures take about 0.8, 3, 13 and 52 GB.

    Args:
        folder: the resolution's folder, ``pathfinder32``, ``pathfinder64``, ``pathfinder128`` or
            ``pathfinder256``, with ``LEVEL/metadata/*.npy``, which are text, and ``LEVEL/imgs/…/*.png``.
        level: the length of the paths, 6, 9 or 14 dashes; 14 is usual.
        pictures: the first so many alone; all 200,000 when not given.
        test: the share of each class to test on.
        validation: the share of each class's other pictures held out to stop by.
        seed: of the choice of both shares.

    Raises:
        FileNotFoundError: if the files are not there.
        ValueError: if a file is not as published; the message names it.

    Source: Y. Tay et al., "Long Range Arena: A benchmark for efficient transformers", ICLR 2021;
    https://github.com/google-research/long-range-arena, lra_release.gz.
    """
    place = Path(folder).expanduser().resolve()
    if pictures is not None and pictures < 1:
        raise ValueError(f"'pictures' is at least 1, got {pictures}")
    listed = _listed(place, level)[:pictures]
    inputs = tuple(_pixels(file) for file, _ in listed)
    if len({len(pixels) for pixels in inputs}) > 1:
        raise ValueError(f"{place / level} has pictures of different sizes")
    everything = Split(inputs, tuple(torch.tensor(label) for _, label in listed))
    learn, tested = hold_out(everything, test, seed=seed, classes=CLASSES, part="test")
    train, held_out = hold_out(learn, validation, seed=seed, classes=CLASSES)
    return Dataset(
        name="lra-pathfinder",
        options={
            "folder": str(place),
            "level": level,
            "pictures": pictures,
            "test": test,
            "validation": validation,
            "seed": seed,
        },
        description=f"Pictures of dashed paths and two circles, {len(inputs[0])} pixels read row by row, 0 "
        "(black) to 255 (white): are the circles at the ends of one path? Those of the Long Range Arena.",
        source="Y. Tay et al. (2021), Long Range Arena, https://arxiv.org/abs/2011.04006; lra_release.gz",
        licence="Apache-2.0, as the repository it is from",
        channels=("pixel",),
        classes=CLASSES,
        target="sequence",
        train=train,
        validation=held_out,
        test=tested,
    )


def _listed(folder: Path, level: str) -> list[tuple[Path, int]]:
    """The pictures and their labels, in the order of the numbered lists.

    A line has the folder, the file, a number and the label, and then what the picture was made with.
    """
    lists = sorted((folder / level / "metadata").glob("*.npy"), key=lambda file: (len(file.stem), file.stem))
    if not lists:
        raise FileNotFoundError(
            f"there are no lists {folder / level / 'metadata' / '*.npy'}; the folder is pathfinder32 (or "
            "another resolution) of the Long Range Arena's lra_release.gz"
        )
    found = []
    for file in lists:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            raise ValueError(f"{file} is not text, as the lists of the release are") from None
        for number, line in enumerate(lines, start=1):
            words = line.split()
            if len(words) < 4 or words[3] not in ("0", "1"):
                raise ValueError(
                    f"{file}, line {number}: wanted a folder, a file, a number and a label 0 or 1"
                )
            picture = folder / level / words[0] / words[1]
            if picture != folder / EMPTY or not picture.is_file() or picture.stat().st_size:
                found.append((picture, int(words[3])))
    return found


def _pixels(file: Path) -> Tensor:
    """(pixel, 1) of a PNG."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file, formats=("PNG",)) as picture:
            grey = np.asarray(picture.convert("L"))
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no {file}, which the lists name") from None
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ValueError(f"{file} is not a picture in PNG: {error}") from None
    return torch.from_numpy(grey.astype(np.float32)).view(-1, 1)
