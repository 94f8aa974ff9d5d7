"""Two processes that train one language model, with states carried.

Oracle: one process with the same global batch. Tolerances: see the table.
"""

import numpy as np
import pytest
from tests.train.processes import run_two
from tests.train.text.toy import toy_config, toy_files, toy_model

from clew.data import read_text
from clew.runs import RunDirectory
from clew.train import fit

TOLERANCES = {
    # Sums in another order, in float32, grow apart over seven steps of AdamW; the promise to users is 1e-4.
    "loss": 1e-4,
}


# A batch of three rows is one and two; of one row, the second process stands in and must not count.
@pytest.mark.parametrize("batch", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_two_processes_follow_the_loss_curve_of_one(tmp_path, batch):
    (tmp_path / "text").mkdir()
    toy_files(tmp_path / "text")
    fields = {"carry_state": True, "length": 16, "batch_size": batch}
    words = ["carry_state=true", "length=16", f"batch_size={batch}"]
    program = ["-m", "tests.train.text.toy", str(tmp_path / "two"), str(tmp_path / "text"), *words]
    codes, written = run_two(program)
    assert codes == [0, 0], written
    one = fit(toy_model(), read_text([tmp_path / "text"]), toy_config(tmp_path / "one", **fields))
    two = RunDirectory(tmp_path / "two")
    assert two.config.processes == 2
    pairs = [
        (found, wanted)
        for found, wanted in zip(two.metrics(), one.metrics, strict=True)
        if wanted["kind"] != "sample"
    ]
    for found, wanted in pairs:
        assert (found["kind"], found["step"]) == (wanted["kind"], wanted["step"])
        np.testing.assert_allclose(found["loss"], wanted["loss"], rtol=0, atol=TOLERANCES["loss"])
