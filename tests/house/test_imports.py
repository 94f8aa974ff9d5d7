"""What ``import clew`` loads, and what happens where an optional package is missing.

Oracle: ``sys.modules`` of a fresh interpreter. Tolerances: none; what it costs in seconds is measured by
``benchmarks/import_time.py``, since a busy machine would make a timed test fail for nothing.
"""

import subprocess
import sys
import textwrap

import pytest

# Top-level modules that ``import clew`` may load and ``import torch, numpy`` alone does not.
ALLOWED = {"clew"}


def _run(code: str) -> str:
    """What ``code`` prints in a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_clew_loads_nothing_optional():
    loaded = _run("""
        import sys, torch, numpy
        before = {name.partition(".")[0] for name in sys.modules}
        import clew
        print(*{name.partition(".")[0] for name in sys.modules} - before)
    """)
    assert {name for name in loaded.split() if name not in sys.stdlib_module_names} == ALLOWED


def test_import_clew_leaves_heavy_parts_of_torch_alone():
    loaded = _run("import sys, clew; print(*sys.modules)").split()
    heavy = {
        "torch._inductor",
        "torch._dynamo",
        "torch.distributed.fsdp",
        "torch.onnx",
        "torch.utils.tensorboard",
    }
    before = _run("import sys, torch; print(*sys.modules)").split()
    assert heavy & set(loaded) <= set(before)


def test_import_clew_changes_no_state():
    _run("""
        import logging, os, random, warnings
        import numpy, torch
        def state():
            return (
                dict(os.environ), list(warnings.filters), list(logging.getLogger().handlers),
                random.getstate(), numpy.random.get_state()[1].tolist(), torch.get_rng_state().tolist(),
                torch.initial_seed(), torch.get_default_dtype(), torch.get_num_threads(),
                torch.are_deterministic_algorithms_enabled(), torch.cuda.is_initialized(),
            )
        before = state()
        import clew
        assert state() == before
    """)


def test_packages_load_nothing_that_an_extra_brings():
    packages = "data, models, runs, train, stream, cli.main"
    modules = ", ".join(f"clew.{package.strip()}" for package in packages.split(","))
    loaded = set(_run(f"import sys, {modules}; print(*sys.modules)").split())
    assert {"sklearn", "scipy", "control", "pandas", "matplotlib"} & loaded == set()


# The package that is missing, what asks for it, the extra that brings it.
MISSING = [
    ("sklearn", "clew.data.load('digits')", "tables"),
    ("scipy", "system.to_scipy()", "control"),
    ("scipy", "system.discretize(0.1).to_scipy()", "control"),
    ("control", "system.to_control()", "control"),
    ("control", "system.discretize(0.1).to_control()", "control"),
]


@pytest.mark.parametrize(("package", "call", "extra"), MISSING)
def test_a_missing_package_is_named_with_what_brings_it(package, call, extra):
    message = _run(f"""
        import sys
        sys.modules[{package!r}] = None  # makes its import fail
        import clew
        from clew.errors import MissingExtraError
        system = clew.StateSpace([[-1.0]], [[1.0]], [[1.0]])
        try:
            {call}
        except MissingExtraError as error:
            print(error)
    """)
    assert f"pip install 'clew[{extra}]'" in message
    assert repr(package) in message
