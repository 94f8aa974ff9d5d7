"""The tutorial says the same in both languages, and its figures are there to be drawn.

Oracle: the pages themselves, side by side. Tolerances: none in code, figures, equations and structure; the
comments in code and the words between are each language's own.
"""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
ENGLISH = sorted((DOCS / "tutorial").glob("*.md"))
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def twin(page: Path) -> Path:
    return page.parent / "zh" / page.name


def blocks(page: Path) -> list[str]:
    """Code without its comments, images without their descriptions."""
    found = BLOCK.findall(page.read_text())
    return [re.sub(r"(  # .*|^:alt: .*)$", "", block, flags=re.MULTILINE) for block in found]


def structure(page: Path) -> list[str]:
    """The kind of each paragraph: heading with its level, quotation, list with its length, or words."""
    kinds = []
    for part in re.split(r"\n{2,}", BLOCK.sub("block", page.read_text()).strip()):
        if part.startswith("#"):
            kinds.append(part.split(" ")[0])
        elif part.startswith("- "):
            kinds.append(f"list of {len(re.findall(r'^- ', part, re.MULTILINE))}")
        elif part.startswith("> "):
            kinds.append(part)  # an equation is the same in every language
        else:
            kinds.append("block" if part.startswith("block") else "words")
    return kinds


def test_every_page_has_its_twin():
    assert len(ENGLISH) >= 7
    assert [page.name for page in sorted((DOCS / "tutorial" / "zh").glob("*.md"))] == [
        page.name for page in ENGLISH
    ]


@pytest.mark.parametrize("page", ENGLISH, ids=lambda page: page.stem)
def test_both_languages_have_the_same_code_figures_and_structure(page):
    assert blocks(twin(page)) == blocks(page)
    assert structure(twin(page)) == structure(page)


@pytest.mark.parametrize("page", ENGLISH, ids=lambda page: page.stem)
def test_each_is_in_its_language_and_leads_to_the_other(page):
    words = BLOCK.sub("", page.read_text())
    assert f"[中文](zh/{page.name})" in words
    assert not CHINESE.search(words.replace("[中文]", ""))
    translated = BLOCK.sub("", twin(page).read_text())
    assert f"[English](../{page.name})" in translated
    for paragraph in re.split(r"\n{2,}", translated):
        is_prose = len(re.findall(r"[A-Za-z]{3,}", paragraph)) > 6
        assert not is_prose or CHINESE.search(paragraph), f"not translated: {paragraph}"


def test_every_figure_that_is_shown_has_its_script_and_every_script_is_shown():
    shown = {
        name
        for page in DOCS.rglob("*.md")
        for name in re.findall(r"/_figures/([\w-]+)-(?:light|dark)\.png", page.read_text())
    }
    scripts = {path.stem for path in (DOCS / "figures").glob("*.py")} - {"build"}
    assert shown == scripts
    for script in scripts:
        assert "\ndef draw(theme):" in (DOCS / "figures" / f"{script}.py").read_text()
