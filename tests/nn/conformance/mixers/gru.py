"""The GRU in the suite: its published equations, its constructors, what it refuses."""

import torch
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


MEMBERS = (Member("gru", lambda: GRU(CHANNELS), published, slow(1)),)
EXCEPTIONS = {
    ("gru", "resample"): "a GRU is defined in discrete time and cannot be resampled",
    ("gru", "dt"): "a GRU is defined in discrete time and takes no dt",
    ("gru", "system"): "a GRU is not a linear system",
    ("gru", "continuous_system"): "a GRU is defined in discrete time and has no continuous system",
}
