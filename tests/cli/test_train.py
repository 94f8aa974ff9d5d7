"""``clew train``: from a data set to a run directory.

Oracle: the files of the run, read with json and safetensors; the library's own defaults.
Tolerances: none.
"""

import dataclasses
import json
import os
import re
import socket
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from clew.cli.train import Options
from clew.models import ModelConfig
from clew.train import TrainConfig


def config_of(run):
    return json.loads((run / "config.json").read_text())


def test_the_program_trains_and_says_what_comes_next(trained):
    run = trained.folder / "runs/data-s4d"
    said = trained.said
    assert said.err == ""
    assert re.match(
        r"trained s4d on csv-table: 2 epochs, best validation loss \d\.\d{4} with accuracy", said.out
    )
    assert "run     runs/data-s4d" in said.out
    assert "report  runs/data-s4d/report.html" in said.out
    for command in ("evaluate", "info", "stream"):
        assert f"clew {command} runs/data-s4d" in said.out
    for file in ("config.json", "metrics.jsonl", "model.safetensors", "report.html"):
        assert (run / file).is_file()
    steps = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert {line["kind"] for line in steps} == {"train", "validation"}


def test_options_reach_the_run(here, clew, small):
    words = (
        f"train data.csv {small} --mixer-options d_state=4 init=lin --data-options validation=0.25 --seed 3"
    )
    assert clew(*words.split(), "--dropout", "0.1", "--pooling", "last", "--directory", "new/run").code == 0
    config = config_of(here / "new/run")
    model = config["model"]
    assert model["mixer"] == "s4d"
    assert model["mixer_options"] == {"d_state": 4, "init": "lin"}
    assert (model["d_model"], model["n_layers"], model["dropout"], model["pooling"]) == (8, 2, 0.1, "last")
    assert config["data"]["options"]["validation"] == 0.25
    assert config["data"]["channels"] == ["left", "right"]
    training = config["training"]
    assert (training["epochs"], training["batch_size"], training["seed"]) == (2, 8, 3)


def test_defaults_are_those_of_the_library():
    defaults = {
        field.name: field.default
        for config in (ModelConfig, TrainConfig)
        for field in dataclasses.fields(config)
    }
    for field in dataclasses.fields(Options):
        if field.name in defaults and field.name not in ("mixer_options", "pooling"):
            assert field.default == defaults[field.name], field.name


@pytest.mark.parametrize(("target", "pooling"), [("sequence", "mean"), ("step", "step")])
def test_pooling_follows_the_data(here, clew, small, target, pooling):
    words = f"train data.csv {small} --data-options target={target} --directory new"
    assert clew(*words.split()).code == 0
    assert config_of(here / "new")["model"]["pooling"] == pooling


@pytest.mark.parametrize(
    ("data", "run"),
    [
        ("data.csv", "data-rnn"),
        ("./folder/more.csv", "more-rnn"),
        ("folder", "folder-rnn"),
        (".", "here-rnn"),
    ],
)
def test_a_run_is_called_after_its_data(here, clew, small, data, run):
    (here / "runs").rename(here / "before")
    (here / "folder").mkdir()
    (here / "folder/more.csv").write_bytes((here / "data.csv").read_bytes())
    if data in ("folder", "."):  # a folder of files with a label each
        base = here / data
        (here / "folder/more.csv").unlink()
        (here / "data.csv").unlink()
        for label in ("a", "b"):
            for number in range(5):
                (base / label).mkdir(exist_ok=True)
                (base / label / f"{number}.csv").write_text("x,y\n1,2\n2,1\n")
        (here / "before").rename(here.parent / "before")
        if data == ".":
            (here / "folder").rmdir()
    words = small.replace("--mixer-options d_state=8", "--mixer rnn")
    said = clew("train", data, *words.split())
    assert said.code == 0, said
    assert (here / "runs" / run / "model.safetensors").is_file()


def test_the_seed_decides_the_weights(here, clew, small):
    weights = []
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        torch.manual_seed(99 + len(weights))  # what was drawn before must not matter
        assert clew("train", "data.csv", *small.split(), "--seed", seed, "--directory", name).code == 0
        weights.append(load_file(here / name / "model.safetensors"))
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert any(not torch.equal(weights[0][name], weights[2][name]) for name in weights[0])


def test_an_interrupted_run_says_so_and_goes_on(here, clew, small, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    words = ["train", "data.csv", *small.split(), "--directory", "new"]
    with monkeypatch.context() as patch:
        patch.setattr("clew.train.loop.Loop._end_epoch", interrupt)
        said = clew(*words)
    assert (said.code, said.out) == (130, "")
    assert said.err == "clew: interrupted; the same command with --resume goes on\n"
    assert not (here / "new/model.safetensors").exists()
    said = clew(*words, "--resume")
    assert (said.code, said.err) == (0, "")
    undisturbed = clew(*words[:-1], "undisturbed")
    assert undisturbed.code == 0
    resumed, whole = (load_file(here / name / "model.safetensors") for name in ("new", "undisturbed"))
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


def test_what_does_not_work_leaves_no_run(here, clew, small, tree):
    """The last thing that can go wrong before training: everything is checked, nothing is there yet."""
    before = tree(here)
    assert clew("train", "data.csv", *small.split(), "--pooling", "step", "--directory", "new").code == 2
    assert tree(here) == before


LAUNCHERS = {
    "torchrun": "torch.distributed.run --standalone --nproc-per-node 2",
    "accelerate": "accelerate.commands.launch --cpu --num_processes 2 --num_machines 1 --mixed_precision no "
    "--dynamo_backend no --main_process_port {port}",
}


def launched(launcher, *words):
    """``clew`` under a launcher, with two processes."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    return subprocess.run(
        [sys.executable, "-m", *LAUNCHERS[launcher].format(port=port).split(), "-m", "clew", *words],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_two_processes_train_one_run(here, small, launcher):
    words = ["train", "data.csv", *small.split(), "--directory", "new"]
    done = launched(launcher, *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("trained s4d") == 1
    assert config_of(here / "new")["processes"] == 2
    again = launched(launcher, *words)
    assert again.returncode != 0
    assert again.stderr.count("clew: new exists") == 1
