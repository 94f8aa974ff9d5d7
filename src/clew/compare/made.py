"""With what a row was made: the state of the source, versions, threads, processor, date."""

import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from clew.version import __version__

__all__ = ["Made", "made_here"]

PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Made:
    """With what a training was done.

    Attributes:
        commit: of the checkout that clew was imported from, with ``-dirty`` where its source had changes
            that are not committed; ``clew 0.1.0`` where clew is no checkout.
        clew: its version.
        torch: its version.
        threads: of torch's.
        device: ``"cpu"``, or the name of the device.
        processor: its name.
        date: when the training ended, UTC, ISO 8601.
    """

    commit: str
    clew: str
    torch: str
    threads: int
    device: str
    processor: str
    date: str


def made_here(device: torch.device) -> Made:
    """With what this process trains, now."""
    return Made(
        commit=commit(PACKAGE) or f"clew {__version__}",
        clew=__version__,
        torch=torch.__version__,
        threads=torch.get_num_threads(),
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        processor=processor(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def commit(package: Path) -> str | None:
    """The commit of the checkout whose ``src/clew`` is ``package``; None if it is in none.

    Only changes to what is computed count as changes: results that are written into the checkout, and
    documentation, do not.
    """
    top = package.parents[1]
    if package != top / "src" / "clew" or _git(top, "rev-parse", "--show-prefix") != "":
        return None
    described = _git(top, "describe", "--always", "--tags")
    changed = _git(top, "status", "--porcelain", "--", "src", "native")
    return f"{described}-dirty" if described and changed else described


def _git(folder: Path, *words: str) -> str | None:
    """What git says in ``folder``; None where it fails or is missing."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def processor() -> str:
    """The processor by its name, or by its kind where the system does not say more."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines) if value}
    if "model name" not in named:
        return platform.processor() or platform.machine()
    family, model = named.get("cpu family"), named.get("model")
    return f"{named['model name']}, family {family} model {model}" if family else named["model name"]
