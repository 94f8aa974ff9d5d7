"""Tokenizers: text to tokens and back, to a folder and back, and what is refused.

Oracles: Python's own UTF-8; the package ``tokenizers`` reading the file that was written; pairs counted
by hand for the first joins. Tolerances: none.
"""

import json

import pytest
from tokenizers import Tokenizer

from clew import text
from clew.text import BPETokenizer, ByteTokenizer, train_bpe

HARD = "to be — or not…\r\n\t  😀é\0\u2028 <|endoftext|> ﷽ \ufffd\n\n"


@pytest.fixture
def learned(tmp_path):
    (tmp_path / "a.txt").write_text("low low low low low lower lower newest newest newest " * 3)
    (tmp_path / "b.txt").write_text("widest widest widest\n")
    return train_bpe([tmp_path / "a.txt", str(tmp_path / "b.txt")], 262)


def test_bytes_are_the_bytes_of_utf_8():
    tokenizer = ByteTokenizer()
    assert tokenizer.n_tokens == 256
    assert tokenizer.encode(HARD) == list(HARD.encode())
    assert tokenizer.decode(tokenizer.encode(HARD)) == HARD
    assert (tokenizer.encode(""), tokenizer.decode([])) == ([], "")


def test_a_learned_vocabulary_writes_any_text(learned):
    assert learned.n_tokens == 262
    assert learned.decode(learned.encode(HARD)) == HARD
    assert len(learned.encode("low lower")) < len("low lower")
    assert (learned.encode(""), learned.decode([])) == ([], "")


def test_the_pairs_that_follow_one_another_most_often_are_joined_first(learned):
    """12 + 6 times "lo" and "ow", within words; the joins after that are "low", " low"."""
    vocabulary = json.loads(learned._tokenizer.to_str())["model"]["vocab"]
    joined = sorted(vocabulary, key=vocabulary.get)[256:]
    assert set(joined[:2]) <= {"lo", "ow", "low", "we"}
    assert "low" in joined


def test_learning_is_the_same_each_time_and_may_run_out_of_pairs(tmp_path):
    (tmp_path / "a.txt").write_text("a rose is a rose " * 40)
    one, other = (train_bpe([tmp_path / "a.txt"], 1000) for _ in range(2))
    assert one._tokenizer.to_str() == other._tokenizer.to_str()
    assert 256 < one.n_tokens < 1000


@pytest.mark.parametrize(
    "make", [lambda learned: ByteTokenizer(), lambda learned: learned], ids=["bytes", "learned"]
)
def test_saved_and_loaded_it_is_the_same(make, learned, tmp_path):
    tokenizer = make(learned)
    tokenizer.save(tmp_path / "new" / "folder")
    again = text.load(str(tmp_path / "new" / "folder"))
    assert type(again) is type(tokenizer)
    assert again.n_tokens == tokenizer.n_tokens
    assert again.encode(HARD) == tokenizer.encode(HARD)


def test_others_can_read_the_file(learned, tmp_path):
    learned.save(tmp_path)
    other = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert other.encode(HARD).ids == learned.encode(HARD)


def test_special_tokens_are_added_as_the_file_says_and_are_not_text(learned):
    from tokenizers.processors import TemplateProcessing

    inner = learned._tokenizer
    inner.add_special_tokens(["<begin>"])
    inner.post_processor = TemplateProcessing(single="<begin> $A", special_tokens=[("<begin>", 262)])
    tokenizer = BPETokenizer(inner)
    tokens = tokenizer.encode("low")
    assert (tokenizer.n_tokens, tokens[0]) == (263, 262)
    assert tokenizer.decode(tokens) == "low"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no file .*tokenizer.json"),
        ("{", "damaged or no file of a tokenizer"),
        (b"\xff\xfe", "damaged or no file of a tokenizer"),
        ("[]", "is no file of a tokenizer"),
        ('{"tokenizer": "letters"}', "names neither bytes nor a model"),
        ('{"model": {"type": "Unheard"}}', "no file that the package tokenizers can read"),
    ],
)
def test_what_cannot_be_loaded_is_named(content, message, tmp_path):
    if content is not None:
        (tmp_path / "tokenizer.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        text.load(tmp_path)


def test_what_cannot_be_learned_from_is_named(tmp_path):
    (tmp_path / "latin.txt").write_bytes("é".encode("latin-1"))
    with pytest.raises(ValueError, match=r"latin\.txt is not a text in UTF-8"):
        train_bpe([tmp_path / "latin.txt"], 300)
    with pytest.raises(ValueError, match="at least 256, one for each byte; got 255"):
        train_bpe([tmp_path / "latin.txt"], 255)
    with pytest.raises(ValueError, match="at least one file"):
        train_bpe([], 300)
    with pytest.raises(FileNotFoundError):
        train_bpe([tmp_path / "nothing"], 300)


@pytest.mark.parametrize("token", [-1, 256])
def test_a_token_that_is_no_byte_is_named(token):
    tokenizer = ByteTokenizer()
    with pytest.raises(ValueError, match=f"from 0 to 255; got {token}"):
        tokenizer.decode([65, token])
    with pytest.raises(ValueError, match=f"from 0 to 255; got {token}"):
        tokenizer.decoder().push(token)


def test_half_a_surrogate_pair_is_refused():
    with pytest.raises(ValueError, match="surrogates not allowed"):
        ByteTokenizer().encode("\ud83d")
