"""Run the operations' tests on a build of the compiled module that checks addresses and undefined behaviour.

    python .ci/sanitize.py [arguments of pytest]

Needs GCC. The build is kept in build/sanitize; the installed module is left as it is.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "sanitize"
TESTS = ["tests/ops", "-k", "native", "-p", "no:cacheprovider", "-m", "not slow", "-q"]


def build() -> None:
    """Compile what has changed."""
    configure = ["cmake", "-S", ROOT / "native", "-B", BUILD, "-DCLEW_SANITIZE=ON"]
    subprocess.run([*configure, f"-DPython_EXECUTABLE={sys.executable}"], check=True)
    subprocess.run(["cmake", "--build", BUILD, "--parallel", str(os.cpu_count())], check=True)


def start_again_with_the_sanitizer() -> None:
    """The sanitizer's library has to be the first that a process loads."""
    library = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], check=True, capture_output=True, text=True
    ).stdout.strip()
    os.environ["LD_PRELOAD"] = str(Path(library).resolve())
    os.environ["ASAN_OPTIONS"] = "detect_leaks=0"  # of the interpreter, which frees little at its end
    os.environ["UBSAN_OPTIONS"] = "print_stacktrace=1"
    os.execv(sys.executable, [sys.executable, *sys.argv])


def main() -> int:
    """Build, start again, and run the tests on the module from build/sanitize."""
    if "LD_PRELOAD" not in os.environ:
        build()
        start_again_with_the_sanitizer()
    del os.environ["LD_PRELOAD"]  # programs that tests start run without it
    (path,) = BUILD.glob("_native*.so")
    spec = importlib.util.spec_from_file_location("clew._native", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["clew._native"] = module
    spec.loader.exec_module(module)
    import pytest

    return pytest.main([*TESTS, *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
