"""``clew generate``: the text that a model writes, stopped, kept and gone on with.

Oracle: the model's own ``generate`` and the tokenizer, in this process. Tolerances: none, text is compared as
text.
"""

import codecs
import json
import os
import shlex
import signal
import subprocess
import sys

import pytest
import torch
from tests.models.generation.models import small_model

from clew import runs, text
from clew.models import LanguageModel, rounded
from clew.models.generation import Continuation, load, read
from clew.text import ByteTokenizer, train_bpe

PROMPT = "To be, or not"
BYTES = ByteTokenizer()


@pytest.fixture
def model(tmp_path, monkeypatch) -> LanguageModel:
    """A model of bytes in the folder ``model`` of the current one."""
    monkeypatch.chdir(tmp_path)
    small = small_model(n_tokens=256, seed=3)
    small.save_pretrained("model")
    return small


def expected(model, prompt=PROMPT, count=40, **how):
    return BYTES.decode(model.generate([BYTES.encode(prompt)], count, **how)[0])


@pytest.mark.parametrize("source", ["option", "standard input", "-"])
def test_the_text_is_the_model_s(model, clew, source):
    how = (
        "--max-tokens 40 --temperature 0.8 --top-k 50 --top-p 0.9 --repetition-penalty 1.1 --seed 5 --chunk 3"
    )
    prompt = {"option": ["--prompt", PROMPT], "standard input": [], "-": ["--prompt", "-"]}[source]
    said = clew(
        "generate", "model", *prompt, *how.split(), stdin=b"" if source == "option" else PROMPT.encode()
    )
    text = expected(model, temperature=0.8, top_k=50, top_p=0.9, repetition_penalty=1.1, seed=5)
    assert said == (0, text, "")


def test_it_is_greedy_without_temperature_and_stops_at_a_string(model, clew):
    text = expected(model, temperature=0)
    stop = text[20:23]
    said = clew("generate", "model", "--prompt", PROMPT, "--temperature", "0", "--stop", stop, "never there")
    assert said == (0, text[: text.index(stop)], "")


def test_how_fast_it_was_goes_to_standard_error(model, clew):
    said = clew("generate", "model", "--prompt", PROMPT, "--max-tokens", "5", "--verbose")
    first, second = said.err.splitlines()
    assert first.startswith("clew: 13 tokens read in ")
    assert second.startswith("clew: 5 tokens written in ")


@pytest.mark.parametrize("weights", ["model", "float32", "bfloat16", "int8"])
def test_the_weights_are_kept_as_is_asked(model, clew, weights):
    model.float().save_pretrained("single")
    said = clew(
        "generate", "single", "--prompt", PROMPT, "--weights", weights, "--max-tokens", "40", "--verbose"
    )
    same = model if weights in ("model", "float32") else rounded(model, weights)
    # The prompt is read by the model as it is, whatever the weights are kept in afterwards.
    tokens = Continuation(same, read(model, [BYTES.encode(PROMPT)]), max_new_tokens=40)
    assert said.out == BYTES.decode([token for (token,) in tokens])
    packed = "" if weights == "model" else f", weights packed in {weights}"
    assert said.err.splitlines()[1].endswith(f" a second{packed}")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_a_model_of_16_bits_goes_on_from_where_it_was(model, clew, dtype):
    model.to(dtype).save_pretrained("half")
    words = ("generate", "half", "--temperature", "0", "--max-tokens")
    one = clew(*words, "30", "--prompt", PROMPT)
    first = clew(*words, "10", "--prompt", PROMPT, "--save-state", "place")
    second = clew(*words, "20", "--state", "place")
    tokens = [BYTES.encode(said.out) for said in (one, first, second)]
    assert (one.err, first.err, second.err) == ("", "", "")
    assert tokens[0] == tokens[1] + tokens[2]


def test_a_run_of_train_text_goes_on_with_its_text(tmp_path, monkeypatch, clew):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "song.txt").write_text("row, row, row your boat, gently down the stream. " * 40)
    small = "--tokenizer bpe --vocabulary 260 --d-model 8 --n-layers 1 --steps 2 --length 16 --validations 1"
    trained = clew("train", "text", "song.txt", *small.split())
    assert trained.code == 0
    command = next(line for line in trained.out.splitlines() if line.startswith("clew generate"))
    said = clew(*shlex.split(command, comments=True)[1:], "--max-tokens", "12")
    model, pieces = runs.load("runs/song-mamba2"), text.load("runs/song-mamba2")
    prompt = shlex.split(command, comments=True)[-1]
    assert said == (0, pieces.decode(model.generate([pieces.encode(prompt)], 12)[0]), "")


def test_stopped_and_gone_on_with_it_is_one_text(model, clew):
    words = ("generate", "model", "--temperature", "0.7", "--max-tokens")
    one = clew(*words, "0", "--prompt", PROMPT, "--seed", "9", "--save-state", "place")
    assert one == (0, "", "")
    rows, state = [], "place"
    for count in (15, 25):
        said = clew(*words, str(count), "--state", state, "--save-state", "next")
        assert (said.code, said.err) == (0, "")
        rows.append(said.out)
        state = "next"
    tokens = model.generate([BYTES.encode(PROMPT)], 40, temperature=0.7, seed=9)[0]
    # Each text ends for itself: a character that is cut in two is not put together again.
    assert rows == [BYTES.decode(tokens[:15]), BYTES.decode(tokens[15:])]
    other = clew(*words, "15", "--state", "place", "--seed", "10")
    assert other.out == expected(model, count=15, temperature=0.7, seed=10)
    more = clew(*words, "15", "--state", "place", "--prompt", " to be")
    assert more.out == expected(model, PROMPT + " to be", 15, temperature=0.7, seed=9)


def test_the_tokenizer_beside_the_model_is_used_and_the_end_token_of_the_checkpoint(
    tmp_path, monkeypatch, clew
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("to be or not to be " * 20)
    tokenizer = train_bpe(["text.txt"], 270)
    model = small_model(n_tokens=tokenizer.n_tokens)
    model.save_pretrained("model")
    tokenizer.save("model")
    tokens = model.generate([tokenizer.encode(PROMPT)], 20, temperature=0)[0]
    greedy = ("generate", "model", "--prompt", PROMPT, "--temperature", "0", "--max-tokens", "20")
    assert clew(*greedy) == (0, tokenizer.decode(tokens), "")
    end = tokens[10]
    for content in (end, [269, end]):
        (tmp_path / "model" / "generation_config.json").write_text(json.dumps({"eos_token_id": content}))
        assert 269 not in tokens
        assert clew(*greedy).out == tokenizer.decode(tokens[: tokens.index(end)])


def test_the_real_program_writes_as_it_goes_and_is_interrupted_at_a_token(model, clew):
    words = ["generate", "model", "--prompt", PROMPT, "--max-tokens", "1000000", "--save-state", "place"]
    running = subprocess.Popen(
        [sys.executable, "-m", "clew", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    start = running.stdout.read(20)
    running.send_signal(signal.SIGINT)
    text = start + running.stdout.read()
    assert (running.wait(60), running.stderr.read()) == (130, b"")
    running.stdout.close()
    running.stderr.close()
    count = int(load("place", model).drawn)
    tokens = model.generate([BYTES.encode(PROMPT)], count + 30)[0]
    # A character whose last byte had not come is not written.
    whole = codecs.getincrementaldecoder("utf-8")("replace").decode(bytes(tokens[:count]))
    assert text.decode() == whole
    assert clew("generate", "model", "--state", "place", "--max-tokens", "30").out == BYTES.decode(
        tokens[count:]
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("nowhere --prompt a", "there is no folder nowhere"),
        ("model --prompt a --temperature -1", "temperature is 0 or more; got -1"),
        ("model --prompt a --top-p 2", "top_p is more than 0 and at most 1"),
        ("model --prompt a --max-tokens -1", "--max-tokens is 0 or more"),
        ("model --prompt a --seed -1", "seed is a whole number"),
        ("model --prompt a --weights int4", "unknown weights 'int4'; did you mean 'int8'"),
        ("model --prompt a --device gpu", "unknown device 'gpu'; did you mean 'cpu'"),
        ("model --prompt a --chunk 0", "chunk is at least one token"),
        ("model --prompt a --state nothing", "there is no file nothing"),
        ("model --prompt a --state model/model.safetensors", "is not the context of a language model"),
        ("model --prompt a --save-state model", "the state goes to a file; model is a folder"),
        ("model --prompt a --save-state no/where", "there is no folder no"),
        ("model", "the prompt is empty"),
        ("model --tmperature 1", "did you mean '--temperature'"),
    ],
)
def test_a_mistake_is_one_line(model, clew, words, message):
    said = clew("generate", *words.split())
    assert (said.code, said.out) == (2, "")
    assert message in said.err
    assert said.err.count("\n") == 1


def test_an_empty_stop_string_is_refused(model, clew):
    said = clew("generate", "model", "--prompt", "a", "--stop", "")
    assert (said.code, said.err) == (2, "clew: a stop string has at least one character\n")


def test_a_vocabulary_without_a_tokenizer_is_refused(tmp_path, monkeypatch, clew):
    monkeypatch.chdir(tmp_path)
    small_model(n_tokens=300).save_pretrained("model")
    said = clew("generate", "model", "--prompt", "a")
    assert (said.code, said.out) == (2, "")
    assert "has no tokenizer.json, and a vocabulary of 300 tokens is not that of bytes" in said.err


def test_a_classifier_writes_nothing(here, clew):
    said = clew("generate", "runs/data-s4d", "--prompt", "a")
    assert (said.code, said.out) == (2, "")
    assert "clew stream runs/data-s4d" in said.err
