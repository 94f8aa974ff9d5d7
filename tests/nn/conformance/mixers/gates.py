"""What the gated cells of the suite share: their gates, and biases that make them slow."""

import torch


def gates(parameters, which, values, count):
    """W v + b, cut into gates."""
    W, b = parameters[f"weight_{which}"], parameters[f"bias_{which}"]
    return (torch.einsum("ij,bj->bi", W, values) + b).chunk(count, dim=-1)


def slow(gate):
    """A gate of 1 − 1/τ at rest, for τ from 2 samples to ``samples``: σ(b) = 1 − 1/τ for b = log(τ − 1)."""

    def slow(layer, samples):
        with torch.no_grad():
            tau = torch.logspace(0, 1, layer.d_model, base=samples).clamp(min=2)
            rows = slice(gate * layer.d_model, (gate + 1) * layer.d_model)
            layer.bias_ih[rows] = torch.log(tau - 1)
            layer.bias_hh[rows] = 0.0

    return slow
