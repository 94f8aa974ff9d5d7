"""Which way through a model is taken, and that it is the same way.

Oracle: the model itself. Tolerances: the decoder's are in test_decoder.py.
"""

import pytest
import torch

from clew.models import Decoder, LanguageModelConfig, build, quickest
from clew.ops import backends

compiled = pytest.mark.skipif("native" not in backends()["decode"].available, reason="no compiled module")


def model_of(mixer="mamba", dtype=torch.float32):
    return build(LanguageModelConfig(37, mixer, d_model=16, n_layers=1)).eval().to(dtype)


@compiled
@pytest.mark.parametrize(
    ("dtype", "kind"),
    [(torch.float32, "float32"), (torch.bfloat16, "bfloat16"), (torch.float16, "float32")],
    ids=str,
)
def test_a_decoder_that_rounds_nothing(dtype, kind):
    found = quickest(model_of(dtype=dtype))
    assert isinstance(found, Decoder)
    assert found.kind == kind


@pytest.mark.parametrize(
    "model", [model_of("s4d"), model_of("lstm"), model_of("mamba", torch.float64)], ids=["s4d", "lstm", "64"]
)
def test_the_model_where_there_is_no_decoder_of_it(model):
    assert quickest(model) is model


def test_the_model_where_nothing_is_compiled(monkeypatch):
    monkeypatch.setattr(type(backends()["decode"]), "available", ("reference",))
    model = model_of()
    assert quickest(model) is model


def test_the_model_where_memory_is_short(monkeypatch):
    pages = {"SC_PAGE_SIZE": 1024, "SC_PHYS_PAGES": 4}
    monkeypatch.setattr("os.sysconf", pages.__getitem__)
    model = model_of()
    assert quickest(model) is model


def test_what_is_asked_for():
    model = model_of()
    assert quickest(model, "model") is model
    assert [quickest(model, kind).kind for kind in ("float32", "bfloat16", "int8")] == [
        "float32",
        "bfloat16",
        "int8",
    ]
    with pytest.raises(ValueError, match="takes the mixers 'mamba' and 'mamba2'; got S4D"):
        quickest(model_of("s4d"), "int8")
    with pytest.raises(ValueError, match="unknown weights 'int4'; did you mean 'int8'"):
        quickest(model, "int4")
