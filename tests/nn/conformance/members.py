"""Who is in the suite, what each may refuse, and how close is close.

A new mixer brings a constructor and its published equations (published.py), and gets every test. Whatever
it cannot do is a row of EXCEPTIONS, and must raise the ValueError written there.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from tests.nn.conformance import published

from clew.nn import GRU, LRU, LSTM, RNN, S4D, S5

CHANNELS = 3

# Differences are max |difference| / max |reference| throughout.
TOLERANCES = {
    "float64": 1e-10,  # a few hundred operations in float64, summed in different orders
    "float32": 2e-5,  # the same in float32, with parameters rounded to it
    "float32 gradients": 2e-4,  # sums over time of products, in float32
    "float32 long": 1e-4,  # 16,384 samples, time constants to 16,384: what all views promise
    "float32 long recurrence": 3e-4,  # the same, with one rounding of the state at each sample
    "bfloat16": 8e-3,  # one rounding of the output to 8 bits: 2⁻⁸ of its size, twice that to be safe
}


@dataclass(frozen=True)
class Member:
    """One mixer with one set of options."""

    name: str
    build: Callable[[], torch.nn.Module]
    equations: Callable
    slow: Callable[[torch.nn.Module, int], None]  # give it time constants of up to so many samples
    holds: bool = (
        False  # its input counts as constant over a step: dt = 2 is exactly two steps of the same input
    )


def _slow_s4d(layer, samples):
    """e^{Δ Re A} = e^{−1/τ} for τ from 1 sample to ``samples``, in place of the initial decays."""
    with torch.no_grad():
        tau = torch.logspace(0, 1, layer.A_log_real.numel(), base=samples).reshape(layer.A_log_real.shape)
        layer.A_log_real.copy_(-torch.log(tau) - layer.log_dt[:, None])


def _slow_s5(layer, samples):
    """As S4D, with one Δ for each state."""
    with torch.no_grad():
        tau = torch.logspace(0, 1, layer.A_log_real.numel(), base=samples)
        layer.A_log_real.copy_(-torch.log(tau) - layer.log_dt)


def _slow_rnn(layer, samples):
    """A orthogonal but for a decay of e^{−1/samples}."""
    with torch.no_grad():
        layer.A.copy_(torch.linalg.qr(torch.randn_like(layer.A.double()))[0] * (1 - 1 / samples))


def _slow_lru(layer, samples):
    """|λ| = e^{−1/τ} for τ from 1 sample to ``samples``, and γ as at the start."""
    with torch.no_grad():
        tau = torch.logspace(0, 1, layer.d_state, base=samples, dtype=torch.float64)
        layer.nu_log.copy_(-torch.log(tau))
        layer.gamma_log.copy_(0.5 * torch.log(-torch.expm1(-2 / tau)))


def _slow_gated(gate):
    """A gate of 1 − 1/τ at rest, for τ from 2 samples to ``samples``: σ(b) = 1 − 1/τ for b = log(τ − 1)."""

    def slow(layer, samples):
        with torch.no_grad():
            tau = torch.logspace(0, 1, layer.d_model, base=samples).clamp(min=2)
            rows = slice(gate * layer.d_model, (gate + 1) * layer.d_model)
            layer.bias_ih[rows] = torch.log(tau - 1)
            layer.bias_hh[rows] = 0.0

    return slow


def _s4d(name, discretization="zoh", **options):
    return Member(
        name,
        lambda: S4D(CHANNELS, 8, discretization=discretization, dt_min=0.01, dt_max=0.3, **options),
        published.s4d(discretization),
        _slow_s4d,
        holds=discretization == "zoh",
    )


def _rnn(name, **options):
    return Member(
        name,
        lambda: RNN(CHANNELS, 5, **options),
        published.rnn(options.get("nonlinearity", "tanh")),
        _slow_rnn,
    )


def _s5(name, discretization="zoh", **options):
    return Member(
        name,
        lambda: S5(CHANNELS, 8, discretization=discretization, dt_min=0.01, dt_max=0.3, **options),
        published.s5(discretization),
        _slow_s5,
        holds=discretization == "zoh",
    )


def _lru(name, **options):
    return Member(name, lambda: LRU(CHANNELS, 5, **options), published.lru, _slow_lru)


MEMBERS = (
    _s4d("s4d"),
    _s4d("s4d-convolution", mode="convolution", init="real"),
    _s4d("s4d-recurrent", mode="recurrent", init="inv"),
    _s4d("s4d-bilinear", mode="scan", init="lin", discretization="bilinear"),
    _rnn("rnn-linear", nonlinearity=None),
    _rnn("rnn-linear-recurrent", nonlinearity=None, mode="recurrent"),
    _rnn("rnn-linear-convolution", nonlinearity=None, mode="convolution"),
    _rnn("rnn-tanh", nonlinearity="tanh"),
    _s5("s5"),
    _s5("s5-recurrent", mode="recurrent", blocks=2),
    _s5("s5-bilinear", mode="scan", discretization="bilinear"),
    _lru("lru"),
    _lru("lru-recurrent", mode="recurrent"),
    Member("gru", lambda: GRU(CHANNELS), published.gru, _slow_gated(1)),
    Member("lstm", lambda: LSTM(CHANNELS), published.lstm, _slow_gated(1)),
)

# (member, what it does not have): the error, and with it the reason.
_ONE_KERNEL = "mode='convolution' has one kernel for all and takes no"
_DISCRETE = "an RNN is defined in discrete time and"
EXCEPTIONS = {
    ("s4d-convolution", "segments"): f"{_ONE_KERNEL} segments: take mode='scan'",
    ("s4d-convolution", "dt"): f"{_ONE_KERNEL} dt: take mode='scan'",
    ("rnn-linear", "dt"): f"{_DISCRETE} takes no dt",
    ("rnn-linear", "continuous_system"): f"{_DISCRETE} has no continuous system",
    ("rnn-linear-recurrent", "dt"): f"{_DISCRETE} takes no dt",
    ("rnn-linear-recurrent", "continuous_system"): f"{_DISCRETE} has no continuous system",
    ("rnn-linear-convolution", "dt"): f"{_DISCRETE} takes no dt",
    (
        "rnn-linear-convolution",
        "segments",
    ): "mode='convolution' cannot start anew at segments: take mode='scan'",
    ("rnn-linear-convolution", "continuous_system"): f"{_DISCRETE} has no continuous system",
    ("lru", "continuous_system"): "an LRU is defined in discrete time and has no continuous system",
    ("lru-recurrent", "continuous_system"): "an LRU is defined in discrete time and has no continuous system",
    ("gru", "dt"): "a GRU is defined in discrete time and takes no dt",
    ("gru", "system"): "a GRU is not a linear system",
    ("gru", "continuous_system"): "a GRU is defined in discrete time and has no continuous system",
    ("lstm", "dt"): "an LSTM is defined in discrete time and takes no dt",
    ("lstm", "system"): "an LSTM is not a linear system",
    ("lstm", "continuous_system"): "an LSTM is defined in discrete time and has no continuous system",
    ("rnn-tanh", "dt"): f"{_DISCRETE} takes no dt",
    ("rnn-tanh", "system"): "an RNN with tanh is not a linear system",
    ("rnn-tanh", "continuous_system"): f"{_DISCRETE} has no continuous system",
}


def takes(member, feature):
    """Whether the table leaves ``feature`` to ``member``."""
    return (member.name, feature) not in EXCEPTIONS
