"""Signals that are noted and heard between samples, never in the middle of one."""

import os
import select
import signal
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["Signals"]

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # SIGHUP does not exist on Windows
# Windows can wait for sockets only: there the read or the write itself blocks.
_CAN_WAIT = hasattr(select, "poll")


class Signals:
    """While this context is entered, a request to stop sets ``received`` and wakes whoever waits here.

    Python runs a handler between any two instructions; one that raised could strike after an answer was
    written and before it was counted. So the handler only takes a note. A note taken just before a blocking
    call must not be slept over: the interpreter writes a byte to a pipe as the signal arrives, and every wait
    here also waits for that pipe.

    It can be entered in the main thread only (a rule of Python's).

    Attributes:
        received: the first signal that asked to stop, or None.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}
        self._polls: dict[tuple[int, bool], select.poll] = {}

    def __enter__(self) -> Self:
        if _CAN_WAIT:
            self._wake_read, self._wake_write = os.pipe()
            os.set_blocking(self._wake_read, False)
            os.set_blocking(self._wake_write, False)
            self._wakeup_before = signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        for name in _NAMES:
            if hasattr(signal, name):
                number = getattr(signal, name)
                # One that is ignored (as under nohup) stays so.
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if _CAN_WAIT:
            signal.set_wakeup_fd(self._wakeup_before)
            os.close(self._wake_read)
            os.close(self._wake_write)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received is None:
            self.received = number

    def wait_readable(self, descriptor: int, timeout: float | None = None) -> bool:
        """Wait until ``descriptor`` can be read, a signal arrives or ``timeout`` seconds pass.

        Returns:
            Whether it can be read now, and no signal has come.
        """
        return self._wait(descriptor, timeout, write=False)

    def wait_writable(self, descriptor: int) -> bool:
        """Wait until ``descriptor`` takes bytes or a signal arrives; whether it can and none has come."""
        return self._wait(descriptor, None, write=True)

    def _wait(self, descriptor: int, timeout: float | None, *, write: bool) -> bool:
        if not _CAN_WAIT:
            return self.received is None
        waiting = self._polls.get((descriptor, write))
        if waiting is None:
            waiting = self._polls[descriptor, write] = select.poll()
            waiting.register(descriptor, select.POLLOUT if write else select.POLLIN)
            waiting.register(self._wake_read, select.POLLIN)
        ready = False
        for number, _ in waiting.poll(None if timeout is None else timeout * 1000):
            if number == self._wake_read:
                # If none was noted, another signal's, with a handler elsewhere: it must not wake us twice.
                os.read(self._wake_read, 4096)
            else:
                ready = True
        return ready and self.received is None
