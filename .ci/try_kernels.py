"""Compile the kernels for processors that are not at hand and check them there, without Python.

    python .ci/try_kernels.py

As aarch64 under emulation (Debian: g++-aarch64-linux-gnu, qemu-user), and with vectors of 16, 32 and 64 bytes
on this machine, whatever it has instructions for. What is not installed is named and counts as a failure.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NATIVE = Path(__file__).resolve().parents[1] / "native"
SOURCES = sorted([*NATIVE.glob("kernels/*.cpp"), *NATIVE.glob("core/*.cpp"), *NATIVE.glob("check/*.cpp")])
COMMON = [
    "-std=gnu++17",
    "-O2",
    "-ffp-contract=fast",
    "-Wall",
    "-Werror",
    "-Wno-psabi",
    "-pthread",
    "-static",
]
# Name, compiler, its options, and what runs the program.
MACHINES = [
    ("aarch64", "aarch64-linux-gnu-g++", [], ["qemu-aarch64"]),
    *((f"{width} bytes", "g++", [f"-DCLEW_VECTOR_BYTES={width}"], []) for width in (16, 32, 64)),
]


def try_machine(compiler: str, options: list[str], runner: list[str]) -> str:
    """What the check says there, or what is missing to run it."""
    missing = [tool for tool in (compiler, *runner) if shutil.which(tool) is None]
    if missing:
        return f"not checked: {', '.join(missing)} is not installed"
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder) / "check")
        # The dispatch among instruction sets is left out: one of them is in the program.
        flags = [*COMMON, *options, "-DCLEW_ISA=baseline", "-DCLEW_ONE_ISA", f"-I{NATIVE}"]
        subprocess.run([compiler, *flags, *map(str, SOURCES), "-o", program], check=True)
        done = subprocess.run([*runner, program], capture_output=True, text=True, check=False)
        return f"{'ok' if done.returncode == 0 else 'FAILED'}: {done.stdout.strip()}{done.stderr.strip()}"


def main() -> int:
    """Try every machine; the exit code says whether all were well."""
    said = []
    for name, *how in MACHINES:
        said.append(try_machine(*how))
        print(f"{name:<10} {said[-1]}", flush=True)
    return int(not all(line.startswith("ok") for line in said))


if __name__ == "__main__":
    sys.exit(main())
