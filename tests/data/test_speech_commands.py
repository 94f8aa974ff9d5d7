"""Speech Commands.

Oracle: recordings and lists written by this test in the published layout. Tolerances: none.
"""

import numpy as np
import pytest
from tests.data.published_files import tone, write_speech_commands

from clew.data import load
from clew.data.recordings import halve_rate
from clew.data.speech_commands import TEN

WORDS = (*TEN, "zero")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("speech_commands_v0.02")
    write_speech_commands(place, WORDS, 5)
    return place


@pytest.mark.parametrize("rate", [16000, 8000])
def test_recordings_are_where_the_lists_say(folder, rate):
    data = load("speech-commands", {"folder": str(folder), "words": "all", "rate": rate})
    assert data.classes == WORDS, "the words in order; noise is none"
    for split, indices in ((data.train, (2, 3, 4)), (data.validation, (0,)), (data.test, (1,))):
        wanted = [(word, index) for word in range(len(WORDS)) for index in indices]
        for (word, index), sequence, target in zip(wanted, split.inputs, split.targets, strict=True):
            samples = np.array(tone(word * 5 + index, 20 + index), dtype=np.float32) / 32768
            samples = samples if rate == 16000 else halve_rate(samples)
            assert sequence[:, 0].numpy().tobytes() == samples.tobytes()
            assert int(target) == word


def test_ten_words(folder):
    data = load("speech-commands", {"folder": str(folder)})
    assert set(data.classes) == {"yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"}
    assert [len(split) for split in (data.train, data.validation, data.test)] == [30, 10, 10]


def test_a_share_instead_of_the_official_list(folder):
    data = load("speech-commands", {"folder": str(folder), "validation": 0.25})
    assert [len(split) for split in (data.train, data.validation, data.test)] == [30, 10, 10]
    assert data.validation.inputs[0].shape != (20, 1), "not the listed ones"


def test_what_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"validation_list.txt; the folder is what speech_commands"):
        load("speech-commands", {"folder": str(tmp_path)})
    write_speech_commands(tmp_path, ("down", "go"), 5)
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*left for the word 'left'"):
        load("speech-commands", {"folder": str(tmp_path)})
    with pytest.raises(ValueError, match="'rate' is 16000 or 8000, got 4000"):
        load("speech-commands", {"folder": str(tmp_path), "rate": 4000})
