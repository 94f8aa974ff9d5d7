"""One writer at a time."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

__all__ = ["locked"]


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold the lock on ``file``, which exists, for the ``with`` block; the system frees it however that ends.

    It keeps a run from being resumed while another process, orphaned perhaps by a launcher that was killed,
    still writes to it. Where there is no such lock (Windows, some network file systems) nothing is held.

    Raises:
        ValueError: if another process holds it.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    with file.open("rb") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"another process is training in {file.parent}: wait for it, or end it"
            ) from None
        except OSError:
            pass  # This file system has no locks.
        yield
