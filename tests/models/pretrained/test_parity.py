"""Published checkpoints give the logits that their own code gives.

Oracle: the package transformers, on models of which no tensor is at its default; for LayerNorm, the same with
torch's norm put in. Tolerances: TOLERANCES.
"""

import itertools

import pytest
import torch
from tests.models.pretrained.published import (
    CASES,
    EACH,
    TOKENS,
    logits_of,
    published,
    read_config,
    texts,
    write_config,
    write_original,
)
from torch import nn
from torch.testing import assert_close

from clew.models import LanguageModel

TOLERANCES = {
    "float32": 1e-5,  # logits of size 3, two layers, sums in another order; 2e-6 is the worst seen
    "bfloat16": 3e-2,  # of the largest logit: what enters and leaves a mixer has 8 bits
}


@torch.no_grad()
def close(model, tokens, wanted):
    assert_close(model(tokens)[0], wanted, rtol=0, atol=TOLERANCES["float32"])


@EACH
def test_logits_of_transformers(case, tmp_path):
    theirs, tokens = published(case), texts()
    theirs.save_pretrained(tmp_path)
    model = LanguageModel.from_pretrained(tmp_path)
    close(model, tokens, logits_of(theirs, tokens))
    assert not model.training
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert (model.head is None) == theirs.config.tie_word_embeddings


@EACH
def test_a_prompt_in_random_chunks_is_the_whole(case, tmp_path):
    theirs, tokens = published(case), texts(time=40)
    theirs.save_pretrained(tmp_path)
    model = LanguageModel.from_pretrained(tmp_path)
    wanted = logits_of(theirs, tokens)
    for _ in range(3):
        cuts = [0, *sorted(torch.randint(41, (4,)).tolist()), 40]
        state, seen = None, []
        with torch.no_grad():
            for start, stop in itertools.pairwise(cuts):
                logits, state = model(tokens[:, start:stop], state)
                seen.append(logits)
        assert_close(torch.cat(seen, 1), wanted, rtol=0, atol=TOLERANCES["float32"])


@EACH
@torch.no_grad()
def test_sixteen_bits_lose_no_more_than_there(case, tmp_path):
    theirs, tokens = published(case, torch.bfloat16), texts()
    theirs.save_pretrained(tmp_path)
    model = LanguageModel.from_pretrained(tmp_path)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    there = logits_of(theirs, tokens).float()
    exact = logits_of(theirs.float(), tokens)
    error = (model(tokens)[0] - exact).abs().max()
    assert error <= 1.2 * (there - exact).abs().max()
    assert error <= TOLERANCES["bfloat16"] * exact.abs().max()


def test_parameters_may_be_had_in_another_dtype(tmp_path):
    theirs, tokens = published("mamba2, one group", torch.bfloat16), texts()
    theirs.save_pretrained(tmp_path)
    model = LanguageModel.from_pretrained(tmp_path, dtype=torch.float32)
    assert {value.dtype for value in model.state_dict().values()} == {torch.float32}
    close(model, tokens, logits_of(theirs.float(), tokens))


@EACH
@pytest.mark.parametrize("multiple", [1, 8, 16])
def test_the_original_layout_has_the_same_logits(case, multiple, tmp_path):
    theirs, tokens = published(case), texts()
    write_original(tmp_path, theirs, multiple=multiple)
    model = LanguageModel.from_pretrained(tmp_path)
    close(model, tokens, logits_of(theirs, tokens))
    assert model(tokens)[0].shape[-1] == TOKENS
    assert len(model.embedding.weight) == -(-TOKENS // multiple) * multiple


@pytest.mark.parametrize("case", ["mamba", "mamba2, two groups, tied, biases"])
def test_the_original_s_layer_norm(case, tmp_path):
    theirs, tokens = published(case), texts()
    core = theirs.backbone
    for holder, name in [(core, "norm_f"), *((layer, "norm") for layer in core.layers)]:
        norm = nn.LayerNorm(theirs.config.hidden_size)
        nn.init.normal_(norm.weight, 1.0, 0.3)
        nn.init.normal_(norm.bias, 0.0, 0.3)
        setattr(holder, name, norm)
    content = write_original(tmp_path, theirs)
    for config in (content | {"rms_norm": False}, {k: v for k, v in content.items() if k != "rms_norm"}):
        write_config(tmp_path, config)
        model = LanguageModel.from_pretrained(tmp_path)
        assert model.config.norm == "layer"
        close(model, tokens, logits_of(theirs, tokens))


@EACH
def test_no_name_of_the_model_is_needed(case, tmp_path):
    theirs, tokens = published(case), texts()
    theirs.save_pretrained(tmp_path)
    content = read_config(tmp_path)
    del content["model_type"], content["architectures"]
    write_config(tmp_path, content)
    close(LanguageModel.from_pretrained(tmp_path), tokens, logits_of(theirs, tokens))


@EACH
def test_sizes_that_the_config_lacks_are_read_off_the_tensors(case, tmp_path):
    theirs, tokens = published(case), texts()
    theirs.save_pretrained(tmp_path)
    needed = {"layer_norm_epsilon", "mixer_rms_eps"} | ({"state_size"} if "mamba2" in case else set())
    content = {name: value for name, value in read_config(tmp_path).items() if name in needed}
    write_config(tmp_path, content)
    close(LanguageModel.from_pretrained(tmp_path), tokens, logits_of(theirs, tokens))


def test_a_config_with_the_names_of_both_codes(tmp_path):
    theirs, tokens = published("mamba"), texts()
    theirs.save_pretrained(tmp_path)
    stale = {"d_model": 48, "n_layer": 7, "d_inner": 96, "ssm_cfg": {}, "pad_vocab_size_multiple": 8}
    write_config(tmp_path, read_config(tmp_path) | stale)
    close(LanguageModel.from_pretrained(tmp_path), tokens, logits_of(theirs, tokens))


def test_inner_channels_go_before_a_factor(tmp_path):
    theirs, tokens = published("mamba"), texts()
    theirs.save_pretrained(tmp_path)
    write_config(tmp_path, read_config(tmp_path) | {"expand": 16})
    close(LanguageModel.from_pretrained(tmp_path), tokens, logits_of(theirs, tokens))


@pytest.mark.parametrize("case", [name for name in CASES if CASES[name][1].tie_word_embeddings])
def test_a_head_that_is_the_embedding_is_tied(case, tmp_path):
    theirs, tokens = published(case), texts()
    content = write_original(tmp_path, theirs, head=False)
    heads = [LanguageModel.from_pretrained(tmp_path).head]
    del content["tie_embeddings"]
    for head in (True, False):
        write_original(tmp_path, theirs, head=head)
        write_config(tmp_path, content)
        model = LanguageModel.from_pretrained(tmp_path)
        close(model, tokens, logits_of(theirs, tokens))
        heads.append(model.head)
    assert heads == [None] * 3


def test_a_head_of_its_own_is_kept_where_the_config_says_nothing(tmp_path):
    theirs, tokens = published("mamba, untied, biases"), texts()
    content = write_original(tmp_path, theirs)
    del content["tie_embeddings"]
    write_config(tmp_path, content)
    model = LanguageModel.from_pretrained(tmp_path)
    assert model.head is not None
    close(model, tokens, logits_of(theirs, tokens))


@pytest.mark.parametrize("limit", [[0.0, float("inf")], [0.0, {"__float__": "Infinity"}]])
def test_steps_without_a_limit(limit, tmp_path):
    theirs, tokens = published("mamba2, one group"), texts()
    theirs.save_pretrained(tmp_path)
    write_config(tmp_path, read_config(tmp_path) | {"time_step_limit": limit})
    close(LanguageModel.from_pretrained(tmp_path), tokens, logits_of(theirs, tokens))
