"""The built documentation.

Oracle: Sphinx with every warning an error; the built pages themselves. Tolerances: none.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The folder of the built pages."""
    folder = tmp_path_factory.mktemp("docs")
    build = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-b",
        "html",
        str(ROOT / "docs"),
        str(folder),
    ]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_pages_load_nothing_from_elsewhere(built):
    loading = re.compile(r"<(?:script|img|link)[^>]*(?:src|href)=[\"'](?:https?:)?//[^\"']+")
    found = {
        (page.name, match.group())
        for page in built.rglob("*.html")
        for match in loading.finditer(page.read_text())
    }
    assert found == set()


def test_every_public_name_is_in_the_reference(built):
    import clew

    index = (built / "genindex.html").read_text()
    packages = [
        "data",
        "export",
        "hippo",
        "models",
        "nn",
        "ops",
        "runs",
        "stream",
        "systems",
        "text",
        "train",
    ]
    missing = [
        f"clew.{package}.{name}"
        for package in packages
        for name in getattr(clew, package).__all__
        if f'#clew.{package}.{name}"' not in index
    ]
    assert missing == []
