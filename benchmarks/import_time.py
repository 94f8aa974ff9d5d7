"""What ``import clew`` costs over ``import torch``: fresh interpreters, interleaved, medians.

    python benchmarks/import_time.py [rounds]

numpy counts as part of torch, which loads it.
"""

import os
import platform
import statistics
import subprocess
import sys

import torch

MEASURE = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"
LIMIT = 0.15  # seconds over torch


def seconds(modules: str) -> float:
    """The time one fresh interpreter takes to import ``modules``."""
    command = [sys.executable, "-c", MEASURE.format(modules)]
    return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def main() -> int:
    """Print the medians; the exit code says whether the cost is within the limit."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    seconds("torch, clew")  # byte code is compiled and files are in memory from here on
    pairs = [(seconds("torch"), seconds("torch, clew")) for _ in range(rounds)]
    torch_alone, both = (statistics.median(column) for column in zip(*pairs, strict=True))
    cost = statistics.median(second - first for first, second in pairs)
    machine = f"{platform.machine()}, {os.cpu_count()} CPUs"
    print(f"{machine}, Python {platform.python_version()}, torch {torch.__version__}")
    print(f"import torch       {torch_alone:.3f} s, median of {rounds}")
    print(f"import torch, clew {both:.3f} s")
    print(f"clew costs         {cost:.3f} s (limit {LIMIT} s)")
    return int(cost > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
