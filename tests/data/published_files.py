"""Small files in the layouts in which data sets are published, written without the code that reads them."""

import gzip
import math
import struct
import wave
from pathlib import Path


def write_wav(file: Path, samples: list[int], rate: int, channels: int = 1, width: int = 2) -> None:
    """Whole numbers of ``width`` bytes as PCM."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(file), "wb") as stream:
        stream.setnchannels(channels)
        stream.setsampwidth(width)
        stream.setframerate(rate)
        stream.writeframes(b"".join(sample.to_bytes(width, "little", signed=True) for sample in samples))


def tone(index: int, length: int) -> list[int]:
    """Samples that no other ``index`` has."""
    return [round(9000 * math.sin((0.3 + 0.01 * index) * k + index)) for k in range(length)]


def write_prompts(folder: Path, count: int) -> None:
    """``count`` prompts in English and Spanish, silence, a tone that is in both, and some in one alone."""
    for number, language in enumerate(("en_US_f_Allison", "es_MX_f_Allison")):
        place = folder / language
        for index in range(count):
            name = f"digits/{index}" if index % 2 else f"prompt-{index}"
            write_wav(place / f"{name}.wav", tone(2 * index + number, 50 + 5 * index), 8000)
        write_wav(place / "silence" / "1.wav", [0] * 40, 8000)
        write_wav(place / "beep.wav", tone(500, 40), 8000)
        write_wav(place / "vm-minutes.wav", tone(600 + number, 40), 8000)
        write_wav(place / f"only-{language}.wav", tone(700, 40), 8000)


def write_idx(file: Path, shape: tuple[int, ...], values: list[int]) -> None:
    """Bytes in the IDX format, gzipped."""
    head = struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(head + bytes(values)))


def clothing(index: int) -> list[int]:
    """The pixels of an image that no other ``index`` has."""
    return [(index * 7 + k * (index % 5 + 1)) % 256 for k in range(783)] + [index % 256]


def write_fashion_mnist(folder: Path, train: int, test: int) -> None:
    """Images whose labels go round."""
    for part, indices in (("train", range(train)), ("t10k", range(train, train + test))):
        pixels = [pixel for index in indices for pixel in clothing(index)]
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", (len(indices), 28, 28), pixels)
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", (len(indices),), [i % 10 for i in indices])
