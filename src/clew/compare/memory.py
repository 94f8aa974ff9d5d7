"""How much memory this process has, as Linux counts it; elsewhere nothing is known.

``getrusage`` would not do: its peak starts at that of the process that started this one (getrusage(2), notes
on ``ru_maxrss``).
"""

from pathlib import Path

__all__ = ["peak", "start_peak"]


def start_peak() -> int | None:
    """Set the peak of the resident memory back to what is resident now, and return that in bytes.

    Linux allows a process to do so for itself (proc(5), ``clear_refs``, value 5). None where it cannot be
    done.
    """
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return _status("VmRSS")
    except OSError:
        return None


def peak() -> int | None:
    """The most memory that was resident at once since :func:`start_peak`, in bytes; None where unknown."""
    try:
        return _status("VmHWM")
    except OSError:
        return None


def _status(field: str) -> int:
    """A memory field of ``/proc/self/status`` in bytes; the file has it in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))
