"""Learn to look something up in short sequences first; then look it up in sequences a thousand times as long.

``python examples/induction_heads.py [SEED]``

A special symbol stands somewhere among noise and once more at the end: which symbol followed it the first
time? A selective layer can keep just that one and let all others go, and what it keeps need not fade.

Only the last sample is asked, and among 256 others the one that matters is hard to find: trained on those
from the start, the loss does not move in 100,000 sequences. Among 16 it is found in seconds, and each longer
length then only has to be got used to. The last length trained on is the publication's.
"""

import shutil
import sys
import time
from pathlib import Path
from typing import NamedTuple

import torch

import clew
from clew.data import Dataset
from clew.models import ModelConfig, SequenceModel, build
from clew.train import TrainConfig, evaluate

RUNS = Path("runs/induction-heads")


class Stage(NamedTuple):
    """Sequences of one length, and how often each is seen."""

    length: int
    sequences: int
    epochs: int


STAGES = (
    Stage(16, 16_000, 4),
    Stage(32, 8_000, 2),
    Stage(64, 8_000, 2),
    Stage(128, 8_000, 2),
    Stage(256, 16_000, 2),
)
# Lengths to be judged on, with so many sequences each.
JUDGED = {256: 1000, 1024: 1000, 4096: 500, 16_384: 200, 65_536: 100, 262_144: 50}


def data(length: int, sequences: int, test_length: int, test_sequences: int, seed: int) -> Dataset:
    """Sequences to learn from, a tenth of them held out, and others to be judged on."""
    return clew.data.load(
        "induction-heads",
        {
            "length": length,
            "sequences": sequences,
            "test_length": test_length,
            "test_sequences": test_sequences,
            "validation": 0.1,
            "seed": seed,
        },
    )


def learn(stages: tuple[Stage, ...], runs: Path, seed: int) -> SequenceModel:
    """A Mamba that learned the task at each length after the one before."""
    torch.manual_seed(seed)
    model: SequenceModel = build(
        ModelConfig(d_input=16, n_classes=15, mixer="mamba", d_model=64, n_layers=2, pooling="step")
    )
    for stage in stages:
        start = time.perf_counter()
        settings = TrainConfig(
            epochs=stage.epochs, learning_rate=2e-3, seed=seed, directory=runs / f"length-{stage.length}"
        )
        run = clew.fit(model, data(stage.length, stage.sequences, 16, 0, seed), settings, progress=False)
        assert isinstance(run.model, SequenceModel)
        model = run.model
        best = min(
            (line for line in run.metrics if line["kind"] == "validation"), key=lambda line: line["loss"]
        )
        print(
            f"   {stage.length:>7,} samples: {best['accuracy']:.1%} of those held out, "
            f"{time.perf_counter() - start:.0f} s",
            flush=True,
        )
    return model


def judge(model: SequenceModel, judged: dict[int, int], seed: int) -> dict[int, float]:
    """The accuracy at each length."""
    found = {}
    for length, sequences in judged.items():
        test = data(256, 2, length, sequences, seed).test
        found[length] = evaluate(model, test, batch_size=max(1, 2**18 // length)).accuracy
        print(f"   {length:>7,} samples: {found[length]:.1%} of {sequences:,}", flush=True)
    return found


def main(seed: int = 0) -> None:
    shutil.rmtree(RUNS, ignore_errors=True)  # those of an earlier time
    print("1. Learn it at one length after the other")
    model = learn(STAGES, RUNS, seed)
    print("2. Do it at lengths that were never trained on; guessing is right in 6.7%")
    judge(model, JUDGED, seed + 1)
    print(f"The last model lies in {RUNS / f'length-{STAGES[-1].length}'}.")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
