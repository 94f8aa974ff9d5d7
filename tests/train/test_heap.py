"""What a program that trains does with freed memory.

Oracle: the page faults that the system counts. Tolerances: a tenth of those without it.
"""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys, torch
from clew.train.heap import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
for number in range(8):
    if number == 4:  # where the places of all are found: it takes up to three rounds
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    kept = [torch.ones(2 << 20) for _ in range(4)] + [torch.ones(16 << 20)]
    del kept
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such setting")
def test_large_tensors_take_the_place_of_those_before():
    def faults(how):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True, timeout=120
        )
        return int(done.stdout)

    given_back, kept = faults("given back"), faults("kept")
    assert given_back > 4 * 16_000  # 64 MiB in pages of 4 KiB, four times
    assert kept < given_back / 10
