"""``config.json``.

Oracle: the values that were written, and the field names that the format promises. Tolerances: none.
"""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from clew.data import Dataset, Split
from clew.runs import DataRecord, RunConfig
from clew.runs.config import digest


def test_a_round_trip(tmp_path, run_config):
    (tmp_path / "config.json").write_text(json.dumps(run_config.as_json()))
    assert RunConfig.read(tmp_path / "config.json") == run_config


def test_the_fields_are_those_of_the_format(tmp_path, run_config):
    (tmp_path / "config.json").write_text(json.dumps(run_config.as_json()))
    content = json.loads((tmp_path / "config.json").read_text())
    names = {"format", "clew", "model", "data", "training", "torch", "threads", "processes"}
    assert content.keys() == names
    assert content["format"] == 1
    assert content["data"].keys() == {
        "name", "options", "classes", "values", "channels", "target", "digest",
    }  # fmt: skip
    assert content["torch"] == torch.__version__


def test_the_record_of_a_data_set():
    split = Split((torch.ones(2, 1), torch.zeros(3, 1)), (torch.tensor(0), torch.tensor(1)))
    toy = Dataset(
        name="toy",
        options={"where": Path("some/path"), "sizes": (1, 2)},
        description="",
        source="",
        licence="",
        channels=("x",),
        classes=("a", "b"),
        target="sequence",
        train=split,
        validation=Split((), ()),
        test=Split((), ()),
    )
    options = {"where": "some/path", "sizes": [1, 2]}
    wanted = digest(split, Split((), ()))
    assert DataRecord.of(toy) == DataRecord("toy", options, ("a", "b"), ("x",), "sequence", wanted)


def test_the_digest_sees_every_value():
    inputs, targets = (torch.ones(2, 1), torch.zeros(3, 1)), (torch.tensor(0), torch.tensor(1))
    whole = Split(inputs, targets)
    others = [
        Split((torch.ones(2, 1), torch.tensor([[0.0], [0.0], [1e-30]])), targets),
        Split((inputs[0].T.contiguous().reshape(2, 1), torch.zeros(4, 1)), targets),
        Split(inputs, (torch.tensor(0), torch.tensor(0))),
        Split(inputs[:1], targets[:1]),
    ]
    digests = [digest(split, Split((), ())) for split in (whole, *others)]
    assert len(set(digests)) == len(digests)
    assert digest(whole) == digest(whole.select([0, 1]))
    # Where one split ends and the next begins matters too.
    assert digest(whole.select([0]), whole.select([1])) != digest(whole, Split((), ()))


def test_differences_name_the_fields(run_config):
    model = dataclasses.replace(run_config.model, d_model=8, mixer_options={"d_state": 8})
    other = dataclasses.replace(
        run_config, model=model, training=run_config.training | {"epochs": 4}, threads=2, torch="0"
    )
    assert run_config.differences(run_config) == []
    assert run_config.differences(other) == [
        "model.d_model is 4 there and 8 here",
        "model.mixer_options.d_state is 4 there and 8 here",
        "training.epochs is 3 there and 4 here",
    ]
    assert len(run_config.differences(other, ignored=frozenset({"training.epochs"}))) == 2


def test_a_difference_in_which_fields_there_are_is_one(run_config):
    other = dataclasses.replace(run_config, training={"learning_rate": 0.1, "gradient_clip": None})
    assert run_config.differences(other) == ["training.epochs is 3 there and 'absent' here"]


def test_a_config_read_back_has_no_differences(tmp_path, run_config):
    (tmp_path / "config.json").write_text(json.dumps(run_config.as_json()))
    assert RunConfig.read(tmp_path / "config.json").differences(run_config) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not a JSON file"),
        ("[]", "no field 'format'"),
        ('{"model": {}}', "no field 'format'"),
        ('{"format": 7}', "format 7; this version of clew reads format 1"),
        ('{"format": 1}', "is not the config.json of a run: 'data'"),
        ('{"format": 1, "data": 3}', "is not the config.json of a run"),
    ],
)
def test_a_foreign_file_is_refused(tmp_path, content, message):
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=message) as error:
        RunConfig.read(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("part", ["model", "data", None])
def test_an_unknown_field_is_refused(tmp_path, run_config, part):
    content = run_config.as_json()
    (content[part] if part else content)["colour"] = "blue"
    path = tmp_path / "config.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="colour"):
        RunConfig.read(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        RunConfig.read(tmp_path / "config.json")


def test_a_config_from_before_there_were_values_is_read(tmp_path, run_config):
    content = run_config.as_json()
    del content["data"]["values"], content["model"]["n_values"]
    (tmp_path / "config.json").write_text(json.dumps(content))
    read = RunConfig.read(tmp_path / "config.json")
    assert (read.data.values, read.data.outputs, read.model.n_values) == ((), ("a", "b", "c"), 0)
    assert read.differences(run_config) == []
