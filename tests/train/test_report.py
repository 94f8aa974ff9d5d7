"""The report on real, tiny runs: what files are there, and that the page needs nothing but itself.

Oracle: the HTML parser of the standard library and Pillow's PNG decoder read what was written; what must
stand in the page is written out here by hand. Nothing is compared within a tolerance.

Drawing takes seconds, so most tests write reports with a dot for each picture (``dots``).
"""

import base64
import dataclasses
import io
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from clew.data import Dataset, load
from clew.models import ModelConfig, build
from clew.runs import RunDirectory
from clew.train import TrainConfig, fit, report
from clew.train.report import material, section

SECTIONS = ("learning", "confusion", "posterior", "kernels", "poles", "time_constants", "views", "cost")
DYNAMICS = {"kernels", "poles", "time_constants"}


def a_dot() -> bytes:
    """The PNG file of one white pixel."""
    buffer = io.BytesIO()
    Image.new("RGB", (1, 1), "white").save(buffer, "PNG")
    return buffer.getvalue()


class Page(HTMLParser):
    """Every tag with its attributes, and all text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def make_run(path: Path, data: str, options: dict[str, Any], **model: Any) -> Path:
    """Train a tiny model for two epochs."""
    dataset = load(data, options)
    torch.manual_seed(0)
    pooling = "step" if dataset.target == "step" else "mean"
    outputs = {"n_classes": dataset.n_classes, "n_values": dataset.n_values}
    config = ModelConfig(dataset.d_input, d_model=8, pooling=pooling, **outputs, **model)
    fit(build(config), dataset, TrainConfig(epochs=2, directory=path), progress=False)
    return path


@pytest.fixture(scope="module")
def s4d(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "s4d"
    run = make_run(path, "japanese-vowels", {}, mixer_options={"d_state": 8})
    report.write(run, seconds=0.5)
    return run


@pytest.fixture(scope="module")
def tanh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "tanh"
    run = make_run(path, "japanese-vowels", {}, mixer="rnn", n_layers=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(section, "to_png", lambda draw, theme: a_dot())
        report.write(run, seconds=0)
    return run


@pytest.fixture(scope="module")
def delayed_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "copy"
    options = {"length": 3, "delay": 4, "sequences": 60, "test_sequences": 5}
    run = make_run(path, "delayed-copy", options, mixer="rnn", mixer_options={"nonlinearity": None})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(section, "to_png", lambda draw, theme: a_dot())
        report.write(run, seconds=0)
    return run


def test_a_model_that_reads_from_both_ends_has_no_stream_to_show(tmp_path: Path, dots: None) -> None:
    run = make_run(
        tmp_path / "run", "japanese-vowels", {}, mixer_options={"d_state": 4, "bidirectional": True}
    )
    report.write(run, seconds=0.2)
    found, why = page(run), "Left out: S4D with bidirectional=True reads whole sequences from both ends"
    assert pictures(run) == set(SECTIONS) - DYNAMICS - {"posterior", "views"}
    assert found.text.count(why) == 5
    assert "State of a streamnone" in found.text
    assert "samples is trained on in" in found.text
    assert "clew stream" not in found.text


@pytest.fixture
def dots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports in which each picture is a dot."""
    monkeypatch.setattr(section, "to_png", lambda draw, theme: a_dot())


@pytest.fixture
def copied(s4d: Path, tmp_path: Path, dots: None) -> Path:
    """A run of one's own to change, whose next report has dots."""
    return Path(shutil.copytree(s4d, tmp_path / "run"))


def page(run: Path) -> Page:
    return Page((run / "report.html").read_text())


def pictures(run: Path) -> set[str]:
    return {path.stem for path in (run / "figures").iterdir()}


@pytest.mark.parametrize("name", ["s4d", "tanh", "delayed_copy"])
def test_page_needs_nothing_but_itself(name: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(name)
    found = page(run)
    for _, attributes in found.tags:
        for key in ("src", "srcset", "href", "data", "action", "poster"):
            address = attributes.get(key)
            assert address is None or address.startswith(("data:image/png;base64,", "#")), (key, address)
    assert not [tag for tag, _ in found.tags if tag in ("script", "link", "iframe", "object")]
    style = (run / "report.html").read_text().split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    (policy,) = [tag for tag in found.all("meta") if tag.get("http-equiv") == "Content-Security-Policy"]
    assert policy["content"] == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@pytest.mark.parametrize("name", ["s4d", "tanh", "delayed_copy"])
def test_every_image_has_words_and_decodes(name: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(name)
    found = page(run)
    light, dark = found.all("img"), found.all("source")
    assert len(light) == len(dark) == len(pictures(run))
    for image, other in zip(light, dark, strict=True):
        assert len(image["alt"] or "") > 40
        sizes = {_decode(image["src"]).size, _decode(other["srcset"]).size}
        assert sizes == {(int(image["width"] or 0), int(image["height"] or 0))}
        assert other["media"] == "(prefers-color-scheme: dark)"
    for path in (run / "figures").iterdir():
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            picture.load()


def _decode(address: str | None) -> Image.Image:
    picture = Image.open(io.BytesIO(base64.b64decode((address or "").split(",")[1], validate=True)))
    picture.load()
    return picture


@pytest.mark.parametrize("name", ["s4d", "tanh", "delayed_copy"])
def test_every_section_is_there_and_linked(name: str, request: pytest.FixtureRequest) -> None:
    found = page(request.getfixturevalue(name))
    assert tuple(section["id"] for section in found.all("section")) == SECTIONS
    assert [link["href"] for link in found.all("a")] == [f"#{key}" for key in SECTIONS]
    assert found.all("html")[0]["lang"] == "en"
    assert any(tag.get("name") == "viewport" for tag in found.all("meta"))


def test_s4d_has_every_figure(s4d: Path) -> None:
    assert pictures(s4d) == set(SECTIONS)


def test_head_says_what_the_run_is(s4d: Path) -> None:
    text = " ".join(page(s4d).text.split())
    parameters = sum(value.numel() for value in _weights(s4d) if value.is_floating_point())
    standardisation = 2 * 12
    for expected in (
        "S4D on japanese-vowels",
        "Nine male speakers",
        f"{parameters - standardisation:,}",
        "2 epochs",
        "Accuracy, validation",
        f"torch {torch.__version__}",
        "CC BY 4.0",
    ):
        assert expected in text


def _weights(run: Path) -> list[torch.Tensor]:
    from safetensors.torch import load_file

    return list(load_file(run / "model.safetensors").values())


def test_without_a_system_figures_are_left_out_with_the_reason(tanh: Path) -> None:
    assert pictures(tanh) == set(SECTIONS) - DYNAMICS - {"cost"}
    html = (tanh / "report.html").read_text()
    for key in DYNAMICS:
        section = html.split(f'<section id="{key}"')[1].split("</section>")[0]
        assert "Left out: " in section
        assert "tanh" in section


def test_a_class_for_each_sample(delayed_copy: Path) -> None:
    assert pictures(delayed_copy) == set(SECTIONS) - {"cost"}
    text = page(delayed_copy).text
    assert "samples are right" in text
    assert "one answer for each sample" in text


def test_values_are_drawn_against_the_true_ones(tmp_path: Path, dots: None) -> None:
    options = {"length": 6, "sequences": 40, "test_sequences": 10}
    run = make_run(tmp_path / "run", "adding", options, n_layers=1)
    report.write(run, seconds=0)
    sections = {"learning", "predicted", "kernels", "poles", "time_constants", "views"}
    assert pictures(run) == sections
    text = page(run).text
    for words in (
        "Predicted against true, validation split",
        "Mean squared error, validation",
        "to give sum, one answer for each sequence",
        "The test split has not been looked at.",
        "Between any two views the values differ by at most",
    ):
        assert words in text, words
    evaluation = {
        "split": "test", "loss": 0.1, "mean_squared_error": 0.0125, "explained": 0.9, "count": 10,
        "trivial_mean_squared_error": 0.17, "predictions": [[1.0], [None]], "targets": [[1.1], [None]],
    }  # fmt: skip
    RunDirectory(run).write_evaluation(evaluation)
    report.write(run, seconds=0)
    text = page(run).text
    assert "The mean squared error over 10 values is 0.0125; always answering the mean" in text
    assert "90.0% of the variance is explained (R²)." in text
    assert "Drawn are the first 2 targets." in text
    for spoilt in ({"predictions": [[1.0, 2.0]]}, {"targets": None}, {"count": "many"}):
        RunDirectory(run).write_evaluation({**evaluation, **spoilt})
        with pytest.raises(ValueError, match=r"evaluation.json is not what clew evaluate writes of 1 values"):
            report.write(run, seconds=0)


def test_accuracy_is_of_the_test_split_once_it_was_evaluated(copied: Path) -> None:
    counts = torch.diag(torch.arange(9))
    counts[0, 3] = 4
    evaluation = {"split": "test", "loss": 0.1, "accuracy": 0.9, "count": 40, "confusion": counts.tolist()}
    RunDirectory(copied).write_evaluation(evaluation)
    report.write(copied, seconds=0)
    text = page(copied).text
    assert "Confusion matrix, test split" in text
    assert "36 of 40 sequences" in text
    assert "speaker 1 taken for speaker 4, 4 times" in text


def test_a_confusion_matrix_of_other_classes_is_refused(copied: Path) -> None:
    RunDirectory(copied).write_evaluation({"split": "test", "confusion": [[1, 0], [0, 1]]})
    before = (copied / "report.html").read_bytes()
    with pytest.raises(ValueError, match=r"'confusion' has shape \(2, 2\)"):
        report.write(copied, seconds=0)
    assert (copied / "report.html").read_bytes() == before


def test_the_test_split_is_not_touched(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Forbidden:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"the report asked for test.{name}")

        def __len__(self) -> int:
            raise AssertionError("the report asked how long the test split is")

    def without_test(path: Path) -> Dataset:
        dataset = load("japanese-vowels", {})
        object.__setattr__(dataset, "test", Forbidden())
        return dataset

    monkeypatch.setattr(material, "load_dataset", without_test)
    report.write(copied, seconds=0)
    assert "The test split has not been looked at." in page(copied).text


def test_without_validation_the_training_split_is_shown_and_named(tmp_path: Path, dots: None) -> None:
    run = make_run(tmp_path / "run", "japanese-vowels", {"validation": 0.0}, n_layers=1)
    report.write(run, seconds=0)
    text = page(run).text
    assert "Confusion matrix, training split" in text
    assert "From the training split" in text


def test_an_interrupted_write_leaves_the_old_report(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}

    def fails(*arguments: Any) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", fails)
    with pytest.raises(KeyboardInterrupt):
        report.write(copied, seconds=0)
    after = {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}
    assert {path: after[path] for path in before} == before


def test_a_figure_that_is_no_longer_drawn_does_not_stay(tanh: Path, dots: None) -> None:
    stale = tanh / "figures" / "kernels.png"
    stale.write_bytes(b"old")
    report.write(tanh, seconds=0)
    assert not stale.exists()


def test_the_same_run_gives_the_same_bytes(copied: Path) -> None:
    first = report.write(copied, seconds=0).read_bytes()
    assert report.write(copied, seconds=0).read_bytes() == first


@pytest.mark.parametrize("missing", ["model.safetensors", "config.json"])
def test_a_run_that_is_not_finished_has_no_report(copied: Path, missing: str) -> None:
    (copied / missing).unlink()
    (copied / "report.html").unlink()
    with pytest.raises(FileNotFoundError):
        report.write(copied, seconds=0)
    assert not (copied / "report.html").exists()


def test_what_the_data_say_is_text_and_never_markup(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = load("japanese-vowels", {})
    nasty = dataclasses.replace(
        dataset,
        description='<script>alert(1)</script> & "quotes"',
        classes=tuple(f"<b onclick='x'>{index}</b> $_{index}^" for index in range(9)),
    )
    monkeypatch.setattr(material, "load_dataset", lambda path: nasty)
    report.write(copied, seconds=0)
    found = page(copied)
    assert not [tag for tag, _ in found.tags if tag in ("script", "b")]
    assert "<script>alert(1)</script>" in found.text


def test_cost_names_its_method_and_measured_lengths(s4d: Path) -> None:
    html = (s4d / "report.html").read_text()
    section = html.split('<section id="cost"')[1].split("</section>")[0]
    lengths = re.findall(r'<th scope="row">([\d,]+)</th>', section)
    assert lengths[0] == "16"
    assert [int(length.replace(",", "")) for length in lengths] == [16 * 4**n for n in range(len(lengths))]
    assert "fresh process" in section
    assert "medians of" in section


def test_config_is_not_touched(s4d: Path) -> None:
    config = json.loads((s4d / "config.json").read_text())
    assert config["format"] == 1
    assert not [path for path in s4d.rglob("*") if path.name.startswith(".") and "writing" in path.name]
