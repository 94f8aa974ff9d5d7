"""The maze: from the moves alone, where am I and how far is the way out? Generated."""

import numpy as np
import torch
from torch import Tensor

from clew.data.dataset import Dataset, Split
from clew.data.registry import datasets
from clew.data.splitting import hold_out
from clew.systems import Maze
from clew.systems.maze import MOVES

__all__ = ["maze"]


@datasets.register("maze")
def maze(
    size: int = 4,
    length: int = 24,
    sequences: int = 2000,
    test_sequences: int = 500,
    validation: float = 0.15,
    seed: int = 0,
) -> Dataset:
    """Walk through a maze unseen, and say after each move where you are or how far the way out is.

    A sequence is a walk of ``length`` moves in a maze of ``size`` × ``size`` cells with one way from anywhere
    to anywhere (:meth:`clew.systems.Maze.generate`). It begins in the north-western corner, which is also the
    **exit**: like Theseus one leaves by the way one came in. The walker takes any open way but the one it
    came by, and turns round in dead ends. A frame is the move, one-hot, and a question, one-hot and drawn at
    random: "where am I" has the position after the move as its target, "how far out" the number of moves of
    the shortest way to the exit, 2 · size of them or more being one class.

    **Every maze is in one sequence only**, so those of the test split are unseen mazes, and nothing about a
    maze is given but the moves that were made in it. They are enough: the position is where all moves
    together lead; and as there is one way only, the way out is the moves made with all detours struck out,
    the thread that is paid out. (How far it were to any other exit nobody could tell who has not seen the
    maze.) The position needs a sum, the distance a memory of the way: from the position alone it is guessed
    best as the distance without walls.

    **Baselines** with the default options, on the test split: to answer each question with its most frequent
    answer is right in 12%; to know the position and answer the distance without walls in 83%: 100% of
    positions and 65% of distances.

    Args:
        size: of the mazes, from 3.
        length: moves in a walk, from 8.
        sequences: to learn from, of which ``validation`` is held out; each has a maze of its own.
        test_sequences: to test on, each again in a maze of its own.
        validation: the share of ``sequences`` held out to stop by.
        seed: of mazes, walks, questions and that share.

    Raises:
        ValueError: for an option out of range, or more sequences than half of the mazes of this size.

    Source: this task is ours; the mazes: D. B. Wilson (1996), "Generating random spanning trees more quickly
    than the cover time".
    """
    for option, value, least in (
        ("size", size, 3),
        ("length", length, 8),
        ("sequences", sequences, 1),
        ("test_sequences", test_sequences, 0),
        ("seed", seed, 0),
    ):
        if value < least:
            raise ValueError(f"{option!r} is at least {least}, got {value}")
    total, mazes = sequences + test_sequences, _how_many(size)
    if 2 * total > mazes:
        raise ValueError(
            f"there are {mazes:.0f} mazes of {size} × {size}, and each sequence needs its own: "
            f"{total} sequences are more than half of them"
        )
    inputs, targets = _walks(total, size, length, seed)
    positions = tuple(f"row {row + 1}, column {column + 1}" for row in range(size) for column in range(size))
    distances = (*(f"{count} to the exit" for count in range(2 * size)), f"{2 * size} or more to the exit")
    learn = Split(inputs[:sequences].unbind(), targets[:sequences].unbind())
    classes = positions + distances
    train, held_out = hold_out(learn, validation, seed=seed, classes=classes)
    return Dataset(
        name="maze",
        options={
            "size": size,
            "length": length,
            "sequences": sequences,
            "test_sequences": test_sequences,
            "validation": validation,
            "seed": seed,
        },
        description=f"Walks of {length} moves in mazes of {size} × {size} cells, each maze in one walk only: "
        "after each move, where am I, or how many moves is it back to the entrance?",
        source="generated; the mazes after D. B. Wilson (1996), Generating random spanning trees more "
        "quickly than the cover time, https://doi.org/10.1145/237814.237880",
        licence="none needed: generated",
        channels=(*MOVES, "where am I", "how far out"),
        classes=classes,
        target="step",
        train=train,
        validation=held_out,
        test=Split(inputs[sequences:].unbind(), targets[sequences:].unbind()),
    )


def _how_many(size: int) -> float:
    """The number of mazes: spanning trees of the grid, by Kirchhoff's theorem, the determinant of a minor."""
    line = 2.0 * np.eye(size) - np.eye(size, k=1) - np.eye(size, k=-1)
    line[0, 0] = line[-1, -1] = 1.0
    laplacian = np.kron(line, np.eye(size)) + np.kron(np.eye(size), line)
    return float(np.exp(np.linalg.slogdet(laplacian[1:, 1:])[1]).round())


def _walks(count: int, size: int, length: int, seed: int) -> tuple[Tensor, Tensor]:
    """Inputs (sequence, time, channel) and targets (sequence, time), no two mazes or inputs alike."""
    generator = np.random.PCG64([seed, *b"maze walks"])
    mazes: set[Maze] = set()
    walks: dict[bytes, tuple[Tensor, Tensor]] = {}
    while len(walks) < count:
        here = Maze.generate(size, seed=int(generator.random_raw()), exit=0)
        if here in mazes:
            continue
        moves, positions = _walk(here, generator.random_raw(length))
        asked = torch.as_tensor((generator.random_raw(length) % 2).astype(np.int64))
        far = here.distances().clamp(max=2 * size)[positions]
        shown = torch.cat(
            (
                torch.nn.functional.one_hot(moves, len(MOVES)),
                torch.nn.functional.one_hot(asked, 2),
            ),
            dim=1,
        ).float()
        key = shown.numpy().tobytes()
        if key not in walks:
            mazes.add(here)
            walks[key] = shown, torch.where(asked == 0, positions, size * size + far)
    inputs, targets = zip(*walks.values(), strict=True)
    return torch.stack(inputs), torch.stack(targets)


def _walk(here: Maze, draws: np.ndarray) -> tuple[Tensor, Tensor]:
    """The moves of a walk from the exit, a draw each, and the positions after them: (time,) int64 each.

    The remainder of a 64-bit draw by at most 4 is biased by less than 1e-18.
    """
    position, before = here.exit, -1
    moves, positions = [], []
    for draw in draws:
        ways = [
            (number, there)
            for number, move in enumerate(MOVES)
            if (there := here.move(position, move)) not in (position, before)
        ] or [(number, before) for number, move in enumerate(MOVES) if here.move(position, move) == before]
        number, there = ways[int(draw) % len(ways)]
        position, before = there, position
        moves.append(number)
        positions.append(position)
    return torch.tensor(moves), torch.tensor(positions)
