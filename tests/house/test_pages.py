"""Every example on a page runs and prints what the page says.

Oracle: the page. All ``pycon`` blocks of a page are one session, in order, as a reader would type them, in a
folder of their own. Tolerances: none beyond what a page rounds.
"""

import doctest
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")] if ">>>" in path.read_text()
)
FENCE = re.compile(r"^```pycon\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(text: str) -> list[doctest.Example]:
    """The examples of a page, each with its line number in the page."""
    parser, found = doctest.DocTestParser(), []
    for block in FENCE.finditer(text):
        first = text.count("\n", 0, block.start(1))
        for example in parser.get_examples(block.group(1)):
            example.lineno += first
            found.append(example)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_examples_of_a_page_run(page, tmp_path, monkeypatch):
    text = page.read_text()
    found = examples(text)
    assert len(found) == text.count(">>> "), "an example is outside a ```pycon block"
    monkeypatch.chdir(tmp_path)
    session = doctest.DocTest(found, {"__name__": "__main__"}, page.name, str(page), 0, text)
    report: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    if runner.run(session, out=report.append).failed:
        pytest.fail("".join(report), pytrace=False)


def test_the_reader_of_pages_finds_examples_and_their_lines():
    text = "words\n\n```pycon\n>>> 1 + 1\n2\n```\n\n```pycon\n>>> x = 3\n```\n"
    assert [(example.source, example.want, example.lineno) for example in examples(text)] == [
        ("1 + 1\n", "2\n", 3),
        ("x = 3\n", "", 8),
    ]


def _console_lines(page: Path) -> list[str]:
    """The commands of a page's ``console`` blocks."""
    blocks = re.findall(r"^```console\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return re.findall(r"^\$ (.*)$", "".join(blocks), re.MULTILINE)


WRITTEN = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def test_every_job_that_a_page_names_is_in_the_makefile():
    jobs = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        (page.name, job)
        for page in WRITTEN
        for text in [*_console_lines(page), *re.findall(r"`(make [^`]*)`", page.read_text())]
        for job in re.findall(r"\bmake ([a-z]+)", text)
    }
    assert {job for _, job in named} >= {"demo", "test"}
    assert {(page, job) for page, job in named if job not in jobs} == set()


def test_the_makefile_lists_every_job_and_lists_them_without_setting_up(tmp_path):
    makefile = (ROOT / "Makefile").read_text()
    jobs = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE).group(1).split())
    shown = subprocess.run(["make", "-C", str(ROOT)], capture_output=True, check=True, text=True).stdout
    assert jobs == set(re.findall(r"^  make (\S+)\t", shown, re.MULTILINE))


def test_continuous_integration_runs_what_a_contributor_runs():
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert script.read_text().splitlines()[-1] == "exec make test"


def test_the_changelog_has_a_place_for_what_is_new():
    headings = re.findall(r"^## \[(.*?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"


def test_contributing_fits_on_a_page():
    assert (ROOT / "CONTRIBUTING.md").read_text().count("\n") <= 70


def test_the_map_shows_every_folder():
    sources = [*(ROOT / "src" / "clew").rglob("*.py"), *(ROOT / "native").rglob("*.cpp")]
    folders = {path.parent.relative_to(ROOT).as_posix() for path in sources}
    page = (ROOT / "ARCHITECTURE.md").read_text()
    (drawing,) = re.findall(r"^```\n(src/clew/\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
    drawn, branch = set(), []
    for spaces, name in re.findall(r"^( *)([\w./]+)/", drawing, re.MULTILINE):
        branch = [*branch[: len(spaces) // 2], name]
        drawn.add("/".join(branch))
    assert folders - drawn == set()
    assert {folder for folder in drawn if not (ROOT / folder).is_dir()} == set()


def _contract(kind: str) -> dict:
    """The import contract of one kind."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return next(contract for contract in contracts if contract["type"] == kind)


def test_the_layers_are_written_as_they_are_held():
    held = _contract("layers")["layers"]
    assert f"\n{' → '.join(held)}\n" in (ROOT / "ARCHITECTURE.md").read_text()


def test_no_operation_is_missing_from_the_contract_that_keeps_them_apart():
    folders = {path.parent.name for path in (ROOT / "src" / "clew" / "ops").glob("*/function.py")}
    assert set(_contract("independence")["modules"]) == {f"clew.ops.{name}" for name in folders}


def test_every_test_that_a_page_names_is_there():
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", "\n".join(page.read_text() for page in WRITTEN))
    assert len(named) > 10
    missing = {
        (path, name)
        for path, name in named
        if not (ROOT / path).is_file() or f"def {name}(" not in (ROOT / path).read_text()
    }
    assert missing == set()
