"""``clew info``: a trained model from outside and from inside.

Oracle: the tensors in ``model.safetensors``, counted and transformed here with numpy after the equations of
S4D: A = −exp(a) + i·b, Ā = exp(Δ A).
Tolerances: four digits are printed.
"""

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

DIGITS = 6e-4  # relative: half a unit of the fourth digit, and float32 weights


@pytest.fixture
def weights(here):
    return load_file(here / "runs/data-s4d/model.safetensors")


def rows(text, start):
    """The cells of the rows that begin with ``start``."""
    return [line[len(start) :].split() for line in text.splitlines() if line.startswith(start)]


def test_parameters_are_counted(clew, weights):
    said = clew("info", "runs/data-s4d")
    assert (said.code, said.err) == (0, "")
    learned = {name: value.size for name, value in weights.items() if not name.startswith("input_")}
    assert rows(said.out, "total") == [[f"{sum(learned.values()):,}"]]
    for number in (1, 2):
        inside = sum(
            size for name, size in learned.items() if name.startswith(f"backbone.blocks.{number - 1}.")
        )
        assert rows(said.out, f"layer {number}  ")[0][-1] == f"{inside:,}"
    assert "S4D" in said.out
    for word in ("csv-table", "left, right", "rest, run, walk", "2 epochs", "none yet: clew evaluate"):
        assert word in said.out


def test_poles_and_time_constants_are_those_of_the_weights(clew, weights):
    said = clew("info", "runs/data-s4d")
    for number in (1, 2):
        prefix = f"backbone.blocks.{number - 1}.mixer."
        dt = np.exp(weights[prefix + "log_dt"].astype(float))
        A = -np.exp(weights[prefix + "A_log_real"].astype(float)) + 1j * weights[prefix + "A_imag"].astype(
            float
        )
        poles = np.exp(dt[:, None] * A)
        expected = {
            "  |pole|": np.abs(poles),
            "  time constant, samples": -1 / np.log(np.abs(poles)),
            "  turns a sample, |arg pole| / 2π": np.abs(np.angle(poles)) / (2 * np.pi),
            "  continuous pole, Re": A.real,
            "  continuous pole, |Im|": np.abs(A.imag),
            "  its time in a sample, Δ": dt,
        }
        assert f"layer {number}: 8 systems of order 8" in said.out
        for label, values in expected.items():
            least, _, greatest = map(float, rows(said.out, label)[number - 1])
            assert least == pytest.approx(values.min(), rel=DIGITS)
            assert greatest == pytest.approx(values.max(), rel=DIGITS)


def test_a_kernel_is_as_long_as_nearly_all_of_its_energy(here, clew):
    """Beside the kernels themselves, computed as sums of powers in numpy, 32,768 samples long."""
    said = clew("info", "runs/data-s4d")
    weights = load_file(here / "runs/data-s4d/model.safetensors")
    for number in (1, 2):
        of = {
            name.rpartition(".")[2]: value.astype(float)
            for name, value in weights.items()
            if name.startswith(f"backbone.blocks.{number - 1}.mixer.")
        }
        A = -np.exp(of["A_log_real"]) + 1j * of["A_imag"]
        poles = np.exp(np.exp(of["log_dt"])[:, None] * A)
        B, C = of["B"] @ [1, 1j], of["C"] @ [1, 1j]
        gain = C * B * (poles - 1) / A
        kernel = 2 * (gain[..., None] * poles[..., None] ** np.arange(32_768)).sum(1).real
        energy = np.cumsum(kernel**2, axis=1)
        lengths = (energy < 0.99 * energy[:, -1:]).sum(1) + 1
        least, median, greatest = map(float, rows(said.out, "  kernel, samples")[number - 1])
        assert [least, median, greatest] == pytest.approx(
            [lengths.min(), np.sort(lengths)[(len(lengths) - 1) // 2], lengths.max()], rel=DIGITS, abs=1
        )


def test_the_size_of_each_layer_is_shown(clew, weights):
    said = clew("info", "runs/data-s4d")
    learned = sum(
        value.size for name, value in weights.items() if name.startswith("backbone.blocks.0.mixer.")
    )
    # 8 channels of 4 pairs of float32
    assert said.out.count(f"  {learned:,} parameters, 256 bytes of state") == 2


def test_the_layers_are_drawn_when_asked_for(here, clew):
    said = clew("info", "runs/data-s4d", "--plot", "layers.png")
    assert (said.code, said.err) == (0, "")
    with Image.open(here / "layers.png") as image:
        image.load()
        assert image.format == "PNG"
        assert image.width == 1152  # 7.2 inches at 160 dots
        assert image.height > 2000


def test_what_cannot_be_drawn_is_one_line(here, clew):
    said = clew("info", "runs/data-rnn", "--plot", "layers.png")
    assert (said.code, said.out) == (2, "")
    assert (
        said.err == "clew: there is nothing to plot: an RNN with tanh is not a linear system: only "
        "nonlinearity=None has one\n"
    )
    said = clew("info", "runs/data-s4d", "--plot", "layers.pdf")
    assert (said.code, said.out) == (2, "")
    assert said.err == "clew: --plot writes a PNG file, whose name ends in .png; got layers.pdf\n"
    said = clew("info", "runs/data-s4d", "--plot", "nowhere/layers.png")
    assert (said.code, said.out) == (2, "")
    assert said.err == "clew: nowhere: no such folder to draw layers.png in\n"
    assert not list(here.glob("layers.*"))


def test_a_layer_without_a_system_says_why(here, clew):
    said = clew("info", "runs/data-rnn")
    assert (said.code, said.err) == (0, "")
    assert "RNN" in said.out
    assert "layer 1 has no poles: " in said.out
    assert "layer 2 has no poles: " in said.out
    assert "|pole|" not in said.out


def test_a_linear_rnn_has_poles(here, clew, small):
    words = small.replace("d_state=8", "d_state=4 nonlinearity=none")
    assert clew("train", "data.csv", *words.split(), "--mixer", "rnn", "--directory", "linear").code == 0
    said = clew("info", "linear")
    assert said.code == 0
    assert "layer 2: 1 system of order 4" in said.out
    weights = load_file(here / "linear/model.safetensors")
    poles = np.linalg.eigvals(weights["backbone.blocks.1.mixer.A"].astype(float))
    least, _, greatest = map(float, rows(said.out, "  |pole|")[1])
    assert least == pytest.approx(np.abs(poles).min(), rel=DIGITS)
    assert greatest == pytest.approx(np.abs(poles).max(), rel=DIGITS)


def test_the_last_evaluation_is_shown(here, clew):
    assert clew("evaluate", "runs/data-s4d").code == 0
    said = clew("info", "runs/data-s4d")
    assert "evaluation  test: accuracy " in said.out


def test_long_lists_of_names_are_wrapped_between_names(clew, here, monkeypatch):
    from clew.cli.info import _wrapped

    names = [f"channel number {k}" for k in range(40)]
    lines = _wrapped("channels", names)
    assert len(lines) > 5
    assert [name for name, _ in lines] == ["channels"] + [""] * (len(lines) - 1)
    assert ", ".join(names) == " ".join(text for _, text in lines)
    assert max(len(text) for _, text in lines) <= 80
    assert all(text.startswith("channel number") for _, text in lines)


def test_very_long_lists_of_names_are_cut():
    from clew.cli.info import _wrapped

    names = [f"byte {k}" for k in range(256)]
    *lines, rest = [text for _, text in _wrapped("channels", [name.replace(" ", "\t") for name in names])]
    shown = " ".join(lines).rstrip(",").split(", ")
    assert shown == names[: len(shown)]
    assert rest == f"… and {256 - len(shown)} more"
    assert len(lines) == 3
