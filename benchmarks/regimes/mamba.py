"""A training step of a small Mamba, four blocks of 128 channels: forward, and the gradients of everything."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.compare import Absent, Contender, with_gradients
from benchmarks.regime import Regime, Surroundings
from clew.nn import Backbone, Block, Mamba

__all__ = ["REGIMES"]

CHANNELS, LAYERS, EPSILON = 128, 4, 1e-5
SIZES = ((8, 512),)


def _clew() -> Backbone:
    torch.manual_seed(0)
    options = {"norm": "rms", "norm_epsilon": EPSILON, "activation": "none", "channel_mixing": "none"}
    return Backbone([Block(Mamba(CHANNELS), **options) for _ in range(LAYERS)])


def _mambapy() -> nn.Module | str:
    try:
        from mambapy.mamba import Mamba as Theirs
        from mambapy.mamba import MambaConfig
    except ImportError:
        return "mambapy is not installed"
    return Theirs(MambaConfig(CHANNELS, LAYERS, rms_norm_eps=EPSILON))


def _transformers() -> nn.Module | str:
    """Their blocks with mambapy's scan: the backward pass of their own loop is quadratic in time."""
    try:
        from transformers import MambaConfig
        from transformers.models.mamba.modeling_mamba import MambaBlock
    except ImportError:
        return "transformers is not installed"
    config = MambaConfig(
        hidden_size=CHANNELS, num_hidden_layers=LAYERS, layer_norm_epsilon=EPSILON, use_mambapy=True
    )
    return nn.Sequential(*(MambaBlock(config, layer_idx=number) for number in range(LAYERS)))


def _step(model: nn.Module, read: Callable[[nn.Module, Tensor], Tensor], x: Tensor) -> Callable[[], object]:
    """Gradients in the order of the parameters' names, which are the same everywhere but for their head."""
    named = {_tail(name): parameter for name, parameter in model.named_parameters()}
    leaves = [x, *(named[name] for name in sorted(named))]
    weight = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    return with_gradients(lambda: read(model, x), leaves, weight)


def _tail(name: str) -> str:
    """``3.mixer.D`` of ``blocks.3.mixer.D``."""
    return name.removeprefix("blocks.").removeprefix("layers.")


def _contenders(size: tuple[int, int], surroundings: Surroundings) -> Sequence[Contender | Absent]:
    own, x = _clew(), torch.randn(*size, CHANNELS, requires_grad=True)
    known = {_tail(name): parameter.detach() for name, parameter in own.named_parameters()}
    found: list[Contender | Absent] = [Contender("clew", _step(own, lambda model, x: model(x)[0], x))]
    for name, theirs in (("mambapy", _mambapy()), ("transformers, mambapy", _transformers())):
        if isinstance(theirs, str):
            found.append(Absent(name, theirs))
            continue
        with torch.no_grad():
            for key, parameter in theirs.named_parameters():
                parameter.copy_(known[_tail(key)])
        found.append(Contender(name, _step(theirs, lambda model, x: model(x), x)))
    return found


REGIMES = tuple(
    Regime(
        "Mamba, training step",
        " × ".join(f"{number:,}" for number in size) + f", d {CHANNELS} × {LAYERS}",
        partial(_contenders, size),
    )
    for size in SIZES
)
