"""The heap of a process that trains."""

import ctypes
import sys

__all__ = ["keep_freed_memory"]

# <malloc.h> of glibc: no memory from the system for one tensor alone, nothing given back, 64 MiB at a time.
_MMAP_MAX, _TRIM_THRESHOLD, _TOP_PAD = -4, -1, -2
_OPTIONS = {_MMAP_MAX: 0, _TRIM_THRESHOLD: -1, _TOP_PAD: 64 << 20}


def keep_freed_memory() -> bool:
    """Have this process keep the memory of tensors that are freed, for those that come next.

    A step of training makes tensors of the same sizes as the step before. The C library takes large ones from
    the system each time, page by page, filled with zeros, which is a fifth of a step of S4D or LRU on 8,000
    samples. With this the process holds its peak until it ends; it is for programs, not for a library.

    Returns:
        Whether it does; only glibc can.

    Source: mallopt(3).
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library
        return False
    return all(mallopt(option, value) for option, value in _OPTIONS.items())
