"""Files of weights: one or several, safetensors or pickled, whole or damaged.

Oracle: the tensors that were written; for several files, what transformers wrote. Tolerances: none, bits are
compared; for memory, MOST copies of the model.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.models.pretrained.published import published, write_original

from clew.models import LanguageModel, LanguageModelConfig, build
from clew.models.pretrained.weights import Weights

# One of them, the largest tensor once more (0.3 of this model), and what the process does besides.
MOST = 1.6


@pytest.fixture
def theirs():
    return published("mamba, untied, biases")


def state_of(folder):
    return LanguageModel.from_pretrained(folder).state_dict()


def same(one, other):
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def pickled(folder, *, zipped=True):
    """Turn the safetensors file of a folder into a pickled one."""
    tensors = load_file(folder / "model.safetensors")
    torch.save(tensors, folder / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    (folder / "model.safetensors").unlink()
    return tensors


def test_shards_that_transformers_wrote(theirs, tmp_path):
    theirs.save_pretrained(tmp_path / "one")
    theirs.save_pretrained(tmp_path / "many", max_shard_size="10KB")
    assert len(Weights(tmp_path / "many").files) > 3
    same(state_of(tmp_path / "many"), state_of(tmp_path / "one"))


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before 2020"])
def test_a_pickle_of_tensors(theirs, zipped, tmp_path):
    write_original(tmp_path, theirs)
    wanted = state_of(tmp_path)
    pickled(tmp_path, zipped=zipped)
    same(state_of(tmp_path), wanted)


def test_pickled_shards(theirs, tmp_path):
    write_original(tmp_path, theirs)
    wanted = state_of(tmp_path)
    tensors = pickled(tmp_path)
    (tmp_path / "pytorch_model.bin").unlink()
    places = {name: f"pytorch_model-{number % 3}.bin" for number, name in enumerate(tensors)}
    for place in set(places.values()):
        torch.save({name: tensors[name] for name in tensors if places[name] == place}, tmp_path / place)
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": places}))
    same(state_of(tmp_path), wanted)


def test_what_is_no_pickle_goes_first(theirs, tmp_path):
    theirs.save_pretrained(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"not looked at")
    assert [path.name for path in Weights(tmp_path).files] == ["model.safetensors"]


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_does_something_is_refused(theirs, zipped, tmp_path):
    write_original(tmp_path, theirs)
    tensors = pickled(tmp_path)
    trap = tmp_path / "sprung"
    content = {**tensors, "more": Trap(trap)}
    torch.save(content, tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    with pytest.raises(ValueError, match=r"model.bin is refused: it is a pickle of more than tensors"):
        LanguageModel.from_pretrained(tmp_path)
    assert not trap.exists()
    torch.load(tmp_path / "pytorch_model.bin", weights_only=False)
    assert trap.exists()  # it would have sprung


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, {1: torch.ones(1)}, torch.ones(2)], ids=str)
def test_a_pickle_of_other_things(theirs, content, tmp_path):
    write_original(tmp_path, theirs)
    pickled(tmp_path)
    torch.save(content, tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match="holds other things than named tensors"):
        LanguageModel.from_pretrained(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize("length", [0, 5, 1000])
def test_a_file_cut_short(theirs, name, length, tmp_path):
    write_original(tmp_path, theirs)
    if name == "pytorch_model.bin":
        pickled(tmp_path)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match=f"{name} is (damaged|refused)"):
        LanguageModel.from_pretrained(tmp_path)


def test_no_weights(theirs, tmp_path):
    write_original(tmp_path, theirs)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"holds no weights: none of model.safetensors, "):
        LanguageModel.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("{", "is no index of weights"),
        ("[]", "is no index of weights"),
        ('{"weight_map": {"a": "../model-1.safetensors"}}', "names '../model-1.safetensors', which is no"),
        (
            '{"weight_map": {"a": "model-1.bin"}}',
            "names 'model-1.bin', which is no .safetensors file",
        ),
        ('{"weight_map": {"a": 3}}', "names 3"),
    ],
)
def test_an_index_that_is_none(theirs, index, message, tmp_path):
    write_original(tmp_path, theirs)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "model.safetensors.index.json").write_text(index)
    with pytest.raises(ValueError, match=message):
        LanguageModel.from_pretrained(tmp_path)


def test_shards_that_are_missing_or_hold_the_same(theirs, tmp_path):
    theirs.save_pretrained(tmp_path, max_shard_size="10KB")
    first, second = Weights(tmp_path).files[:2]
    tensors = load_file(first)
    save_file({**load_file(second), **tensors}, second)
    with pytest.raises(ValueError, match=r"which another file of .* holds already"):
        LanguageModel.from_pretrained(tmp_path)
    first.unlink()
    with pytest.raises(FileNotFoundError, match=f"names files that are not there: {first.name}"):
        LanguageModel.from_pretrained(tmp_path)


MEASURED = """
import sys
from clew.models import LanguageModel, LanguageModelConfig, build

def most():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

small, large = sys.argv[1:]
LanguageModel.from_pretrained(small)
before = most()
model = LanguageModel.from_pretrained(large)
size = sum(parameter.nbytes for parameter in model.parameters())
print((most() - before) / size)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read as Linux shows it")
def test_there_is_one_copy_of_the_model(tmp_path):
    shapes = {"small": (16, 1, 64), "large": (512, 12, 12_000)}
    for name, (d_model, n_layers, n_tokens) in shapes.items():
        model = build(LanguageModelConfig(n_tokens, mixer="mamba", d_model=d_model, n_layers=n_layers))
        model.save_pretrained(tmp_path / name, layout="huggingface")
    del model
    code = [sys.executable, "-c", MEASURED, str(tmp_path / "small"), str(tmp_path / "large")]
    done = subprocess.run(code, capture_output=True, text=True, check=True)
    assert 0.9 < float(done.stdout) < MOST
