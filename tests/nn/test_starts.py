"""Where Δ and the output of S4, S4D, DSS and S5 start, at random.

Oracle: the published distributions, tested by their quantiles (Kolmogorov and Smirnov's distance from
scipy). Δ is log-uniform between two bounds, one for each channel (Gu, Goel and Ré, "Efficiently modeling
long sequences with structured state spaces", 2022), in S5 one for each state (Smith, Warrington and
Linderman, "Simplified state space layers for sequence modeling", 2023). C of S4 and S4D is complex normal
of variance 1, D standard normal: their published code (github.com/state-spaces/s4). Real and imaginary
part of DSS's W are standard normal (Gupta, Gu and Berant, "Diagonal state spaces are as effective as
structured state spaces", 2022). C of S5 is C₀ V, with C₀ of variance 1/N = 1/8 here and columns of V of
length 1: 1/8, half of it in each part. Tolerance: PROBABILITY.
"""

import math

import pytest
import scipy.stats

from clew.nn import DSS, S4, S4D, S5

DRAWS = 4096
PROBABILITY = 1e-3  # a right sample is rejected this seldom; --seed is fixed


def assert_drawn_from(law, values):
    assert scipy.stats.kstest(values.detach().flatten().numpy(), law.cdf).pvalue > PROBABILITY


@pytest.mark.parametrize(("low", "high"), [(1e-3, 1e-1), (1e-5, 1.0)])
@pytest.mark.parametrize(
    "build",
    [
        lambda **bounds: S4(DRAWS, 2, **bounds),
        lambda **bounds: S4D(DRAWS, 2, **bounds),
        lambda **bounds: DSS(DRAWS, 2, **bounds),
        lambda **bounds: S5(1, 2 * DRAWS, blocks=DRAWS, **bounds),
    ],
    ids=["s4", "s4d", "dss", "s5"],
)
def test_steps_start_log_uniform(build, low, high):
    law = scipy.stats.uniform(math.log(low), math.log(high) - math.log(low))
    steps = build(dt_min=low, dt_max=high).log_dt
    assert steps.shape == (DRAWS,)
    assert_drawn_from(law, steps)


@pytest.mark.parametrize(
    ("kind", "name", "deviation"),
    [
        (S4, "C", math.sqrt(1 / 2)),
        (S4D, "C", math.sqrt(1 / 2)),
        (DSS, "W", 1.0),
        (S5, "C", math.sqrt(1 / 16)),
    ],
    ids=["s4", "s4d", "dss", "s5"],
)
def test_outputs_start_normal(kind, name, deviation):
    layer = kind(DRAWS // 4, 8, bidirectional=True)
    for output in (name, f"{name}_reverse"):
        for part in layer.get_parameter(output).unbind(-1):
            assert_drawn_from(scipy.stats.norm(scale=deviation), part)
    assert_drawn_from(scipy.stats.norm(), layer.D)
