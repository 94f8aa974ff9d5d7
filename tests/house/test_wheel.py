"""What is in the built wheel.

Oracle: the source tree. Tolerances: none.
"""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    """The wheel as it is without a compiler, built by the project's own build backend, offline."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    pure = ["-C", "wheel.cmake=false", "-C", "wheel.py-api=py3"]
    done = subprocess.run([*build, *pure], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("clew-*-py3-none-any.whl")
    return zipfile.ZipFile(path)


def test_every_tracked_file_of_the_package_is_in_the_wheel(wheel, tracked, root):
    source = root / "src"
    wanted = {path.relative_to(source).as_posix() for path in tracked if path.is_relative_to(source)}
    assert "clew/py.typed" in wanted
    assert wanted - set(wheel.namelist()) == set()


def test_nothing_else_is_in_the_wheel(wheel):
    folders = {name.partition("/")[0] for name in wheel.namelist()}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == {"clew"}
    assert not [name for name in wheel.namelist() if name.endswith((".pyc", ".so"))]


def test_the_metadata_names_every_extra_the_command_and_the_licence(wheel):
    files = {Path(name).name: name for name in wheel.namelist() if ".dist-info/" in name}
    metadata = wheel.read(files["METADATA"]).decode()
    assert "License-Expression: Apache-2.0" in metadata
    assert "clew = clew.cli.main:main" in wheel.read(files["entry_points.txt"]).decode()
    for extra in ("control", "dev", "docs", "tables"):
        assert f"Provides-Extra: {extra}" in metadata
    assert "LICENSE" in files
