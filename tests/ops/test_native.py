"""The compiled kernels as a part of a process: threads, forks, instruction sets, memory, a stale build.

That they compute what they should is held by the operations' suite, which runs them in each instruction set.
Oracle: the same call with one thread or in another process, to the same bits; float64 for long sequences; the
reference backend.
Tolerances: none where bits are compared; against the reference those of cases.py. LONG: a million roundings
of the state in float32, 2⁻²⁴ each, that add up as a random walk, times ten.
"""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.ops.cases import (
    BACKENDS,
    INSTRUCTION_SETS,
    TOLERANCES,
    assert_near,
    every,
    gradients,
    has,
    leaves,
    lengths_of,
    normal,
    random_segments,
    slow,
    slow_pairs,
)

from clew.ops import compiled, diagonal_ssm, linear_scan, use_backend
from clew.ops.precision import real_dtype

LONG = 10 * 2**-24 * 1_000_000**0.5
MILLION = 1_000_000
NATIVE = Path(__file__).resolve().parents[2] / "native"

pytestmark = pytest.mark.skipif(bool(compiled.missing()), reason=str(compiled.missing()))
each_instruction_set = pytest.mark.parametrize(
    "backend", [f"native-{name}" for name in INSTRUCTION_SETS], indirect=True
)


@pytest.fixture
def threads():
    """Sets the number of threads until the test ends."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def in_a_process(script, **environment):
    """What ``script`` prints as JSON in a fresh process with these environment variables."""
    script = (
        "import json, os, torch\nfrom clew.ops import *\nfrom clew.ops import compiled\n"
        + textwrap.dedent(script)
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@each_instruction_set
@every()
def test_the_same_bits_for_any_number_of_threads(case, backend, threads):
    arguments = leaves(case.build(150, torch.float32, batch=19))
    found = []
    for count in (1, 2, 3, 8):
        threads(count)
        with use_backend(backend):
            results = case.run(arguments)
            found.append((*results, *gradients(results, arguments).values()))
    for other in found[1:]:
        assert all(torch.equal(one, two) for one, two in zip(found[0], other, strict=True))


def test_sums_over_broadcast_axes_have_the_same_bits_for_any_number_of_threads(threads):
    tensor = torch.randn(7, 1000, 41)
    for shape in ((1, 1000, 41), (7, 1, 1), (1, 1, 1), (7, 1000, 1), (1, 1, 41)):
        found = []
        for count in (1, 2, 5):
            threads(count)
            found.append(compiled.sum_to_size(tensor, torch.Size(shape)))
        assert_near(found[0], tensor.double().sum_to_size(shape), 1e-6)
        assert torch.equal(found[0], found[1])
        assert torch.equal(found[0], found[2])


def test_a_forked_process_computes_too():
    same, started, status, same_after = in_a_process(
        """
        torch.set_num_threads(2)
        decay, inputs = torch.rand(4, 100, 300), torch.randn(4, 100, 300)
        before = linear_scan(decay, inputs)[0]  # the parent's threads exist from here on
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            import sys, time
            from pathlib import Path
            found = linear_scan(decay, inputs)[0]
            torch.set_num_threads(1)  # after a fork torch needs it: its own OpenMP would wait for ever
            same = torch.equal(found, before)
            for _ in range(1000):  # a worker names itself when its turn comes
                names = [name.read_text().strip() for name in Path("/proc/self/task").glob("*/comm")]
                if "clew" in names or sys.platform != "linux":
                    break
                time.sleep(0.01)
            os.write(writer, json.dumps([same, names.count("clew")]).encode())
            os._exit(0)
        _, status = os.waitpid(child, 0)
        after = linear_scan(decay, inputs)[0]
        print(json.dumps([*json.loads(os.read(reader, 100)), status, torch.equal(after, before)]))
        """
    )
    assert same
    assert same_after
    assert status == 0
    assert started == (1 if sys.platform == "linux" else 0)  # a worker of the child's own


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the workers are always clew's own")
def test_the_threads_are_those_of_torch():
    names = in_a_process(
        """
        from pathlib import Path
        torch.set_num_threads(2)
        linear_scan(torch.rand(4, 100, 300), torch.randn(4, 100, 300))
        print(json.dumps([name.read_text().strip() for name in Path("/proc/self/task").glob("*/comm")]))
        """
    )
    assert len(names) > 1
    assert "clew" not in names


def test_a_process_forked_before_the_first_call_computes_too():
    """Its parent's OpenMP has threads, which it has not."""
    same = in_a_process(
        """
        torch.set_num_threads(2)
        decay, inputs = torch.rand(4, 100, 300), torch.randn(4, 100, 300)
        torch.exp(torch.randn(1000, 1000))  # the threads of torch exist from here on
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            torch.set_num_threads(2)
            found = linear_scan(decay, inputs)[0]
            torch.set_num_threads(1)  # as above
            os.write(writer, json.dumps(torch.equal(linear_scan(decay, inputs)[0], found)).encode())
            os._exit(0)
        os.close(writer)
        os.waitpid(child, 0)
        print(os.read(reader, 100).decode())
        """
    )
    assert same


def test_data_loader_workers_compute_too():
    same = in_a_process(
        """
        class Scans(torch.utils.data.Dataset):
            def __len__(self):
                return 8

            def __getitem__(self, index):
                torch.set_num_threads(1 + index % 3)
                inputs = torch.full((2, 50, 300), float(index))
                return linear_scan(torch.tensor(0.5), inputs)[0]

        torch.set_num_threads(2)
        expected = [Scans()[index] for index in range(8)]
        loader = torch.utils.data.DataLoader(
            Scans(), batch_size=None, num_workers=2, multiprocessing_context="fork"
        )
        print(json.dumps([torch.equal(one, two) for one, two in zip(loader, expected, strict=True)]))
        """
    )
    assert same == [True] * 8


def test_threads_of_python_share_the_pool():
    same = in_a_process(
        """
        from concurrent.futures import ThreadPoolExecutor
        torch.set_num_threads(2)
        decay, inputs = torch.rand(4, 100, 300), torch.randn(4, 100, 300)
        expected = linear_scan(decay, inputs)[0]
        with ThreadPoolExecutor(4) as executor:
            found = list(executor.map(lambda _: linear_scan(decay, inputs)[0], range(100)))
        threads = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 0
        print(json.dumps([all(torch.equal(one, expected) for one in found), threads]))
        """
    )
    assert same[0]
    assert same[1] < 4 + 8  # one worker of the pool, whatever torch has, and none for each caller


@pytest.mark.parametrize("name", ["baseline", "avx2", "avx512"])
def test_the_environment_lowers_the_choice(name):
    most = INSTRUCTION_SETS[-1]
    expected = name if name in INSTRUCTION_SETS else most
    assert in_a_process("print(json.dumps(compiled.instruction_set()))", CLEW_NATIVE_ISA=name) == expected
    assert in_a_process("print(json.dumps(compiled.instruction_set()))", CLEW_NATIVE_ISA="") == most


def test_an_unknown_instruction_set_is_refused():
    message = in_a_process(
        """
        try:
            backends()["linear_scan"].available
        except ValueError as error:
            print(json.dumps(str(error)))
        """,
        CLEW_NATIVE_ISA="avx3",
    )
    assert message == "CLEW_NATIVE_ISA is 'avx3'; wanted baseline, avx2 or avx512"


def test_a_module_of_other_sources_is_not_used(monkeypatch):
    monkeypatch.setattr(compiled, "_digest", lambda: "another")
    assert "make native" in compiled.missing.__wrapped__()


def test_a_module_that_is_not_there_is_explained(monkeypatch):
    monkeypatch.setitem(sys.modules, "clew._native", None)
    assert compiled.missing.__wrapped__() == "not compiled: there was no C++ compiler when clew was installed"


@each_instruction_set
@pytest.mark.parametrize("channels", [1, 3, 8, 15, 16, 17, 31, 33, 64, 70])
@pytest.mark.parametrize("complex_values", [False, True], ids=["real", "complex"])
def test_linear_scan_with_any_number_of_channels(channels, complex_values, backend):
    dtype = torch.complex64 if complex_values else torch.float32
    for shape in ((2, 5, channels), (1, 1, channels), (2, 1, 1), (1, 5, 1)):
        arguments = leaves(
            {
                "decay": normal(*shape, dtype=dtype) / 2,
                "inputs": normal(2, 5, channels, dtype=dtype),
                "initial_state": normal(2, channels, dtype=dtype),
            }
        )
        same_as_reference(linear_scan, arguments, backend)


@each_instruction_set
@pytest.mark.parametrize(("channels", "pairs"), [(1, 1), (5, 3), (16, 7), (17, 8), (33, 2), (70, 5), (3, 37)])
@pytest.mark.parametrize("varying", [False, True], ids=["constant", "varying"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_diagonal_ssm_with_any_number_of_channels_and_pairs(channels, pairs, varying, dtype, backend):
    wide = torch.complex128 if dtype == torch.float64 else torch.complex64
    over = (3, 67) * varying
    arguments = {
        "x": normal(3, 67, channels, dtype=dtype),
        "A_bar": normal(*over, channels, pairs, dtype=wide) / 3,
        "B_bar": normal(*over, channels, pairs, dtype=wide),
        "C": normal(channels, pairs, dtype=wide),
        "D": normal(channels, dtype=dtype),
    }
    same_as_reference(diagonal_ssm, leaves(arguments), backend)
    arguments["initial_state"] = normal(3, channels, pairs, dtype=wide)
    arguments |= {"segments": random_segments(67), "lengths": lengths_of(67)}
    same_as_reference(diagonal_ssm, leaves(arguments), backend)


def same_as_reference(operation, arguments, backend):
    found = {}
    for name in (backend, "reference"):
        with use_backend(name):
            results = operation(**arguments)
        found[name] = {"results": results[0], "final state": results[1]} | gradients(results, arguments)
    for name, expected in found["reference"].items():
        assert_near(found[backend][name], expected, TOLERANCES[real_dtype(expected.dtype)], name)


@each_instruction_set
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_every_number_of_16_bits_is_read_and_written(dtype, backend):
    bits = torch.arange(2**16, dtype=torch.int32).to(torch.int16)
    numbers = bits.view(dtype)
    channels = 31 if dtype == torch.float16 else 17
    x = numbers[numbers.isfinite()].reshape(1, -1, channels)
    nothing = torch.zeros(channels, 1, dtype=torch.complex64)
    with use_backend(backend):
        y, _ = diagonal_ssm(x, nothing, nothing, nothing, torch.ones(channels))
        rounded = [
            diagonal_ssm(x, nothing, nothing, nothing, torch.full((channels,), factor))[0]
            for factor in (0.3, 1.5)  # 1.5 leaves every second number halfway between two
        ]

    def normal(values):  # denormal floats count as zero, which some bfloat16 numbers are
        return torch.where(values.float().abs() < torch.finfo(torch.float32).tiny, 0, values)

    assert torch.equal(y, normal(x))
    assert torch.equal(rounded[0], normal(normal(x).float() * 0.3).to(dtype))
    assert torch.equal(rounded[1], normal(normal(x).float() * 1.5).to(dtype))


@each_instruction_set
def test_distances_in_memory_beyond_32_bits(backend):
    # Nearly all of it is never touched, so it takes no memory.
    far = torch.from_numpy(np.zeros(2**31 + 4096, dtype=np.float32))
    inputs = far.as_strided((2, 5, 3), (2**31, 700, 1))
    inputs.copy_(torch.randn(2, 5, 3))
    decay = torch.rand(2, 5, 3)
    with use_backend(backend):
        assert torch.equal(linear_scan(decay, inputs)[0], linear_scan(decay, inputs.clone())[0])


@each_instruction_set
def test_a_million_samples_do_not_drift(backend):
    inputs = normal(1, MILLION, 4) + 1
    decay = slow(10_000, 1, 1, 4).float()
    with use_backend(backend):
        single = linear_scan(decay, inputs.float())[0]
        double = linear_scan(decay.double(), inputs.float().double())[0]
    assert_near(single, double, LONG)
    x = inputs[..., :1]
    A_bar, B_bar, C = slow_pairs(10_000, 1, 4), torch.ones(1, 4, dtype=torch.complex64), torch.ones(1, 4) + 0j
    with use_backend(backend):
        single = diagonal_ssm(x.float(), A_bar, B_bar, C)[0]
        double = diagonal_ssm(x.float().double(), A_bar.to(torch.complex128), B_bar, C)[0]
    assert_near(single, double, LONG)


@pytest.mark.parametrize("operation", ["linear_scan", "diagonal_ssm"])
def test_both_operations_are_in_the_suite_in_every_instruction_set(operation):
    assert [name for name in BACKENDS if has(operation, name)] == list(BACKENDS)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++") or not shutil.which("nm"), reason="needs GCC and nm")
@pytest.mark.skipif(platform.machine() != "x86_64", reason="one instruction set is all there is")
@pytest.mark.parametrize("source", sorted(NATIVE.glob("kernels/*.cpp")), ids=lambda path: path.stem)
def test_no_instruction_set_leaks_into_another(source, tmp_path):
    """A function that several files may define must carry the name of its instruction set."""
    flags = ["-std=gnu++17", "-O3", "-mavx2", "-mfma", "-ffp-contract=fast", "-Wno-psabi", "-DCLEW_ISA=avx2"]
    compiled_to = tmp_path / "kernel.o"
    subprocess.run(["g++", *flags, f"-I{NATIVE}", "-c", str(source), "-o", str(compiled_to)], check=True)
    symbols = subprocess.run(
        ["nm", "-C", str(compiled_to)], capture_output=True, text=True, check=True
    ).stdout
    shared = [line for line in symbols.splitlines() if line[17:18] in "WuVv" and "DW.ref" not in line]
    assert [line for line in shared if "clew::avx2::" not in line] == []


def test_nothing_is_kept_for_a_gradient_that_is_not_wanted():
    x, parameter = torch.randn(2, 100, 3), torch.rand(3, 4, dtype=torch.complex64)
    for differentiable in (True, False):
        given = (x, parameter, parameter, parameter, None, None, None, None)
        saved = torch.ops.clew.diagonal_ssm(*given, differentiable, "native")[2]
        assert (saved.numel() > 0) == differentiable


@pytest.mark.skipif(
    not Path("/sys/kernel/mm/transparent_hugepage").is_dir(), reason="the system has one size of pages"
)
def test_large_results_ask_for_large_pages():
    inputs = torch.randn(1, 2**17, 64)
    states, _ = linear_scan(torch.rand(1, 1, 64), inputs)
    middle = states.data_ptr() + states.nbytes // 2
    flags = {}
    for line in Path("/proc/self/smaps").read_text().splitlines():
        borders = re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line)
        if borders:
            here = range(*(int(border, 16) for border in borders.groups()))
        elif line.startswith("VmFlags:"):
            flags[here] = line.split()
    assert ["hg" in flag for here, flag in flags.items() if middle in here] == [True]
