"""Tokens that come one by one: what was told, put together, is the decoding of all of them.

Oracles: Python's own UTF-8; the decoding of the whole by the package ``tokenizers``.
Tolerances: none, text is compared as text.
"""

import itertools
import random

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models

from clew.text import BPETokenizer, ByteTokenizer, train_bpe
from clew.text.piece_decoders import PieceDecoder, WindowDecoder

WORDS = "aé€😀 \n\ufffd\0"
# What a byte can be in UTF-8, good and bad: the first and last of each kind.
BYTES = bytes.fromhex("00 41 7f 80 bf c0 c2 df e0 a0 ed 9f ef f0 90 f4 f5 ff")


def told(decoder, tokens):
    return [decoder.push(token) for token in tokens]


def from_pieces(pieces, decoder, added=(), special=()):
    """A tokenizer whose tokens are ``pieces``, in their order; for decoding only."""
    tokenizer = Tokenizer(models.WordLevel({piece: place for place, piece in enumerate(pieces)}, pieces[0]))
    tokenizer.decoder = decoder
    tokenizer.add_tokens([AddedToken(piece, normalized=False) for piece in added])
    tokenizer.add_special_tokens(list(special))
    return BPETokenizer(tokenizer)


BYTE_PIECES = [f"<0x{byte:02X}>" for byte in BYTES]
LLAMA = decoders.Sequence(
    [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
)
VOCABULARIES = {
    "metaspace": (["▁", "▁a", "b", "▁▁", "ä", "▁."], decoders.Metaspace()),
    "llama": (["▁", "▁a", "b", "▁▁▁", "�", *BYTE_PIECES], LLAMA),
    "strips two": (
        ["▁", "▁a", "b", "▁▁▁"],
        decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse(), decoders.Strip(" ", 2, 0)]),
    ),
    "wordpiece": (["a", "##b", "c", ".", "'", "##'", "not", "n't"], decoders.WordPiece()),
    "suffixes": (["a</w>", "b", "c</w>", "</w>"], decoders.BPEDecoder()),
    "words": (["a", "b", "c d"], None),
    "bytes in a sequence": (["a", "Ġ", "ã", "ģ", "Ĥ", "ð", "Ł"], decoders.Sequence([decoders.ByteLevel()])),
    "bytes": (["a", "Ġ", "ã", "ģ", "Ĥ", "ð", "Ł", "ĠâĤ¬", "¬"], decoders.ByteLevel()),
}


@pytest.mark.parametrize("length", [1, 2, 3])
def test_bytes_good_and_bad_are_decoded_as_python_decodes_the_whole(length):
    decoder = ByteTokenizer().decoder()
    for tokens in itertools.product(BYTES, repeat=length):
        assert "".join(told(decoder, tokens)) + decoder.close() == bytes(tokens).decode(errors="replace")


def test_a_character_is_told_with_its_last_byte(seed):
    text = "".join(random.Random(seed).choices(WORDS, k=200))
    decoder = ByteTokenizer().decoder()
    for letter in text:
        *first, last = told(decoder, letter.encode())
        assert (last, "".join(first)) == (letter, "")
    assert decoder.close() == ""


@pytest.mark.parametrize("name", VOCABULARIES)
@pytest.mark.parametrize("kind", ["all of two", "random"])
def test_pieces_that_depend_on_their_neighbours(name, kind, seed):
    pieces, rules = VOCABULARIES[name]
    tokenizer = from_pieces(pieces, rules, added=["é ö", "  "], special=["<end>"])
    generator, every = random.Random(seed), range(tokenizer.n_tokens + 1)  # and one that is none
    texts = itertools.product(every, repeat=2)
    if kind == "random":
        texts = (generator.choices(every, k=generator.randint(1, 30)) for _ in range(300))
    decoder = tokenizer.decoder()
    for tokens in texts:
        parts = told(decoder, tokens)
        assert "".join(parts) + decoder.close() == tokenizer.decode(tokens)


@pytest.mark.parametrize("name", [name for name in VOCABULARIES if "bytes" not in name])
def test_what_is_told_is_never_half_of_anything(name, seed):
    """However the text goes on, its decoding begins with what was told."""
    pieces, rules = VOCABULARIES[name]
    tokenizer = from_pieces(pieces, rules)
    generator = random.Random(seed)
    for _ in range(100):
        tokens = generator.choices(range(tokenizer.n_tokens), k=8)
        sure = "".join(told(tokenizer.decoder(), tokens))
        for more in range(tokenizer.n_tokens):
            assert tokenizer.decode([*tokens, more]).startswith(sure)


def test_a_window_does_not_grow():
    pieces, rules = VOCABULARIES["llama"]
    tokenizer = from_pieces(pieces, rules)
    decoder = tokenizer.decoder()
    assert isinstance(decoder, WindowDecoder)
    told(decoder, random.Random(0).choices(range(3), k=1000))
    assert len(decoder._window) < 5


def test_a_learned_vocabulary_tells_each_character_with_its_last_byte(tmp_path, seed):
    (tmp_path / "a.txt").write_text("to be, or not to be: 😀€ " * 50)
    tokenizer = train_bpe([tmp_path / "a.txt"], 280)
    decoder = tokenizer.decoder()
    assert isinstance(decoder, PieceDecoder)
    text = "".join(random.Random(seed).choices(WORDS, k=300))
    tokens = tokenizer.encode(text)
    for place, part in enumerate(itertools.accumulate(told(decoder, tokens)), start=1):
        assert tokenizer.decode(tokens[:place]).rstrip("\ufffd") == part.rstrip("\ufffd")
    assert decoder.close() == ""
    generator = random.Random(seed)
    for _ in range(200):
        tokens = generator.choices(range(tokenizer.n_tokens), k=20)
        assert "".join(told(decoder, tokens)) + decoder.close() == tokenizer.decode(tokens)
