"""S5 in the suite: its published equations, its constructors, what it refuses."""

import torch
from tests.nn.conformance.both_ways import both_ways, no_system, own_output, refusals
from tests.nn.conformance.member import CHANNELS, Member, stacked

from clew.nn import S5


def published(discretization):
    """Smith et al., "Simplified state space layers for sequence modeling" (2023), eq. 1, 2 and 6."""

    def run(parameters, x, state, dt=None):
        A = torch.complex(-torch.exp(parameters["A_log_real"]), parameters["A_imag"])
        B, C = (torch.complex(parameters[name][..., 0], parameters[name][..., 1]) for name in "BC")
        delta = torch.exp(parameters["log_dt"])
        h = torch.complex(*state)
        outputs = []
        for k in range(x.shape[1]):
            step = delta.expand(len(x), -1) if dt is None else delta * dt[:, k, None]
            if discretization == "zoh":
                A_bar = torch.exp(step * A)
                B_bar = ((A_bar - 1) / A)[..., None] * B
            else:
                A_bar = (1 + step * A / 2) / (1 - step * A / 2)
                B_bar = (step / (1 - step * A / 2))[..., None] * B
            h = A_bar * h + torch.einsum("bpc,bc->bp", B_bar, x[:, k].to(B_bar.dtype))
            outputs.append(2 * torch.einsum("cp,bp->bc", C, h).real + parameters["D"] * x[:, k])
        return stacked(outputs, x), (h.real, h.imag)

    return run


def _rest(parameters):
    return (torch.zeros_like(parameters["A_imag"]),) * 2


def _slow(layer, samples):
    """As S4D, with one Δ for each state."""
    with torch.no_grad():
        tau = torch.logspace(0, 1, layer.A_log_real.numel(), base=samples)
        layer.A_log_real.copy_(-torch.log(tau) - layer.log_dt)


def _member(name, discretization="zoh", **options):
    equations = published(discretization)
    if "bidirectional" in options:
        equations = both_ways(equations, own_output(equations), _rest)
    return Member(
        name,
        lambda: S5(CHANNELS, 8, discretization=discretization, dt_min=0.01, dt_max=0.3, **options),
        equations,
        _slow,
        holds=discretization == "zoh" and "bidirectional" not in options,
    )


MEMBERS = (
    _member("s5"),
    _member("s5-recurrent", mode="recurrent", blocks=2),
    _member("s5-bilinear", mode="scan", discretization="bilinear"),
    _member("s5-bidirectional", bidirectional=True),
    _member("s5-bidirectional-recurrent", mode="recurrent", bidirectional=True),
)
EXCEPTIONS = {
    **refusals("s5-bidirectional", "S5"),
    **no_system("s5-bidirectional", "S5"),
    **refusals("s5-bidirectional-recurrent", "S5"),
    **no_system("s5-bidirectional-recurrent", "S5"),
}
