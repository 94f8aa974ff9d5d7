"""Files of text as a data set.

Oracle: the bytes of the files, cut by hand at 90 and 95 percent; Python's own UTF-8 codec.
Tolerances: none, bytes are compared.
"""

import numpy as np
import pytest

from clew.data import read_text
from clew.text import ByteTokenizer

FIRST, SECOND = b"The sea, the sea! " * 40, b"And then the land. " * 50


@pytest.fixture
def files(tmp_path):
    """Two files of text, 720 and 950 bytes."""
    for name, content in (("b.txt", FIRST), ("a.txt", SECOND)):
        (tmp_path / name).write_bytes(content)
    return [tmp_path / "b.txt", tmp_path / "a.txt"]


def test_parts_are_the_bytes_in_order(files):
    data = read_text(files)
    whole = FIRST + SECOND
    low, high = len(whole) * 90 // 100, len(whole) * 95 // 100
    parts = (data.train, data.validation, data.test)
    assert [bytes(part.text) for part in parts] == [whole[:low], whole[low:high], whole[high:]]
    assert [part.tokens.tobytes() for part in parts] == [whole[:low], whole[low:high], whole[high:]]
    assert data.train.tokens.dtype == np.uint8
    assert data.train.starts.tolist() == [0, len(FIRST)]
    assert [bytes(document) for document in data.train.documents()] == [FIRST, whole[len(FIRST) : low]]
    assert data.test.starts.tolist() == [0]
    assert (data.name, data.kind, data.files) == ("b", "bytes", tuple(files))
    assert repr(data).startswith("TextDataset('b', 2 files, 1,503 + 83 + 84 bytes, 256 tokens)")


def test_a_folder_is_its_text_files_in_order(files, tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/c.txt").write_text("Land! " * 50)
    (tmp_path / "notes.rst").write_text("not this")
    data = read_text([tmp_path])
    names = [file.relative_to(tmp_path).as_posix() for file in data.files]
    assert names == ["a.txt", "b.txt", "inner/c.txt"]
    assert data.name == tmp_path.name


@pytest.mark.parametrize("shift", range(4))
def test_a_cut_is_never_within_a_character(tmp_path, shift):
    file = tmp_path / "t.txt"
    text = "x" * shift + "\N{GRINNING FACE}" * 1000
    file.write_text(text, encoding="utf-8")
    data = read_text([file])
    parts = [bytes(part.text) for part in (data.train, data.validation, data.test)]
    assert "".join(part.decode() for part in parts) == text
    size = len(text.encode())
    assert 0 <= len(parts[0]) - size * 90 // 100 < 4
    assert 0 <= len(parts[0]) + len(parts[1]) - size * 95 // 100 < 4


def test_a_learned_vocabulary_says_the_same_bytes(files):
    data, plain = read_text(files, vocabulary=265), read_text(files)
    assert (data.kind, data.tokenizer.n_tokens) == ("bpe", 265)
    for name in ("train", "validation", "test"):
        part, wanted = getattr(data, name), getattr(plain, name)
        assert bytes(part.text) == bytes(wanted.text)
        assert part.tokens.dtype == np.uint16
        assert len(part) < len(wanted)
        ends = [*part.starts[1:].tolist(), len(part)]
        pieces = [part.tokens[a:b].tolist() for a, b in zip(part.starts.tolist(), ends, strict=True)]
        said = [data.tokenizer.decode(piece).encode() for piece in pieces]
        assert said == [bytes(document) for document in wanted.documents()]
    # The test part was not looked at: the same training part makes the same vocabulary.
    changed = files[1].read_bytes()[:-50] + b"Q" * 50
    files[1].write_bytes(changed)
    again = read_text(files, vocabulary=265)
    assert again.train.tokens.tolist() == data.train.tokens.tolist()


def test_bytes_take_what_is_no_utf8_and_a_vocabulary_says_where(tmp_path):
    file = tmp_path / "latin.txt"
    content = b"A caf\xc3\xa9.\n" * 110 + b"Un caf\xe9.\n" * 10
    file.write_bytes(content)
    data = read_text([file])
    parts = (data.train, data.validation, data.test)
    assert b"".join(bytes(part.text) for part in parts) == content
    with pytest.raises(ValueError, match=r"latin\.txt is not UTF-8: byte 996, in line 111, is 0xe9"):
        read_text([file], vocabulary=300)


def test_a_tokenizer_that_loses_text_is_refused(files):
    class Small:
        n_tokens = 256

        def encode(self, text):
            return list(text.lower().encode())

        def decode(self, tokens):
            return bytes(tokens).decode()

    with pytest.raises(ValueError, match="does not give the text back"):
        read_text(files, Small())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"t\.txt is empty"),
        (b"short", r"at least 1,000 bytes.*; got 5 in .*t\.txt"),
        (b"\x7fELF\x00\x01" * 500, r"t\.txt is no text: its byte 4 is zero"),
    ],
)
def test_what_cannot_be_learned_from_is_an_error(tmp_path, content, message):
    (tmp_path / "t.txt").write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        read_text([tmp_path / "t.txt"])
    assert "\n" not in str(error.value)


def test_what_is_not_there_or_twice_there_is_an_error(files, tmp_path):
    with pytest.raises(FileNotFoundError):
        read_text([tmp_path / "nowhere.txt"])
    with pytest.raises(ValueError, match=r"b\.txt is given twice"):
        read_text([*files, tmp_path / "." / "b.txt"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"empty has no file that ends in \.txt"):
        read_text([tmp_path / "empty"])
    with pytest.raises(ValueError, match="at least one file"):
        read_text([])
    with pytest.raises(ValueError, match="got both"):
        read_text(files, ByteTokenizer(), vocabulary=300)
