"""What ``import clew`` loads, and what happens where an optional package is missing.

Oracle: ``sys.modules`` of a fresh interpreter. Tolerances: none; what it costs in seconds is measured by
``benchmarks/import_time.py``, since a busy machine would make a timed test fail for nothing.
"""

import json
import subprocess
import sys
import textwrap

import pytest

# Top-level modules that clew up to its layers may load and ``import torch, numpy`` alone does not.
ALLOWED = {"clew"}
# Parts of torch that take a second and more to load.
HEAVY = {"torch._dynamo", "torch._inductor", "torch.onnx", "torch.distributed.fsdp"}
# What only an extra, or a figure, needs.
OPTIONAL = {"sklearn", "scipy", "control", "pandas", "matplotlib", "onnx", "onnxscript", "onnxruntime"}
OPTIONAL |= {"tokenizers", "transformers"}


def _run(code: str) -> str:
    """What ``code`` prints in a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def loaded() -> dict[str, list[str]]:
    """The modules there are before ``import clew``, after it, with the layers, and with every package."""
    return json.loads(
        _run("""
            import json, logging, os, random, sys, warnings
            import numpy, torch
            def state():
                return (
                    dict(os.environ), list(warnings.filters), list(logging.getLogger().handlers),
                    random.getstate(), numpy.random.get_state()[1].tolist(), torch.get_rng_state().tolist(),
                    torch.initial_seed(), torch.get_default_dtype(), torch.get_num_threads(),
                    torch.are_deterministic_algorithms_enabled(), torch.cuda.is_initialized(),
                )
            before, modules = state(), {"torch": sorted(sys.modules)}
            import clew
            modules["clew"] = sorted(sys.modules)
            clew.systems, clew.ops, clew.hippo, clew.nn, clew.StateSpace, clew.backends
            modules["layers"] = sorted(sys.modules)
            modules["changed"] = state() != before
            import clew.cli.main, clew.data, clew.export, clew.models, clew.runs, clew.stream, clew.text
            import clew.train
            modules["all"] = sorted(sys.modules)
            print(json.dumps(modules))
        """)
    )


@pytest.mark.parametrize("what", ["clew", "layers"])
def test_systems_operations_and_layers_need_nothing_but_torch(loaded, what):
    new = {name.partition(".")[0] for name in loaded[what]}
    new -= {name.partition(".")[0] for name in loaded["torch"]} | set(sys.stdlib_module_names)
    assert new == ALLOWED


def test_heavy_parts_of_torch_are_left_alone(loaded):
    assert HEAVY & set(loaded["layers"]) <= set(loaded["torch"])


def test_importing_changes_no_state(loaded):
    assert not loaded["changed"]


def test_import_clew_does_not_load_torch():
    assert _run("import sys, clew; print('torch' in sys.modules)").strip() == "False"


def test_no_package_loads_what_only_an_extra_or_a_figure_needs(loaded):
    assert {name.partition(".")[0] for name in loaded["all"]} & OPTIONAL == set()


# The package that is missing, what asks for it, the extra that brings it.
MISSING = [
    ("sklearn", "clew.data.load('digits')", "tables"),
    ("scipy", "system.to_scipy()", "control"),
    ("scipy", "clew.StateSpace.from_scipy(None)", "control"),
    ("scipy", "system.discretize(0.1).to_scipy()", "control"),
    ("control", "system.to_control()", "control"),
    ("control", "clew.DiscreteStateSpace.from_control(None)", "control"),
    ("tokenizers", "clew.text.train_bpe(['a.txt'], 300)", "lm"),
    ("onnx", "clew.export.to_onnx(model)", "onnx"),
    ("control", "system.discretize(0.1).to_control()", "control"),
]


@pytest.fixture(scope="module")
def messages() -> dict[str, str]:
    """What each call of ``MISSING`` raises where the import of every optional package fails."""
    calls = [call for _, call, _ in MISSING]
    return json.loads(
        _run(f"""
            import json, sys
            for package in {sorted(OPTIONAL)}:
                sys.modules[package] = None  # makes its import fail
            import clew
            from clew.errors import MissingExtraError
            system = clew.StateSpace([[-1.0]], [[1.0]], [[1.0]])
            model = clew.models.build(clew.models.ModelConfig(1, 2)).eval()
            messages = {{}}
            for call in {calls}:
                try:
                    eval(call)
                except MissingExtraError as error:
                    messages[call] = str(error)
            print(json.dumps(messages))
        """)
    )


@pytest.mark.parametrize(("package", "call", "extra"), MISSING)
def test_a_missing_package_is_named_with_what_brings_it(messages, package, call, extra):
    assert repr(package) in messages[call]
    assert f"pip install 'clew[{extra}]'" in messages[call]
