"""The report on a run: one HTML file and its figures."""

from clew.train.report.write import write

__all__ = ["write"]
