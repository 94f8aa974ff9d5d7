"""The table and the plot of rows.

Oracle: medians and extremes counted by hand; what matplotlib holds to be drawn. Tolerances: none.
"""

import pytest

from clew.compare import Budget, group_rows
from clew.compare.figure import draw_comparison
from clew.compare.summary import ALIGN, cells, conditions
from clew.train.report.figures.canvas import DARK, LIGHT, to_png


def test_a_task_and_a_budget_are_a_group_and_a_mixer_with_its_options_a_line(row):
    rows = [
        row(),
        row(seed=1),
        row(budget=Budget(epochs=1)),
        row(mixer_options={"init": "lin"}),
        row(task_options={"validation": 0.5}),
        row(task="maze"),
        row("rnn"),
    ]
    groups = group_rows(rows)
    assert [[(line.label, len(line.rows)) for line in group.lines] for group in groups] == [
        [("rnn", 1), ("s4d", 2), ("s4d init=lin", 1)],
        [("s4d", 1)],
        [("s4d", 1)],
        [("s4d", 1)],
    ]
    assert group_rows([]) == []


def test_median_lowest_and_highest(row):
    scores = {"s4d": [0.75, 0.125, 0.5], "rnn": [0.5, 0.125], "gru": [0.875]}
    rows = [row(name, seed, score) for name, all_ in scores.items() for seed, score in enumerate(all_)]
    (group,) = group_rows(rows)
    table = cells(group)
    assert [line[:5] for line in table[1:]] == [
        ["gru", "87.50%", "87.50%", "87.50%", "1"],
        ["s4d", "50.00%", "12.50%", "75.00%", "3"],
        ["rnn", "31.25%", "12.50%", "50.00%", "2"],
        ["most frequent class", "10.00%", "", "", ""],
    ]
    assert {len(line) for line in table} == {len(ALIGN)}


def test_of_errors_the_least_is_the_best(row):
    errors = {"s4d": [0.02, 0.001, 0.0005], "rnn": [0.16], "gru": [0.0009]}
    rows = [
        row(name, seed, task="adding", mean_squared_error=error, trivial=1 / 6)
        for name, all_ in errors.items()
        for seed, error in enumerate(all_)
    ]
    (group,) = group_rows(rows)
    table = cells(group)
    assert table[0][:4] == ["mixer", "mean squared error", "lowest", "highest"]
    assert [line[:5] for line in table[1:]] == [
        ["gru", "0.0009", "0.0009", "0.0009", "1"],
        ["s4d", "0.001", "0.0005", "0.02", "3"],
        ["rnn", "0.16", "0.16", "0.16", "1"],
        ["always the mean", "0.1667", "", "", ""],
    ]
    assert {len(line) for line in table} == {len(ALIGN)}
    left, _ = draw_comparison(group, LIGHT).axes
    assert left.get_title() == "adding: mean squared error"
    assert left.get_xscale() == "log"


def test_what_is_too_long_for_a_panel_stands_above_both(row):
    options = {"min_length": 20, "max_length": 100, "sequences": 10_000}
    (group,) = group_rows([row(task="listops", task_options=options)])
    figure = draw_comparison(group, LIGHT)
    assert [axes.get_title() for axes in figure.axes] == ["listops: accuracy", "Time"]
    above = figure.get_suptitle().replace("\n", " ")
    assert above == group.training.title
    assert len(above) > 40
    (group,) = group_rows([row()])
    assert not draw_comparison(group, LIGHT).get_suptitle()


def test_time_is_the_median_and_memory_the_most(row):
    mebibyte = 2**20
    rows = [
        row(seed=0, seconds=1.0, epoch_seconds=0.25, peak_bytes=300 * mebibyte),
        row(seed=1, seconds=9.0, epoch_seconds=2.0, peak_bytes=301 * mebibyte),
        row(seed=2, seconds=3.0, epoch_seconds=0.5, peak_bytes=None),
    ]
    (group,) = group_rows(rows)
    assert cells(group)[1][5:] == ["1,234", "3.0 s", "500 ms", "301.0 MiB", "300.0 MiB"]
    (group,) = group_rows([row(peak_bytes=None, start_bytes=None)])
    assert cells(group)[1][-2:] == ["–", "–"]


def test_the_conditions_name_every_machine_and_version_once(row):
    rows = [row(), row(seed=1), row(seed=2, threads=2, commit="clew 0.1.0")]
    (group,) = group_rows(rows)
    budget, made = conditions(group)
    assert budget == (
        "Model: 2 layers of 64 channels, mean pooling. Budget: 60 epochs, 15 without a better validation "
        "loss, batches of 32, learning rate 0.004."
    )
    assert made == (
        "Made on a processor, cpu, 1 thread; a processor, cpu, 2 threads, "
        "with clew 0123abc, torch 2.13.0; clew 0.1.0, torch 2.13.0."
    )
    (group,) = group_rows([row(budget=Budget(epochs=3, patience=3, dropout=0.1))])
    assert "mean pooling, dropout 0.1. Budget: 3 epochs, batches of 32" in conditions(group)[0]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_the_plot_has_a_dot_for_each_seed_and_a_name_for_each_mixer(row, theme):
    scores = {"s4d": [0.75, 0.25, 0.5], "rnn": [0.5, 0.125]}
    rows = [row(name, seed, score) for name, all_ in scores.items() for seed, score in enumerate(all_)]
    (group,) = group_rows(rows)
    left, right = draw_comparison(group, theme).axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["rnn", "s4d"]
    dots = [line for line in left.lines if line.get_marker() == "o"]
    assert [sorted(line.get_xdata()) for line in dots] == [[0.125, 0.5], [0.25, 0.5, 0.75]]
    bars = [line.get_xdata()[0] for line in left.lines if line.get_marker() == "|"]
    assert bars == [0.3125, 0.5]
    assert list(right.lines[0].get_xdata()) == [30.0, 30.0]
    assert to_png(lambda one: draw_comparison(group, one), theme).startswith(b"\x89PNG")
