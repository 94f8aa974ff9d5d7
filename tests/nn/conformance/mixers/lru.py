"""LRU in the suite: its published equations, its constructors, what it refuses."""

import torch
from tests.nn.conformance.both_ways import both_ways, own_output, refusals
from tests.nn.conformance.member import CHANNELS, Member, stacked

from clew.nn import LRU


def published(parameters, x, state, dt=None):
    """Orvieto et al., "Resurrecting recurrent neural networks for long sequences" (2023), eq. 6 to 8."""
    exponent = torch.complex(-torch.exp(parameters["nu_log"]), torch.exp(parameters["theta_log"]))
    B, C = (torch.complex(parameters[name][..., 0], parameters[name][..., 1]) for name in "BC")
    gamma = torch.exp(parameters["gamma_log"])
    h = torch.complex(*state)
    outputs = []
    for k in range(x.shape[1]):
        decay = torch.exp(exponent) if dt is None else torch.exp(exponent * dt[:, k, None])
        h = decay * h + gamma * torch.einsum("pc,bc->bp", B, x[:, k].to(B.dtype))
        outputs.append(torch.einsum("cp,bp->bc", C, h).real + parameters["D"] * x[:, k])
    return stacked(outputs, x), (h.real, h.imag)


def _slow(layer, samples):
    """|λ| = e^{−1/τ} for τ from 1 sample to ``samples``, and γ as at the start."""
    with torch.no_grad():
        tau = torch.logspace(0, 1, layer.d_state, base=samples, dtype=torch.float64)
        layer.nu_log.copy_(-torch.log(tau))
        layer.gamma_log.copy_(0.5 * torch.log(-torch.expm1(-2 / tau)))


def _rest(parameters):
    return (torch.zeros_like(parameters["nu_log"]),) * 2


def _member(name, **options):
    equations = published
    if "bidirectional" in options:
        equations = both_ways(published, own_output(published), _rest)
    return Member(name, lambda: LRU(CHANNELS, 5, **options), equations, _slow)


MEMBERS = (
    _member("lru"),
    _member("lru-recurrent", mode="recurrent"),
    _member("lru-bidirectional", bidirectional=True),
)
_DISCRETE = "an LRU is defined in discrete time and has no continuous system"
EXCEPTIONS = {
    **{(member.name, "continuous_system"): _DISCRETE for member in MEMBERS},
    **refusals("lru-bidirectional", "LRU"),
    (
        "lru-bidirectional",
        "system",
    ): "LRU with bidirectional=True reads whole sequences from both ends and has no causal system",
}
