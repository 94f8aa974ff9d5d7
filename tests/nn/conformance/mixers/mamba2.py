"""Mamba-2 in the suite: its published equations, its constructors, what it refuses."""

import torch
from tests.nn.conformance.both_ways import both_ways, own_weights, refusals
from tests.nn.conformance.member import CHANNELS, Member, stacked
from tests.nn.conformance.mixers.mamba import around, linear, silu

from clew.nn import Mamba2

STATES = 4
# head_dim and n_groups are in no parameter's shape.
PLAIN = {"head_dim": 2}
GROUPED = {"head_dim": 3, "n_groups": 2, "expand": 4, "d_conv": 3, "bias": True}


def published(head_dim, n_groups=1, norm="rms", norm_epsilon=1e-5, conv_padding="causal", **_):
    """Dao and Gu, "Transformers are SSMs" (2024), section 7; the order of its parts from its code.

    Ba and others, "Layer Normalization" (2016), equation 4, for the other norm.
    """
    groups = n_groups

    def normed(part):
        part = part - part.mean(-1, keepdim=True) if norm == "layer" else part
        return part / torch.sqrt((part**2).mean(-1, keepdim=True) + norm_epsilon)

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
            v = torch.einsum("bjc,cj->bc", window, taps)
            if conv_padding == "same":
                v = around(linear(parameters, "in_proj", x)[..., inner:-heads], taps)[:, k]
            v = silu(v + parameters["conv1d.bias"] if "conv1d.bias" in parameters else v)
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
            if norm != "none":
                y = torch.cat([normed(part) for part in y.split(inner // groups, dim=-1)], dim=-1)
                y = y * parameters["norm.weight"]
            y = y + parameters["norm.bias"] if norm == "layer" else y
            outputs.append(linear(parameters, "out_proj", y))
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


def _member(name, **options):
    equations = published(**options)
    if "bidirectional" in options:
        backwards = equations if "share_directions" in options else own_weights(equations)
        equations = both_ways(equations, backwards, _rest)
    return Member(name, lambda: _perturbed(**options), equations, _slow)


MEMBERS = (
    _member("mamba2", **PLAIN),
    _member("mamba2-groups", **GROUPED),
    _member("mamba2-layer-norm", **{**GROUPED, "norm": "layer", "norm_epsilon": 1e-2, "conv_bias": False}),
    _member("mamba2-bidirectional", **PLAIN, bidirectional=True, conv_padding="same", d_conv=3),
    _member("mamba2-shared", **PLAIN, bidirectional=True, share_directions=True, norm="none"),
)
_SELECTIVE = "Mamba2 is selective: its matrices depend on the input"
EXCEPTIONS = {
    **{(member.name, "system"): f"{_SELECTIVE}, so it is no linear system" for member in MEMBERS},
    **{
        (member.name, "continuous_system"): f"{_SELECTIVE}; it has no continuous system" for member in MEMBERS
    },
    **refusals("mamba2-bidirectional", "Mamba2"),
    **refusals("mamba2-shared", "Mamba2"),
}
