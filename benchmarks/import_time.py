"""What clew costs over ``import torch``, in fresh interpreters: medians.

    python benchmarks/import_time.py [rounds]

Measured with systems, operations and layers loaded, which ``import clew`` alone leaves for later. numpy
counts with torch, which loads it.
"""

import os
import platform
import statistics
import subprocess
import sys

import torch

MEASURE = """
import time
start = time.perf_counter()
import torch, numpy
between = time.perf_counter()
import clew
clew.systems, clew.ops, clew.hippo, clew.nn
print(between - start, time.perf_counter() - between)
"""
LIMIT = 0.15  # seconds over torch


def seconds() -> tuple[float, float]:
    """The time a fresh interpreter takes for torch, and then for clew."""
    done = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, check=True, text=True)
    of_torch, of_clew = map(float, done.stdout.split())
    return of_torch, of_clew


def main() -> int:
    """Print the medians; the exit code says whether the cost is within the limit."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    seconds()  # byte code is compiled and files are in memory from here on
    of_torch, of_clew = map(statistics.median, zip(*(seconds() for _ in range(rounds)), strict=True))
    machine = f"{platform.machine()}, {os.cpu_count()} CPUs"
    print(f"{machine}, Python {platform.python_version()}, torch {torch.__version__}")
    print(f"torch  {of_torch:.3f} s, median of {rounds}")
    print(f"clew   {of_clew:.3f} s over it (limit {LIMIT} s)")
    return int(of_clew > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
