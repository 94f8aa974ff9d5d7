"""A step as a plain loop over the layers, on the weights as they are packed."""

import torch
from torch import Tensor
from torch.nn.functional import layer_norm, linear, silu, softplus

from clew.ops.decode.panels import Panels, unpack, unpadded
from clew.ops.decode.weights import DecodeWeights, Mamba2Layer, MambaLayer, Norm

__all__ = ["available", "forward", "supports"]


def available() -> str | None:
    """Always available."""
    return None


def supports(token: Tensor, state: Tensor) -> str | None:
    """Takes every call."""
    return None


def forward(token: Tensor, state: Tensor, weights: DecodeWeights) -> tuple[Tensor, Tensor]:
    """The logits and the state after the token; see :func:`clew.ops.decode`."""
    x, after = unpack(weights.embedding)[token], []
    sizes = [torch.Size(shape).numel() for shape in weights.state_shapes]
    states = iter(zip(torch.split(state, sizes, 1), weights.state_shapes, strict=True))
    for layer in weights.layers:
        conv, scan = (torch.unflatten(part, 1, shape) for part, shape in (next(states), next(states)))
        normed = _normed(x, layer.norm)
        if isinstance(layer, MambaLayer):
            y, conv, scan = _mamba(layer, normed, conv, scan)
        else:
            y, conv, scan = _mamba2(layer, normed, conv, scan)
        x = x + y
        after += [conv.flatten(1), scan.flatten(1)]
    return linear(_normed(x, weights.norm), unpack(weights.head)), torch.cat([state[:, :0], *after], 1)


def _mamba(layer: MambaLayer, x: Tensor, conv: Tensor, scan: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    inner, states = layer.A.shape
    v, z = torch.split(_product(layer.in_proj, x), [inner, inner], 1)
    u, conv = _convolved(layer, v, conv)
    r, B, C = torch.split(_product(layer.x_proj, u), [layer.rank, states, states], 1)
    if layer.selection_epsilon is not None:
        r, B, C = (part * _to_unit(part, layer.selection_epsilon) for part in (r, B, C))
    delta = softplus(_product(layer.dt_proj, r), threshold=100.0)
    driven = (delta * u)[..., None] * (layer.step_size * B)[:, None]
    h = torch.exp(delta[..., None] * layer.A) * scan + driven
    y = ((h * C[:, None]).sum(-1) + layer.D[:inner] * u) * silu(z)
    return _product(layer.out_proj, y), conv, h


def _mamba2(layer: Mamba2Layer, x: Tensor, conv: Tensor, scan: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    z, v, d = torch.split(_product(layer.in_proj, x), [layer.inner, conv.shape[2], layer.heads], 1)
    v, conv = _convolved(layer, v, conv)
    u, B, C = torch.split(v, [layer.inner, layer.groups * layer.states, layer.groups * layer.states], 1)
    u = torch.unflatten(u, 1, (layer.heads, -1))
    B, C = (
        torch.unflatten(part, 1, (layer.groups, 1, -1))
        .expand(-1, -1, layer.heads // layer.groups, -1)
        .flatten(1, 2)
        for part in (B, C)
    )
    A, D, bias = (part[: layer.heads] for part in (layer.A, layer.D, layer.dt_bias))
    delta = layer.step_size * softplus(d + bias, threshold=100.0)
    h = torch.exp(delta * A)[..., None, None] * scan + (delta[..., None] * u)[..., None] * B[:, :, None]
    y = (h * C[:, :, None]).sum(-1) + D[:, None] * u
    grouped = torch.unflatten(y.flatten(1) * silu(z), 1, (layer.groups, -1))
    normed = (grouped * _to_unit(grouped, layer.inner_epsilon)).flatten(1) * layer.inner_norm
    return _product(layer.out_proj, normed), conv, h


def _convolved(layer: MambaLayer | Mamba2Layer, v: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
    inputs = torch.cat((past, v[:, None]), 1)
    y = (inputs * layer.taps[:, : v.shape[1]]).sum(1)
    return silu(y if layer.conv_bias is None else y + layer.conv_bias[: v.shape[1]]), inputs[:, 1:]


def _product(packed: Panels, x: Tensor) -> Tensor:
    bias = None if packed.bias is None else unpadded(packed.bias, packed.parts)
    return linear(x, unpack(packed), bias)


def _to_unit(x: Tensor, epsilon: float) -> Tensor:
    size = x.abs().amax(-1, keepdim=True).clamp(min=1.0)  # so that no square overflows
    return 1 / size / torch.sqrt((x / size).square().mean(-1, keepdim=True) + epsilon / size / size)


def _normed(x: Tensor, norm: Norm) -> Tensor:
    if norm.kind == "layer":
        return layer_norm(x, x.shape[-1:], norm.weight, norm.bias, norm.epsilon)
    return x if norm.weight is None else x * _to_unit(x, norm.epsilon) * norm.weight
