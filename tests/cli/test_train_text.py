"""``clew train text`` and what the other commands make of its runs.

Oracle: the files of the run, read with json; the library called directly.
Tolerances: half a unit of the last digit that is printed.
"""

import json
import re

import pytest
from tests.train.text.toy import toy_files

from clew.cli.sizes import SIZES, surroundings
from clew.models import LanguageModelConfig, build
from clew.nn import mixers
from clew.runs import load, load_text
from clew.train import TextConfig, report
from clew.train.text import evaluate_text, xz

SMALL = [
    *("--size", "tiny", "--d-model", "16", "--mixer-options", "d_state=8", "head_dim=8"),
    *("--steps", "4", "--batch-size", "2", "--length", "16", "--validations", "2"),
]


@pytest.fixture
def there(tmp_path, monkeypatch):
    """The current folder, with files of text in ``songs``."""
    (tmp_path / "songs").mkdir()
    toy_files(tmp_path / "songs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def config_of(run):
    return json.loads((run / "config.json").read_text())


def test_a_text_is_trained_on_measured_and_shown(there, clew):
    said = clew("train", "text", "songs", *SMALL)
    assert (said.code, said.err) == (0, "")
    run = there / "runs/songs-mamba2"
    assert re.match(
        r"trained mamba2 on songs: 4 steps, [\d,]+ parameters, best validation \d\.\d{4} bits per byte",
        said.out,
    )
    assert "clew evaluate runs/songs-mamba2" in said.out
    config = config_of(run)
    assert [file.rpartition("/")[2] for file in config["data"]["files"]] == ["a.txt", "b.txt", "c.txt"]
    model = config["model"]
    assert (model["d_model"], model["n_layers"], model["n_tokens"]) == (16, SIZES["tiny"].n_layers, 256)
    assert (model["channel_mixing"], model["activation"]) == ("none", "none")

    said = clew("evaluate", "runs/songs-mamba2")
    assert (said.code, said.err) == (0, "")
    text = load_text(run)
    found, packed = evaluate_text(load(run), text.test), xz(text.test, text.train)
    assert f"bits per byte                    {found.bits_per_byte:.4f}" in said.out
    assert f"xz -9, this part alone           {packed.alone:.4f}" in said.out
    assert f"xz -9, behind the training part  {packed.after:.4f}" in said.out
    kept = json.loads((run / "evaluation.json").read_text())
    assert kept["bits_per_byte"] == pytest.approx(found.bits_per_byte, rel=1e-9)
    assert (kept["split"], kept["bytes"], kept["lanes"]) == ("test", text.test.n_bytes, 1)

    said = clew("info", "runs/songs-mamba2")
    assert said.code == 0
    assert f"test: {found.bits_per_byte:.4f} bits per byte (xz -9: {packed.alone:.4f})" in said.out
    assert "bytes, 256" in said.out
    assert "layer 1 has no poles" in said.out


def test_options_reach_the_run(there, clew, caplog):
    words = "--mixer s4d --tokenizer bpe --vocabulary 262 --carry-state --learning-rate 0.02 --minutes 0.001"
    small = "--size tiny --d-model 8 --n-layers 1 --batch-size 2 --length 12 --validations 1 --seed 4"
    said = clew("train", "text", "songs/b.txt", "songs", *words.split(), *small.split())
    assert said.code == 2
    assert "b.txt is given twice" in said.err
    files = ["songs/b.txt", "songs/a.txt", "songs/c.txt"]
    said = clew("train", "text", *files, *words.split(), *small.split(), "--directory", "new")
    assert (said.code, said.err) == (0, "")
    config = config_of(there / "new")
    assert [file.rpartition("/")[2] for file in config["data"]["files"]] == ["b.txt", "a.txt", "c.txt"]
    assert (config["data"]["tokenizer"], config["data"]["n_tokens"]) == ("bpe", 262)
    model, training = config["model"], config["training"]
    assert (model["mixer"], model["d_model"], model["n_layers"]) == ("s4d", 8, 1)
    assert (model["channel_mixing"], model["activation"]) == ("glu", "gelu")
    assert (training["minutes"], training["steps"], training["carry_state"]) == (0.001, None, True)
    assert (training["learning_rate"], training["dynamics_learning_rate"]) == (0.02, 0.005)
    assert (training["batch_size"], training["length"], training["seed"]) == (2, 12, 4)
    again = clew("train", "text", *files, *words.split(), *small.split(), "--directory", "new", "--resume")
    assert again.code == 0
    assert "the run in new is finished: there is nothing to resume" in caplog.text


def test_an_interrupted_run_goes_on(there, clew, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    words = ["train", "text", "songs", *SMALL]
    with monkeypatch.context() as patch:
        patch.setattr("clew.train.text.steps.TextSteps.validate", interrupt)
        said = clew(*words)
    assert said.code == 130
    assert said.err == "clew: interrupted; the same command with --resume goes on\n"
    assert clew(*words, "--resume").code == 0
    assert clew(*words, "--directory", "whole").code == 0
    metrics = [
        [
            {name: value for name, value in json.loads(line).items() if name != "seconds"}
            for line in (there / name / "metrics.jsonl").read_text().splitlines()
        ]
        for name in ("runs/songs-mamba2", "whole")
    ]
    assert metrics[0] == metrics[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("train text", "FILE"),
        ("train text song", "there is no text 'song'; did you mean 'songs'?"),
        ("train text songs --size smal", "unknown size 'smal'; did you mean 'small'?"),
        ("train text songs --tokenizer bpa", "unknown tokenizer 'bpa'; did you mean 'bpe'?"),
        ("train text songs --vocabulary 300", "--vocabulary is of --tokenizer bpe"),
        ("train text songs --steps 3 --minutes 1", "steps or minutes"),
        ("train text songs --length 4000", "too few for a row of 4,000"),
        ("train text songs --mixer mamba3", "unknown mixer 'mamba3'; did you mean 'mamba'?"),
        ("train text songs --lenght 5", "unknown option '--lenght'; did you mean '--length'?"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(there, clew, words, message):
    said = clew(*words.split())
    assert (said.code, said.out) == (2, "")
    assert message in said.err
    assert said.err.count("\n") == 1
    assert not (there / "runs").exists()


def test_commands_for_labelled_data_say_that_it_is_a_language_model(there, clew):
    assert clew("train", "text", "songs", *SMALL, "--directory", "run").code == 0
    for words in ("stream run", "export run"):
        said = clew(*words.split())
        assert said.code == 2
        assert "language model" in said.err
    said = clew("evaluate", "run", "--resample", "2")
    assert (said.code, said.err.count("\n")) == (2, 1)


def test_every_mixer_has_surroundings_that_a_model_can_be_built_with():
    for mixer in mixers:
        around = surroundings(mixer)
        build(
            LanguageModelConfig(
                16,
                mixer,
                d_model=8,
                n_layers=1,
                activation=around.activation,
                channel_mixing=around.channel_mixing,
            )
        )


def test_the_sizes_are_what_the_help_says():
    millions = []
    for size in ("tiny", "small", "medium"):
        model = build(LanguageModelConfig(256, "mamba2", d_model=SIZES[size][0], n_layers=SIZES[size][1]))
        millions.append(round(sum(parameter.numel() for parameter in model.parameters()) / 1e6, 1))
    assert millions == [0.1, 0.6, 2.9]


def test_the_text_report_has_curve_and_samples(there, clew, monkeypatch):
    monkeypatch.setattr(report, "write", lambda path: path / "report.html")
    assert clew("train", "text", "songs", *SMALL, "--directory", "run").code == 0
    assert clew("evaluate", "run").code == 0
    from clew.train.report.write import write

    page = write(there / "run").read_text()
    samples = [
        json.loads(line)
        for line in (there / "run/metrics.jsonl").read_text().splitlines()
        if json.loads(line)["kind"] == "sample"
    ]
    assert len(samples) == 2
    assert page.count("<pre>") == 2
    assert "Bits per byte, test" in page
    assert "xz -9" in page
    assert "<script" not in page
    assert (there / "run/figures/learning.png").is_file()


def test_defaults_are_those_of_the_library():
    from clew.cli.train_text import Options

    plain = TextConfig(steps=1)
    for name in ("length", "batch_size", "validations", "seed", "carry_state", "device"):
        assert getattr(Options(("a",)), name) == getattr(plain, name), name
