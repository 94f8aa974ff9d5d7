"""The tracked files, which is what the tests of the house read."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder that holds pyproject.toml."""
    return ROOT


@pytest.fixture(scope="session")
def tracked() -> list[Path]:
    """Every file that git tracks."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    paths = [ROOT / name for name in listing.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


@pytest.fixture(scope="session")
def texts(tracked: list[Path]) -> dict[str, str]:
    """The text of each tracked file that is text, by its path from the root."""
    read = {}
    for path in tracked:
        raw = path.read_bytes()
        if b"\0" not in raw:
            read[path.relative_to(ROOT).as_posix()] = raw.decode()
    return read
