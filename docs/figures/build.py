"""Draw every figure of the documentation, in its light and its dark theme."""

import importlib.util
from pathlib import Path

from clew.train.report.figures.canvas import DARK, LIGHT, to_png

HERE = Path(__file__).parent
BUILT = HERE.parent / "_figures"


def names() -> list[str]:
    """The figures: a script each, with a function ``draw(theme)``."""
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem != "build")


def build() -> None:
    """Write docs/_figures/NAME-light.png and NAME-dark.png; what a script measures, it measures once."""
    BUILT.mkdir(exist_ok=True)
    for name in names():
        spec = importlib.util.spec_from_file_location(f"figure_{name}", HERE / f"{name}.py")
        script = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(script)
        for theme in (LIGHT, DARK):
            file = BUILT / f"{name}-{theme.name}.png"
            waiting = file.with_suffix(".part")
            waiting.write_bytes(to_png(script.draw, theme))
            waiting.replace(file)


if __name__ == "__main__":
    build()
