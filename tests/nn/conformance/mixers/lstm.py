"""The LSTM in the suite: its published equations, its constructors, what it refuses."""

import torch
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


MEMBERS = (Member("lstm", lambda: LSTM(CHANNELS), published, slow(1)),)
EXCEPTIONS = {
    ("lstm", "resample"): "an LSTM is defined in discrete time and cannot be resampled",
    ("lstm", "dt"): "an LSTM is defined in discrete time and takes no dt",
    ("lstm", "system"): "an LSTM is not a linear system",
    ("lstm", "continuous_system"): "an LSTM is defined in discrete time and has no continuous system",
}
