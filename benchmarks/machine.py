"""What a measurement was made on and with."""

import importlib.metadata
import platform
from pathlib import Path

import torch

__all__ = ["describe", "instruction_set"]

PACKAGES = ("torch", "numpy", "mambapy", "transformers", "jax", "s5-pytorch", "llama-cpp-python")


def instruction_set() -> str:
    """The widest vector instructions of this CPU: ``"avx512"``, ``"avx2"`` or ``"baseline"``."""
    capability = torch.backends.cpu.get_cpu_capability()
    return {"AVX512": "avx512", "AVX2": "avx2"}.get(capability, "baseline")


def describe() -> dict[str, str]:
    """The processor, its instructions, threads and the versions of all that takes part."""
    found = {
        "processor": _processor(),
        "instructions": instruction_set(),
        "threads": str(torch.get_num_threads()),
        "python": platform.python_version(),
    }
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines) if value}
    parts = (named.get("model name"), f"family {named.get('cpu family')} model {named.get('model')}")
    return ", ".join(part for part in parts if part)
