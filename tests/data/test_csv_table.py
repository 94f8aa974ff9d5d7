"""One long CSV file: what is read, and what is refused in which words.

Oracle: the rows as the test wrote them, grouped and sorted by plain Python. Tolerances: none; values are
written with ``repr`` and read back as the nearest float32.
"""

import re
from datetime import datetime, timedelta

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from clew.data import IGNORE, load

HEAD = "series,time,x,label\n"
GOOD = HEAD + "p,0,1,a\np,1,2,a\nq,0,3,b\nq,1,4,b\n"
VALUES = "series,time,x,y\np,0,1,7\np,1,2,7\nq,0,3,8\nq,1,4,8\n"
EVERYTHING = {"test": 0, "validation": 0}

finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
times = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
)


def _load(tmp_path, text: str, **options):
    file = tmp_path / "table.csv"
    file.write_text(text)
    return load(file, {**EVERYTHING, **options})


@given(
    data=st.lists(
        arrays(np.float32, st.tuples(st.integers(1, 5), st.just(2)), elements=finite), min_size=2, max_size=4
    ),
    moments=st.lists(times, min_size=5, max_size=5, unique=True),
    shuffle=st.randoms(use_true_random=False),
)
@settings(max_examples=40)
def test_rows_anywhere_are_sorted_within_their_series(tmp_path_factory, data, moments, shuffle):
    rows = []
    for index, values in enumerate(data):
        for row, moment in zip(values, sorted(moments), strict=False):
            x, y = (repr(float(value)) for value in row)
            rows.append((index, f"{x},{moment!r},{index % 2},{y},s{index}"))
    shuffled = shuffle.sample(rows, len(rows))
    read = _load(
        tmp_path_factory.mktemp("csv"), "x,time,label,y,series\n" + "\n".join(text for _, text in shuffled)
    )
    assert read.channels == ("x", "y")
    assert read.classes == ("0", "1")
    for sequence, target, index in zip(
        read.train.inputs, read.train.targets, dict.fromkeys(index for index, _ in shuffled), strict=True
    ):
        assert torch.equal(sequence, torch.from_numpy(data[index]))
        assert int(target) == index % 2


@given(
    moments=st.lists(st.datetimes(), min_size=4, max_size=4, unique=True),
    offsets=st.lists(st.integers(-12, 12), min_size=4, max_size=4),
    aware=st.booleans(),
)
@settings(max_examples=40)
def test_dates_are_sorted_as_dates(tmp_path_factory, moments, offsets, aware):
    # A clock that is ahead by its offset shows the same moment; without offset a date is in UTC.
    inside = [min(max(moment, datetime(2, 1, 1)), datetime(9998, 1, 1)) for moment in moments]
    shown = [
        f"{(moment + timedelta(hours=hours)).isoformat()}{hours:+03}:00" if aware else moment.isoformat()
        for moment, hours in zip(inside, offsets, strict=True)
    ]
    if len(set(inside)) < 4:
        return
    rows = "".join(f"p,{text},{index},a\n" for index, text in enumerate(shown))
    read = _load(tmp_path_factory.mktemp("csv"), HEAD + rows + "q,2024-05-01,0,b\n")
    assert read.train.inputs[0][:, 0].tolist() == sorted(range(4), key=inside.__getitem__)


def test_whole_times_are_exact_at_any_size(tmp_path):
    # Nanoseconds since 1970 are 256 apart in float64.
    now = 1_700_000_000_000_000_000
    read = _load(tmp_path, HEAD + f"p,{now + 2},3,a\np,{now + 1},2,a\np,{now},1,a\nq,0,0,b\n")
    assert read.train.inputs[0][:, 0].tolist() == [1, 2, 3]


def test_columns_have_the_names_that_are_given(tmp_path):
    text = "when;who;what;x;note\n2;p;a;20;good\n1;p;a;10;bad\n1;q;b;30;\n"
    read = _load(tmp_path, text, series="who", time="when", label="what", channels="x")
    assert [sequence[:, 0].tolist() for sequence in read.train.inputs] == [[10, 20], [30]]


def test_without_time_the_order_of_the_file_stays(tmp_path):
    text = "series,x,label\np,3,a\nq,9,b\np,1,a\np,2,a\n"
    for time in (None, "none"):
        read = _load(tmp_path, text, time=time)
        assert [sequence[:, 0].tolist() for sequence in read.train.inputs] == [[3, 1, 2], [9]]
        assert read.options["time"] is None


def test_labels_per_step_follow_the_order_of_time(tmp_path):
    text = HEAD + "p,3,30,walk\np,1,10,rest\np,2,20,\nq,1,0,walk\n"
    read = _load(tmp_path, text, target="step")
    assert (read.target, read.classes) == ("step", ("rest", "walk"))
    assert [target.tolist() for target in read.train.targets] == [[0, IGNORE, 1], [1]]


def test_values_of_a_series(tmp_path):
    text = "series,time,x,speed,load\np,1,2,0.5,-3\nq,0,3,1e3,4\np,0,1,0.50,-3.0\n"
    read = _load(tmp_path, text, values=" load, speed ")
    assert (read.channels, read.values, read.classes, read.target) == (
        ("x",),
        ("load", "speed"),
        (),
        "sequence",
    )
    assert [target.tolist() for target in read.train.targets] == [[-3, 0.5], [4, 1000]]
    assert [sequence[:, 0].tolist() for sequence in read.train.inputs] == [[1, 2], [3]]
    assert read.description.endswith("what is load, speed of each sequence?")


def test_values_per_step_follow_the_order_of_time_and_may_be_missing(tmp_path):
    text = "series,time,x,y,z\np,3,30,3,\np,1,10,1,0.5\np,2,20,nan,-1\nq,1,0,,9\n"
    read = _load(tmp_path, text, values="y,z", target="step")
    nan = float("nan")
    wanted = [torch.tensor([[1, 0.5], [nan, -1], [3, nan]]), torch.tensor([[nan, 9]])]
    for target, one in zip(read.train.targets, wanted, strict=True):
        torch.testing.assert_close(target, one, rtol=0, atol=0, equal_nan=True)
    assert read.target_mean.tolist() == [2.0, pytest.approx(8.5 / 3)]


def test_shares(tmp_path):
    rows = "".join(f"s{index},0,{index},{'ab'[index % 2]}\n" for index in range(40))
    read = _load(tmp_path, HEAD + rows, test=0.25, validation=0.2)
    assert (len(read.train), len(read.validation), len(read.test)) == (24, 6, 10)


def test_options_hold_an_absolute_path(tmp_path, monkeypatch):
    (tmp_path / "t.CSV").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    read = load("t.CSV", EVERYTHING)
    monkeypatch.chdir("/")
    assert load(read.name, read.options).source == str((tmp_path / "t.CSV").resolve()) == read.options["path"]
    (tmp_path / "t.CSV").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"t.CSV: no such file; if the data has moved, give its new path"
    ):
        load(read.name, read.options)


# Bad tables: text, options, the message after the path of the file.
BAD = {
    "empty": ("", {}, ": the file is empty"),
    "names only": (HEAD, {}, ": nothing follows the names of the columns"),
    "no series": (
        GOOD.replace("series", "serie"),
        {},
        ", line 1: no column 'series' (series); did you mean 'serie'? Columns: serie, time, x, label",
    ),
    "no time": (
        GOOD.replace("time", "when"),
        {},
        ", line 1: no column 'time' (time); Columns: series, when, x, label",
    ),
    "no label": (GOOD, {"label": "lable"}, ", line 1: no column 'lable' (label); did you mean 'label'?"),
    "no channel": (GOOD, {"channels": "z"}, ", line 1: no column 'z' (channels); Columns: x"),
    "the label as a channel": (
        GOOD,
        {"channels": "label"},
        ", line 1: no column 'label' (channels); Columns: x",
    ),
    "no channels left": ("series,time,label\np,0,a\n", {}, ", line 1: no column is left to be a channel"),
    "name twice": ("series,time,x,x,label\n", {}, ", line 1: two columns are called 'x'"),
    "ragged": (GOOD + "q,2,5\n", {}, ", line 6: 3 cells, where the first line has 4"),
    "text": (GOOD + "q,2,five,b\n", {}, ", line 6, column 'x': 'five' is not a number"),
    "no value": (GOOD + "q,2,,b\n", {}, ", line 6, column 'x': there is no value, and gaps are not filled"),
    "NaN": (GOOD + "q,2,nan,b\n", {}, ", line 6, column 'x': nan is not finite"),
    "infinity": (GOOD + "q,2,inf,b\n", {}, ", line 6, column 'x': inf is not finite"),
    "nameless series": (GOOD + ",2,5,b\n", {}, ", line 6, column 'series': the name of the series is empty"),
    "no moment": (GOOD + "q,,5,b\n", {}, ", line 6, column 'time': '' is no number and no ISO 8601 date"),
    "moment in words": (
        GOOD + "q,noon,5,b\n",
        {},
        ", line 6, column 'time': 'noon' is no number and no ISO 8601 date",
    ),
    "moment NaN": (
        GOOD + "q,nan,5,b\n",
        {},
        ", line 6, column 'time': 'nan' is no number and no ISO 8601 date",
    ),
    "moment infinite": (GOOD + "q,inf,5,b\n", {}, ", line 6, column 'time': 'inf' is no number"),
    "dates and numbers": (
        GOOD + "q,2024-01-01,5,b\n",
        {},
        ", line 6, column 'time': numbers and dates are mixed",
    ),
    "same moment": (GOOD + "p,1.0,5,a\n", {}, ", line 6: series 'p' has this time on line 3 already"),
    "same date": (
        HEAD + "p,2024-01-01T12:00,1,a\np,2024-01-01T13:00+01:00,2,a\n",
        {},
        ", line 3: series 'p' has this time on line 2 already",
    ),
    "label varies": (
        GOOD + "p,2,5,b\n",
        {},
        ", line 6: series 'p' is 'b' here and 'a' on line 2; if each row has its own label, say target=step",
    ),
    "label empty": (GOOD + "p,2,5,\n", {}, ", line 6: series 'p' has no label here"),
    "no label in a series": (
        GOOD + "r,2,5,\n",
        {"target": "step"},
        ", line 6: series 'r' has no label at all",
    ),
    "another value": (
        VALUES + "p,2,5,7.5\n",
        {"values": "y"},
        ", line 6, column 'y': series 'p' is 7.5 here and 7 on line 2; if each row has its own values, say "
        "target=step",
    ),
    "value empty": (
        VALUES + "p,2,5,\n",
        {"values": "y"},
        ", line 6, column 'y': series 'p' has no value here",
    ),
    "no value in a series": (
        VALUES + "r,2,5,\n",
        {"values": "y", "target": "step"},
        ", line 6: series 'r' has no value at all",
    ),
    "value in words": (
        VALUES + "q,2,5,high\n",
        {"values": "y"},
        ", line 6, column 'y': 'high' is not a number",
    ),
    "value infinite": (VALUES + "q,2,5,inf\n", {"values": "y"}, ", line 6, column 'y': inf is not finite"),
    "no such value": (
        VALUES,
        {"values": "y,v"},
        ", line 1: no column 'v' (values); Columns: series, time, x, y",
    ),
    "one class": (GOOD.replace("b\n", "a\n"), {}, ": every label is 'a', at least two classes are needed"),
    "one class per step": (
        GOOD.replace("b\n", "a\n"),
        {"target": "step"},
        ": every label is 'a', at least two classes are needed",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_table_is_named_with_its_line(tmp_path, kind):
    text, options, message = BAD[kind]
    with pytest.raises(ValueError) as error:
        _load(tmp_path, text, **options)
    assert str(error.value).startswith(f"{tmp_path / 'table.csv'}{message}")
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time": "series"}, "series=series, time=series and label=label are three different columns"),
        ({"label": "time"}, "series=series, time=time and label=time are three different columns"),
        ({"time": None, "label": "series"}, "series=series, time=None and label=series are three different"),
        ({"values": "x,time"}, "series=series, time=time and values=x,time are all different columns"),
        ({"values": "x,x"}, "values=x,x names a column twice"),
        ({"target": "frame"}, "unknown value for 'target': 'frame'"),
        ({"channels": "x,x"}, "channels=x,x names a column twice"),
        ({"test": 0.5}, "class 'a' has only one sequence to learn from, so none can be held out.*test=0"),
        (
            {"validation": 0.5},
            "class 'a' has only one sequence to learn from, so none can be held out.*validation=0",
        ),
    ],
)
def test_options_that_do_not_fit(tmp_path, options, message):
    with pytest.raises(ValueError, match=re.compile(message)):
        _load(tmp_path, GOOD, **options)
