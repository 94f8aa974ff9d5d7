"""One token through a language model, and a prompt of 2,048, with random weights in the shape of Mamba-130m.

Decoding reads all weights once for each token, so beside it stands the time to read as many bytes and do
nothing with them but add: no step can be faster than memory.
"""

import importlib.util
from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.compare import Absent, Contender
from benchmarks.peers import llama
from benchmarks.regime import Regime, Surroundings
from clew.models import Decoder, LanguageModel, LanguageModelConfig, build
from clew.ops.decode.panels import Kind, Panels

__all__ = ["REGIMES"]

SHAPE = LanguageModelConfig(50280, "mamba", d_model=768, n_layers=24)
TOKEN, PROMPT = torch.tensor([17]), 2048
ROUNDED = {"float32": 2e-3, "bfloat16": 6e-2}  # of a peer's logits
LLAMA: dict[Kind, dict[llama.Format, float]] = {
    "float32": {"F32": 2e-3},
    "bfloat16": {"BF16": 6e-2, "F16": 6e-2},
    "int8": {"Q8_0": 6e-2},  # rounds the activations as well
}


@cache
def own_model() -> LanguageModel:
    torch.manual_seed(0)
    return build(SHAPE).eval()


@cache
def their_model(dtype: torch.dtype) -> Any:
    """The same weights in ``transformers``."""
    from transformers import MambaConfig, MambaForCausalLM

    own = own_model()
    shape = MambaConfig(
        vocab_size=SHAPE.n_tokens,
        hidden_size=SHAPE.d_model,
        num_hidden_layers=SHAPE.n_layers,
        state_size=16,
    )
    names = {"norm.weight": "backbone.norm_f.weight", "embedding.weight": "backbone.embeddings.weight"}
    weights = {
        names.get(name, name.replace("backbone.blocks.", "backbone.layers.")): value
        for name, value in own.state_dict().items()
    }
    model = MambaForCausalLM(shape)
    missing = model.load_state_dict(weights | {"lm_head.weight": own.embedding.weight}, strict=False)
    assert not missing.unexpected_keys, missing
    assert not missing.missing_keys, missing
    return model.eval().to(dtype)


def bytes_of(decoder: Decoder) -> int:
    """What a step reads of the linear maps and the head."""
    layers = (part for layer in decoder.weights.layers for part in vars(layer).values())
    panels = [part for part in layers if isinstance(part, Panels)]
    return sum(part.panels.numel() for part in (*panels, decoder.weights.head))


def _inferring(run: Any) -> Any:
    def inside() -> Any:
        with torch.inference_mode():
            return run()

    return inside


@cache
def their_llama(kept: llama.Format) -> llama.Llama:
    """The same weights in llama.cpp."""
    return llama.Llama(own_model(), kept)


def _llamas(kind: Kind) -> list[Contender | Absent]:
    """Each reads on from where it is; compared are the logits of the first token."""
    reason = llama.missing()
    if reason is not None:
        return [Absent("llama.cpp", reason)]
    found: list[Contender | Absent] = []
    for kept, tolerance in LLAMA[kind].items():
        theirs = their_llama(kept)
        theirs.forget()
        first = theirs.read(TOKEN.tolist())
        run = partial(theirs.read, TOKEN.tolist())
        found.append(Contender(f"llama.cpp, {kept}", run, lambda _, first=first: [first], tolerance))
    return found


def _decoding(kind: Kind, surroundings: Surroundings) -> Sequence[Contender | Absent]:
    model = own_model()
    decoder, start = Decoder(model, kind), model.initial_state(1)
    wanted, _ = decoder.step(TOKEN, start)
    state = {"clew": decoder.initial_state(1)}

    def step() -> list[Tensor]:
        logits, state["clew"] = decoder.step(TOKEN, state["clew"])
        return [logits]

    numbers = torch.ones(bytes_of(decoder) // 4)
    found: list[Contender | Absent] = [
        Contender("clew", step, read=lambda _: [wanted]),
        Contender("reading as many bytes", numbers.sum, read=lambda _: [wanted]),
    ]
    if kind == "float32":
        constants = model.constants()
        plain = partial(model.step, TOKEN, start, constants=constants)
        found.append(Contender("clew, model.step", _inferring(plain), read=lambda result: [result[0]]))
    found += _llamas(kind)
    if kind == "int8":
        return found
    if importlib.util.find_spec("transformers") is None:
        return [*found, Absent("transformers", "not installed")]
    theirs = their_model(getattr(torch, kind))
    kept: dict[str, Any] = {"cache": None}

    def their_step() -> Any:
        result = theirs(TOKEN[None], cache_params=kept["cache"], use_cache=True)
        kept["cache"] = result.cache_params
        return result.logits[:, -1]

    peer = Contender("transformers", _inferring(their_step), lambda y: [y.float()], ROUNDED[kind])
    return [*found, peer]


def _prefilling(surroundings: Surroundings) -> Sequence[Contender | Absent]:
    model = own_model()
    prompt = torch.randint(SHAPE.n_tokens, (1, PROMPT), generator=torch.Generator().manual_seed(0))
    own = Contender("clew", _inferring(partial(model.prefill, prompt)), read=lambda result: [result[0]])
    peers = [_prefilling_llama(prompt)]
    if importlib.util.find_spec("transformers") is None:
        return [own, *peers, Absent("transformers", "not installed")]
    theirs = partial(their_model(torch.float32), prompt, use_cache=True)
    peers.append(Contender("transformers", _inferring(theirs), lambda result: [result.logits[:, -1]]))
    return [own, *peers]


def _prefilling_llama(prompt: Tensor) -> Contender | Absent:
    reason = llama.missing()
    if reason is not None:
        return Absent("llama.cpp", reason)
    theirs = llama.Llama(own_model(), "F32", batch=PROMPT)
    run = partial(theirs.read, prompt[0].tolist())
    return Contender("llama.cpp, F32", run, lambda result: [result], settings=theirs.forget)


REGIMES = (
    *(
        Regime(f"decode, Mamba-130m shape, {kind}", "1 token", partial(_decoding, kind))
        for kind in ("float32", "bfloat16", "int8")
    ),
    Regime("prefill, Mamba-130m shape", f"{PROMPT:,} tokens", _prefilling),
)
