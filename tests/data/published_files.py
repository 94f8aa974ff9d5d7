"""Small files in the layouts in which data sets are published, written without the code that reads them."""

import gzip
import math
import struct
import wave
from pathlib import Path

from PIL import Image


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


def expression(index: int) -> tuple[str, int]:
    """A ListOps source with round brackets, as published, and its target; no other ``index`` has the same."""
    one, two, three = index // 10 % 10, index % 10, index // 100
    source = f"( ( ( ( ( [SM {one} ) {two} ) {three} ) ( ( ( [MAX 4 ) 1 ) ] ) ) ] )"
    return source, (one + two + three + 4) % 10


def write_lra_listops(folder: Path, sizes: tuple[int, int, int]) -> None:
    """The three tables of the release, with the line ends of Python's ``csv.writer``."""
    folder.mkdir(parents=True, exist_ok=True)
    index = 0
    for part, size in zip(("train", "val", "test"), sizes, strict=True):
        lines = ["Source\tTarget"]
        for _ in range(size):
            source, target = expression(index)
            lines.append(f"{source}\t{target}")
            index += 1
        (folder / f"basic_{part}.tsv").write_bytes("".join(f"{line}\r\n" for line in lines).encode())


def picture(index: int) -> bytes:
    """32 × 32 bytes of grey that no other ``index`` has."""
    return bytes((index * 5 + k * (1 + index % 3)) % 256 for k in range(1023)) + bytes([index % 256])


def write_lra_pathfinder(folder: Path, count: int, level: str = "curv_contour_length_14") -> None:
    """Pictures in two folders, their lists numbered 2 and 10, labels in turn."""
    for number, indices in ((2, range(count // 2)), (10, range(count // 2, count))):
        place = folder / level / "imgs" / str(number)
        place.mkdir(parents=True, exist_ok=True)
        lines = []
        for index in indices:
            Image.frombytes("L", (32, 32), picture(index)).save(place / f"sample_{index}.png")
            lines.append(f"imgs/{number} sample_{index}.png {index} {index % 2} 1.0 14 4 2 0.5 1 1\n")
        (folder / level / "metadata").mkdir(exist_ok=True)
        (folder / level / "metadata" / f"{number}.npy").write_text("".join(lines))


def review(index: int) -> bytes:
    """A review that no other ``index`` has, of many lengths, in UTF-8, some bytes of it not letters."""
    return f"{index}: {'très ' * (index % 7)}good!<br /><br />\n".encode()


def write_lra_text(folder: Path, train: int, test: int) -> None:
    """``train`` and ``test`` reviews of each class, and some that nobody judged."""
    index = 0
    for part, each in (("train", train), ("test", test)):
        for name in ("neg", "pos"):
            place = folder / part / name
            place.mkdir(parents=True, exist_ok=True)
            for number in range(each):
                (place / f"{number:03}_{2 if name == 'neg' else 9}.txt").write_bytes(review(index))
                index += 1
    (folder / "train" / "unsup").mkdir(exist_ok=True)
    (folder / "train" / "unsup" / "0_0.txt").write_bytes(b"nobody judged this")


def paper(index: int) -> str:
    """A text as the release has it, bytes written down by Python, that no other ``index`` has."""
    return repr(f"Paper {index}\nIt's {'naïve ' * (index % 5)}\n".encode())


def write_lra_retrieval(folder: Path, sizes: tuple[int, int, int]) -> None:
    """The three tables of the release, without a first line of names, labels in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    index = 0
    for part, size in zip(("train", "eval", "test"), sizes, strict=True):
        lines = []
        for _ in range(size):
            names = f"P00-{index:04}\tW01-{index:04}"
            lines.append(f"{index % 2}.0\t{names}\t{paper(index)}\t{paper(index + 1)}\n")
            index += 1
        (folder / f"new_aan_pairs.{part}.tsv").write_text("".join(lines))


def write_cifar10(folder: Path, each: int) -> None:
    """``each`` records a file: a label, then red, green and blue, which differ."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
        content = b"".join(
            bytes([index % 10]) + picture(3 * index) + picture(3 * index + 1) + picture(3 * index + 2)
            for index in range(number * each, (number + 1) * each)
        )
        (folder / f"{name}.bin").write_bytes(content)


def write_speech_commands(folder: Path, words: tuple[str, ...], each: int) -> None:
    """``each`` recordings of each word, of five one for validation, one to test; and noise, no word."""
    lists: dict[str, list[str]] = {"validation_list.txt": [], "testing_list.txt": []}
    for number, word in enumerate(words):
        for index in range(each):
            name = f"{word}/{index:04}_nohash_0.wav"
            write_wav(folder / name, tone(number * each + index, 20 + index), 16000)
            if index % 5 < 2:
                lists[list(lists)[index % 5]].append(name)
    write_wav(folder / "_background_noise_" / "hum.wav", tone(999, 50), 16000)
    for file, names in lists.items():
        (folder / file).write_text("".join(f"{name}\n" for name in names))


def write_ts(folder: Path, name: str, sizes: tuple[int, int]) -> None:
    """Series of two channels and different lengths in the ``.ts`` format, classes calm and wild in turn."""
    (folder / name).mkdir(parents=True, exist_ok=True)
    index = 0
    for part, size in zip(("TRAIN", "TEST"), sizes, strict=True):
        lines = [
            "# a comment",
            f"@problemName {name}",
            "@timeStamps false",
            "@univariate false",
            "@classLabel true calm wild",
            "",
            "@data",
        ]
        for _ in range(size):
            one = ",".join(str(index + 0.5 * k) for k in range(3 + index % 4))
            two = ",".join(str(-index * k) for k in range(3 + index % 4))
            lines.append(f"{one}:{two}:{('calm', 'wild')[index % 2]}")
            index += 1
        (folder / name / f"{name}_{part}.ts").write_text("\n".join(lines) + "\n")
