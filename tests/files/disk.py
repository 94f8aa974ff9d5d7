"""A disk that breaks down."""

import os
import shutil
from pathlib import Path

import pytest

from clew.files import atomic

CHANGES = {"open", "fsync", "replace", "rename", "mkdir", "makedirs", "unlink", "rmtree"}


WRITE_BYTES = Path.write_bytes


class PowerCut(BaseException):
    """Not an Exception: nothing may catch it and go on."""


class Disk:
    """Stands in for what changes the disk: a chosen call and all later ones fail.

    The chosen one is left half done where it can be: half of the bytes written, half of the files removed.
    What fsync does cannot be seen without a real power cut, so it only counts, and costs nothing.
    """

    def __init__(self, calls: float = float("inf")) -> None:
        self.left = calls
        self.calls: list[str] = []

    def module(self, real):
        return type("Module", (), {"__getattr__": lambda _, name: self._wrap(name, getattr(real, name))})()

    def _wrap(self, name, function):
        return self.wrap(name, function) if name in CHANGES else function

    def wrap(self, name, function):
        """``function``, counted as a change of the disk."""

        def call(*arguments, **keywords):
            self.calls.append(name)
            self.left -= 1
            if self.left < 0:
                if self.left == -1:
                    self._do_half(name, arguments)
                raise PowerCut(name)
            return None if name == "fsync" else function(*arguments, **keywords)

        return call

    @staticmethod
    def _do_half(name, arguments):
        if name == "write_bytes":
            path, data = arguments
            with path.open("wb") as file:
                file.write(data[: len(data) // 2])
        elif name == "rmtree":
            files = sorted(path for path in arguments[0].rglob("*") if path.is_file())
            for path in files[: (len(files) + 1) // 2]:
                path.unlink()


@pytest.fixture
def disk_that_lasts(monkeypatch):
    """Give ``clew.files.atomic`` a disk on which so many changes succeed; none given: a good one."""

    def install(calls: float = float("inf")) -> Disk:
        disk = Disk(calls)
        monkeypatch.setattr(atomic, "os", disk.module(os))
        monkeypatch.setattr(atomic, "shutil", disk.module(shutil))
        monkeypatch.setattr(Path, "write_bytes", disk.wrap("write_bytes", WRITE_BYTES))
        return disk

    return install


@pytest.fixture
def power_cut():
    """What the disk raises."""
    return PowerCut
