"""Bits per byte, of models and of xz.

Oracle: each token's probability from a float64 softmax over the logits of ``step``, token after token,
written here; the program ``xz`` where there is one, and else lzma's own decoder.
Tolerances: see the table.
"""

import itertools
import lzma
import math
import shutil
import subprocess

import numpy as np
import pytest
import torch
from tests.train.text.toy import toy_files, toy_model

from clew.data import TextSplit, read_text
from clew.models import LanguageModel
from clew.train.text import evaluate_text, xz

TOLERANCES = {
    # The parallel views and the steps of a mixer agree to some 1e-6 in float32, and so do the means of logs.
    "step": 1e-5,
    # The same sums in other chunks.
    "chunks": 1e-6,
}


def by_hand(model: LanguageModel, split: TextSplit) -> float:
    """−Σ log₂ p / bytes, token after token; the first of a document is one of ``n_tokens``."""
    bits = 0.0
    ends = [*split.starts[1:].tolist(), len(split)]
    with torch.no_grad():
        for start, end in zip(split.starts.tolist(), ends, strict=True):
            tokens = split.tokens[start:end].tolist()
            bits += math.log2(model.config.n_tokens)
            state = model.initial_state(1)
            for token, after in itertools.pairwise(tokens):
                logits, state = model.step(torch.tensor([token]), state)
                exact = np.array(logits[0].tolist())
                highest = exact.max()
                bits -= (exact[after] - highest - math.log(np.exp(exact - highest).sum())) / math.log(2)
    return bits / split.n_bytes


@pytest.fixture
def files(tmp_path):
    """The toy's."""
    return toy_files(tmp_path)


@pytest.mark.parametrize(("mixer", "parts"), [("mamba2", ["train"]), ("s4d", ["test"])])
def test_bits_per_byte_are_those_of_a_loop_over_the_tokens(files, mixer, parts):
    model = toy_model(mixer=mixer)
    for part in parts:  # the training part has three documents
        split = getattr(read_text(files), part)
        found = evaluate_text(model, split)
        assert found.bits_per_byte == pytest.approx(by_hand(model.eval(), split), rel=TOLERANCES["step"])
        assert found.loss == pytest.approx(found.bits_per_byte * math.log(2) * split.n_bytes / len(split))


def test_they_are_of_bytes_whatever_the_tokens(files):
    data = read_text(files, vocabulary=265)
    model = toy_model(n_tokens=265).eval()
    found = evaluate_text(model, data.test)
    assert found.bits_per_byte == pytest.approx(by_hand(model, data.test), rel=TOLERANCES["step"])
    assert (found.tokens, found.n_bytes) == (len(data.test), data.test.n_bytes)


def test_the_state_goes_over_the_borders_of_chunks(files, monkeypatch):
    model, split = toy_model(), read_text(files).train
    whole = evaluate_text(model, split).nats
    for chunk in (37, 408):  # the second document begins at 408
        monkeypatch.setattr("clew.train.text.evaluate.CHUNK", chunk)
        assert evaluate_text(model, split).nats == pytest.approx(whole, rel=TOLERANCES["chunks"])
    monkeypatch.setattr("clew.train.text.evaluate.MOST_LOGITS", 256 * 3)
    assert evaluate_text(model, split).nats == pytest.approx(whole, rel=TOLERANCES["chunks"])


@pytest.mark.parametrize("mixer", ["mamba2", "mamba", "s4d", "lstm"])
def test_packed_documents_are_separate_texts(files, mixer):
    model, data = toy_model(mixer=mixer), read_text(files)
    whole = evaluate_text(model, data.train).nats
    apart = 0.0
    for document in data.train.documents():
        tokens, start = np.frombuffer(document, np.uint8), np.zeros(1, np.int64)
        apart += evaluate_text(model, TextSplit(document, tokens, start, start)).nats
    assert whole == pytest.approx(apart, rel=TOLERANCES["chunks"])


@pytest.mark.parametrize("lanes", [2, 5, 1000])
def test_lanes_forget_at_their_borders_and_nowhere_else(files, lanes):
    model, data = toy_model(), read_text(files)
    split = data.test
    found, lane = evaluate_text(model, split, lanes).nats, -(-len(split) // lanes)
    wanted = math.log(256)
    for start in range(0, len(split), lane):
        tokens = torch.from_numpy(split.tokens[start : start + lane + 1].astype(np.int64))
        if len(tokens) > 1:
            with torch.no_grad():
                logits, _ = model.eval()(tokens[None, :-1])
            wanted += float(
                torch.nn.functional.cross_entropy(logits[0].double(), tokens[1:], reduction="sum")
            )
    assert found == pytest.approx(wanted, rel=TOLERANCES["chunks"])


def test_a_model_is_left_as_it_was(files):
    model, split = toy_model(), read_text(files).test
    assert model.training
    evaluate_text(model, split)
    assert model.training
    with pytest.raises(ValueError, match="lanes is at least 1, got 0"):
        evaluate_text(model, split, 0)
    nothing = TextSplit(memoryview(b""), np.zeros(0, np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int64))
    with pytest.raises(ValueError, match="the text is empty"):
        evaluate_text(model, nothing)


def test_xz_is_that_of_the_program(files, tmp_path):
    data = read_text(files)
    found = xz(data.test, data.train)
    train, test = bytes(data.train.text), bytes(data.test.text)

    def size(content: bytes) -> int:
        if shutil.which("xz"):
            (tmp_path / "part").write_bytes(content)
            done = subprocess.run(["xz", "-9", "-T1", "-c", str(tmp_path / "part")], capture_output=True)
            return len(done.stdout)
        packed = lzma.compress(content, preset=9)
        assert lzma.decompress(packed) == content
        return len(packed)

    assert found.alone == 8 * size(test) / len(test)
    assert found.after == 8 * (size(train + test) - size(train)) / len(test)
    assert found.after < found.alone
    assert xz(data.train, None).after is None
