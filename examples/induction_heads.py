"""Learn to look something up in 256 samples; then look it up in a million.

``python examples/induction_heads.py [SEED] [STRETCH]``

A special symbol stands somewhere among noise and once more at the end: which symbol followed it the first
time? A selective layer can take in just that one and leave all others out, and then what it keeps does not
fade. Two things make it learn that from 256 samples in minutes:

**Short sequences first.** Only the last sample is asked, and among 256 the one that matters is hard to find.
Among 16 it is found in seconds, and each longer length only has to be got used to.

**Stretched time.** A layer that lets a little of the others in is right at 256 samples and wrong at 16,384,
when it has added up; the loss at 256 hardly tells. With ``dt`` it does: every sequence is shown as if its
samples lay 1 to ``STRETCH`` steps apart, so that whatever is let in is let in so many times. With ``STRETCH``
1 the example shows what becomes of it without.
"""

import math
import sys
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

import clew
from clew.models import ModelConfig, build

LENGTHS = (16, 32, 64, 128, 256)
BATCH = 16
# Steps at the last length; at the others until 95% of the answers are right, and no more than these.
STEPS = 1000
STRETCH = 10_000
# Lengths to be judged on, with so many sequences each; and how many samples are fed at a time.
JUDGED = {256: 1000, 1024: 1000, 4096: 1000, 16_384: 1000, 65_536: 200, 262_144: 100, 1_048_576: 50}
CHUNK = 2**16


def new_model() -> Any:
    """Two Mamba layers, which have their own gates, around which nothing else is needed."""
    config = ModelConfig(
        d_input=16,
        n_classes=15,
        mixer="mamba",
        norm="rms",
        activation="none",
        channel_mixing="none",
        pooling="last",
    )
    return build(config)


def batches(length: int, size: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Sequences (size, length, 16) that nobody saw before, and the symbols (size,) that are asked for."""
    drawn = size * max(1, 2**17 // (size * length))  # at a time
    while True:
        options = {"length": length, "sequences": drawn, "test_sequences": 0, "validation": 0.0}
        new = clew.data.load("induction-heads", options | {"seed": seed}).train
        for start in range(0, len(new), size):
            these = slice(start, start + size)
            yield torch.stack(new.inputs[these]), torch.stack([line[-1] for line in new.targets[these]])
        seed += 1


def stretched(stretch: float, x: Tensor) -> Tensor:
    """How far apart the samples lie: (batch, time), as many small factors as large ones, one a sequence."""
    return torch.exp(torch.rand(len(x), 1) * math.log(stretch)).expand(x.shape[:2])


def learn(
    lengths: tuple[int, ...] = LENGTHS, steps: int = STEPS, stretch: float = STRETCH, seed: int = 0
) -> Any:
    """A model that learned the task at each length after the one before, and ``steps`` times at the last."""
    torch.manual_seed(seed)
    model = new_model()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    begin, taken = time.perf_counter(), 0
    for length in lengths:
        right = 0.0
        size = max(BATCH, BATCH * 64 // length)
        for step, (x, wanted) in enumerate(batches(length, size, seed * 1_000_000), start=1):
            answers, _ = model(x, dt=stretched(stretch, x))
            optimiser.zero_grad()
            cross_entropy(answers, wanted).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            right += 0.02 * (float((answers.argmax(-1) == wanted).float().mean()) - right)
            if step == steps or (length != lengths[-1] and right > 0.95):
                break
        taken += step
        print(f"   {length:>9,} samples: {taken:>5,} steps, {time.perf_counter() - begin:4.0f} s", flush=True)
    return model


@torch.no_grad()
def judge(model: Any, judged: dict[int, int], seed: int, chunk: int = CHUNK) -> dict[int, float]:
    """The accuracy at each length; the model reads in chunks and keeps nothing but its state."""
    found = {}
    for length, sequences in judged.items():
        asked, right = 0, 0
        for x, wanted in batches(length, max(1, chunk // length), seed):
            state = None
            for piece in x.split(chunk, dim=1):
                answers, state = model(piece, state)
            here = (answers.argmax(-1) == wanted)[: sequences - asked]
            asked, right = asked + len(here), right + int(here.sum())
            if asked == sequences:
                break
        found[length] = right / sequences
        print(f"   {length:>9,} samples: {found[length]:.1%} of {sequences:,}", flush=True)
    return found


def main(seed: int = 0, stretch: int = STRETCH) -> None:
    print(f"1. Learn it, the samples 1 to {stretch:,} steps apart")
    model = learn(stretch=stretch, seed=seed)
    print("2. Do it at lengths that were never trained on; guessing is right in 6.7%")
    judge(model, JUDGED, seed * 1_000_000 + 500_000)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
