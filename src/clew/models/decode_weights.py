"""A language model's weights, packed for decoding."""

import torch
from torch import Tensor, nn

from clew.models.language_model import LanguageModel
from clew.nn import Block, Mamba, Mamba2
from clew.nn.norm import LayerNorm, RMSNorm
from clew.ops import DecodeWeights
from clew.ops.decode.panels import Kind, pack, padded
from clew.ops.decode.weights import Mamba2Layer, MambaLayer, Norm

__all__ = ["decode_weights", "refusal"]


def refusal(model: LanguageModel) -> str | None:
    """Why decoding does not take a model, with what to do about it; ``None`` if it does."""
    weight = model.embedding.weight
    if weight.device.type != "cpu":
        return f"decoding runs on the CPU; the model is on {weight.device}: model.cpu() first"
    if weight.dtype == torch.float64:
        return "decoding computes in float32; the model is in float64: model.float() first"
    for block in model.backbone.blocks:
        assert isinstance(block, Block)
        for what, part in (("an activation", block.activation), ("channel mixing", block.channel_mixing)):
            if not isinstance(part, nn.Identity):
                return f"decoding takes no blocks with {what} after the mixer; got {part}"
        mixer = block.mixer
        if mixer.bidirectional:
            return "decoding goes forwards; the model's mixers are bidirectional"
        if not isinstance(mixer, Mamba | Mamba2):
            return f"decoding takes the mixers 'mamba' and 'mamba2'; got {type(mixer).__name__}"
        if isinstance(mixer, Mamba2) and not isinstance(mixer.norm, nn.RMSNorm):
            return "decoding takes Mamba-2 with an RMSNorm behind the gate; got another norm, or none"
    return None


def decode_weights(model: LanguageModel, kind: Kind) -> DecodeWeights:
    """The weights of a model that :class:`clew.models.Decoder` takes.

    Raises:
        ValueError: for a model that it does not take, and why.
    """
    reason = refusal(model)
    if reason is not None:
        raise ValueError(reason)
    weight = model.embedding.weight
    tokens = model.config.n_tokens
    embedding = pack(weight[:tokens], kind)
    head = embedding if model.head is None else pack(model.head.weight[:tokens], kind)
    blocks = [block for block in model.backbone.blocks if isinstance(block, Block)]
    layers = tuple(_layer(block, kind) for block in blocks)
    return DecodeWeights(tokens, model.backbone.d_model, embedding, layers, _norm(model.norm), head)


def _layer(block: Block, kind: Kind) -> MambaLayer | Mamba2Layer:
    mixer, norm = block.mixer, _norm(block.norm)
    if isinstance(mixer, Mamba):
        return _mamba(mixer, norm, kind)
    assert isinstance(mixer, Mamba2)
    return _mamba2(mixer, norm, kind)


def _mamba(mixer: Mamba, norm: Norm, kind: Kind) -> MambaLayer:
    known, inner = mixer.constants(), mixer.expand * mixer.d_model
    selected = (mixer.dt_rank, mixer.d_state, mixer.d_state)
    return MambaLayer(
        norm=norm,
        in_proj=pack(known.in_proj_weight, kind, parts=(inner, inner), bias=known.in_proj_bias),
        taps=padded(known.conv1d_weight[:, 0].mT, (inner,), 1),
        conv_bias=padded(known.conv1d_bias, (inner,)),
        x_proj=pack(known.x_proj_weight, kind, parts=selected, bias=known.x_proj_bias),
        dt_proj=pack(known.dt_proj_weight, kind, bias=known.dt_proj_bias),
        A=_plain(known.A),
        D=padded(known.D, (inner,)),
        out_proj=pack(known.out_proj_weight, kind, bias=known.out_proj_bias),
        rank=mixer.dt_rank,
        selection_epsilon=mixer.selection_norm_epsilon,
        step_size=float(known.step_size),
    )


def _mamba2(mixer: Mamba2, norm: Norm, kind: Kind) -> Mamba2Layer:
    known, inner = mixer.constants(), mixer.expand * mixer.d_model
    convolved, heads = len(known.conv1d_bias), len(known.A)
    return Mamba2Layer(
        norm=norm,
        in_proj=pack(known.in_proj_weight, kind, parts=(inner, convolved, heads), bias=known.in_proj_bias),
        taps=padded(known.conv1d_weight[:, 0].mT, (convolved,), 1),
        conv_bias=padded(known.conv1d_bias, (convolved,)),
        dt_bias=padded(known.dt_bias, (heads,)),
        A=padded(known.A, (heads,)),
        D=padded(known.D, (heads,)),
        inner_norm=_plain(known.norm_weight),
        out_proj=pack(known.out_proj_weight, kind, bias=known.out_proj_bias),
        inner=inner,
        heads=heads,
        groups=mixer.n_groups,
        states=mixer.d_state,
        inner_epsilon=mixer.norm_epsilon,
        step_size=float(known.step_size),
    )


def _norm(norm: nn.Module) -> Norm:
    if isinstance(norm, RMSNorm):
        epsilon = torch.finfo(torch.float32).eps if norm.eps is None else norm.eps
        return Norm("rms", _plain(norm.weight), None, epsilon)
    if isinstance(norm, LayerNorm):
        return Norm("layer", _plain(norm.weight), _plain(norm.bias), norm.eps)
    assert isinstance(norm, nn.Identity)
    return Norm("none")


def _plain(tensor: Tensor) -> Tensor:
    return tensor.detach().float().clone(memory_format=torch.contiguous_format)
