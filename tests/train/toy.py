"""A small task and a small model, and a program that trains one on the other.

    python -m tests.train.toy DIRECTORY [--resume] [--target step] [--values] [FIELD=VALUE ...]

The fields are those of ``TrainConfig``. ``--pause`` makes a run last on any machine.
"""

import argparse
import dataclasses
import json
import logging
import time
from pathlib import Path

import torch

from clew.data import IGNORE, Dataset, Split
from clew.models import ModelConfig, SequenceModel, build
from clew.train import TrainConfig, fit
from clew.train.step import Stepper

# 11 sequences in batches of 5: two processes get 2 and 3 rows, and in the end 0 and 1.
TRAIN, VALIDATION, BATCH = 11, 6, 5


def toy_data(target: str = "sequence", *, learnable: bool = True, validation: int = VALIDATION) -> Dataset:
    """Noise around a mean that says the class; sequences of 1 to 9 frames, two channels, three classes.

    Args:
        target: one class a sequence, or one a step, some of which ask for nothing.
        learnable: whether the validation split is of the same kind; otherwise half of its
            classes are wrong.
        validation: sequences in the validation split.
    """
    generator = torch.Generator().manual_seed(1)

    def split(count: int, shift: int) -> Split:
        inputs, targets = [], []
        for index in range(count):
            time = 1 + (index * 5) % 9
            classes = torch.randint(3, (time if target == "step" else 1,), generator=generator)
            means = classes[:, None] * torch.tensor([1.0, -2.0]) + 5.0
            inputs.append(means + torch.randn(time, 2, generator=generator))
            wanted = (classes + shift * (index % 2)) % 3
            if target == "step":
                wanted[1::3] = IGNORE
            targets.append(wanted if target == "step" else wanted[0])
        return Split(tuple(inputs), tuple(targets))

    return Dataset(
        name="toy", options={"target": target}, description="", source="", licence="",
        channels=("x", "y"), classes=("a", "b", "c"), target=target,
        train=split(TRAIN, 0), validation=split(validation, 0 if learnable else 1), test=Split((), ()),
    )  # fmt: skip


def toy_values(target: str = "sequence") -> Dataset:
    """The same sequences; two values are asked for, of very different scale, and some frames ask for nothing.

    The first is a thousandth of the class, the second 1e4 less a thousand times the class.
    """
    classes = toy_data(target)

    def split(part: Split) -> Split:
        targets = []
        for wanted in part.targets:
            known = torch.where(wanted == IGNORE, torch.nan, wanted.float())
            targets.append(torch.stack([known / 1000, 1e4 - 1000 * known], dim=-1))
        return Split(part.inputs, tuple(targets))

    parts = {name: split(getattr(classes, name)) for name in ("train", "validation", "test")}
    return dataclasses.replace(classes, classes=(), values=("small", "large"), **parts)


def toy_model(
    target: str = "sequence",
    *,
    seed: int = 0,
    width: int = 8,
    dropout: float = 0.2,
    values: bool = False,
) -> SequenceModel:
    """A layer of S4D, with dropout; for the values if asked to."""
    torch.manual_seed(seed)
    return build(
        ModelConfig(
            d_input=2,
            n_classes=0 if values else 3,
            n_values=2 if values else 0,
            mixer_options={"d_state": 4},
            d_model=width,
            n_layers=1,
            dropout=dropout,
            pooling="step" if target == "step" else "mean",
        )
    )


def toy_config(directory: Path, **fields) -> TrainConfig:
    """Three epochs of three steps, and no checkpoint but the first."""
    settings = {"epochs": 3, "batch_size": BATCH, "checkpoint_every": 1e9, "device": "cpu"}
    return TrainConfig(**settings | fields, directory=directory)


def main() -> None:
    """The program."""
    logging.basicConfig(format="%(message)s")
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds before each step")
    parser.add_argument("--stop-before", type=int, help="the step that is not taken any more")
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--target", default="sequence")
    parser.add_argument("--values", action="store_true")
    parser.add_argument("fields", nargs="*")
    given = parser.parse_args()
    fields = {name: json.loads(value) for name, value in (text.split("=") for text in given.fields)}
    torch.use_deterministic_algorithms(True)

    step, calls = Stepper.step, []

    def patched_step(self, epoch, batch):
        calls.append(batch)
        if len(calls) == given.stop_before:
            raise KeyboardInterrupt
        time.sleep(given.pause)
        return step(self, epoch, batch)

    Stepper.step = patched_step
    fit(
        toy_model(given.target, width=given.width, values=given.values),
        toy_values(given.target) if given.values else toy_data(given.target),
        toy_config(given.directory, **fields),
        resume=given.resume,
    )


if __name__ == "__main__":
    main()
