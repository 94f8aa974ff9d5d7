"""Two processes that train together."""

import os
import subprocess
import sys
from pathlib import Path

from torch.distributed import TCPStore

ROOT = Path(__file__).resolve().parents[2]


def run_two(program):
    """Run a program of Python's in two processes that know of each other.

    This does what a launcher does, without the time it takes: it holds the store in which they meet, at a
    port that nobody can take in between.

    Args:
        program: what comes after ``python``.

    Returns:
        The exit codes, and what each wrote to stderr.
    """
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    common = os.environ | {
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(store.port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "TORCHELASTIC_RESTART_COUNT": "0",
        "OMP_NUM_THREADS": "1",
    }
    running = [
        subprocess.Popen(
            [sys.executable, *program],
            cwd=ROOT,
            env=common | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    written = [process.communicate(timeout=600)[1] for process in running]
    return [process.returncode for process in running], written
