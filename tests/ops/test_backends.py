"""Which backend runs, why, and how a new one is found.

Oracle: the table in each test; for a new backend a copy of the package with one file more.
Tolerances: none, everything is exact.
"""

import json
import shutil
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest
import torch

import clew
from clew.ops import ORDER, backends, use_backend

OPERATIONS = [
    "causal_conv",
    "decode",
    "diagonal_ssm",
    "fft_conv",
    "linear_scan",
    "matrix_scan",
    "selective_scan",
    "ssd",
]
DECAY, INPUTS = torch.tensor([0.5]), torch.ones(1, 4, 1)


def test_every_operation_has_its_backends_here():
    assert list(backends()) == OPERATIONS
    for name, operation in backends().items():
        # Decoding reads one token: there is nothing to do in parallel over time.
        assert set(operation.available) >= ({"reference"} if name == "decode" else {"parallel", "reference"})
        assert set(operation.available) | set(operation.unavailable) == set(ORDER)
        assert list(operation.available) == sorted(operation.available, key=ORDER.index)


def test_prints_as_a_table():
    assert {line.split()[0] for line in repr(clew.backends()).splitlines()} >= set(OPERATIONS)
    assert all(len(line) < 100 for line in repr(clew.backends()).splitlines())
    first, *reasons = repr(backends()["linear_scan"]).splitlines()
    names = [word.partition(" (")[0] for word in first.removeprefix("linear_scan  ").split(", ")]
    assert names == list(backends()["linear_scan"].available)
    for backend, reason in backends()["linear_scan"].unavailable.items():
        assert any(backend in line and line.endswith(f": {reason}") for line in reasons)


def test_an_unknown_operation_is_answered_with_the_nearest():
    with pytest.raises(KeyError, match="linear_scan"):
        backends()["linear_scam"]


def test_choice_says_why():
    operation = backends()["linear_scan"]
    choice = operation.choose(DECAY, INPUTS)
    assert choice.backend == operation.available[0]
    assert "preference" in choice.reason
    with use_backend("reference"):
        assert operation.choose(DECAY, INPUTS) == ("reference", "forced by use_backend('reference')")


def test_forcing_nests_and_ends():
    operation = backends()["linear_scan"]

    def now():
        return operation.choose(DECAY, INPUTS).backend

    default = now()
    with use_backend("reference"):
        with use_backend("parallel"):
            assert now() == "parallel"
        assert now() == "reference"
    assert now() == default
    again = use_backend("reference")
    with again, again:
        assert now() == "reference"
    with pytest.raises(RuntimeError, match="inside"), use_backend("reference"):
        raise RuntimeError("inside")
    assert now() == default


def test_forcing_is_for_one_thread():
    seen = []

    def other():
        seen.append(backends()["linear_scan"].choose(DECAY, INPUTS).backend)

    with use_backend("reference"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert seen == [backends()["linear_scan"].choose(DECAY, INPUTS).backend]


def test_an_unknown_backend_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="unknown backend 'paralel'; did you mean 'parallel'"):
        use_backend("paralel")


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_backend_that_is_missing_is_an_error_at_the_call(name):
    missing = [backend for backend in ORDER if backend not in backends()[name].available]
    for backend in missing:
        with (
            use_backend(backend),
            pytest.raises(ValueError, match=f"{name} has no backend '{backend}' here: "),
        ):
            backends()[name].choose(DECAY, INPUTS)


def test_the_gradient_takes_the_backend_of_the_forward_pass():
    decay = DECAY.clone().requires_grad_()
    with use_backend("reference"):
        states, _ = clew.ops.linear_scan(decay, INPUTS)
    assert "linear_scan" not in states.grad_fn.name()
    with use_backend("parallel"):
        states, _ = clew.ops.linear_scan(decay, INPUTS)
    with use_backend("reference"):
        states.sum().backward()
    assert decay.grad is not None


NATIVE = """
import torch
from clew.ops.linear_scan import parallel
calls = []

def available():
    return REASON

def supports(decay, inputs):
    return None if inputs.shape[-1] % 2 == 0 else "an odd number of channels"

def forward(decay, inputs, initial_state):
    calls.append("forward")
    return parallel.forward(decay, inputs, initial_state)

def backward(*arguments):
    calls.append("backward")
    return parallel.backward(*arguments)
"""


# An editable install finds its own copy of clew before any other.
OTHER_COPY = """
import sys
sys.meta_path[:] = [finder for finder in sys.meta_path if "_editable" not in type(finder).__module__]
import json, torch, clew
from clew.ops import *
"""


def with_native(tmp_path, reason, script):
    """What ``script`` prints as JSON in a process whose clew has one file more: linear_scan/native.py."""
    package = tmp_path / "clew"
    shutil.copytree(Path(clew.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "ops" / "linear_scan" / "native.py").write_text(NATIVE.replace("REASON", repr(reason)))
    script = OTHER_COPY + f"assert clew.__file__.startswith({str(tmp_path)!r})\n" + textwrap.dedent(script)
    environment = {"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_new_file_is_a_new_backend(tmp_path):
    found = with_native(
        tmp_path,
        None,
        """
        from clew.ops.linear_scan import native
        decay, inputs = torch.rand(2).requires_grad_(), torch.rand(1, 5, 2)
        states, _ = linear_scan(decay, inputs)
        states.sum().backward()
        compiled = torch.compile(linear_scan, fullgraph=True, backend="aot_eager")
        assert torch.equal(compiled(decay.detach(), inputs)[0], states.detach())
        calls = list(native.calls)
        linear_scan(torch.rand(3), torch.rand(1, 5, 3))
        with use_backend("native"):
            try:
                linear_scan(torch.rand(3), torch.rand(1, 5, 3))
            except ValueError as error:
                refused = str(error)
        operation = backends()["linear_scan"]
        print(json.dumps([
            calls, native.calls == calls, refused, operation.available,
            operation.choose(decay, inputs), operation.choose(torch.rand(3), torch.rand(1, 5, 3)),
            backends()["matrix_scan"].available,
        ]))
        """,
    )
    calls, not_for_odd, refused, available, even, odd, other = found
    assert calls == ["forward", "backward", "forward"]
    assert not_for_odd
    assert refused == "linear_scan: the backend 'native' does not take this call: an odd number of channels"
    assert available == ["native", "parallel", "reference"]
    assert even == ["native", "first in order of preference"]
    assert odd == ["parallel", "native: an odd number of channels"]
    assert other == ["parallel", "reference"]


def test_a_new_file_that_cannot_run_here_says_why(tmp_path):
    available, why, printed = with_native(
        tmp_path,
        "no compiler was found when clew was installed",
        """
        operation = backends()["linear_scan"]
        print(json.dumps([operation.available, operation.unavailable["native"], repr(backends())]))
        """,
    )
    assert available == ["parallel", "reference"]
    assert why == "no compiler was found when clew was installed"
    assert "no native: no compiler was found when clew was installed" in printed
