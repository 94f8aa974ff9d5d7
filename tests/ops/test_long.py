"""Float32 over 16,384 samples with time constants up to 16,384: powers and products keep their digits.

Oracle: the same equations in float64 on the same (rounded) arguments. For values oracles.py and np.convolve;
for gradients the reference in float64, autograd through a loop, which test_gradients.py holds against the
equations.
Tolerances: cases.TOLERANCES["long"], and ["long loop"] for the reference in float32.
"""

import numpy as np
import pytest
import torch
from tests.ops.cases import CASES, TOLERANCES, assert_near, every_backend, gradients, leaves, to_numpy

from clew.ops import use_backend

TIME = 16384
LONG = [case for case in CASES if case.long]
every_long = pytest.mark.parametrize("case", LONG, ids=[case.name for case in LONG])
# The compiled loop rounds the state at each sample, as the reference does.
tolerance = {
    "parallel": TOLERANCES["long"],
    "native": TOLERANCES["long loop"],
    "reference": TOLERANCES["long loop"],
}


def expected_values(case, arguments):
    if case.operation != "fft_conv":
        return case.expected(to_numpy(arguments))
    x, kernel = (arguments[name].double().numpy() for name in ("x", "kernel"))
    channels = [np.convolve(x[0, :, c], kernel[:, c])[:TIME] for c in range(x.shape[2])]
    return (np.stack(channels, axis=1)[None],)


def expected_gradients(case, arguments):
    widest = {True: torch.complex128, False: torch.float64}
    wide = leaves({name: value.to(widest[value.is_complex()]) for name, value in arguments.items()})
    # A loop over 16,384 taps would take minutes; the transform in float64 is exact to 1e-13.
    with use_backend("parallel" if case.operation == "fft_conv" else "reference"):
        return gradients(case.run(wide), wide)


@every_backend
@every_long
def test_values(case, backend):
    if (case.operation, backend) == ("fft_conv", "reference"):
        return  # a loop over 16,384 taps, one addition each: minutes, and no recurrence
    arguments = case.long(TIME)
    with use_backend(backend):
        results = case.run(arguments)
    for index, (result, expected) in enumerate(zip(results, expected_values(case, arguments), strict=True)):
        assert_near(result, expected, tolerance[backend], f"result {index}")


# The loop's autograd graph of a diagonal system has a quarter of a million nodes.
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=[pytest.mark.slow] * (case.operation == "diagonal_ssm"), id=case.name)
        for case in LONG
    ],
)
def test_gradients(case):
    arguments = leaves(case.long(TIME))
    found = gradients(case.run(arguments), arguments)
    for name, expected in expected_gradients(case, arguments).items():
        assert_near(found[name], expected, TOLERANCES["long"], name)


def test_packed_rows_and_rows_of_several_lengths():
    (case,) = (case for case in LONG if case.name == "diagonal_ssm")
    arguments = case.long(TIME)
    arguments["segments"] = (torch.arange(TIME) >= 77).long()[None]
    arguments["lengths"] = torch.tensor([TIME - 5])
    for result, expected in zip(case.run(arguments), case.expected(to_numpy(arguments)), strict=True):
        assert_near(result, expected, TOLERANCES["long"])
