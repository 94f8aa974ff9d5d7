"""WAV files, and half their rate.

Oracle: files written by this test; ``scipy.signal`` for what the filter does to each frequency.
Tolerances:

| what | bound | why |
| --- | --- | --- |
| what is kept, 0 to 0.93 of the new Nyquist frequency | 0.2% | what the filter is designed for |
| what would fold back, from 1.07 of it | 0.1% | 60 dB |
"""

import numpy as np
import pytest
from tests.data.published_files import write_wav

from clew.data.recordings import halve_rate, read_wav

KEPT, FOLDED = 2e-3, 1e-3


def test_samples_are_those_of_the_file(tmp_path):
    write_wav(tmp_path / "a.wav", [0, 1, -1, 32767, -32768], 8000)
    samples = read_wav(tmp_path / "a.wav", 8000)
    assert samples.dtype == np.float32
    assert (samples * 32768).tolist() == [0, 1, -1, 32767, -32768]


@pytest.mark.parametrize(
    ("rate", "channels", "width", "said"),
    [(16000, 1, 2, "1 × 16 bits at 16000 Hz"), (8000, 2, 2, "2 × 16 bits"), (8000, 1, 1, "1 × 8 bits")],
)
def test_other_recordings_are_refused(tmp_path, rate, channels, width, said):
    write_wav(tmp_path / "a.wav", [1, 2, 3, 4], rate, channels, width)
    with pytest.raises(ValueError, match=f"a.wav: {said}.*wanted one channel of 16 bits at 8000 Hz"):
        read_wav(tmp_path / "a.wav", 8000)


def test_files_that_are_none(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    with pytest.raises(ValueError, match=r"a.wav is not a PCM WAV file"):
        read_wav(tmp_path / "a.wav", 8000)
    write_wav(tmp_path / "b.wav", [], 8000)
    with pytest.raises(ValueError, match=r"b.wav holds no samples"):
        read_wav(tmp_path / "b.wav", 8000)


@pytest.mark.parametrize("length", [1, 2, 7, 126, 127, 400])
def test_half_as_many_samples_and_no_delay(length):
    """The impulse at an even sample stays where it is, at half its height: the filter's middle."""
    impulse = np.zeros(length, dtype=np.float32)
    impulse[(length // 2) & ~1] = 1
    halved = halve_rate(impulse)
    assert halved.dtype == np.float32
    assert len(halved) == (length + 1) // 2
    assert np.abs(halved).argmax() == ((length // 2) & ~1) // 2
    assert halved.max() == pytest.approx(0.5, abs=0.005)


def test_each_frequency_is_kept_or_gone():
    signal = pytest.importorskip("scipy.signal")
    # The response to an impulse at an even and at an odd sample: the filter's taps, in turn.
    taps = np.zeros(128)
    for shift in (0, 1):
        impulse = np.zeros(256, dtype=np.float32)
        impulse[128 + shift] = 1
        taps[shift::2] = halve_rate(impulse)[32 : 32 + 64][::-1]
    frequency, response = signal.freqz(taps, worN=8192, fs=4.0)  # the new Nyquist frequency is 1
    size = np.abs(response)
    assert np.abs(size[frequency <= 0.93] - 1).max() < KEPT
    assert size[frequency >= 1.07].max() < FOLDED


def test_a_slow_wave_keeps_its_values():
    wave = np.sin(0.2 * np.arange(2000)).astype(np.float32)
    inside = slice(50, -50)
    np.testing.assert_allclose(halve_rate(wave)[inside], wave[::2][inside], atol=KEPT)
