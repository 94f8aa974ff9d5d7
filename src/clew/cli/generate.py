"""``clew generate``: a language model goes on with a text."""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    import torch

    from clew.models import LanguageModel
    from clew.models.generation import Context, Writing
    from clew.stream.signals import Signals
    from clew.text import Tokenizer

__all__ = ["Options", "run"]


@dataclass(frozen=True)
class Options:
    """Go on with a text, which is written to standard output as it comes.

    MODEL is a folder with a published checkpoint, a name on the Hugging Face hub, or a run directory of clew
    train text. The prompt is read from standard input if neither --prompt nor --state is given.

    With --save-state the place that is reached is kept in a file when the text ends or is interrupted
    (Ctrl-C), and --state goes on from there, as if nothing had stopped, without reading the text again; as
    often as wanted, with another --seed another way.
    """

    model: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="MODEL")]
    """A folder, or a name on the Hugging Face hub."""
    prompt: Annotated[str | None, tyro.conf.arg(metavar="TEXT")] = None
    """The text to go on with; - for standard input."""
    max_tokens: Annotated[int, tyro.conf.arg(metavar="N")] = 256
    """Tokens to write, at most; 0 reads the prompt only."""
    temperature: Annotated[float, tyro.conf.arg(metavar="T")] = 1.0
    """What the logits are divided by; 0 takes the most probable token, always."""
    top_k: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Draw from so many most probable tokens; 0 for all."""
    top_p: Annotated[float, tyro.conf.arg(metavar="P")] = 1.0
    """Draw from the fewest tokens whose probabilities add up to this."""
    repetition_penalty: Annotated[float, tyro.conf.arg(metavar="F")] = 1.0
    """Above 1 makes tokens that the text has already less probable."""
    stop: Annotated[tuple[str, ...], tyro.conf.arg(metavar="TEXT ...")] = ()
    """Strings that end the text, and are not part of it."""
    seed: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Of the random numbers; 0, or with --state those that come next there."""
    state: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Go on from the place in this file; a prompt is added to the text."""
    save_state: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Keep the place that is reached in this file."""
    chunk: Annotated[int, tyro.conf.arg(metavar="N")] = 2048
    """Tokens of the prompt that are read at once."""
    weights: Annotated[str, tyro.conf.arg(metavar="KIND")] = "auto"
    """Kept while writing in float32, bfloat16 or int8; model: not packed for it; auto: the quickest without
    rounding."""
    device: Annotated[str, tyro.conf.arg(metavar="NAME")] = "auto"
    """auto, cpu or cuda."""
    verbose: bool = False
    """Say on standard error how many tokens were read and written, and how fast."""


def run(options: Options) -> int:
    """Read the prompt, write what comes after it."""
    _check_files(options)

    from clew.devices import device_of
    from clew.models import Decoder, quickest
    from clew.models.generation import Continuation, Sampling, StopStrings, Writing, load, save
    from clew.models.quickest import weights_named
    from clew.stream.signals import Signals

    sampling = Sampling(options.temperature, options.top_k, options.top_p, options.repetition_penalty)
    StopStrings(options.stop)
    if options.max_tokens < 0:
        raise ValueError(f"--max-tokens is 0 or more; got {options.max_tokens}")
    weights, device = weights_named(options.weights), device_of(options.device)
    folder, model = _model(options.model, device)
    tokenizer = _tokenizer(folder, model)
    context = None if options.state is None else load(options.state, model)
    context = _read(options, model, tokenizer, context)
    steps = quickest(model, weights)
    continuation = Continuation(
        steps, context, sampling, max_new_tokens=options.max_tokens, stop_tokens=_end_tokens(folder)
    )
    started = time.perf_counter()
    writing = Writing(continuation, tokenizer, options.stop)
    with Signals() as signals:  # from here on a signal waits until a token is written
        try:
            _write(writing, signals)
        finally:
            if options.save_state is not None:
                save(options.save_state, continuation.context, model)
    if options.verbose:
        kept = f", weights packed in {steps.kind}" if isinstance(steps, Decoder) else ""
        _say("written", writing.counts[0], time.perf_counter() - started, kept)
    # As the shell counts a process that a signal ends.
    return 0 if signals.received is None else 128 + signals.received


def _check_files(options: Options) -> None:
    """Find out before the text, not after it, that its place cannot be kept."""
    path = options.save_state
    if path is not None and path.is_dir():
        raise IsADirectoryError(f"the state goes to a file; {path} is a folder")
    if path is not None and not path.parent.is_dir():
        raise FileNotFoundError(f"the state cannot go to {path}: there is no folder {path.parent}")
    if options.state is not None and not options.state.is_file():
        raise FileNotFoundError(f"there is no file {options.state}")


def _model(name: str, device: "torch.device") -> tuple[Path, "LanguageModel"]:
    """The folder of the model, and the model."""
    from clew.models import LanguageModel
    from clew.models.pretrained import locate

    folder = locate(name)
    if not (folder / "metrics.jsonl").is_file():
        return folder, LanguageModel.from_pretrained(folder, device=device)

    from clew.runs import load

    model = load(folder)
    if not isinstance(model, LanguageModel):
        raise ValueError(f"{name} holds no language model but a classifier: clew stream {name} runs it")
    return folder, model.to(device)


def _tokenizer(folder: Path, model: "LanguageModel") -> "Tokenizer":
    from clew import text

    if (folder / "tokenizer.json").is_file():
        return text.load(folder)
    if model.config.n_tokens == 256:
        return text.ByteTokenizer()
    raise ValueError(
        f"{folder} has no tokenizer.json, and a vocabulary of {model.config.n_tokens} tokens is not that of "
        "bytes: put the tokenizer.json that the model was trained with there"
    )


def _end_tokens(folder: Path) -> set[int]:
    """The tokens that end a text, as the files of a published checkpoint name them."""
    for name in ("generation_config.json", "config.json"):
        if (folder / name).is_file():
            named = json.loads((folder / name).read_bytes()).get("eos_token_id")
            if named is not None:
                return set(named) if isinstance(named, list) else {named}
    return set()


def _read(
    options: Options, model: "LanguageModel", tokenizer: "Tokenizer", context: "Context | None"
) -> "Context":
    """The place after the prompt."""
    from clew.models.generation import read

    prompt = options.prompt
    if prompt == "-" or (prompt is None and context is None):
        with open(0, "rb", closefd=False) as source:
            prompt = source.read().decode()
    if not prompt and context is None:
        raise ValueError("the prompt is empty: give it with --prompt, or on standard input")
    tokens = tokenizer.encode(prompt) if prompt else []
    started = time.perf_counter()
    if context is not None and options.seed is not None:
        context = context.seeded(options.seed)
    context = read(model, [tokens], context, seed=options.seed or 0, chunk=options.chunk)
    if options.verbose:
        _say("read", len(tokens), time.perf_counter() - started)
    return context


def _write(writing: "Writing", signals: "Signals") -> None:
    """To standard output, as UTF-8 whatever the locale says, piece by piece."""
    sink = sys.stdout.buffer
    last = ""
    for (piece,) in writing:
        if piece:
            sink.write(piece.encode())
            sink.flush()
            last = piece
        if signals.received is not None:
            break
    if sys.stdout.isatty() and not last.endswith("\n"):
        sink.write(b"\n")
        sink.flush()


def _say(what: str, tokens: int, seconds: float, more: str = "") -> None:
    each = f", {tokens / seconds:.1f} a second" if tokens else ""
    print(f"clew: {tokens} tokens {what} in {seconds:.2f} s{each}{more}", file=sys.stderr)
