"""Measure in this process, and print JSON: what ``python -m benchmarks`` starts for each of its settings."""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

import torch

import clew
from benchmarks.compare import compare
from benchmarks.growth import grow
from benchmarks.machine import describe
from benchmarks.memory import peak
from benchmarks.regime import Surroundings
from benchmarks.regimes import REGIMES
from benchmarks.regimes.selective_scan import SIZES

__all__ = ["main"]

LONG = ",".join(str(number) for number in SIZES[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="regimes whose name or size contains this")
    parser.add_argument("--seconds", type=float, default=2.0, help="time for each contender")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--kernels", type=Path, help="folder of tuned kernels to compare with")
    parser.add_argument("--checkouts", type=Path, help="folder with checkouts of other projects")
    parser.add_argument("--alone", action="store_true", help="clew alone, without growth")
    parser.add_argument("--times", action="store_true", help="times alone, without memory")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    surroundings = Surroundings(given.kernels, given.checkouts)
    rows = []
    for regime in REGIMES:
        if given.only.lower() not in f"{regime.name} {regime.size}".lower():
            continue
        print(f"{regime.name}, {regime.size}", file=sys.stderr, flush=True)
        contenders = regime.build(surroundings)
        timings = compare(contenders[:1] if given.alone else contenders, given.seconds)
        for timing in timings:
            if timing.seconds is not None:
                ratio = f"{timing.ratio:7.2f}×"
                print(f"    {timing.name:24} {1e3 * timing.seconds:10.1f} ms {ratio}", file=sys.stderr)
        rows.append(
            {"name": regime.name, "size": regime.size, "timings": [dataclasses.asdict(t) for t in timings]}
        )
    found = {"machine": describe(), "backends": _backends(), "rows": rows}
    if not given.times and not given.only:
        found["memory"] = peak("benchmarks.regimes.selective_scan", "work", LONG)
    if not given.alone and not given.only:
        found["growth"] = [dataclasses.asdict(point) for point in grow(memory=not given.times)]
    print(json.dumps(found))


def _backends() -> dict[str, list[str]]:
    """The backends that each operation has here."""
    return {name: list(operation.available) for name, operation in clew.backends().items()}


if __name__ == "__main__":
    main()
