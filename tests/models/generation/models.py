"""Small language models whose weights are far from their start, so that nothing is nearly zero."""

import torch

from clew.models import LanguageModel, LanguageModelConfig, build

N_TOKENS = 37
MIXERS = {
    "mamba": {"d_state": 4},
    "mamba2": {"d_state": 8, "head_dim": 8},
    "s4d": {"d_state": 8},
    "gru": {},
}


def small_model(mixer: str = "mamba2", *, seed: int = 0, dtype=torch.float64, **changes) -> LanguageModel:
    """float64, so that two ways to compute the same text choose the same tokens."""
    config = LanguageModelConfig(
        changes.pop("n_tokens", N_TOKENS),
        mixer=mixer,
        mixer_options=MIXERS[mixer],
        d_model=16,
        n_layers=2,
        tied=changes.pop("tied", False),
        **changes,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = build(config).to(dtype)
        for parameter in model.parameters():
            parameter.data += 0.2 * torch.randn_like(parameter)
    return model.eval()


def prompts(*lengths: int, seed: int = 0) -> list[list[int]]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(N_TOKENS, (length,), generator=generator).tolist() for length in lengths]
