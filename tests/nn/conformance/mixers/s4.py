"""S4 in the suite: its published equations, its constructors, what it refuses."""

import torch
from tests.nn.conformance.both_ways import both_ways, no_system, own_output, refusals
from tests.nn.conformance.member import CHANNELS, Member, stacked

from clew.nn import S4


def published(parameters, x, state, dt=None):
    """Gu et al., "Efficiently modeling long sequences with structured state spaces" (2022), eq. 1 to 3, with
    A = Λ − P P* (Goel et al., "It's raw!" (2022), section 4.2), dense, on the full complex state (h, h̄)."""
    A, B, C, P = (
        torch.complex(-torch.exp(parameters["A_log_real"]), parameters["A_imag"]),
        *(torch.complex(parameters[name][..., 0], parameters[name][..., 1]) for name in "BCP"),
    )
    A, B, C, P = (torch.cat((part, part.conj()), dim=-1) for part in (A, B, C, P))
    A = torch.diag_embed(A) - torch.einsum("crn,crm->cnm", P, P.conj())
    delta = torch.exp(parameters["log_dt"])[:, None, None]
    identity = torch.eye(A.shape[-1], dtype=A.dtype)
    h = torch.complex(*state)
    pairs = h.shape[-1]
    h = torch.cat((h, h.conj()), dim=-1)
    outputs = []
    for k in range(x.shape[1]):
        step = delta if dt is None else delta * dt[:, k, None, None, None]
        inputs = step[..., 0] * B * x[:, k, :, None]
        moved = h + step[..., 0] / 2 * torch.einsum("cnm,bcm->bcn", A, h)
        h = torch.linalg.solve((identity - step / 2 * A).expand(len(x), -1, -1, -1), moved + inputs)
        outputs.append((C * h).sum(-1).real + parameters["D"] * x[:, k])
    return stacked(outputs, x), (h[..., :pairs].real, h[..., :pairs].imag)


def _slow(layer, samples):
    """Ā's slowest eigenvalues e^{−1/τ} for τ from 1 sample to ``samples``, and P too small to damp them."""
    with torch.no_grad():
        tau = torch.logspace(0, 1, layer.A_log_real.numel(), base=samples).reshape(layer.A_log_real.shape)
        layer.A_log_real.copy_(-torch.log(tau) - layer.log_dt[:, None])
        layer.P.mul_((0.1 / tau.sqrt())[:, None, :, None])


def _rest(parameters):
    return (torch.zeros_like(parameters["A_imag"]),) * 2


def _member(name, **options):
    equations = published
    if "bidirectional" in options:
        equations = both_ways(published, own_output(published), _rest, without_present=True)
    return Member(
        name, lambda: S4(CHANNELS, 8, dt_min=0.01, dt_max=0.3, **options), equations, _slow, holds=False
    )


MEMBERS = (
    _member("s4"),
    _member("s4-convolution", mode="convolution", init="legt"),
    _member("s4-recurrent", mode="recurrent", init="fout"),
    _member("s4-bidirectional", bidirectional=True),
)

_CONVOLUTION = "mode='convolution' has one"
EXCEPTIONS = {
    **refusals("s4-bidirectional", "S4"),
    **no_system("s4-bidirectional", "S4"),
    ("s4-convolution", "segments"): f"{_CONVOLUTION} kernel for all and takes no segments: take mode='scan'",
    ("s4-convolution", "dt"): f"{_CONVOLUTION} matrix for all and takes no dt: take mode='recurrent'",
}
