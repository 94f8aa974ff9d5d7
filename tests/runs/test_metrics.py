"""The log of what training measured.

Oracle: the lines that were written. Tolerances: none.
"""

import pytest

from clew.runs import MetricsLog, cut_metrics, read_metrics

LINES = [{"kind": "train", "step": step, "loss": 1 / (step + 1)} for step in range(4)]


@pytest.fixture
def written(tmp_path):
    """A log of four lines, and its size after each."""
    path = tmp_path / "metrics.jsonl"
    log = MetricsLog(path)
    sizes = []
    for line in LINES:
        log.write(line)
        sizes.append(log.sync())
    log.close()
    return path, sizes


def test_lines_come_back(written):
    path, sizes = written
    assert read_metrics(path) == LINES
    assert path.stat().st_size == sizes[-1]


def test_a_log_is_cut_and_goes_on(written):
    path, sizes = written
    cut_metrics(path, sizes[1])
    assert read_metrics(path) == LINES[:2]
    log = MetricsLog(path)
    log.write({"step": 9})
    log.close()
    assert read_metrics(path) == [*LINES[:2], {"step": 9}]


def test_a_line_is_in_the_file_before_the_next(tmp_path):
    log = MetricsLog(tmp_path / "metrics.jsonl")
    log.write(LINES[0])
    assert read_metrics(tmp_path / "metrics.jsonl") == LINES[:1]
    log.close()


def test_a_torn_last_line_is_left_out(written):
    path, sizes = written
    with path.open("r+b") as file:
        file.truncate(sizes[3] - 5)
    assert read_metrics(path) == LINES[:3]


def test_a_log_that_lost_lines_is_refused(written):
    path, sizes = written
    with path.open("r+b") as file:
        file.truncate(sizes[0])
    with pytest.raises(ValueError, match=r"metrics\.jsonl is cut short"):
        cut_metrics(path, sizes[1])
    assert path.stat().st_size == sizes[0]


@pytest.mark.parametrize("line", [b"not json", b"[1, 2]", b"\xff\xfe"])
def test_a_foreign_line_has_its_number_said(written, line):
    path, _ = written
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(ValueError, match=r"metrics\.jsonl, line 5 is not a JSON object"):
        read_metrics(path)


def test_nan_is_not_written(written):
    path, sizes = written
    log = MetricsLog(path)
    with pytest.raises(ValueError, match="JSON"):
        log.write({"loss": float("nan")})
    log.close()
    assert path.stat().st_size == sizes[-1]


def test_a_missing_log_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"metrics\.jsonl"):
        read_metrics(tmp_path / "metrics.jsonl")
