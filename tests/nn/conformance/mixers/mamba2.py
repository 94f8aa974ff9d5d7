"""Mamba-2 in the suite: its published equations, its constructors, what it refuses."""

import torch
from tests.nn.conformance.both_ways import both_ways, own_weights, refusals
from tests.nn.conformance.member import CHANNELS, Member, stacked
from tests.nn.conformance.mixers.mamba import linear, silu

from clew.nn import Mamba2

STATES = 4
# head_dim and n_groups are in no parameter's shape.
PLAIN = {"head_dim": 2}
GROUPED = {"head_dim": 3, "n_groups": 2, "expand": 4, "d_conv": 3, "bias": True}


def published(head_dim, groups=1):
    """Dao and Gu, "Transformers are SSMs" (2024), section 7; the order of its parts from its code."""

    def run(parameters, x, state, dt=None):
        A, D, taps = -torch.exp(parameters["A_log"]), parameters["D"], parameters["conv1d.weight"][:, 0]
        heads = len(A)
        inner, states = heads * head_dim, state[1].shape[-1]
        past, h = state
        outputs = []
        for k in range(x.shape[1]):
            driven = linear(parameters, "in_proj", x[:, k])
            z, v, raw = driven[:, :inner], driven[:, inner:-heads], driven[:, -heads:]
            window = torch.cat((past, v[:, None]), dim=1)
            past = window[:, 1:]
            v = silu(torch.einsum("bjc,cj->bc", window, taps) + parameters["conv1d.bias"])
            u = v[:, :inner].reshape(-1, heads, head_dim)
            delta = torch.log1p(torch.exp(raw + parameters["dt_bias"]))
            delta = delta if dt is None else delta * dt[:, k, None]
            after, reads = [], []
            for i in range(heads):
                start = inner + i // (heads // groups) * states
                B = v[:, start : start + states]
                C = v[:, start + groups * states : start + (groups + 1) * states]
                decay = torch.exp(delta[:, i] * A[i])[:, None, None]
                written = delta[:, i, None, None] * u[:, i, :, None] * B[:, None]
                after.append(decay * h[:, i] + written)
                reads.append((after[-1] * C[:, None]).sum(-1) + D[i] * u[:, i])
            h = torch.stack(after, dim=1)
            y = torch.cat(reads, dim=-1) * silu(z)
            size = inner // groups
            y = torch.cat(
                [
                    part / torch.sqrt((part**2).mean(-1, keepdim=True) + 1e-5)
                    for part in y.split(size, dim=-1)
                ],
                dim=-1,
            )
            outputs.append(linear(parameters, "out_proj", y * parameters["norm.weight"]))
        return stacked(outputs, x), (past, h)

    return run


def _rest(parameters):
    channels, _, taps = parameters["conv1d.weight"].shape
    return torch.zeros(taps - 1, channels).double(), torch.zeros(
        len(parameters["A_log"]), PLAIN["head_dim"], STATES
    ).double()


def _perturbed(**options):
    """Every parameter moved from its start, where D and the norm's weight are the same in all channels."""
    layer = Mamba2(CHANNELS, STATES, **options)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return layer


def _slow(layer, samples):
    """Time constants from 1 to so many samples, were Δ what its bias alone makes of it."""
    with torch.no_grad():
        tau = torch.logspace(0, 1, len(layer.A_log), base=samples)
        layer.A_log.copy_(-torch.log(torch.nn.functional.softplus(layer.dt_bias) * tau))


_PLAIN = published(PLAIN["head_dim"])
MEMBERS = (
    Member("mamba2", lambda: _perturbed(**PLAIN), _PLAIN, _slow),
    Member(
        "mamba2-groups",
        lambda: _perturbed(**GROUPED),
        published(GROUPED["head_dim"], GROUPED["n_groups"]),
        _slow,
    ),
    Member(
        "mamba2-bidirectional",
        lambda: _perturbed(bidirectional=True, **PLAIN),
        both_ways(_PLAIN, own_weights(_PLAIN), _rest),
        _slow,
    ),
)
_SELECTIVE = "Mamba2 is selective: its matrices depend on the input"
EXCEPTIONS = {
    **{(member.name, "system"): f"{_SELECTIVE}, so it is no linear system" for member in MEMBERS},
    **{
        (member.name, "continuous_system"): f"{_SELECTIVE}; it has no continuous system" for member in MEMBERS
    },
    **refusals("mamba2-bidirectional", "Mamba2"),
}
