"""Mixers side by side on one task: the same budget and seeds, each training in a process of its own."""

from clew.compare.carry_out import carry_out
from clew.compare.plan import Budget, Training, options_of_task, plan
from clew.compare.results import Made, Measured, Row, append_row, read_rows
from clew.compare.summary import Group, Line, group_rows

__all__ = [
    "Budget",
    "Group",
    "Line",
    "Made",
    "Measured",
    "Row",
    "Training",
    "append_row",
    "carry_out",
    "group_rows",
    "options_of_task",
    "plan",
    "read_rows",
]
