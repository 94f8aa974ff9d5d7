"""English or Spanish.

Oracle: recordings written by this test, read back by their names; of the real ones, what was found out about
them with another program (cross-correlation, counts). The real ones are read where Debian's packages are
installed. Tolerances: samples are equal bit for bit; the named baseline is met within two points.
"""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from tests.data.published_files import tone, write_prompts, write_wav

from clew.data import load
from clew.data.recordings import halve_rate
from clew.data.spoken_language import FOLDER, LANGUAGES


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("sounds")
    write_prompts(place, 20)
    return place


def _by_content(folder: Path, rate: int = 8000) -> dict[bytes, tuple[int, int]]:
    """The prompt and the language of what the files hold."""
    found = {}
    for index in range(20):
        for language in (0, 1):
            samples = np.array(tone(2 * index + language, 50 + 5 * index), dtype=np.float32) / 32768
            samples = samples if rate == 8000 else halve_rate(samples)
            found[samples.tobytes()] = index, language
    return found


@pytest.mark.parametrize("rate", [8000, 4000])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_prompt_is_in_one_split_in_both_languages(folder, seed, rate):
    data = load("spoken-language", {"folder": str(folder), "seed": seed, "rate": rate})
    assert data.classes == ("English", "Spanish")
    known, splits = _by_content(folder, rate), []
    for split in (data.train, data.validation, data.test):
        seen = Counter()
        for sequence, target in zip(split.inputs, split.targets, strict=True):
            prompt, language = known.pop(sequence[:, 0].numpy().tobytes())
            assert language == target
            seen[prompt] += 1
        assert set(seen.values()) == {2}
        splits.append(set(seen))
    assert not known, "every prompt that is in both languages is used"
    assert [len(split) for split in splits] == [14, 2, 4]
    assert not splits[0] & splits[1]
    assert not (splits[0] | splits[1]) & splits[2]


def test_pieces(folder):
    """0.005 s are 40 samples; a piece after the first has at least 20."""
    one, three = (
        load("spoken-language", {"folder": str(folder), "seconds": 0.005, "pieces": pieces, "validation": 0})
        for pieces in (1, 3)
    )
    assert set(one.train.lengths.tolist()) == {40}
    whole = load("spoken-language", {"folder": str(folder), "validation": 0})
    wanted = [
        sequence[start : start + 40, 0].tolist()
        for sequence in whole.train.inputs
        for start in (0, 40, 80)
        if start == 0 or len(sequence) - start >= 20
    ]
    assert [sequence[:, 0].tolist() for sequence in three.train.inputs] == wanted


def test_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"apt-get install asterisk-core-sounds-en-wav"):
        load("spoken-language", {"folder": str(tmp_path)})
    for index, language in enumerate(LANGUAGES.values()):
        write_wav(tmp_path / language / f"{index}.wav", [1, 2], 8000)
    with pytest.raises(ValueError, match="has no prompt in both languages, en_US_f_Allison and es_MX"):
        load("spoken-language", {"folder": str(tmp_path)})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seconds": 0.0}, "'seconds' is at least one sample, 1/8000, got 0.0"),
        ({"seconds": float("nan")}, "'seconds' is at least one sample"),
        ({"pieces": 0}, "'pieces' is at least 1, got 0"),
        ({"rate": 16000}, "'rate' is 8000 or 4000, got 16000"),
        ({"rate": "2000"}, "unknown value for 'rate': '2000'"),
    ],
)
def test_refusals(folder, options, message):
    with pytest.raises(ValueError, match=message):
        load("spoken-language", {"folder": str(folder), **options})


@pytest.mark.skipif(
    not all((Path(FOLDER) / language).is_dir() for language in LANGUAGES.values()),
    reason="Debian's packages asterisk-core-sounds-en-wav and -es-wav are not installed",
)
def test_the_real_prompts():
    """472 prompts in both languages; loudness, noise and length alone tell 82% of them apart."""
    linear = pytest.importorskip("sklearn.linear_model")
    data = load("spoken-language", {"validation": 0})
    assert (len(data.train), len(data.test)) == (2 * 378, 2 * 94)

    def facts(split):
        rows = []
        for x in split.inputs:
            x = x[:, 0].double()
            loudness = x[: len(x) // 200 * 200].view(-1, 200).square().mean(1).sqrt() + 1e-6
            rows.append([x.std().log(), x.abs().max().log(), loudness.quantile(0.05).log(), len(x) / 8000])
        return np.array(rows), [int(target) for target in split.targets]

    model = linear.LogisticRegression(C=100).fit(*facts(data.train))
    assert model.score(*facts(data.test)) == pytest.approx(0.82, abs=0.02)
