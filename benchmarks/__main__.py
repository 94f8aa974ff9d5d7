"""``python -m benchmarks``: measure clew beside other libraries; a page of results, and the same as JSON.

Everything is measured twice: with the allocator as it comes, and told to keep its heap, which spares peers
with large temporary arrays many page faults; memory once. The instruction sets below the
machine's best are measured with clew alone.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.machine import instruction_set
from benchmarks.table import write

__all__ = ["main"]

JSON = Path("benchmarks/results.json")
PAGE = JSON.with_suffix(".md")
KEPT = {
    "MALLOC_MMAP_THRESHOLD_": str(2**34),
    "MALLOC_TRIM_THRESHOLD_": str(2**34),
    "MALLOC_TOP_PAD_": str(2**28),
}
LOWER = {"avx512": ("avx2", "baseline"), "avx2": ("baseline",), "baseline": ()}


def main(arguments: list[str]) -> int:
    """Run each setting in a process of its own; ``arguments`` go to :mod:`benchmarks.run`."""
    if "--help" in arguments or "-h" in arguments:
        return subprocess.run([sys.executable, "-m", "benchmarks.run", "--help"], check=False).returncode
    settings = {"as it comes": ({}, []), "heap kept": (KEPT, ["--times"])}
    for lower in LOWER[instruction_set()]:
        settings[lower] = ({"CLEW_NATIVE_ISA": lower}, ["--times", "--alone"])
    found: dict[str, Any] = {}
    for name, (environment, extra) in settings.items():
        print(f"== {name} ==", file=sys.stderr, flush=True)
        child = subprocess.run(
            [sys.executable, "-m", "benchmarks.run", *arguments, *extra],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if child.returncode:
            return child.returncode
        found[name] = json.loads(child.stdout.splitlines()[-1])
    if any(argument.startswith("--only") for argument in arguments):
        print("a part was measured: nothing is written", file=sys.stderr)
        return 0
    JSON.write_text(json.dumps(found, indent=1) + "\n")
    PAGE.write_text(write(found))
    print(f"{JSON}\n{PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
