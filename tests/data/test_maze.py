"""The maze task.

Oracle: the moves themselves. On a tree the way back is the moves with every step and its undoing struck out,
until nothing is left to strike: a stack, which knows nothing of mazes; the position is the sum of the moves.
Tolerances: the baselines that the docstring names are met within two points.
"""

from collections import Counter

import numpy as np
import pytest
import torch

import clew
from clew.data import load
from clew.systems.maze import MOVES

STEPS = {"north": (-1, 0), "east": (0, 1), "south": (1, 0), "west": (0, -1)}
LARGE = {"size": 5, "length": 40, "sequences": 100, "test_sequences": 30}
SMALL = {"size": 3, "length": 12, "sequences": 60, "test_sequences": 20}


def answers(sequence, size):
    """For each frame the position and the length of the thread, by the stack; and which of them is asked."""
    row, column, thread, found = 0, 0, [], []
    for frame in sequence.tolist():
        down, right = STEPS[MOVES[frame[:4].index(1)]]
        row, column = row + down, column + right
        if thread and thread[-1] == (-down, -right):
            thread.pop()
        else:
            thread.append((down, right))
        found.append((row * size + column, len(thread), frame[4:].index(1)))
    return found


@pytest.mark.parametrize("options", [SMALL, LARGE])
def test_targets_follow_from_the_moves(options):
    data, size = load("maze", options), options["size"]
    assert data.channels == (*MOVES, "where am I", "how far out")
    assert data.n_classes == size * size + 2 * size + 1
    for split in (data.train, data.validation, data.test):
        for sequence, target in zip(split.inputs, split.targets, strict=True):
            assert sequence.shape == (options["length"], 6)
            assert ((sequence == 0) | (sequence == 1)).all()
            wanted = [
                position if asked == 0 else size * size + min(far, 2 * size)
                for position, far, asked in answers(sequence, size)
            ]
            assert target.tolist() == wanted


def test_names_of_answers():
    classes = load("maze", SMALL).classes
    assert classes[5] == "row 2, column 3"
    assert classes[9:] == (*(f"{n} to the exit" for n in range(6)), "6 or more to the exit")


def test_both_questions_come_up_alike():
    asked = torch.cat(load("maze", {"sequences": 300, "test_sequences": 0}).train.inputs)[:, 4:].mean(0)
    assert asked[0] == pytest.approx(0.5, abs=0.03)


@pytest.fixture
def made(monkeypatch):
    """The mazes that are generated, in order."""
    made, generate = [], clew.systems.Maze.generate

    def remembered(*arguments, **options):
        made.append(generate(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(clew.systems.Maze, "generate", remembered)
    return made


def test_every_maze_is_in_one_sequence(made):
    """Half of all mazes of 3 × 3 are asked for: drawn without looking, some twenty would come twice."""
    load("maze", {"size": 3, "sequences": 90, "test_sequences": 6})
    assert len(made) > len(set(made)) >= 96


def test_the_walker_turns_round_in_dead_ends_alone(made):
    """A step that undoes the one before is the only way there was."""
    data = load("maze", {"sequences": 30, "test_sequences": 0, "validation": 0, "length": 40})
    assert len(made) == 30
    for maze, sequence in zip(made, data.train.inputs, strict=True):
        before, here = None, 0
        for frame in sequence:
            there = maze.move(here, MOVES[int(frame[:4].argmax())])
            assert there != here, "a move into a wall"
            if there == before:
                assert maze.next_states(here) == (before,)
            before, here = here, there


def test_the_baselines_that_are_named():
    data = load("maze")
    train, test = ([answers(x, 4) for x in split.inputs] for split in (data.train, data.test))
    train, test = (np.array(rows).reshape(-1, 3) for rows in (train, test))
    for rows in (train, test):
        rows[:, 1] = rows[:, 1].clip(max=8)
    common = [Counter(train[train[:, 2] == asked, asked].tolist()).most_common(1)[0][0] for asked in (0, 1)]
    right = np.where(test[:, 2] == 0, test[:, 0] == common[0], test[:, 1] == common[1])
    assert right.mean() == pytest.approx(0.12, abs=0.02)
    without_walls = test[:, 0] // 4 + test[:, 0] % 4
    straight = without_walls == test[:, 1]
    assert straight[test[:, 2] == 1].mean() == pytest.approx(0.65, abs=0.02)
    assert np.where(test[:, 2] == 0, True, straight).mean() == pytest.approx(0.83, abs=0.02)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 2}, "'size' is at least 3, got 2"),
        ({"length": 7}, "'length' is at least 8, got 7"),
        ({"sequences": 0}, "'sequences' is at least 1, got 0"),
        ({"size": 3, "sequences": 90, "test_sequences": 10}, "there are 192 mazes of 3 × 3.*100 sequences"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        load("maze", options)


@pytest.mark.slow
def test_s4d_learns_unseen_mazes(tmp_path):
    """Far above answering at random, and above knowing the position but not the walls (83%)."""
    data = load("maze")
    torch.manual_seed(0)
    config = clew.models.ModelConfig(data.d_input, data.n_classes, mixer="s4d", pooling="step")
    settings = clew.train.TrainConfig(epochs=12, directory=tmp_path / "run")
    run = clew.fit(clew.models.build(config), data, settings, progress=False)
    assert clew.train.evaluate(run.model, data.test).accuracy > 0.87
