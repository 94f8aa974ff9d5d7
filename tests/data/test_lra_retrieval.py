"""The Long Range Arena's task "retrieval", pairs of papers.

Oracle: tables written by this test in the layout of the release. Tolerances: none.
"""

import pytest
from tests.data.published_files import paper, write_lra_retrieval

from clew.data import load


@pytest.fixture
def folder(tmp_path):
    write_lra_retrieval(tmp_path, (30, 10, 5))
    return tmp_path


def _texts(split):
    return [bytes(sequence.argmax(dim=1).tolist()) for sequence in split.inputs]


def _pair(index, length=4000):
    return f"{paper(index)[:length]}\t{paper(index + 1)[:length]}".encode()


def test_bytes_targets_and_official_splits(folder):
    data = load("lra-retrieval", {"folder": str(folder)})
    index = 0
    for split, size in ((data.train, 30), (data.validation, 10), (data.test, 5)):
        assert len(split) == size
        for text, target in zip(_texts(split), split.targets, strict=True):
            assert text == _pair(index)
            assert text.startswith((b"b'", b'b"'))
            assert int(target) == index % 2
            index += 1


def test_each_paper_is_cut(folder):
    for length in (1, 12, len(paper(3))):
        data = load("lra-retrieval", {"folder": str(folder), "length": length})
        assert _texts(data.train)[3] == _pair(3, length)
        assert int(data.train.lengths.max()) <= 2 * length + 1
    with pytest.raises(ValueError, match="'length' is at least 1, got 0"):
        load("lra-retrieval", {"folder": str(folder), "length": 0})


def test_the_first_sequences_alone(folder):
    data = load("lra-retrieval", {"folder": str(folder), "sequences": 7})
    assert _texts(data.train) == [_pair(index) for index in range(7)]
    assert len(data.validation) == 10
    with pytest.raises(ValueError, match="'sequences' is at least 1, got 0"):
        load("lra-retrieval", {"folder": str(folder), "sequences": 0})


def test_a_share_instead_of_the_official_validation_split(folder):
    data = load("lra-retrieval", {"folder": str(folder), "validation": 0})
    assert _texts(data.train) == [_pair(index) for index in range(40)]
    data = load("lra-retrieval", {"folder": str(folder), "validation": 0.2})
    assert [len(split) for split in (data.train, data.validation, data.test)] == [32, 8, 5]


def test_other_line_ends_and_labels(folder):
    (folder / "new_aan_pairs.test.tsv").write_bytes(b"1\ta\tb\tone\ttwo\r\n0\ta\tb\tthree\tfour")
    data = load("lra-retrieval", {"folder": str(folder)})
    assert _texts(data.test) == [b"one\ttwo", b"three\tfour"]
    assert [int(target) for target in data.test.targets] == [1, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": the file is empty"),
        ("1.0\ta\tb\tone\n", ", line 1: wanted a label, two names and two texts between tabs, got 4 cells"),
        ("1.0\ta\tb\tone\ttwo\n\n", ", line 2: wanted a label, .* got 1 cells"),
        ("1.0\ta\tb\tone\ttwo\n0.5\ta\tb\tc\td\n", ", line 2: wanted the label 0.0 or 1.0, got '0.5'"),
        ("label\tid1\tid2\ttext1\ttext2\n", ", line 1: wanted the label 0.0 or 1.0, got 'label'"),
        ("1.0\ta\tb\tone\t\n", ", line 1: a text is empty"),
    ],
)
def test_other_tables(folder, text, message):
    (folder / "new_aan_pairs.eval.tsv").write_text(text)
    with pytest.raises(ValueError, match=f"new_aan_pairs.eval.tsv{message}"):
        load("lra-retrieval", {"folder": str(folder)})


def test_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"new_aan_pairs.train.tsv; the folder is tsv_data"):
        load("lra-retrieval", {"folder": str(tmp_path)})
