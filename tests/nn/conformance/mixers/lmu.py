"""The LMU in the suite: its published equations, its constructors, what it refuses."""

import torch
from tests.nn.conformance.both_ways import both_ways, own_weights, refusals
from tests.nn.conformance.member import CHANNELS, Member, stacked
from tests.nn.conformance.mixers.legendre import held

from clew.nn import LMU
from clew.nn.legendre import LegendreMemory

ORDER, THETA = 4, 12.0


def published(parameters, x, state):
    """Voelker, Kajić and Eliasmith, "Legendre memory units" (2019), eq. 4, 6 and 7."""
    e_x, e_h, e_m, W_x, W_h, W_m = (parameters[name] for name in ("e_x", "e_h", "e_m", "W_x", "W_h", "W_m"))
    A_bar, B_bar = held(ORDER, torch.tensor(1 / THETA, dtype=torch.float64))
    h, m = state
    outputs = []
    for k in range(x.shape[1]):
        u = x[:, k] @ e_x + h @ e_h + m @ e_m
        m = m @ A_bar.T + u[:, None] * B_bar
        h = torch.tanh(x[:, k] @ W_x.T + h @ W_h.T + m @ W_m.T)
        outputs.append(h)
    return stacked(outputs, x), (h, m)


def _build(**options):
    layer = LMU(CHANNELS, ORDER, theta=THETA, **options)
    with torch.no_grad():  # it starts at zero, where its product could not be seen
        for one in (layer, layer.reverse)[: 1 + layer.bidirectional]:
            one.e_m.copy_(0.3 * torch.randn(ORDER))
    return layer


def _rest(parameters):
    return parameters["e_x"].new_zeros(CHANNELS), parameters["e_x"].new_zeros(ORDER)


def _slow(layer, samples):
    """A window of so many samples, and a cell that forgets its own past."""
    layer.memory = LegendreMemory(ORDER, samples)
    with torch.no_grad():
        layer.W_h.mul_(0.3)
        layer.e_m.zero_()


BOTH_WAYS = both_ways(published, own_weights(published), _rest)
MEMBERS = (
    Member("lmu", _build, published, _slow),
    Member("lmu-bidirectional", lambda: _build(bidirectional=True), BOTH_WAYS, _slow),
)
_DISCRETE = "an LMU with tanh is defined in discrete time and"
REFUSALS = {
    "dt": f"{_DISCRETE} takes no dt",
    "system": "an LMU with tanh is not a linear system",
    "continuous_system": f"{_DISCRETE} has no continuous system",
    "resample": f"{_DISCRETE} cannot be resampled",
}
EXCEPTIONS = {
    (member.name, feature): error for member in MEMBERS for feature, error in REFUSALS.items()
} | refusals("lmu-bidirectional", "LMU")
