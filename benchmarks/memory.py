"""Peak memory of one piece of work, in a process of its own.

The heap of a process that has worked is warm: what fits into memory freed before reads as nothing. So the
work is a function of a module, named to a fresh process, which runs it once at a tiny size (to load what is
loaded at first use), sets back the mark of its peak (proc(5), ``clear_refs``, value 5) and runs it at full
size.
"""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch

__all__ = ["main", "peak"]


def peak(module: str, function: str, *arguments: str) -> dict[str, int] | None:
    """Bytes above what was resident before, and bytes of the work's own inputs and gradients.

    Args:
        module: where the function lives.
        function: called with the arguments, returns (small, full): two callables that do the work, each
            returning the tensors that are its inputs and outputs.
        arguments: text for the function.

    Returns:
        ``{"extra": …, "own": …}``; None where the system has no such mark.
    """
    if not Path("/proc/self/clear_refs").exists():
        return None
    command = [sys.executable, "-m", __name__, module, function, *arguments]
    child = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, int] = json.loads(child.stdout.splitlines()[-1])
    return found


def main(module: str, function: str, *arguments: str) -> None:
    """Measure and print JSON."""
    torch.manual_seed(0)
    work: tuple[Callable[[], object], Callable[[], list[torch.Tensor]]]
    work = getattr(importlib.import_module(module), function)(*arguments)
    small, full = work
    small()
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    tensors = full()
    own = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    print(json.dumps({"extra": _status("VmHWM") - before, "own": own}))


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    main(*sys.argv[1:])
