"""The page of results shows what is in the file of rows.

Oracle: the rows, read with json; the tables and plots that are made from them. Tolerances: none.
"""

import importlib.util
import json
import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def rows() -> list[dict]:
    return json.loads((DOCS / "results.json").read_text())["rows"]


def test_every_task_with_rows_has_its_place_on_the_page_and_no_other():
    included = re.findall(
        r"^```\{include\} _figures/results/(.*)\.inc$", (DOCS / "results.md").read_text(), re.MULTILINE
    )
    assert sorted(included) == sorted({row["task"] for row in rows()})


def test_every_row_was_made_from_committed_source():
    assert [row["made"]["commit"] for row in rows() if row["made"]["commit"].endswith("-dirty")] == []


def test_the_tables_are_made_from_the_rows_alone(tmp_path):
    spec = importlib.util.spec_from_file_location("results", DOCS / "results.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.BUILT = tmp_path / "built"
    script.build()
    for task in {row["task"] for row in rows()}:
        page = (tmp_path / "built" / f"{task}.inc").read_text()
        for row in rows():
            assert (f"\n| {row['mixer']} " in page) or row["task"] != task
        shown = re.findall(r"^```\{image\} /_figures/results/(.*)$", page, re.MULTILINE)
        assert shown
        assert all((tmp_path / "built" / name).read_bytes().startswith(b"\x89PNG") for name in shown)
