"""Text from a continuation: as it comes, whole characters, up to a stop string.

Oracles: the decoding of all the tokens at once, cut by hand. Tolerances: none.
"""

from tests.models.generation.models import small_model

from clew.models.generation import Continuation, Writing, read
from clew.text import ByteTokenizer

TOKENIZER = ByteTokenizer()
PROMPTS = [b"To be", b"or not to be: that is"]


def model():
    return small_model(n_tokens=256, seed=3)


def written(stop=(), count=120):
    known = model()
    context = read(known, [list(prompt) for prompt in PROMPTS])
    continuation = Continuation(known, context, max_new_tokens=count)
    return Writing(continuation, TOKENIZER, stop), continuation


def whole():
    rows = model().generate([list(prompt) for prompt in PROMPTS], 120)
    return [TOKENIZER.decode(row) for row in rows]


def joined(writing):
    return ["".join(pieces) for pieces in zip(*writing, strict=True)]


def test_the_pieces_are_the_text():
    writing, _ = written()
    texts = whole()
    assert joined(writing) == texts
    assert writing.counts == [120, 120]
    assert any(ord(letter) > 127 for letter in texts[0])  # more than a byte, or none


def test_a_stop_string_that_spans_tokens_ends_its_row_alone():
    texts = whole()
    stop = next(texts[0][k : k + 3] for k in range(30, 100) if texts[0][k : k + 3] not in texts[1])
    writing, _ = written([stop, "never there"])
    first, second = joined(writing)
    assert first == texts[0][: texts[0].index(stop)]
    assert second == texts[1]
    assert writing.counts[0] < 120
    assert writing.counts[1] == 120


def test_what_was_held_back_comes_at_the_end():
    texts = whole()
    stop = texts[0][-2:] + "and more"
    writing, _ = written([stop])
    pieces = [piece for piece, _ in writing]
    assert "".join(pieces) == texts[0]
    assert pieces[-1].endswith(texts[0][-2:])


def test_it_comes_as_soon_as_it_is_certain():
    decoders = [TOKENIZER.decoder() for _ in PROMPTS]
    writing, _ = written()
    _, continuation = written()
    for tokens, pieces in zip(continuation, writing, strict=False):
        assert pieces == [decoder.push(token) for decoder, token in zip(decoders, tokens, strict=True)]
