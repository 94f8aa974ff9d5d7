"""A small text and a small language model, and a program that trains one on the other.

    python -m tests.train.text.toy DIRECTORY TEXT [FIELD=VALUE ...]

The fields are those of ``TextConfig``.
"""

import argparse
import json
from pathlib import Path

import torch

from clew.data import TextDataset, read_text
from clew.models import LanguageModel, LanguageModelConfig, build
from clew.train import TextConfig, fit

SMALL = {"d_state": 8, "head_dim": 8}


def toy_files(folder: Path) -> list[Path]:
    """Three files, whose borders fall into the training part."""
    contents = {
        "a.txt": "The sea, the sea! Who goes there? " * 12,
        "b.txt": "And then the land; and then the sea. " * 7,
        "c.txt": "".join(f"line {number} of many lines\n" for number in range(40)),
    }
    for name, content in contents.items():
        (folder / name).write_text(content)
    return [folder / name for name in contents]


def toy_text(folder: Path) -> TextDataset:
    """Those files, as bytes."""
    return read_text(toy_files(folder))


def toy_model(
    seed: int = 0, mixer: str = "mamba2", n_tokens: int = 256, dropout: float = 0.1
) -> LanguageModel:
    """Two layers."""
    torch.manual_seed(seed)
    options = SMALL if mixer == "mamba2" else {}
    return build(LanguageModelConfig(n_tokens, mixer, options, d_model=16, n_layers=2, dropout=dropout))


def toy_config(directory: Path, **fields) -> TextConfig:
    """Seven steps in three stretches, and no checkpoint but the first."""
    settings = {
        "steps": 7,
        "validations": 3,
        "length": 24,
        "batch_size": 3,
        "sample_length": 5,
        "learning_rate": 0.01,
        "checkpoint_every": 1e9,
        "device": "cpu",
    }
    if "minutes" in fields:
        settings.pop("steps")
    return TextConfig(**settings | fields, directory=directory)


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("fields", nargs="*")
    given = parser.parse_args()
    fields = {name: json.loads(value) for name, value in (text.split("=") for text in given.fields)}
    torch.use_deterministic_algorithms(True)

    fit(toy_model(), read_text([given.text]), toy_config(given.directory, **fields), progress=False)


if __name__ == "__main__":
    main()
