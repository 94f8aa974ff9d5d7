"""What is saved is loaded again: by clew with the same bits, by transformers with the same logits.

Oracle: the model that was saved; the package transformers. Tolerances: TOLERANCES; bits where none is named.
"""

import dataclasses
import json

import pytest
import torch
from tests.files.disk import disk_that_lasts, power_cut
from tests.models.pretrained.published import EACH, logits_of, published, read_config
from torch.testing import assert_close
from transformers import AutoModelForCausalLM

from clew.models import LanguageModel, LanguageModelConfig, build

__all__ = ["disk_that_lasts", "power_cut"]

TOLERANCES = {
    "float32": 1e-5,  # logits of size 3, sums in another order; 2e-6 is the worst seen
}

TOKENS = 53
CONFIG = LanguageModelConfig(
    TOKENS, mixer="mamba2", d_model=16, n_layers=2, mixer_options={"d_state": "8", "head_dim": 4}
)
CHANGES = {
    "mamba2": {},
    "untied, padded": {"tied": False, "padded_to": 64},
    "mamba": {"mixer": "mamba", "mixer_options": {"d_state": 5, "bias": True, "conv_bias": False}},
}
OTHERS = {
    "s4d": {"mixer": "s4d", "mixer_options": {"d_state": 8}, "activation": "gelu", "channel_mixing": "glu"},
    "lstm": {"mixer": "lstm", "mixer_options": {}, "norm": "layer", "dropout": 0.1},
    "both ways": {"mixer_options": {"d_state": 8, "bidirectional": True}},
}


def perturbed(changes, dtype=torch.float32):
    model = build(dataclasses.replace(CONFIG, **changes))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return model.to(dtype).eval()


def texts():
    return torch.randint(TOKENS, (2, 17))


def same_bits(one, other):
    there = other.state_dict()
    assert one.state_dict().keys() == there.keys()
    for name, tensor in one.state_dict().items():
        assert tensor.dtype == there[name].dtype
        assert torch.equal(tensor, there[name]), name


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("changes", [*CHANGES.values(), *OTHERS.values()], ids=[*CHANGES, *OTHERS])
def test_clew_s_layout_keeps_the_bits(changes, dtype, tmp_path):
    model = perturbed(changes, dtype)
    model.save_pretrained(tmp_path / "new" / "folder")
    again = LanguageModel.from_pretrained(tmp_path / "new" / "folder")
    same_bits(again, model)
    assert again.config == model.config
    assert again.backbone.blocks[0].dropout.p == model.backbone.blocks[0].dropout.p


def test_a_resampled_model_keeps_its_steps(tmp_path):
    model = perturbed({})
    model.backbone = model.backbone.resample(0.5)
    model.save_pretrained(tmp_path)
    again = LanguageModel.from_pretrained(tmp_path)
    assert again.backbone.blocks[0].mixer.step_size == 0.5
    same_bits(again, model)


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_transformers_reads_hugging_face_s_layout(changes, tmp_path):
    model, tokens = perturbed(changes), texts()
    model.save_pretrained(tmp_path, layout="huggingface")
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path)
    with torch.no_grad():
        wanted = model(tokens)[0]
    assert_close(logits_of(theirs, tokens), wanted, rtol=0, atol=TOLERANCES["float32"])
    assert theirs.config.eos_token_id is None
    assert theirs.dtype == torch.float32


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_hugging_face_s_layout_keeps_the_bits(changes, tmp_path):
    model = perturbed(changes, torch.bfloat16)
    model.save_pretrained(tmp_path, layout="huggingface")
    again = LanguageModel.from_pretrained(tmp_path)
    for name, tensor in again.state_dict().items():
        whole = model.state_dict()[name]
        # The rows that are nobody's are left out.
        vocabulary = name in ("embedding.weight", "head.weight")
        assert torch.equal(tensor, whole[:TOKENS] if vocabulary else whole), name
    assert dict(read_config(tmp_path))["dtype"] == "bfloat16"


@EACH
def test_a_published_model_comes_back_as_it_went(case, tmp_path):
    theirs = published(case)
    theirs.save_pretrained(tmp_path / "published")
    LanguageModel.from_pretrained(tmp_path / "published").save_pretrained(tmp_path / "again", "huggingface")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "again")
    assert type(again) is type(theirs)
    same_bits(again, theirs)
    there, here = read_config(tmp_path / "published"), read_config(tmp_path / "again")
    for content in (there, here):
        for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
            content.pop(name, None)
    assert {name: there[name] for name in here} == here


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        (OTHERS["s4d"], ["the mixer is s4d"]),
        ({"norm": "layer", "activation": "silu"}, ["norm is 'layer'", "activation is 'silu'"]),
        ({"channel_mixing": "glu"}, ["channel_mixing is 'glu'"]),
        (OTHERS["both ways"], ["the mixer's bidirectional is True"]),
        ({"mixer_options": {"norm": "layer"}}, ["the mixer's norm is 'layer'"]),
        ({"norm_epsilon": 1e-3}, ["norm_epsilon is 1e-05 and the model's 0.001"]),
        ({"mixer": "mamba", "mixer_options": {"x_proj_bias": True}}, ["the mixer's x_proj_bias is True"]),
    ],
)
def test_what_hugging_face_has_no_words_for(changes, reasons, tmp_path):
    with pytest.raises(ValueError, match="has no words") as error:
        perturbed(changes).save_pretrained(tmp_path / "folder", "huggingface")
    assert all(reason in str(error.value) for reason in reasons)
    assert not (tmp_path / "folder").exists()


def test_hugging_face_has_no_step_sizes(tmp_path):
    model = perturbed({})
    model.backbone = model.backbone.resample(0.5)
    with pytest.raises(ValueError, match="it was resampled"):
        model.save_pretrained(tmp_path, "huggingface")


def test_options_at_their_default_need_no_words(tmp_path):
    options = {"d_state": "8", "bidirectional": "false", "head_dim": "none"}
    perturbed({"mixer_options": options}).save_pretrained(tmp_path, "huggingface")
    assert read_config(tmp_path)["head_dim"] == 32


def test_an_unknown_layout(tmp_path):
    with pytest.raises(ValueError, match="unknown layout 'hugginface'; did you mean 'huggingface'"):
        perturbed({}).save_pretrained(tmp_path, "hugginface")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "pytorch_model.bin"])
def test_a_checkpoint_is_not_written_over(name, tmp_path):
    (tmp_path / name).write_text("something")
    with pytest.raises(FileExistsError, match=f"holds {name} already"):
        perturbed({}).save_pretrained(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_crash_leaves_a_whole_checkpoint_or_none(tmp_path, disk_that_lasts, power_cut):
    model = perturbed({})
    for calls in range(100):
        folder = tmp_path / str(calls)
        disk_that_lasts(calls)
        try:
            model.save_pretrained(folder)
            whole = True
        except power_cut:
            whole = False
        disk_that_lasts()
        if (folder / "config.json").exists():
            same_bits(LanguageModel.from_pretrained(folder), model)
        else:
            assert not whole
            with pytest.raises(FileNotFoundError, match="is no checkpoint"):
                LanguageModel.from_pretrained(folder)
        if whole:
            break
    assert calls > 5


def test_the_directory_of_a_run_is_read(tmp_path):
    model = perturbed({})
    model.save_pretrained(tmp_path)
    content = read_config(tmp_path) | {"training": {}, "data": {}, "threads": 1}
    (tmp_path / "config.json").write_text(json.dumps(content))
    same_bits(LanguageModel.from_pretrained(tmp_path), model)
