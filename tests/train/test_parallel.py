"""Several processes that train together.

Oracle: one process with the same global batch. Tolerances: see the table.
"""

import os
import subprocess
import sys

import numpy as np
import pytest
from tests.train.processes import ROOT, run_two
from tests.train.toy import BATCH, TRAIN, toy_config, toy_data, toy_model

from clew.runs import RunDirectory
from clew.train import fit
from clew.train.team import rows_of

TOLERANCES = {
    # Sums in another order, in float32, grow apart over nine steps of AdamW; the promise to users is 1e-4.
    "loss": 1e-4,
    # AdamW divides by the root of the squared gradient, so rounding moves a weight by a share of its rate.
    "weights": 1e-3,
}

TOY = ["-m", "tests.train.toy"]
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
SETTINGS = ["checkpoint_every=0", "learning_rate=0.01"]


@pytest.mark.parametrize("processes", [1, 2, 3, 8])
@pytest.mark.parametrize("total", [1, 2, 5, 8, 33])
def test_rows_are_divided_evenly_and_wholly(total, processes):
    shares = [rows_of(total, index, processes) for index in range(processes)]
    working = [range(total)[share.rows] for share in shares if not share.idle]
    assert [row for rows in working for row in rows] == list(range(total))
    sizes = [len(rows) for rows in working]
    assert len(sizes) == min(total, processes)
    assert max(sizes) - min(sizes) <= 1
    assert all(share.rows == slice(0, 1) for share in shares if share.idle)


def _train(directory, *arguments):
    """Train the toy in two processes: the exit codes, and what they wrote to stderr."""
    codes, written = run_two([*TOY, str(directory), *arguments])
    return codes, "".join(written)


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    """The run directories of two processes, by kind of target; those of the first under torchrun."""
    paths = {target: tmp_path_factory.mktemp(target) / "run" for target in ("sequence", "step")}
    launched = subprocess.run(
        [sys.executable, *TORCHRUN, *TOY, str(paths["sequence"]), *SETTINGS],
        cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE, text=True, timeout=600,
    )  # fmt: skip
    assert launched.returncode == 0, launched.stderr
    codes, written = _train(paths["step"], *SETTINGS, "--target", "step")
    assert codes == [0, 0], written
    return paths


@pytest.mark.parametrize("target", ["sequence", "step"])
def test_two_processes_follow_the_loss_curve_of_one(tmp_path, target, two_processes, weights):
    # The last batch of an epoch has one row for two processes.
    assert TRAIN % BATCH == 1
    one = fit(toy_model(target), toy_data(target), toy_config(tmp_path / "run", learning_rate=0.01))
    two = RunDirectory(two_processes[target])
    for found, wanted in zip(two.metrics(), one.metrics, strict=True):
        assert (found["kind"], found["accuracy"]) == (wanted["kind"], wanted["accuracy"])
        np.testing.assert_allclose(found["loss"], wanted["loss"], rtol=0, atol=TOLERANCES["loss"])
    for name, raw in weights(two.path).items():
        found, wanted = np.frombuffer(raw, np.float32), one.model.state_dict()[name].numpy().ravel()
        np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCES["weights"])
    assert (one.config.processes, two.config.processes) == (1, 2)
    assert {path.name for path in two.path.iterdir()} == {
        "config.json", "metrics.jsonl", "model.safetensors", "checkpoints",
    }  # fmt: skip


def test_two_processes_go_on_to_the_same_bits(tmp_path, two_processes, without_seconds, weights):
    codes, _ = _train(tmp_path / "run", *SETTINGS, "--stop-before", "6")
    assert 0 not in codes
    directory = RunDirectory(tmp_path / "run")
    assert not directory.finished
    assert max(line["step"] for line in directory.metrics()) == 5
    codes, written = _train(tmp_path / "run", *SETTINGS, "--resume")
    assert codes == [0, 0], written
    assert without_seconds(tmp_path / "run") == without_seconds(two_processes["sequence"])
    assert weights(tmp_path / "run") == weights(two_processes["sequence"])


def test_what_exists_is_left_alone_by_every_process(tmp_path):
    (tmp_path / "run").mkdir()
    codes, written = _train(tmp_path / "run")
    assert 0 not in codes
    assert written.count("exists: continue that run with --resume") == 2
    assert list((tmp_path / "run").iterdir()) == []


ENDS = """
import atexit, sys
from torch import distributed

@atexit.register
def last():  # handlers run in the reverse of their order
    print("group:", distributed.is_initialized(), file=sys.stderr)
    if distributed.is_initialized():
        distributed.destroy_process_group()

from clew.train.team import Team

if {before}:
    distributed.init_process_group("gloo")
team = Team.form("cpu")
assert team.size == 2
team.wait()
{then}
"""


@pytest.mark.parametrize(("then", "code"), [("", 0), ("sys.exit(3)", 3)])
@pytest.mark.parametrize("before", [False, True])
def test_a_process_takes_down_the_group_it_formed(before, then, code):
    # Threads of gloo's that outlive the interpreter abort the process, but so rarely that no test could wait.
    codes, written = run_two(["-c", ENDS.format(before=before, then=then)])
    assert codes == [code, code], written
    assert [text.count(f"group: {before}") for text in written] == [1, 1], written
