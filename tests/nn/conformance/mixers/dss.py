"""DSS in the suite: its published equations, its constructors, what it refuses."""

import torch
from tests.nn.conformance.both_ways import both_ways, no_system, own_output, refusals
from tests.nn.conformance.member import CHANNELS, Member, stacked

from clew.nn import DSS

EPSILON = 1e-7  # appendix A.2


def published(length):
    """Gupta, Gu and Berant, "Diagonal state spaces ..." (2022), proposition 1, as in section 3.6."""

    def run(parameters, x, state, dt=None):
        real = parameters["Lambda_real"]
        A = torch.complex(-torch.exp(real) if length is None else real, parameters["Lambda_imag"])
        W = torch.complex(parameters["W"][..., 0], parameters["W"][..., 1])
        z = torch.exp(parameters["log_dt"])[:, None] * A
        h = torch.complex(*state)
        outputs = []
        for k in range(x.shape[1]):
            held = z if dt is None else z * dt[:, k, None, None]
            B_bar = (torch.exp(held) - 1) * weight(A, z)
            h = torch.exp(held) * h + B_bar * x[:, k, :, None]
            outputs.append((W * h).sum(-1).real + parameters["D"] * x[:, k])
        return stacked(outputs, x), (h.real, h.imag)

    def weight(A, z):
        """1/Λ, or 1/(Λ (e^{Lz} − 1)) with ε, in a form for each sign of Re Λ."""
        if length is None:
            return 1 / A
        decaying = reciprocal(A * (torch.exp(length * z) - 1))
        growing = -torch.exp(-length * z) * reciprocal(A * (torch.exp(-length * z) - 1))
        return torch.where(A.real > 0, growing, decaying)

    return run


def reciprocal(x):
    return x.conj() / (x.abs() ** 2 + EPSILON)


def _slow(layer, samples):
    """e^{Δ Re Λ} = e^{−1/τ} for τ from 1 sample to ``samples``, with one Δ for all channels."""
    with torch.no_grad():
        layer.log_dt.fill_(-2.0)
        tau = torch.logspace(0, 1, len(layer.Lambda_real), base=samples)
        rate = torch.exp(-torch.log(tau) - layer.log_dt[0])
        layer.Lambda_real.copy_(torch.log(rate) if layer.kernel == "exp" else -rate)


def _rest(parameters):
    return (torch.zeros_like(parameters["W"][..., 0]),) * 2


def _member(name, length=None, **options):
    equations, bidirectional = published(length), "bidirectional" in options
    if bidirectional:
        equations = both_ways(equations, own_output(equations, "W"), _rest, without_present=True)

    def build():
        layer = DSS(CHANNELS, 8, normalize_length=length, dt_min=0.01, dt_max=0.3, **options)
        if length is not None:
            with torch.no_grad():  # softmax takes modes that grow as well
                layer.Lambda_real.copy_(torch.tensor([0.3, -0.5, 0.1, -0.2]))
        return layer

    return Member(name, build, equations, _slow, holds=not bidirectional)


# Mode "convolution" is nn/diagonal.py's, which S4D's members hold to the suite.
MEMBERS = (
    _member("dss"),
    _member("dss-softmax", 40, kernel="softmax"),
    _member("dss-bidirectional", 40, kernel="softmax", bidirectional=True),
)
EXCEPTIONS = {**refusals("dss-bidirectional", "DSS"), **no_system("dss-bidirectional", "DSS")}
