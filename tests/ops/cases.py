"""Who is in the suite and how close is close: every operation in every form of its arguments.

A new operation brings an oracle (oracles.py) and rows in CASES, and gets every test. What a row leaves out of
``takes`` the operation does not have: linear_scan and matrix_scan have no lengths (outputs are the states
themselves, so a caller picks the one at the length), matrix_scan has no segments (zero the matrix instead),
and fft_conv has no state at all.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from tests.ops import oracles
from tests.ops.draws import BATCH, CHANNELS, PAIRS, complex_of, decays, matrices, normal, slow, slow_pairs
from tests.ops.selective import (
    dual,
    given_steps,
    long_dual,
    long_selective,
    selective,
    short_convolution,
)

import clew.ops
from clew.ops import compiled

# The compiled backend once for each instruction set that this machine has; conftest.py switches.
INSTRUCTION_SETS = () if compiled.missing() else tuple(compiled.module().isas())
BACKENDS = ("reference", "parallel", *(f"native-{name}" for name in INSTRUCTION_SETS))

# Differences are max |difference| / max |reference| throughout.
TOLERANCES = {
    torch.float64: 1e-12,  # some hundred operations, added in different orders
    torch.float32: 2e-5,  # the same in float32; the transform of a convolution loses the most
    torch.bfloat16: 8e-3,  # one rounding of the output to 8 bits: 2⁻⁸ of its size, twice that to be safe
    torch.float16: 1e-3,  # one rounding to 11 bits, likewise
    "long": 1e-4,  # float32, 16,384 samples, time constants to 16,384: what a parallel path promises
    "long loop": 3e-4,  # the same, with one rounding of the state at each sample
    "gradients": 1e-10,  # float64, sums of products of sums
}


@dataclass(frozen=True)
class Case:
    """One operation with its arguments in one form.

    Attributes:
        name: for the test's id.
        operation: its name in ``clew.ops`` and in oracles.py.
        build: (time, dtype) -> its arguments by name, of the real or complex dtype's precision.
        takes: which of "state", "segments" and "lengths" it takes.
        options: arguments that are not tensors.
        long: (time) -> float32 arguments with time constants up to ``time``.
    """

    name: str
    operation: str
    build: Callable
    takes: tuple[str, ...] = ()
    options: tuple[tuple[str, object], ...] = ()
    long: Callable | None = None

    def run(self, arguments):
        """The operation's results as a tuple."""
        results = getattr(clew.ops, self.operation)(**arguments, **dict(self.options))
        return results if isinstance(results, tuple) else (results,)

    def expected(self, arguments):
        """The oracle's results for numpy or torch arguments."""
        return getattr(oracles, self.operation)(**arguments, **dict(self.options))

    @property
    def signal(self):
        """The name of the argument that runs over time."""
        return "inputs" if self.operation in ("linear_scan", "matrix_scan") else "x"


def linear(decay_shape, complex_decay=False, complex_inputs=False):
    def build(time, dtype, batch=BATCH):
        sizes = {"b": batch, "t": time, "c": CHANNELS, "1": 1}
        inputs_dtype = complex_of(dtype) if complex_inputs else dtype
        return {
            "decay": decays(
                *(sizes[s] for s in decay_shape), dtype=complex_of(dtype) if complex_decay else dtype
            ),
            "inputs": normal(batch, time, CHANNELS, dtype=inputs_dtype),
            "initial_state": normal(batch, CHANNELS, dtype=inputs_dtype),
        }

    return build


def matrix(A_shape, complex_values=False):
    def build(time, dtype, batch=BATCH):
        sizes = {"b": batch, "t": time, "1": 1}
        dtype = complex_of(dtype) if complex_values else dtype
        return {
            "A": matrices(*(sizes[s] for s in A_shape), PAIRS, PAIRS, dtype=dtype),
            "inputs": normal(batch, time, PAIRS, dtype=dtype),
            "initial_state": normal(batch, PAIRS, dtype=dtype),
        }

    return build


def convolution(length, *, mixing=False, batched=False, complex_x=False, complex_kernel=False):
    def build(time, dtype, batch=BATCH):
        shape = (length(time), 4, CHANNELS) if mixing else (length(time), CHANNELS)
        kernel_dtype = complex_of(dtype) if complex_kernel else dtype
        return {
            "x": normal(batch, time, CHANNELS, dtype=complex_of(dtype) if complex_x else dtype),
            "kernel": normal(*(batch,) * batched, *shape, dtype=kernel_dtype),
        }

    return build


def diagonal(varying_A=False, varying_B=False, feedthrough=True):
    def build(time, dtype, batch=BATCH):
        over = (batch, time)
        values = {
            "x": normal(batch, time, CHANNELS, dtype=dtype),
            "A_bar": decays(*over * varying_A, CHANNELS, PAIRS, dtype=complex_of(dtype)),
            "B_bar": normal(*over * varying_B, CHANNELS, PAIRS, dtype=complex_of(dtype)),
            "C": normal(CHANNELS, PAIRS, dtype=complex_of(dtype)),
            "initial_state": normal(batch, CHANNELS, PAIRS, dtype=complex_of(dtype)),
        }
        return values | ({"D": normal(CHANNELS, dtype=dtype)} if feedthrough else {})

    return build


def long_linear(constant):
    def build(time):
        shape = (1, 1 if constant else time, PAIRS)
        inputs = normal(1, time, PAIRS) + 1  # with a mean: errors that add up show
        return {"decay": slow(time, *shape).float(), "inputs": inputs.float()}

    return build


def long_matrix(time):
    basis = torch.linalg.qr(normal(PAIRS, PAIRS)).Q
    A = basis @ torch.diag(slow(time, PAIRS)) @ basis.mT
    return {"A": A.float(), "inputs": (normal(1, time, PAIRS) + 1).float()}


def long_convolution(time):
    kernel = slow(time, CHANNELS) ** torch.arange(time)[:, None]
    return {"x": (normal(1, time, CHANNELS) + 1).float(), "kernel": kernel.float()}


def long_diagonal(varying):
    def build(time):
        over = (1, time) * varying
        return {
            "x": (normal(1, time, CHANNELS) + 1).float(),
            "A_bar": slow_pairs(time, *over, CHANNELS, PAIRS),
            "B_bar": normal(CHANNELS, PAIRS, dtype=torch.complex64),
            "C": normal(CHANNELS, PAIRS, dtype=torch.complex64),
            "D": normal(CHANNELS, dtype=torch.float32),
        }

    return build


STATE, PACKED, ALL = ("state",), ("state", "segments"), ("state", "segments", "lengths")
MIXING, STEPS, SILU = (("mixing", True),), (("dt_softplus", False),), (("activation", "silu"),)
CASES = [
    Case("linear_scan", "linear_scan", linear("btc"), PACKED, long=long_linear(False)),
    Case("linear_scan-constant", "linear_scan", linear("c"), PACKED, long=long_linear(True)),
    Case("linear_scan-shared", "linear_scan", linear("1tc"), PACKED),
    Case("linear_scan-per-row", "linear_scan", linear("b11"), PACKED),
    Case("linear_scan-complex", "linear_scan", linear("btc", True, True), PACKED),
    Case("linear_scan-complex-decay", "linear_scan", linear("1c", True, False), PACKED),
    Case("matrix_scan", "matrix_scan", matrix(""), STATE, long=long_matrix),
    Case("matrix_scan-per-row", "matrix_scan", matrix("b1"), STATE),
    Case("matrix_scan-varying", "matrix_scan", matrix("bt"), STATE),
    Case("matrix_scan-shared", "matrix_scan", matrix("t"), STATE),
    Case("matrix_scan-complex", "matrix_scan", matrix("t", True), STATE),
    Case("matrix_scan-complex-constant", "matrix_scan", matrix("", True), STATE),
    Case("fft_conv", "fft_conv", convolution(lambda time: time), long=long_convolution),
    Case("fft_conv-short", "fft_conv", convolution(lambda time: (time + 1) // 2)),
    Case("fft_conv-long", "fft_conv", convolution(lambda time: time + 3)),
    Case("fft_conv-batched", "fft_conv", convolution(lambda time: 5, batched=True)),
    Case("fft_conv-complex", "fft_conv", convolution(lambda time: 4, complex_x=True, complex_kernel=True)),
    Case("fft_conv-complex-x", "fft_conv", convolution(lambda time: time, complex_x=True)),
    Case("fft_conv-complex-kernel", "fft_conv", convolution(lambda time: time, complex_kernel=True)),
    Case("fft_conv-mixing", "fft_conv", convolution(lambda time: time, mixing=True), options=MIXING),
    Case(
        "fft_conv-mixing-complex",
        "fft_conv",
        convolution(lambda time: 3, mixing=True, complex_x=True, complex_kernel=True),
        options=MIXING,
    ),
    Case(
        "fft_conv-mixing-batched",
        "fft_conv",
        convolution(lambda time: 7, mixing=True, batched=True),
        options=MIXING,
    ),
    Case("diagonal_ssm", "diagonal_ssm", diagonal(), ALL, long=long_diagonal(False)),
    Case("diagonal_ssm-no-feedthrough", "diagonal_ssm", diagonal(feedthrough=False), ALL),
    Case("diagonal_ssm-varying", "diagonal_ssm", diagonal(True, True), ALL, long=long_diagonal(True)),
    Case("diagonal_ssm-varying-A", "diagonal_ssm", diagonal(True, False), ALL),
    Case("diagonal_ssm-varying-B", "diagonal_ssm", diagonal(False, True), ALL),
    Case("selective_scan", "selective_scan", selective(), ALL, long=long_selective),
    Case("selective_scan-bare", "selective_scan", selective(optional=False), ALL),
    Case("selective_scan-grouped", "selective_scan", selective(groups=2), ALL),
    Case("selective_scan-steps", "selective_scan", given_steps(selective()), ALL, options=STEPS),
    Case("selective_scan-wide", "selective_scan", selective(channels=37, state=17), ALL),
    Case("ssd", "ssd", dual(), ALL, long=long_dual),
    Case("ssd-bare", "ssd", dual(optional=False), ALL),
    Case("ssd-grouped", "ssd", dual(groups=2, heads=4), ALL),
    Case("ssd-steps", "ssd", given_steps(dual()), ALL, options=STEPS),
    Case("causal_conv", "causal_conv", short_convolution(4), ALL),
    Case("causal_conv-silu", "causal_conv", short_convolution(4), ALL, options=SILU),
    Case("causal_conv-bare", "causal_conv", short_convolution(3, bias=False), ALL),
    Case("causal_conv-one-tap", "causal_conv", short_convolution(1), ALL, options=SILU),
    Case("causal_conv-long", "causal_conv", short_convolution(9), ALL),
]


def every(*features):
    """Parametrise ``case`` by those that take all of ``features``."""
    chosen = [case for case in CASES if all(feature in case.takes for feature in features)]
    return pytest.mark.parametrize("case", chosen, ids=[case.name for case in chosen])


first_of_each = pytest.mark.parametrize(
    "case", [case for case in CASES if case.name == case.operation], ids=lambda case: case.name
)
# With ``case``, conftest.py leaves out the backends that the case's operation lacks.
every_backend = pytest.mark.parametrize("backend", BACKENDS, indirect=True)


def has(operation, backend):
    """Whether the operation has this one of BACKENDS."""
    return backend.partition("-")[0] in clew.backends()[operation].available


def every_backend_of(operation):
    """Parametrise ``backend`` by those that the operation has here."""
    return pytest.mark.parametrize("backend", [one for one in BACKENDS if has(operation, one)], indirect=True)


def random_segments(time, batch=BATCH):
    """Runs of the numbers 0 and 1 of every length, so that numbers come back and a run may be one sample."""
    return (torch.rand(batch, time) < 0.2).long().cumsum(1) % 2


def lengths_of(time):
    """Nothing, all, and something between, for the rows of a batch."""
    return torch.tensor([0, time, (time + 1) // 2])


def full(case, time, dtype):
    """The case's arguments with everything that it takes."""
    arguments = case.build(time, dtype)
    if "segments" in case.takes:
        arguments["segments"] = random_segments(time)
    if "lengths" in case.takes:
        arguments["lengths"] = lengths_of(time)
    return arguments


def to_numpy(arguments):
    """Values for the oracle, float64 or complex128 whatever they were."""
    wide = {True: torch.complex128, False: torch.float64}
    return {
        name: value.detach()
        .to(wide[value.is_complex()] if value.is_floating_point() or value.is_complex() else None)
        .numpy()
        for name, value in arguments.items()
    }


def leaves(arguments):
    """The floating-point arguments as fresh leaves, and the others as they are."""
    return {
        name: value.detach().clone().requires_grad_()
        if value.is_floating_point() or value.is_complex()
        else value
        for name, value in arguments.items()
    }


def gradients(results, arguments):
    """Gradients of one fixed random combination of all the results, by the arguments' names."""
    generator = torch.Generator().manual_seed(7)
    total = 0
    for result in results:
        wide = torch.complex128 if result.is_complex() else torch.float64
        weights = torch.randn(result.shape, dtype=wide, generator=generator)
        product = result.to(wide) * weights
        total = total + (product.real.sum() if product.is_complex() else product.sum())
    names = [name for name, value in arguments.items() if value.requires_grad]
    found = torch.autograd.grad(total, [arguments[name] for name in names], allow_unused=True)
    return {
        name: torch.zeros_like(arguments[name]) if value is None else value
        for name, value in zip(names, found, strict=True)
    }


def assert_near(actual, expected, tolerance, what=""):
    """max |difference| / max |reference| within the tolerance, and the same shape."""
    actual = torch.as_tensor(actual).detach()
    expected = torch.as_tensor(expected).detach()
    assert actual.shape == expected.shape, (
        f"{what}: shape {tuple(actual.shape)}, wanted {tuple(expected.shape)}"
    )
    if expected.numel() == 0:
        return
    wide = torch.complex128 if actual.is_complex() or expected.is_complex() else torch.float64
    difference = (actual.to(wide) - expected.to(wide)).abs().max().item()
    scale = max(expected.abs().max().item(), 1e-30)
    assert difference <= tolerance * scale, (
        f"{what}: differs by {difference / scale:.2e}, allowed {tolerance:.0e}"
    )
