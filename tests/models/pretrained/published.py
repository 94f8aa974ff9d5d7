"""Small models of the package transformers, no tensor of which is at its default, and what they write.

The names and fields of the original code are written down here once more, by hand: this is the oracle of the
mapping in the library.
"""

import json

import pytest
import torch
import transformers
from safetensors.torch import save_file
from transformers import (
    Mamba2Config,
    Mamba2ForCausalLM,
    MambaConfig,
    MambaForCausalLM,
)

transformers.logging.set_verbosity_error()  # it notes that its fast kernels are not installed
transformers.logging.disable_progress_bar()

TOKENS = 101
SIZE = {"vocab_size": TOKENS, "hidden_size": 24, "num_hidden_layers": 2, "state_size": 6}
SIZE2 = SIZE | {"num_heads": 8, "head_dim": 6, "chunk_size": 8}
CASES = {
    "mamba": (MambaForCausalLM, MambaConfig(**SIZE)),
    "mamba, untied, biases": (
        MambaForCausalLM,
        MambaConfig(**SIZE, tie_word_embeddings=False, use_bias=True, use_conv_bias=False),
    ),
    "mamba, odd sizes": (
        MambaForCausalLM,
        MambaConfig(**SIZE, expand=3, conv_kernel=3, time_step_rank=5, layer_norm_epsilon=1e-3),
    ),
    "mamba2, one group": (Mamba2ForCausalLM, Mamba2Config(**SIZE2, n_groups=1)),
    "mamba2, two groups, tied, biases": (
        Mamba2ForCausalLM,
        Mamba2Config(**SIZE2, n_groups=2, tie_word_embeddings=True, use_bias=True, conv_kernel=3),
    ),
}
EACH = pytest.mark.parametrize("case", CASES)


def published(case, dtype=torch.float32):
    """The model of transformers, every tensor of it perturbed."""
    kind, config = CASES[case]
    model = kind(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += (0.3 if parameter.dim() == 1 else 0.1) * torch.randn_like(parameter)
    return model.to(dtype)


def texts(batch=2, time=19):
    return torch.randint(TOKENS, (batch, time))


@torch.no_grad()
def logits_of(model, tokens):
    return model(tokens).logits


def read_config(folder):
    return json.loads((folder / "config.json").read_text())


def write_config(folder, content):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(content))


def write_original(folder, model, *, multiple=8, head=True):
    """The checkpoint of the original code with the tensors of ``model``; returns its config."""
    config = model.config
    tensors = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    table = tensors.pop("backbone.embeddings.weight")
    rows = torch.randn(-len(table) % multiple, table.shape[1])  # nobody's
    tensors["backbone.embedding.weight"] = torch.cat([table, rows])
    if head:
        tensors["lm_head.weight"] = torch.cat([tensors["lm_head.weight"], rows])
    else:
        del tensors["lm_head.weight"]
    layer = {"d_state": config.state_size, "d_conv": config.conv_kernel, "expand": config.expand}
    layer |= {"bias": config.use_bias, "conv_bias": config.use_conv_bias}
    if isinstance(config, Mamba2Config):
        layer |= {"layer": "Mamba2", "headdim": config.head_dim, "ngroups": config.n_groups}
    else:
        layer |= {"dt_rank": config.time_step_rank}
    content = {
        "d_model": config.hidden_size,
        "n_layer": config.num_hidden_layers,
        "vocab_size": config.vocab_size,
        "ssm_cfg": layer,
        "rms_norm": True,
        "residual_in_fp32": True,
        "fused_add_norm": True,
        "pad_vocab_size_multiple": multiple,
        "tie_embeddings": config.tie_word_embeddings,
        "norm_epsilon": config.layer_norm_epsilon,
    }
    write_config(folder, content)
    save_file(tensors, folder / "model.safetensors")
    return content
