"""What every tracked file keeps to.

Oracle: the rules, written as patterns. Tolerances: none; each list of what is allowed is complete.
"""

import re
from pathlib import PurePosixPath

import pytest

LONGEST = 399  # lines

# Hosts a text may cite: papers, licences, data sets, standards, the code that an equation was compared with.
CITED_HOSTS = {
    "archive.ics.uci.edu",
    "arxiv.org",
    "creativecommons.org",
    "doi.org",
    "downloads.asterisk.org",
    "github.com",
    "keepachangelog.com",
    "semver.org",
    "timeseriesclassification.com",
    "www.aeon-toolkit.org",
    "www.apache.org",
    "www.cs.toronto.edu",
    "www.w3.org",
}

FORBIDDEN = {
    "a path of one machine": re.compile(r"(?<![\w.)}\]>])/(home|root|work|Users|mnt|opt|tmp)/"),
    "a package index": re.compile(r"(index-url|find-links|trusted-host)[ =]|--index\b"),
    "an address": re.compile(r"\b(?!127\.0\.0\.1\b)\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b"),
    "an equation that only a script from elsewhere can draw": re.compile(r"\.\. math::|:math:`"),
    "how the work is organised": re.compile(r"\b[Ii]ssues? #?\d+\b|\b(TODO|FIXME|XXX)\b"),
}
# Data, and the licence's own words.
NOT_PROSE = ("LICENSE", ".csv", ".txt.gz")


def _prose(texts: dict[str, str]) -> dict[str, str]:
    """The files that somebody here wrote."""
    return {name: text for name, text in texts.items() if not name.endswith(NOT_PROSE)}


def test_no_source_file_is_long(texts):
    lengths = {name: text.count("\n") for name, text in texts.items() if name.endswith(".py")}
    assert len(lengths) > 5
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_has(texts, what):
    here = "tests/house/test_files.py"
    found = {
        f"{name}: {match.group()}"
        for name, text in _prose(texts).items()
        for match in FORBIDDEN[what].finditer(text)
        if name != here
    }
    assert found == set()


def test_only_references_are_linked(texts):
    hosts = {
        (name, host)
        for name, text in _prose(texts).items()
        for host in re.findall(r"https?://([^/\s\"'`)>\]]+)", text)
        if host not in CITED_HOSTS
    }
    assert hosts == set()


def test_every_document_that_is_named_exists(texts):
    names = {PurePosixPath(name).name for name in texts}
    missing = {
        (name, word)
        for name, text in _prose(texts).items()
        for word in re.findall(r"\b[A-Za-z][\w-]*\.md\b", text)
        if word not in names
    }
    assert missing == set()


def test_no_folder_has_a_name_that_says_nothing(texts):
    folders = {part for name in texts for part in PurePosixPath(name).parts[:-1]}
    assert folders.isdisjoint({"utils", "util", "misc", "common", "helpers", "base"})


# Foreign weights may be pickled: torch then makes tensors and runs nothing, and its refusal has a class.
WEIGHTS_ALONE = "src/clew/models/pretrained/weights.py"
HARMLESS = re.compile(
    r"torch\.load\([^()]*\bweights_only=True\b|^from pickle import UnpicklingError$", re.MULTILINE
)


def test_nothing_is_unpickled(texts):
    pickles = re.compile(
        r"^\s*(import|from) (pickle|cPickle|dill|cloudpickle|joblib|shelve|marshal)\b"
        r"|(?<!safetensors\.)\btorch\.(load|save)\(|allow_pickle\s*=\s*True|\.(load|save)_state\(|read_pickle",
        re.MULTILINE,
    )
    source = {name: text for name, text in texts.items() if name.startswith("src/") and name.endswith(".py")}
    source[WEIGHTS_ALONE] = HARMLESS.sub("", source[WEIGHTS_ALONE])
    found = {
        f"{name}: {match.group().strip()}"
        for name, text in source.items()
        for match in pickles.finditer(text)
    }
    assert found == set()
