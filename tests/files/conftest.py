"""The disk that breaks down, for the tests of this folder."""

from tests.files.disk import disk_that_lasts, power_cut

__all__ = ["disk_that_lasts", "power_cut"]
