"""The RNN in the suite: its published equations, its constructors, what it refuses."""

import torch
from tests.nn.conformance.member import CHANNELS, Member, stacked

from clew.nn import RNN


def published(nonlinearity):
    """Elman, "Finding structure in time" (1990), figure 2; the linear one without nonlinearity and bias."""

    def run(parameters, x, state):
        A, B, C = (parameters[name] for name in "ABC")
        (h,) = state
        outputs = []
        for k in range(x.shape[1]):
            h = torch.einsum("ij,bj->bi", A, h) + torch.einsum("ij,bj->bi", B, x[:, k])
            if nonlinearity == "tanh":
                h = torch.tanh(h + parameters["b"])
            outputs.append(torch.einsum("ij,bj->bi", C, h))
        return stacked(outputs, x), (h,)

    return run


def _slow(layer, samples):
    """A orthogonal but for a decay of e^{−1/samples}."""
    with torch.no_grad():
        layer.A.copy_(torch.linalg.qr(torch.randn_like(layer.A.double()))[0] * (1 - 1 / samples))


def _member(name, **options):
    return Member(
        name,
        lambda: RNN(CHANNELS, 5, **options),
        published(options.get("nonlinearity", "tanh")),
        _slow,
    )


MEMBERS = (
    _member("rnn-linear", nonlinearity=None),
    _member("rnn-linear-recurrent", nonlinearity=None, mode="recurrent"),
    _member("rnn-linear-convolution", nonlinearity=None, mode="convolution"),
    _member("rnn-tanh", nonlinearity="tanh"),
)

_DISCRETE = "an RNN is defined in discrete time and"
EXCEPTIONS = {
    ("rnn-linear", "resample"): f"{_DISCRETE} cannot be resampled",
    ("rnn-linear-recurrent", "resample"): f"{_DISCRETE} cannot be resampled",
    ("rnn-linear-convolution", "resample"): f"{_DISCRETE} cannot be resampled",
    ("rnn-tanh", "resample"): f"{_DISCRETE} cannot be resampled",
    ("rnn-linear", "dt"): f"{_DISCRETE} takes no dt",
    ("rnn-linear", "continuous_system"): f"{_DISCRETE} has no continuous system",
    ("rnn-linear-recurrent", "dt"): f"{_DISCRETE} takes no dt",
    ("rnn-linear-recurrent", "continuous_system"): f"{_DISCRETE} has no continuous system",
    ("rnn-linear-convolution", "dt"): f"{_DISCRETE} takes no dt",
    (
        "rnn-linear-convolution",
        "segments",
    ): "mode='convolution' cannot start anew at segments: take mode='scan'",
    ("rnn-linear-convolution", "continuous_system"): f"{_DISCRETE} has no continuous system",
    ("rnn-tanh", "dt"): f"{_DISCRETE} takes no dt",
    ("rnn-tanh", "system"): "an RNN with tanh is not a linear system",
    ("rnn-tanh", "continuous_system"): f"{_DISCRETE} has no continuous system",
}
