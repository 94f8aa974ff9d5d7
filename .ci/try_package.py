"""Install each given distribution in a clean environment and run it there, away from the source tree."""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

CONSTRAINTS = Path(__file__).resolve().parents[1] / "constraints.txt"
USE = """
import clew, pathlib
folder = pathlib.Path(clew.__file__).parent
assert (folder / "py.typed").is_file(), "py.typed is not installed"
system = clew.StateSpace([[-1.0]], [[1.0]], [[1.0]]).discretize(0.1)
assert system.kernel(3).shape == (3, 1, 1)
assert clew.data.load("japanese-vowels").train.inputs, "the data that ships is not installed"
compiled = list(folder.glob("_native*"))
assert ("native" in clew.backends()["linear_scan"].available) == bool(compiled), clew.backends()
print(clew.backends()["linear_scan"])
"""


def try_distribution(path: Path) -> None:
    """Install ``path`` as a newcomer would, import it, use it, run its command."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(Path(folder) / "env", with_pip=True)
        binaries = Path(folder) / "env" / "bin"
        install = [binaries / "python", "-m", "pip", "--disable-pip-version-check", "-q", "install"]

        def run(*command: object) -> None:
            subprocess.run([str(part) for part in command], cwd=folder, check=True)

        print(f"{path.name}: installing in a clean environment", flush=True)
        run(*install, "--constraint", CONSTRAINTS, "torch")
        run(*install, "--constraint", CONSTRAINTS, path)
        run(binaries / "python", "-c", USE)
        run(binaries / "clew", "--version")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        try_distribution(Path(name).resolve())
