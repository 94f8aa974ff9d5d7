"""The GRU in the suite: its published equations, its constructors, what it refuses."""

import torch
from tests.nn.conformance.both_ways import both_ways, own_weights, refusals
from tests.nn.conformance.member import CHANNELS, Member, stacked
from tests.nn.conformance.mixers.gates import gates, slow

from clew.nn import GRU


def published(parameters, x, state):
    """Cho et al. (2014), eq. 5 to 8, the reset gate after the product, gates in the order r, z, n."""
    (h,) = state
    outputs = []
    for k in range(x.shape[1]):
        r, z, n = gates(parameters, "ih", x[:, k], 3)
        R, Z, N = gates(parameters, "hh", h, 3)
        z = torch.sigmoid(z + Z)
        h = (1 - z) * torch.tanh(n + torch.sigmoid(r + R) * N) + z * h
        outputs.append(h)
    return stacked(outputs, x), (h,)


BOTH_WAYS = both_ways(
    published, own_weights(published), lambda parameters: (parameters["weight_hh"].new_zeros(CHANNELS),)
)
MEMBERS = (
    Member("gru", lambda: GRU(CHANNELS), published, slow(1)),
    Member("gru-bidirectional", lambda: GRU(CHANNELS, bidirectional=True), BOTH_WAYS, slow(1)),
)
REFUSALS = {
    "resample": "a GRU is defined in discrete time and cannot be resampled",
    "dt": "a GRU is defined in discrete time and takes no dt",
    "system": "a GRU is not a linear system",
    "continuous_system": "a GRU is defined in discrete time and has no continuous system",
    "vmap": "Batching rule not implemented for aten::gru.input",  # torch's own words
}
EXCEPTIONS = {
    (member.name, feature): error for member in MEMBERS for feature, error in REFUSALS.items()
} | refusals("gru-bidirectional", "GRU")
