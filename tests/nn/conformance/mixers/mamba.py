"""Mamba in the suite: its published equations, its constructors, what it refuses."""

from functools import partial

import torch
from tests.nn.conformance.both_ways import both_ways, own_weights, refusals
from tests.nn.conformance.member import CHANNELS, Member, stacked

from clew.nn import Mamba

STATES = 4


def linear(parameters, name, x):
    y = x @ parameters[f"{name}.weight"].T
    return y + parameters[f"{name}.bias"] if f"{name}.bias" in parameters else y


def silu(x):
    return x / (1 + torch.exp(-x))


def normed(x, epsilon):
    return x if epsilon is None else x / torch.sqrt((x**2).mean(-1, keepdim=True) + epsilon)


def published(parameters, x, state, dt=None, epsilon=None):
    """Gu and Dao, "Mamba" (2023), algorithm 2 and figure 3; the order of its parts from its code.

    With ``epsilon`` that of Zuo and others, "Falcon Mamba" (2024), which norms r, B and C.
    """
    A, D, taps = -torch.exp(parameters["A_log"]), parameters["D"], parameters["conv1d.weight"][:, 0]
    inner, states = A.shape
    rank = parameters["dt_proj.weight"].shape[1]
    past, h = state
    outputs = []
    for k in range(x.shape[1]):
        both = linear(parameters, "in_proj", x[:, k])
        v, z = both[:, :inner], both[:, inner:]
        window = torch.cat((past, v[:, None]), dim=1)
        past = window[:, 1:]
        u = torch.einsum("bjc,cj->bc", window, taps)
        u = silu(u + parameters["conv1d.bias"] if "conv1d.bias" in parameters else u)
        chosen = linear(parameters, "x_proj", u)
        B = normed(chosen[:, rank : rank + states], epsilon)
        C = normed(chosen[:, rank + states :], epsilon)
        low = normed(chosen[:, :rank], epsilon)
        delta = torch.log1p(torch.exp(linear(parameters, "dt_proj", low)))
        delta = delta if dt is None else delta * dt[:, k, None]
        A_bar = torch.exp(torch.einsum("bc,cn->bcn", delta, A))
        B_bar = torch.einsum("bc,bn->bcn", delta, B)
        h = A_bar * h + B_bar * u[..., None]
        y = torch.einsum("bcn,bn->bc", h, C) + D * u
        outputs.append(linear(parameters, "out_proj", y * silu(z)))
    return stacked(outputs, x), (past, h)


def _rest(parameters):
    inner, states = parameters["A_log"].shape
    taps = parameters["conv1d.weight"].shape[-1]
    return torch.zeros(taps - 1, inner).double(), torch.zeros(inner, states).double()


def _perturbed(**options):
    """Every parameter moved from its start, where A and D are the same in all channels."""
    layer = Mamba(CHANNELS, STATES, **options)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return layer


def _slow(layer, samples):
    """Time constants from 1 to so many samples, were Δ what its bias alone makes of it."""
    with torch.no_grad():
        tau = torch.logspace(0, 1, layer.d_state, base=samples)
        step = torch.nn.functional.softplus(layer.dt_proj.bias)
        layer.A_log.copy_(-torch.log(step)[:, None] - torch.log(tau))


def _member(name, **options):
    equations = partial(published, epsilon=options.get("selection_norm_epsilon"))
    if "bidirectional" in options:
        equations = both_ways(equations, own_weights(equations), _rest)
    return Member(name, lambda: _perturbed(**options), equations, _slow)


MEMBERS = (
    _member("mamba"),
    _member("mamba-odd", d_conv=3, expand=3, dt_rank=2, conv_bias=False, bias=True, x_proj_bias=True),
    _member("mamba-normed", dt_rank=2, selection_norm_epsilon=1e-2),
    _member("mamba-bidirectional", bidirectional=True),
)
_SELECTIVE = "Mamba is selective: its matrices depend on the input"
EXCEPTIONS = {
    **{(member.name, "system"): f"{_SELECTIVE}, so it is no linear system" for member in MEMBERS},
    **{
        (member.name, "continuous_system"): f"{_SELECTIVE}; it has no continuous system" for member in MEMBERS
    },
    **refusals("mamba-bidirectional", "Mamba"),
}
