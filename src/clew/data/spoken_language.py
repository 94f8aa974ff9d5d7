"""English or Spanish? Spoken prompts as raw samples, from the files of two of Debian's packages."""

from pathlib import Path
from typing import Literal, NamedTuple

import torch

from clew.data.dataset import Dataset, Split
from clew.data.recordings import Samples, halve_rate, read_wav
from clew.data.registry import datasets
from clew.data.splitting import hold_out_together

__all__ = ["spoken_language"]

FOLDER = "/usr/share/asterisk/sounds"
LANGUAGES = {"English": "en_US_f_Allison", "Spanish": "es_MX_f_Allison"}
RATE = 8000
TEST_SHARE = 0.2
WITHOUT_SPEECH = frozenset(
    {"ascending-2tone", "beep", "beeperr", "confbridge-join", "confbridge-leave", "descending-2tone"}
    | {"tt-monkeys"}
)
"""Tones, and monkeys: the same recording in both languages."""
RECORDED_AGAIN = frozenset(
    {"conf-lockednow", "dir-welcome", "pbx-invalid", "privacy-thankyou", "queue-seconds"}
    | {"vm-incorrect-mailbox", "vm-minutes", "vm-pls-try-again"}
)
"""In one language or the other these begin with the recording of another prompt."""


@datasets.register("spoken-language")
def spoken_language(
    folder: str = FOLDER,
    seconds: float = 1.0,
    pieces: int = 1,
    rate: Literal[8000, 4000] = 8000,
    validation: float = 0.15,
    seed: int = 0,
) -> Dataset:
    """Is this English or Spanish, from the raw samples of a prompt?

    The prompts of the telephone exchange Asterisk, spoken by one woman in both languages: 472 prompts that
    there are in both, 16-bit samples at 8,000 Hz, one channel, −1 to 1. Left out are silence, the tones and
    noises that are one recording in both, and prompts that begin with the recording of another. A fifth of
    the prompts is the test split, chosen once and for all; **a prompt is in one split in both languages**,
    so that none can be known by heart.

    **Baselines** on the test split of the first second: guessing is right in 50%. The voice is the same, but
    the recordings are not: a logistic regression on nothing but loudness, peak, noise floor and length is
    right in 82%, on the average spectrum in 16 bands in 80%, on both in 89%.

    A sequence is the first ``seconds`` of a prompt, or all of it: half of the prompts last less than 1.4 s
    in English and 1.8 s in Spanish. With ``pieces`` above 1 a prompt gives up to so many sequences, one after
    the other, those after the first only where half of ``seconds`` is left; they are more often Spanish.

    Args:
        folder: where ``en_US_f_Allison`` and ``es_MX_f_Allison`` are; the default is where Debian's packages
            ``asterisk-core-sounds-en-wav`` and ``asterisk-core-sounds-es-wav`` put them.
        seconds: the length of a sequence at most.
        pieces: how many sequences a prompt gives at most.
        rate: samples a second: 8000, as recorded, or 4000, every second one after a low-pass filter.
        validation: the share of the prompts that are not tested on, held out to stop by.
        seed: of the choice of that share.

    Raises:
        FileNotFoundError: if the files are not there; the message says how to get them.
        ValueError: if a file is not such a recording, or an option is out of range.

    Source: Allison Smith (voice) and Digium, Inc., "Asterisk core sounds", version 1.6.1,
    https://downloads.asterisk.org/pub/telephony/sounds/.
    """
    if not seconds * rate >= 1:
        raise ValueError(f"'seconds' is at least one sample, 1/{rate}, got {seconds}")
    if pieces < 1:
        raise ValueError(f"'pieces' is at least 1, got {pieces}")
    if rate not in (8000, 4000):
        raise ValueError(f"'rate' is 8000 or 4000, got {rate}")
    place = Path(folder).expanduser().resolve()
    everything, prompts = _prompts(place, seconds, pieces, rate)
    official, test = hold_out_together(everything, prompts, TEST_SHARE, seed=0, part="test")
    left = set(map(id, official.inputs))
    train, held_out = hold_out_together(
        official,
        [prompt for prompt, each in zip(prompts, everything.inputs, strict=True) if id(each) in left],
        validation,
        seed=seed,
    )
    return Dataset(
        name="spoken-language",
        options={
            "folder": str(place),
            "seconds": seconds,
            "pieces": pieces,
            "rate": rate,
            "validation": validation,
            "seed": seed,
        },
        description=f"Prompts of a telephone exchange spoken by one woman in two languages, raw samples at "
        f"{rate} Hz, {seconds:g} s at most: which language is it?",
        source="Allison Smith (voice), Digium, Inc., Asterisk core sounds 1.6.1, "
        "https://downloads.asterisk.org/pub/telephony/sounds/; Debian's copy",
        licence="CC BY-SA 3.0",
        channels=("pressure",),
        classes=tuple(LANGUAGES),
        target="sequence",
        train=train,
        validation=held_out,
        test=test,
    )


class _Prompts(NamedTuple):
    """Sequences, and the name of the prompt that each is from."""

    split: Split
    names: list[str]


def _prompts(folder: Path, seconds: float, pieces: int, rate: int) -> _Prompts:
    """Every prompt that is there in both languages, English and Spanish in turn."""
    files = [_files(folder / language) for language in LANGUAGES.values()]
    inputs, targets, names = [], [], []
    for name in sorted(set(files[0]) & set(files[1])):
        for language, found in enumerate(files):
            for piece in _pieces(read_wav(found[name], RATE), seconds, pieces, rate):
                inputs.append(torch.from_numpy(piece)[:, None])
                targets.append(torch.tensor(language))
                names.append(name)
    if not names:
        raise ValueError(f"{folder} has no prompt in both languages, {' and '.join(LANGUAGES.values())}")
    return _Prompts(Split(tuple(inputs), tuple(targets)), names)


def _files(folder: Path) -> dict[str, Path]:
    """The recordings of one language by the name of the prompt, without those that are left out."""
    if not folder.is_dir():
        raise FileNotFoundError(
            f"there is no {folder}: on Debian and Ubuntu 'apt-get install asterisk-core-sounds-en-wav "
            "asterisk-core-sounds-es-wav' brings it; elsewhere unpack both of "
            "https://downloads.asterisk.org/pub/telephony/sounds/ and give the folder they are in (folder=…)"
        )
    found = {file.relative_to(folder).with_suffix("").as_posix(): file for file in folder.rglob("*.wav")}
    left_out = WITHOUT_SPEECH | RECORDED_AGAIN
    return {
        name: file for name, file in found.items() if name not in left_out and not name.startswith("silence/")
    }


def _pieces(samples: Samples, seconds: float, pieces: int, rate: int) -> list[Samples]:
    """The recording at ``rate``, cut up."""
    samples = samples if rate == RATE else halve_rate(samples)
    length = int(seconds * rate)
    cuts = [samples[start : start + length] for start in range(0, len(samples), length)][:pieces]
    return [each for number, each in enumerate(cuts) if number == 0 or 2 * len(each) >= length]
