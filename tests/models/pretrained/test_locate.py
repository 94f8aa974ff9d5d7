"""From a name to a folder: the cache of the hub as it lies on a disk, and a hub that answers from memory.

Oracle: the published layout of the cache (refs, snapshots), written by hand. Tolerances: none.
"""

import fnmatch
import shutil

import huggingface_hub
import pytest
import torch
from huggingface_hub import constants, errors

from clew.models import LanguageModel, LanguageModelConfig, build
from clew.models.pretrained import locate

COMMIT, OLDER = "a" * 40, "b" * 40


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "hub"
    folder.mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    return folder


def cached(cache, name, commit=COMMIT, reference="main"):
    """A model in the cache, as a download would have left it: names that point to contents."""
    home = cache / f"models--{name.replace('/', '--')}"
    snapshot, blobs = home / "snapshots" / commit, home / "blobs"
    for folder in (home / "refs", snapshot, blobs):
        folder.mkdir(parents=True, exist_ok=True)
    (home / "refs" / reference).write_text(commit)
    model = build(LanguageModelConfig(64, mixer="mamba", d_model=8, n_layers=1)).eval()
    model.save_pretrained(cache / "aside", "huggingface")
    for path in sorted((cache / "aside").iterdir()):
        blob = blobs / f"{commit[0]}{path.name}"
        path.rename(blob)
        (snapshot / path.name).symlink_to(blob)
    (cache / "aside").rmdir()
    return model, snapshot


@pytest.mark.parametrize("name", ["somebody/tiny", "tiny"])
def test_a_name_in_the_cache(name, cache):
    model, snapshot = cached(cache, name)
    assert locate(name) == snapshot
    tokens = torch.arange(12)[None]
    assert torch.equal(LanguageModel.from_pretrained(name)(tokens)[0], model(tokens)[0])


def test_a_revision_in_the_cache(cache):
    cached(cache, "somebody/tiny")
    model, snapshot = cached(cache, "somebody/tiny", OLDER, "v1")
    assert locate("somebody/tiny", revision="v1") == locate("somebody/tiny", revision=OLDER) == snapshot
    again = LanguageModel.from_pretrained("somebody/tiny", revision="v1")
    assert torch.equal(again.embedding.weight, model.embedding.weight)


@pytest.mark.parametrize("revision", [None, "v2"])
def test_a_name_that_is_not_in_the_cache(revision, cache):
    cached(cache, "somebody/else")
    name = "somebody/tiny" if revision is None else "somebody/else"
    with pytest.raises(FileNotFoundError, match="out of reach: give the path of a folder, or") as error:
        LanguageModel.from_pretrained(name, revision=revision)
    message = str(error.value)
    assert "\n" not in message
    assert f"hf download {name}" in message


def test_a_folder_goes_before_a_name(cache, tmp_path, monkeypatch):
    cached(cache, "somebody/tiny")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "somebody" / "tiny"
    folder.mkdir(parents=True)
    assert locate("somebody/tiny").resolve() == folder
    with pytest.raises(FileNotFoundError, match=r"is no checkpoint: it has no config.json"):
        LanguageModel.from_pretrained("somebody/tiny")
    with pytest.raises(ValueError, match="revision is of a repository on the hub"):
        locate(folder, revision="main")


@pytest.mark.parametrize("name", ["./nowhere", "a/b/c", "no where", "/nowhere/at/all"])
def test_what_is_neither_a_folder_nor_a_name(name, cache):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*, and it is no name on the"):
        locate(name)


def test_a_file_is_no_folder(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"")
    with pytest.raises(FileNotFoundError, match="is a file; a checkpoint is the folder"):
        locate(path)


class Hub:
    """Gives the files that match, and remembers which it gave."""

    def __init__(self, folder, *names):
        self.folder, self.names = folder, names

    def __call__(self, repo_id, *, revision, allow_patterns):
        self.folder.mkdir(exist_ok=True)
        for name in self.names:
            if any(fnmatch.fnmatch(name, pattern) for pattern in allow_patterns):
                (self.folder / name).touch()
        return str(self.folder)


DESCRIBED = {"config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"}
SHARDS = {
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
    "model.safetensors.index.json",
}
PICKLES = {"pytorch_model.bin"}
USELESS = {"README.md", "consolidated.safetensors", "tf_model.h5", "training_args.bin", "model.py"}


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        (DESCRIBED | SHARDS | PICKLES | USELESS, DESCRIBED | SHARDS),
        (DESCRIBED | PICKLES | USELESS, DESCRIBED | PICKLES),
    ],
    ids=["safetensors", "pickles alone"],
)
def test_no_more_is_downloaded_than_is_needed(there, wanted, tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub, "snapshot_download", Hub(tmp_path / "got", *there))
    assert {path.name for path in locate("somebody/tiny").iterdir()} == wanted


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            errors.RepositoryNotFoundError,
            "no such repository on the Hugging Face hub; if it is private",
        ),
        (errors.RevisionNotFoundError, "somebody/tiny has no branch, tag or commit v3"),
        (errors.GatedRepoError, "is given to those who accepted its terms"),
    ],
)
def test_what_the_hub_refuses(error, message, monkeypatch):
    def refuse(*arguments, **options):
        raise error.__new__(error)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(FileNotFoundError, match=message) as raised:
        locate("somebody/tiny", revision="v3")
    assert "\n" not in str(raised.value)


def test_a_download_that_lacks_the_weights(cache):
    _, snapshot = cached(cache, "somebody/tiny")
    (snapshot / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="holds no weights"):
        LanguageModel.from_pretrained("somebody/tiny")
    shutil.rmtree(snapshot)
    with pytest.raises(FileNotFoundError, match="out of reach"):
        locate("somebody/tiny")
