"""Recordings: a WAV file as samples, and at half its rate."""

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["Samples", "halve_rate", "read_wav"]

Samples = npt.NDArray[np.float32]

HALF_WIDTH = 63
"""Of the low-pass filter, in samples to each side."""
KAISER_BETA = 6.0


def read_wav(file: Path, rate: int) -> Samples:
    """The samples (time,) of a recording, −1 to 1: 16-bit numbers over 32,768.

    Args:
        file: PCM, 16 bits, one channel.
        rate: the samples a second that it must have.

    Raises:
        ValueError: if it is anything else, or holds no sample.
    """
    try:
        with wave.open(str(file), "rb") as stream:
            kind = stream.getnchannels(), stream.getsampwidth(), stream.getframerate()
            content = stream.readframes(stream.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"{file} is not a PCM WAV file: {error or 'it ends too soon'}") from None
    if kind != (1, 2, rate):
        channels, width, found = kind
        raise ValueError(
            f"{file}: {channels} × {8 * width} bits at {found} Hz; wanted one channel of 16 bits at {rate} Hz"
        )
    if len(content) < 2:
        raise ValueError(f"{file} holds no samples")
    return np.frombuffer(content, dtype="<i2").astype(np.float32) / np.float32(32768)


def halve_rate(samples: Samples) -> Samples:
    """Every second sample of (time,), after a low-pass filter: (⌈time / 2⌉,).

    The filter is a sinc of the new Nyquist frequency under a Kaiser window, 127 taps, symmetric, so that
    nothing is delayed; the recording is silent before and after. What would fold back is damped by more than
    60 dB from 1.07 times the new Nyquist frequency on. Accumulated in float64.

    Source: A. V. Oppenheim and R. W. Schafer, "Discrete-time signal processing", 3rd edition, sections 4.6
    (decimation) and 7.5.3 (Kaiser window).
    """
    at = np.arange(-HALF_WIDTH, HALF_WIDTH + 1)
    taps: npt.NDArray[np.float64] = np.sinc(at / 2) / 2 * np.kaiser(len(at), KAISER_BETA)
    smooth = np.convolve(samples.astype(np.float64), taps / taps.sum())
    return smooth[HALF_WIDTH:-HALF_WIDTH:2].astype(np.float32)
