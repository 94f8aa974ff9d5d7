"""The linear LMU in the suite: its published equations, its constructors, what it refuses."""

import torch
from tests.nn.conformance.both_ways import both_ways, no_system, own_output, refusals
from tests.nn.conformance.member import CHANNELS, Member, stacked
from tests.nn.conformance.mixers.legendre import held

from clew.nn import LinearLMU
from clew.nn.legendre import LegendreMemory

ORDER, THETA, MEMORIES = 4, 12.0, 2


def published(parameters, x, state, dt=None):
    """Chilkuri and Eliasmith (2021), eq. 18 to 20, with f₁ and f₂ the identity and no biases."""
    U_x, W_m, W_x = (parameters[name] for name in ("U_x", "W_m", "W_x"))
    (m,) = state
    outputs = []
    for k in range(x.shape[1]):
        spans = torch.ones(len(x), dtype=torch.float64) if dt is None else dt[:, k]
        A_bar, B_bar = held(ORDER, spans / THETA)
        u = x[:, k] @ U_x.T
        m = torch.einsum("bij,bmj->bmi", A_bar, m) + u[:, :, None] * B_bar[:, None]
        outputs.append(m.flatten(1) @ W_m.T + x[:, k] @ W_x.T)
    return stacked(outputs, x), (m,)


def _slow(layer, samples):
    """A window of so many samples."""
    layer.memory = LegendreMemory(ORDER, samples)


def _rest(parameters):
    return (parameters["W_m"].new_zeros(MEMORIES, ORDER),)


def _member(name, equations, **options):
    return Member(
        name,
        lambda: LinearLMU(CHANNELS, ORDER, theta=THETA, memories=MEMORIES, **options),
        equations,
        _slow,
        holds=not options,
    )


BOTH_WAYS = both_ways(published, own_output(published, "W_m", "W_x"), _rest)
MEMBERS = (
    _member("lmu-linear", published),
    _member("lmu-linear-bidirectional", BOTH_WAYS, bidirectional=True),
)
EXCEPTIONS = {
    **refusals("lmu-linear-bidirectional", "LinearLMU"),
    **no_system("lmu-linear-bidirectional", "LinearLMU"),
}
