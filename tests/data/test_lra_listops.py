"""The Long Range Arena's ListOps.

Oracle: tables written by this test in the layout of the release. Tolerances: none.
"""

import pytest
from tests.data.published_files import expression, write_lra_listops

from clew.data import load


@pytest.fixture
def folder(tmp_path):
    write_lra_listops(tmp_path, (30, 10, 5))
    return tmp_path


def _words(data, split):
    return [" ".join(data.channels[i] for i in x.argmax(1).tolist()) for x in split.inputs]


def test_tokens_targets_and_official_splits(folder):
    data = load("lra-listops", {"folder": str(folder)})
    index = 0
    for split, size in ((data.train, 30), (data.validation, 10), (data.test, 5)):
        assert len(split) == size
        for words, target in zip(_words(data, split), split.targets, strict=True):
            source, wanted = expression(index)
            assert words == " ".join(source.replace("(", "").replace(")", "").split())
            assert int(target) == wanted
            index += 1


def test_the_first_sequences_alone(folder):
    data, all_of_them = (
        load("lra-listops", {"folder": str(folder), "sequences": sequences}) for sequences in (7, None)
    )
    assert _words(data, data.train) == _words(data, all_of_them.train)[:7]
    assert len(data.validation) == 10
    with pytest.raises(ValueError, match="'sequences' is at least 1, got 0"):
        load("lra-listops", {"folder": str(folder), "sequences": 0})


def test_a_share_instead_of_the_official_validation_split(folder):
    official = load("lra-listops", {"folder": str(folder)})
    data = load("lra-listops", {"folder": str(folder), "validation": 0})
    assert _words(data, data.train) == _words(data, official.train) + _words(data, official.validation)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Source\tAnswer\n[MIN 1 2 ]\t1\n", "line 1: the columns are Source and Target, got Source, Answer"),
        ("Source\tTarget\n[MIN 1 2 ]\t1\n[MUL 2 3 ]\t6\n", r"line 3: '\[MUL' is no token of ListOps"),
        ("Source\tTarget\n[MIN 1 2 ]\t10\n", "line 2: wanted tokens and a digit"),
        ("Source\tTarget\n( )\t1\n", "line 2: wanted tokens and a digit"),
    ],
)
def test_other_tables(folder, text, message):
    (folder / "basic_val.tsv").write_text(text)
    with pytest.raises(ValueError, match=f"basic_val.tsv, {message}"):
        load("lra-listops", {"folder": str(folder)})


def test_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"basic_train.tsv; the folder is listops-1000"):
        load("lra-listops", {"folder": str(tmp_path)})
