"""llama.cpp on the weights of one of our models: a file in its format, and its C interface step by step."""

import ctypes
import importlib.util
import tempfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from clew.models import LanguageModel
from clew.nn import Block, Mamba

__all__ = ["Format", "Llama", "missing"]

Format = Literal["F32", "F16", "BF16", "Q8_0"]

BLOCK = 32
"""Numbers of a row that share a scale in Q8_0; other lengths are kept in 16 bits, as its own tools do."""


def missing() -> str | None:
    """Why there is no llama.cpp here; ``None`` if there is."""
    for module in ("llama_cpp", "gguf"):
        if importlib.util.find_spec(module) is None:
            return f"{module} is not installed"
    return None


class Llama:
    """A Mamba in llama.cpp, with as many threads as torch has.

    Args:
        model: of Mamba blocks, with an RMSNorm before each, and a tied head.
        kept: how the matrices are kept; norms, convolutions, A, D and biases are float32 as always.
        batch: the most tokens that are read at once.
    """

    def __init__(self, model: LanguageModel, kept: Format, batch: int = 512) -> None:
        import llama_cpp

        self._api = llama_cpp
        self.n_tokens = model.config.n_tokens
        self._said = llama_cpp.llama_log_callback(lambda level, text, data: None)
        llama_cpp.llama_log_set(self._said, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        of_model = llama_cpp.llama_model_default_params()
        of_model.use_mmap = False
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.gguf"
            write(model, path, kept)
            self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), of_model)
        assert self._model, "llama.cpp does not read the file"
        of_context = llama_cpp.llama_context_default_params()
        of_context.n_ctx, of_context.n_batch = 1 << 16, batch
        of_context.n_threads = of_context.n_threads_batch = torch.get_num_threads()
        self._context = llama_cpp.llama_init_from_model(self._model, of_context)
        assert self._context, "llama.cpp makes no context"

    def forget(self) -> None:
        """Back to the state before the first token."""
        self._api.llama_memory_clear(self._api.llama_get_memory(self._context), True)

    def read(self, tokens: list[int]) -> Tensor:
        """Read tokens: the logits (1, n_tokens) of the one after them."""
        given = (self._api.llama_token * len(tokens))(*tokens)
        code = self._api.llama_decode(self._context, self._api.llama_batch_get_one(given, len(tokens)))
        assert code == 0, f"llama_decode returned {code}"
        found = self._api.llama_get_logits_ith(self._context, -1)
        return torch.from_numpy(np.ctypeslib.as_array(found, (1, self.n_tokens)).copy())


def write(model: LanguageModel, path: Path, kept: Format) -> None:
    """Write the model as a file of llama.cpp's, without a vocabulary."""
    import gguf

    blocks = [block for block in model.backbone.blocks if isinstance(block, Block)]
    first = blocks[0].mixer
    assert isinstance(first, Mamba)
    assert model.head is None
    writer: Any = gguf.GGUFWriter(path, "mamba")
    writer.add_context_length(1 << 20)
    writer.add_embedding_length(model.backbone.d_model)
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_block_count(len(blocks))
    writer.add_ssm_conv_kernel(first.d_conv)
    writer.add_ssm_inner_size(first.expand * first.d_model)
    writer.add_ssm_state_size(first.d_state)
    writer.add_ssm_time_step_rank(first.dt_rank)
    writer.add_layer_norm_rms_eps(model.norm.eps)
    writer.add_ssm_dt_b_c_rms(False)
    writer.add_tokenizer_model("none")
    writer.add_vocab_size(model.config.n_tokens)

    def add(name: str, tensor: Tensor) -> None:
        values = tensor.detach().float().contiguous().numpy()
        kind = "F32"
        if name.split(".")[-2] in ("token_embd", "ssm_in", "ssm_x", "ssm_dt", "ssm_out") and values.ndim == 2:
            kind = "F16" if kept == "Q8_0" and values.shape[1] % BLOCK else kept
        which = gguf.GGMLQuantizationType[kind]
        writer.add_tensor(name, gguf.quantize(values, which), raw_dtype=which)

    add("token_embd.weight", model.embedding.weight[: model.config.n_tokens])
    add("output_norm.weight", model.norm.weight)
    for number, block in enumerate(blocks):
        mixer, place = block.mixer, f"blk.{number}."
        assert isinstance(mixer, Mamba)
        add(place + "attn_norm.weight", block.norm.weight)
        add(place + "ssm_in.weight", mixer.in_proj.weight)
        add(place + "ssm_conv1d.weight", mixer.conv1d.weight[:, 0])
        add(place + "ssm_conv1d.bias", mixer.conv1d.bias)
        add(place + "ssm_x.weight", mixer.x_proj.weight)
        add(place + "ssm_dt.weight", mixer.dt_proj.weight)
        add(place + "ssm_dt.bias", mixer.dt_proj.bias)
        add(place + "ssm_a", -mixer.A_log.exp())
        add(place + "ssm_d", mixer.D)
        add(place + "ssm_out.weight", mixer.out_proj.weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
