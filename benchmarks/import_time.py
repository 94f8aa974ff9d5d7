"""What clew costs over ``import torch``: fresh interpreters, interleaved, medians.

    python benchmarks/import_time.py [rounds]

Measured with systems, operations and layers loaded, which ``import clew`` alone leaves for later. numpy counts as
part of torch, which loads it.
"""

import os
import platform
import statistics
import subprocess
import sys

import torch

MEASURE = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"
TORCH = "import torch"
BOTH = "import torch, clew; clew.systems, clew.ops, clew.hippo, clew.nn"
LIMIT = 0.15  # seconds over torch


def seconds(statements: str) -> float:
    """The time one fresh interpreter takes for ``statements``."""
    command = [sys.executable, "-c", MEASURE.format(statements)]
    return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def main() -> int:
    """Print the medians; the exit code says whether the cost is within the limit."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    seconds(BOTH)  # byte code is compiled and files are in memory from here on
    pairs = [(seconds(TORCH), seconds(BOTH)) for _ in range(rounds)]
    torch_alone, both = (statistics.median(column) for column in zip(*pairs, strict=True))
    cost = statistics.median(second - first for first, second in pairs)
    machine = f"{platform.machine()}, {os.cpu_count()} CPUs"
    print(f"{machine}, Python {platform.python_version()}, torch {torch.__version__}")
    print(f"torch            {torch_alone:.3f} s, median of {rounds}")
    print(f"torch and clew   {both:.3f} s")
    print(f"clew costs       {cost:.3f} s (limit {LIMIT} s)")
    return int(cost > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
