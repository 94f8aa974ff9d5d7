"""Write the tables and draw the plots of docs/results.json, which ``clew compare`` made, for its page.

For each task ``_figures/results/TASK.inc``, which the page includes, and a plot in each theme beside it.
"""

from collections.abc import Sequence
from pathlib import Path

from clew.compare import Group, group_rows, read_rows
from clew.compare.figure import draw_comparison
from clew.compare.summary import ALIGN, cells, conditions
from clew.train.report.figures.canvas import DARK, LIGHT, to_png

HERE = Path(__file__).parent
ROWS = HERE / "results.json"
BUILT = HERE / "_figures" / "results"


def build() -> None:
    """Write everything anew."""
    BUILT.mkdir(parents=True, exist_ok=True)
    tasks: dict[str, list[Group]] = {}
    for group in group_rows(read_rows(ROWS)):
        tasks.setdefault(group.training.task, []).append(group)
    for task, groups in tasks.items():
        parts = []
        for number, group in enumerate(groups, start=1):
            name = f"{task}-{number}"
            for theme in (LIGHT, DARK):
                picture = to_png(lambda theme, group=group: draw_comparison(group, theme), theme)
                (BUILT / f"{name}-{theme.name}.png").write_bytes(picture)
            parts.append(_part(group, name))
        (BUILT / f"{task}.inc").write_text("\n".join(parts))


def _part(group: Group, name: str) -> str:
    """One task with one budget: the conditions, the table, the plot."""
    metric = group.metric.name.capitalize()
    described = f"{metric} of each mixer on {group.training.title}, and the seconds an epoch took."
    images = [
        f"```{{image}} /_figures/results/{name}-{theme}.png\n:class: only-{theme}\n:alt: {described}\n```\n"
        for theme in ("light", "dark")
    ]
    words = " ".join(conditions(group))
    return "\n".join([f"**{group.training.title}.** {words}\n", _table(cells(group)), "", *images])


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text, the first of them the head, as a table in Markdown."""
    sides = [":--" if side == "<" else "--:" for side in ALIGN]
    return "\n".join(f"| {' | '.join(row)} |" for row in [rows[0], sides, *rows[1:]])


if __name__ == "__main__":
    build()
