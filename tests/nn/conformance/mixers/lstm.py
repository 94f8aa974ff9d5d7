"""The LSTM in the suite: its published equations, its constructors, what it refuses."""

import torch
from tests.nn.conformance.both_ways import both_ways, own_weights, refusals
from tests.nn.conformance.member import CHANNELS, Member, stacked
from tests.nn.conformance.mixers.gates import gates, slow

from clew.nn import LSTM


def published(parameters, x, state):
    """Gers, Schmidhuber and Cummins (2000), section 3, gates in the order i, f, g, o."""
    h, c = state
    outputs = []
    for k in range(x.shape[1]):
        pairs = zip(gates(parameters, "ih", x[:, k], 4), gates(parameters, "hh", h, 4), strict=True)
        i, f, g, o = (one + other for one, other in pairs)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        outputs.append(h)
    return stacked(outputs, x), (h, c)


BOTH_WAYS = both_ways(
    published, own_weights(published), lambda parameters: (parameters["weight_hh"].new_zeros(CHANNELS),) * 2
)
MEMBERS = (
    Member("lstm", lambda: LSTM(CHANNELS), published, slow(1)),
    Member("lstm-bidirectional", lambda: LSTM(CHANNELS, bidirectional=True), BOTH_WAYS, slow(1)),
)
REFUSALS = {
    "resample": "an LSTM is defined in discrete time and cannot be resampled",
    "dt": "an LSTM is defined in discrete time and takes no dt",
    "system": "an LSTM is not a linear system",
    "continuous_system": "an LSTM is defined in discrete time and has no continuous system",
    "vmap": "Batching rule not implemented for aten::lstm.input",  # torch's own words
}
EXCEPTIONS = {
    (member.name, feature): error for member in MEMBERS for feature, error in REFUSALS.items()
} | refusals("lstm-bidirectional", "LSTM")
