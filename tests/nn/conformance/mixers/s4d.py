"""S4D in the suite: its published equations, its constructors, what it refuses."""

import torch
from tests.nn.conformance.both_ways import both_ways, no_system, own_output, refusals
from tests.nn.conformance.member import CHANNELS, Member, stacked

from clew.nn import S4D


def published(discretization):
    """Gu et al., "On the parameterization ... of diagonal state space models" (2022), eq. 2 and 3."""

    def run(parameters, x, state, dt=None):
        A = torch.complex(-torch.exp(parameters["A_log_real"]), parameters["A_imag"])
        B, C = (torch.complex(parameters[name][..., 0], parameters[name][..., 1]) for name in "BC")
        delta = torch.exp(parameters["log_dt"])[:, None]
        h = torch.complex(*state)
        outputs = []
        for k in range(x.shape[1]):
            step = delta if dt is None else delta * dt[:, k, None, None]
            if discretization == "zoh":
                A_bar = torch.exp(step * A)
                B_bar = (A_bar - 1) / A * B
            else:
                A_bar = (1 + step * A / 2) / (1 - step * A / 2)
                B_bar = step * B / (1 - step * A / 2)
            h = A_bar * h + B_bar * x[:, k, :, None]
            outputs.append(2 * (C * h).sum(-1).real + parameters["D"] * x[:, k])
        return stacked(outputs, x), (h.real, h.imag)

    return run


def _rest(parameters):
    return (torch.zeros_like(parameters["A_imag"]),) * 2


def _slow(layer, samples):
    """e^{Δ Re A} = e^{−1/τ} for τ from 1 sample to ``samples``, in place of the initial decays."""
    with torch.no_grad():
        tau = torch.logspace(0, 1, layer.A_log_real.numel(), base=samples).reshape(layer.A_log_real.shape)
        layer.A_log_real.copy_(-torch.log(tau) - layer.log_dt[:, None])


def _member(name, discretization="zoh", **options):
    equations = published(discretization)
    if "bidirectional" in options:
        equations = both_ways(equations, own_output(equations), _rest, without_present=True)
    return Member(
        name,
        lambda: S4D(CHANNELS, 8, discretization=discretization, dt_min=0.01, dt_max=0.3, **options),
        equations,
        _slow,
        holds=discretization == "zoh" and "bidirectional" not in options,
    )


MEMBERS = (
    _member("s4d"),
    _member("s4d-convolution", mode="convolution", init="real"),
    _member("s4d-recurrent", mode="recurrent", init="inv"),
    _member("s4d-bilinear", mode="scan", init="lin", discretization="bilinear"),
    _member("s4d-bidirectional", bidirectional=True),
    _member("s4d-bidirectional-bilinear", mode="recurrent", discretization="bilinear", bidirectional=True),
)

_ONE_KERNEL = "mode='convolution' has one kernel for all and takes no"
EXCEPTIONS = {
    **refusals("s4d-bidirectional", "S4D"),
    **no_system("s4d-bidirectional", "S4D"),
    **refusals("s4d-bidirectional-bilinear", "S4D"),
    **no_system("s4d-bidirectional-bilinear", "S4D"),
    ("s4d-convolution", "segments"): f"{_ONE_KERNEL} segments: take mode='scan'",
    ("s4d-convolution", "dt"): f"{_ONE_KERNEL} dt: take mode='scan'",
}
