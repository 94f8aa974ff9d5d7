"""The RNN in the suite: its published equations, its constructors, what it refuses."""

import torch
from tests.nn.conformance.both_ways import both_ways, own_weights, refusals
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
    equations = published(options.get("nonlinearity", "tanh"))
    if options.get("bidirectional"):

        def rest(parameters):
            return (parameters["A"].new_zeros(5),)

        equations = both_ways(equations, own_weights(equations), rest)
    return Member(name, lambda: RNN(CHANNELS, 5, **options), equations, _slow)


MEMBERS = (
    _member("rnn-linear", nonlinearity=None),
    _member("rnn-linear-recurrent", nonlinearity=None, mode="recurrent"),
    _member("rnn-linear-convolution", nonlinearity=None, mode="convolution"),
    _member("rnn-tanh", nonlinearity="tanh"),
    _member("rnn-linear-bidirectional", nonlinearity=None, bidirectional=True),
    _member("rnn-tanh-bidirectional", nonlinearity="tanh", bidirectional=True),
)

_DISCRETE = "an RNN is defined in discrete time and"
_REFUSALS = {
    "dt": f"{_DISCRETE} takes no dt",
    "continuous_system": f"{_DISCRETE} has no continuous system",
    "resample": f"{_DISCRETE} cannot be resampled",
}
_NOT_LINEAR = "an RNN with tanh is not a linear system"
EXCEPTIONS = (
    {(member.name, feature): error for member in MEMBERS for feature, error in _REFUSALS.items()}
    | {
        (
            "rnn-linear-convolution",
            "segments",
        ): "mode='convolution' cannot start anew at segments: take mode='scan'",
        ("rnn-tanh", "system"): _NOT_LINEAR,
        ("rnn-tanh-bidirectional", "system"): _NOT_LINEAR,
        (
            "rnn-linear-bidirectional",
            "system",
        ): "RNN with bidirectional=True reads whole sequences from both ends and has no causal system",
    }
    | refusals("rnn-linear-bidirectional", "RNN")
    | refusals("rnn-tanh-bidirectional", "RNN")
)
