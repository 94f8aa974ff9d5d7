"""Lines of text as samples.

Oracle: the lines are written out by hand beside what they mean.
Tolerances: none; what is read is what ``float`` makes of the digits.
"""

import pytest

from clew.stream.lines import is_header, parse

CHANNELS = ("left", "middle", "right")


@pytest.mark.parametrize(
    ("text", "sample"),
    [
        ("1,2,3", [1, 2, 3]),
        (" 1 ,\t2, 3 \r\n", [1, 2, 3]),
        ("-1e-3,+.5,7.", [-0.001, 0.5, 7]),
        ("[1, 2.5, -3e2]\n", [1, 2.5, -300]),
        ('{"right": 3, "left": 1, "middle": 2}', [1, 2, 3]),
        ("", None),
        (" \t\r\n", None),
    ],
)
def test_a_line_is_a_sample_or_blank(text, sample):
    assert parse(text, CHANNELS) == sample


def test_numbers_that_float_takes_are_left_to_the_session():
    assert str(parse("nan,inf,-inf", CHANNELS)) == "[nan, inf, -inf]"
    assert str(parse("[NaN, Infinity, 1e400]", CHANNELS)) == "[nan, inf, inf]"
    assert parse(f"[{10**400}, 0, 0]", CHANNELS) == [float("inf"), 0, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2", r"expected 3 values \(left, middle, right\), got 2"),
        ("1,2,3,4", "expected 3 values .*, got 4"),
        ("1,2,3,", "expected 3 values .*, got 4"),
        ("1 2 3", "expected 3 values .*, got 1"),
        ("1,two,3", r"value 2 \(middle\) is two, not a number"),
        ("1,,3", r"value 2 \(middle\) is empty, not a number"),
        ("1,1_000,3", r"value 2 \(middle\) is 1_000, not a number"),
        ('1,"2",3', r'value 2 \(middle\) is "2", not a number'),
        ("1,0x10,3", "not a number"),
        ("1," + "x" * 100 + ",3", "x{37}…, not a number"),
        ("[1, 2", r"broken JSON: .* at character \d"),
        ("[1, 2, 3] 4", "broken JSON: Extra data"),
        ("[" * 100_000, "broken JSON: "),
        ("[1, 2]", "expected 3 values .*, got 2"),
        ("[]", "expected 3 values .*, got 0"),
        ("[1, true, 3]", r"value 2 \(middle\) is true, not a number"),
        ("[1, null, 3]", "is null, not a number"),
        ('[1, "2", 3]', 'is "2", not a number'),
        ("[1, [2], 3]", r"is \[2\], not a number"),
        ('{"left": 1, "midle": 2, "right": 3}', "unknown channel 'midle'; did you mean 'middle'"),
        ('{"left": 1, "right": 3}', "the channel 'middle' is missing"),
        ('{"left": 1, "left": 1, "middle": 2, "right": 3}', "'left' is given twice"),
        ("{}", "the channel 'left' is missing"),
        ("[" + "9" * 5000 + ", 0, 0]", "Exceeds the limit|broken JSON"),
    ],
)
def test_anything_else_is_refused_with_the_reason(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text, CHANNELS)


def test_a_header_is_the_names_in_the_models_order():
    assert is_header("left,middle,right\n", CHANNELS)
    assert is_header(' left , "middle",right', CHANNELS)
    assert is_header('"a, b",c', ["a, b", "c"])


@pytest.mark.parametrize("text", ["1,2,3", "nan,inf,1", "1,x,3", "", "[1, 2, 3]", '{"left": 1}'])
def test_a_line_with_a_number_in_it_is_no_header(text):
    assert not is_header(text, CHANNELS)


def test_names_that_are_numbers_cannot_be_told_from_a_sample():
    assert not is_header("1,2,3", ["1", "2", "3"])
    assert is_header("1,2,c", ["1", "2", "c"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("right,middle,left", "in their order: left, middle, right"),
        ("left,middle", "in their order: left, middle, right"),
        ("left,midle,right", "unknown channel 'midle'; did you mean 'middle'"),
    ],
)
def test_a_header_of_other_channels_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        is_header(text, CHANNELS)
