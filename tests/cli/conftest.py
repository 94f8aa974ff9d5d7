"""A run that the real program trained, a copy of it to spoil, and ways to call the program."""

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from clew.cli.main import main

SMALL = ("--epochs", "2", "--batch-size", "8", "--d-model", "8", "--mixer-options", "d_state=8")


class Said(NamedTuple):
    """What came of a command."""

    code: int
    out: str
    err: str


Clew = Callable[..., Said]


def write_table(path: Path, series: int = 30) -> None:
    """A CSV file of short series in three classes that differ in their mean."""
    generator = random.Random(5)
    with path.open("w") as file:
        file.write("series,time,left,right,label\n")
        for number in range(series):
            label = number % 3
            for time in range(generator.randint(4, 9)):
                left, right = generator.gauss(label, 0.3), generator.gauss(-label, 0.3)
                file.write(f"s{number},{time},{left:.4f},{right:.4f},{('rest', 'walk', 'run')[label]}\n")


def launch(*words: str, cwd: Path, stdin: bytes = b"", python: tuple[str, ...] = ()) -> Said:
    """Run ``python -m clew`` as a user does."""
    done = subprocess.run(
        [sys.executable, *python, "-m", "clew", *words],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=300,
    )
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


class Trained(NamedTuple):
    """A folder with ``data.csv``, the runs on it, and what the program said as it trained the first.

    ``runs/data-s4d`` was trained by the real program, ``runs/data-rnn`` in this process; ``runs/interrupted``
    is a run like the first that was interrupted.
    """

    folder: Path
    said: Said


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Runs of a few steps."""
    folder = tmp_path_factory.mktemp("trained")
    write_table(folder / "data.csv")
    said = launch("train", "data.csv", *SMALL, cwd=folder)
    assert said.code == 0, said.err
    data = str(folder / "data.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clew.train.report.write", lambda path: path / "report.html")
        rnn = ("--mixer", "rnn", "--directory", str(folder / "runs/data-rnn"))
        assert main(["train", data, *SMALL, *rnn]) == 0

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr("clew.train.loop.Loop._end_epoch", interrupt)
        assert main(["train", data, *SMALL, "--directory", str(folder / "runs/interrupted")]) == 130
    return Trained(folder, said)


@pytest.fixture
def small() -> str:
    """The options that the runs were trained with."""
    return " ".join(SMALL)


@pytest.fixture
def here(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, for this test alone: a copy of the trained one, whose runs have their data here."""
    folder = tmp_path / "here"
    shutil.copytree(trained.folder, folder)
    for path in folder.glob("runs/*/config.json"):
        config = json.loads(path.read_text())
        config["data"]["options"]["path"] = str(folder / "data.csv")
        path.write_text(json.dumps(config))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def clew(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clew:
    """Call the program in this process, with the report left out: the quick way, for many calls."""

    def call(*words: str, stdin: bytes = b"") -> Said:
        (tmp_path / "stdin").write_bytes(stdin)
        source, before = os.open(tmp_path / "stdin", os.O_RDONLY), os.dup(0)
        os.dup2(source, 0)
        threads, onednn = torch.get_num_threads(), torch.backends.mkldnn.enabled
        capfd.readouterr()
        try:
            code = main(words)
        finally:
            os.dup2(before, 0)
            os.close(before)
            os.close(source)
            torch.set_num_threads(threads)
            torch.backends.mkldnn.enabled = onednn
        return Said(code, *capfd.readouterr())

    monkeypatch.setattr("clew.train.report.write", lambda path: path / "report.html")
    return call


@pytest.fixture
def tree() -> Callable[[Path], str]:
    """A hash of everything in a folder, names and contents."""

    def tree(folder: Path) -> str:
        digest = hashlib.sha256()
        for path in sorted(folder.rglob("*")):
            digest.update(str(path.relative_to(folder)).encode())
            digest.update(path.read_bytes() if path.is_file() else b"folder")
        return digest.hexdigest()

    return tree


@pytest.fixture
def program() -> Clew:
    """Call the real program, as a user does: the slow way."""
    return launch
