"""The data sets that the conformance suite is run on: what each needs in a folder, and its options."""

import math
from pathlib import Path

from tests.data.published_files import (
    write_cifar10,
    write_fashion_mnist,
    write_lra_listops,
    write_lra_pathfinder,
    write_lra_retrieval,
    write_lra_text,
    write_prompts,
    write_speech_commands,
    write_ts,
)


def _series(index: int) -> list[tuple[float, float]]:
    """A short series of two channels that no other ``index`` has."""
    return [(index + 0.25 * k, math.sin(index * 7.0 + k)) for k in range(3 + index % 4)]


def _write(file: Path, index: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("x,y\n" + "".join(f"{x},{y}\n" for x, y in _series(index)))


def _by_label(folder: Path, indices: range) -> None:
    for index in indices:
        _write(folder / ("calm", "wild", "odd")[index % 3] / f"{index:03}.csv", index)


def _folder(folder: Path) -> dict:
    _by_label(folder, range(30))
    return {"path": str(folder)}


def _official_folder(folder: Path) -> dict:
    _by_label(folder / "train", range(24))
    _by_label(folder / "test", range(24, 30))
    return {"path": str(folder), "channels": "y,x", "header": "yes"}


def _listed_folder(folder: Path) -> dict:
    for index in range(30):
        _write(folder / "recordings" / f"{index}.csv", index)
    lines = "".join(f"recordings/{index}.csv,{index % 2}\n" for index in range(30))
    (folder / "labels.csv").write_text("file,label\n" + lines)
    return {"path": str(folder), "test": 0.3}


def _table(folder: Path) -> dict:
    rows = [
        f"{k},{x},{y},s{index},{index % 3}\n"
        for index in range(30)
        for k, (x, y) in enumerate(_series(index))
    ]
    (folder / "table.csv").write_text("time,x,y,series,label\n" + "".join(rows))
    return {"path": str(folder / "table.csv")}


def _step_table(folder: Path) -> dict:
    rows = [
        f"{index},{x},{y},{('rest', 'move', '')[k % 3]}\n"
        for index in range(30)
        for k, (x, y) in enumerate(_series(index))
    ]
    (folder / "table.csv").write_text("id,x,y,what\n" + "".join(rows))
    return {
        "path": str(folder / "table.csv"),
        "series": "id",
        "time": None,
        "label": "what",
        "target": "step",
    }


def _clothing(folder: Path) -> dict:
    write_fashion_mnist(folder, train=120, test=40)
    return {"folder": str(folder), "train_images": 100, "validation": 0.15}


def _prompts(folder: Path) -> dict:
    write_prompts(folder, 30)
    return {"folder": str(folder), "seconds": 0.01}


def _expressions(folder: Path) -> dict:
    write_lra_listops(folder, (240, 30, 20))
    return {"folder": str(folder), "validation": 0.15}


def _pictures(folder: Path) -> dict:
    write_lra_pathfinder(folder, 60)
    return {"folder": str(folder), "pictures": 58, "validation": 0.15}


def _pairs(folder: Path) -> dict:
    write_lra_retrieval(folder, (80, 20, 20))
    return {"folder": str(folder), "length": 30, "validation": 0.15}


def _reviews(folder: Path) -> dict:
    write_lra_text(folder, 30, 10)
    return {"folder": str(folder), "length": 20, "validation": 0.15}


def _things(folder: Path) -> dict:
    write_cifar10(folder, 30)
    return {"folder": str(folder), "validation": 0.15}


def _words(folder: Path) -> dict:
    write_speech_commands(folder, ("one", "three", "two"), 20)
    return {"folder": str(folder), "words": "all", "rate": 8000, "validation": 0.15}


def _series_of_an_archive(folder: Path) -> dict:
    write_ts(folder, "Mine", (40, 20))
    return {"name": "Mine", "folder": str(folder)}


# A constructor writes what it needs into a folder and gives options; what no case names is not tested.
CASES = {
    "japanese-vowels": ("japanese-vowels", lambda folder: {}),
    "digits": ("digits", lambda folder: {}),
    "adding": ("adding", lambda folder: {"length": 9, "sequences": 60, "test_sequences": 20}),
    "delayed-copy": (
        "delayed-copy",
        lambda folder: {"length": 3, "delay": 5, "symbols": 6, "sequences": 60, "test_sequences": 20},
    ),
    "selective-copying": (
        "selective-copying",
        lambda folder: {"length": 9, "memorize": 4, "symbols": 5, "sequences": 60, "test_sequences": 20},
    ),
    "induction-heads": (
        "induction-heads",
        lambda folder: {"length": 8, "test_length": 16, "symbols": 4, "sequences": 80, "test_sequences": 20},
    ),
    "listops": (
        "listops",
        lambda folder: {"min_length": 5, "max_length": 30, "sequences": 200, "test_sequences": 40},
    ),
    "pathfinder": (
        "pathfinder",
        lambda folder: {"dashes": 3, "sequences": 60, "test_sequences": 20},
    ),
    "maze": ("maze", lambda folder: {"size": 3, "length": 16, "sequences": 70, "test_sequences": 20}),
    "fashion-mnist": ("fashion-mnist", _clothing),
    "spoken-language": ("spoken-language", _prompts),
    "aeon": ("aeon", _series_of_an_archive),
    "lra-listops": ("lra-listops", _expressions),
    "lra-pathfinder": ("lra-pathfinder", _pictures),
    "lra-retrieval": ("lra-retrieval", _pairs),
    "lra-text": ("lra-text", _reviews),
    "cifar10": ("cifar10", _things),
    "speech-commands": ("speech-commands", _words),
    "csv-folder": ("csv-folder", _folder),
    "csv-folder, official split": ("csv-folder", _official_folder),
    "csv-folder, listed": ("csv-folder", _listed_folder),
    "csv-table": ("csv-table", _table),
    "csv-table, per step": ("csv-table", _step_table),
    "csv-table, values": (
        "csv-table",
        lambda folder: _table(folder) | {"values": "y", "channels": "x", "target": "step"},
    ),
}
# Data sets whose test split no option chooses.
FIXED_TEST = {
    "japanese-vowels",
    "digits",
    "fashion-mnist",
    "spoken-language",
    "aeon",
    "lra-listops",
    "lra-retrieval",
    "lra-text",
    "cifar10",
    "speech-commands",
    "csv-folder, official split",
}
# Data sets of bytes, which have one deviation for all channels: by its own, a byte that comes once in 10⁸
# would be an input of 10⁴.
ONE_DEVIATION = {"lra-retrieval", "lra-text"}
