"""Where an LRU starts: its ring, its γ, its matrices.

Oracle: the distributions of the paper, tested by their quantiles (Kolmogorov and Smirnov's distance from
scipy) and moments. Tolerances: TOLERANCES.
"""

import math

import pytest
import scipy.stats
import torch

from clew.nn import LRU

ORDER = 4096
TOLERANCES = {
    "probability": 1e-3,  # a right sample of 4,096 is rejected this seldom; --seed is fixed
    "variance": 0.05,  # relative, of some 10⁵ draws: ten standard deviations
}


def decays(layer):
    known = layer.constants()
    return torch.complex(known.A_bar_real.double(), known.A_bar_imag.double()).detach()


def test_the_ring_is_filled_evenly():
    """Lemma 3.2: λ uniform in area between the radii; the angle uniform."""
    layer = LRU(1, ORDER, r_min=0.4, r_max=0.9, max_phase=1.0)
    size, angle = decays(layer).abs().numpy(), decays(layer).angle().numpy()
    area = scipy.stats.uniform(0.4**2, 0.9**2 - 0.4**2)
    assert scipy.stats.kstest(size**2, area.cdf).pvalue > TOLERANCES["probability"]
    assert scipy.stats.kstest(angle, scipy.stats.uniform(0, 1).cdf).pvalue > TOLERANCES["probability"]


def test_gamma_starts_at_the_size_of_what_it_normalises():
    """Section 3.4: γ = √(1 − |λ|²), so white noise of variance 1 leaves each state with that of B x."""
    layer = LRU(1, ORDER)
    wanted = torch.sqrt(1 - decays(layer).abs() ** 2)
    torch.testing.assert_close(layer.constants().gain_real.double(), wanted, rtol=1e-4, atol=1e-6)


def test_matrices_start_with_their_variance():
    layer = LRU(64, 1024)
    for part in layer.B.unbind(-1):
        assert part.var().item() == pytest.approx(1 / (2 * 64), rel=TOLERANCES["variance"])
    for part in layer.C.unbind(-1):
        assert part.var().item() == pytest.approx(1 / 1024, rel=TOLERANCES["variance"])


def test_a_radius_of_one_starts_finite():
    layer = LRU(2, ORDER, r_min=0.0, r_max=1.0)
    assert all(torch.isfinite(value).all() for value in layer.parameters())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "scann"}, "unknown mode 'scann'; did you mean 'scan'"),
        ({"d_state": 0}, "d_model and d_state are at least 1; got 4 and 0"),
        ({"r_min": 0.9, "r_max": 0.5}, "0 ≤ r_min < r_max ≤ 1 is needed; got r_min=0.9, r_max=0.5"),
        ({"r_max": 1.5}, "got r_min=0.9, r_max=1.5"),
        ({"max_phase": 7.0}, "max_phase is above 0 and at most 2π; got 7.0"),
    ],
)
def test_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        LRU(4, **options)


def test_phases_stay_below_the_largest():
    assert (decays(LRU(1, ORDER, max_phase=math.pi / 10)).angle() <= math.pi / 10 + 1e-6).all()
