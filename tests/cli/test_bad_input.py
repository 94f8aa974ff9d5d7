"""Whatever the caller gets wrong is one line, exit code 2, and nothing written.

Oracle: the table says what is wrong and the words the line must have; a hash of the folder before and after.
Tolerances: none.
"""

import dataclasses
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import clew.stream

RUN = "runs/data-s4d"


@dataclasses.dataclass(frozen=True)
class Case:
    """One mistake: what is prepared, what is called, which words the answer has."""

    words: str
    message: str
    stdin: bytes = b""
    prepare: Callable[[Path], object] = lambda folder: None

    @property
    def id(self) -> str:
        return self.words[:60] + (f" < {self.stdin[:20]!r}" if self.stdin else "") + f" ({self.message[:20]})"


def table(text: str) -> Callable[[Path], object]:
    """A CSV table ``bad.csv``."""
    return lambda folder: (folder / "bad.csv").write_text(text)


def sequences(**files: str) -> Callable[[Path], object]:
    """A folder ``bad`` of CSV files, two labels and one file each besides."""

    def prepare(folder: Path) -> None:
        for label in ("a", "b"):
            (folder / "bad" / label).mkdir(parents=True)
            for number in range(4):
                (folder / "bad" / label / f"{number}.csv").write_text("x,y\n1,2\n3,4\n")
        for name, text in files.items():
            (folder / "bad" / "a" / f"{name}.csv").write_text(text)

    return prepare


def cut(file: str) -> Callable[[Path], object]:
    """A file cut short by two bytes."""

    def prepare(folder: Path) -> None:
        (path,) = folder.glob(file)
        path.write_bytes(path.read_bytes()[:-2])

    return prepare


def replace(file: str, content: bytes) -> Callable[[Path], object]:
    """A file that is something else."""

    def prepare(folder: Path) -> None:
        (path,) = folder.glob(file)
        path.write_bytes(content)

    return prepare


def add(file: str, content: bytes) -> Callable[[Path], object]:
    """A file more in the run."""
    return lambda folder: (folder / RUN / file).write_bytes(content)


def relabel(folder: Path) -> None:
    """The data have other classes than when the run was trained."""
    text = (folder / "data.csv").read_text()
    (folder / "data.csv").write_text(text.replace("walk", "crawl"))


def save_state(folder: Path) -> None:
    """A state of the other run, and one of this run cut short."""
    for run in ("rnn", "s4d"):
        session = clew.stream.open(folder / f"runs/data-{run}")
        session.push([1, 2])
        session.save(folder / f"{run}.state")
    (folder / "s4d.state").write_bytes((folder / "s4d.state").read_bytes()[:-2])


HEADER = "series,time,x,label\n"
ROWS = "".join(f"{s},{t},{s}.5,{'ab'[s % 2]}\n" for s in range(8) for t in range(3))

TRAINING = [
    Case("train japanese-vowles", "unknown data set 'japanese-vowles'; did you mean 'japanese-vowels'?"),
    Case("train dta.csv", "there is no data set 'dta.csv'; did you mean 'data.csv'?"),
    Case("train ./nowhere/data", "there is no data set './nowhere/data'"),
    Case("train", "Missing from clew train: DATASET"),
    Case("train data.csv more", "unexpected argument 'more'"),
    Case("train data.csv --epoch 3", "unknown option '--epoch'; did you mean '--epochs'?"),
    Case("train data.csv --epochs ten", "clew: --epochs: expected a whole number, got 'ten' (clew"),
    Case("train data.csv --epochs", "Missing value for argument '--epochs'"),
    Case("train data.csv --epochs 0", "epochs must be a whole number of 1 or more, got 0"),
    Case("train data.csv --learning-rate nan", "learning_rate must be a number above 0, got nan"),
    Case("train data.csv --batch-size -1", "batch_size must be a whole number of 1 or more, got -1"),
    Case("train data.csv --seed -1", "seed must be a whole number"),
    Case("train data.csv --device gpu", "unknown device 'gpu'; did you mean 'cpu'?"),
    Case("train data.csv --directory new --d-model 0", "d_model is at least 1; got 0"),
    Case("train data.csv --directory new --n-layers 0", "n_layers is at least 1; got 0"),
    Case("train data.csv --directory new --dropout 1.5", "dropout"),
    Case("train data.csv --directory new --pooling meen", "unknown pooling 'meen'; did you mean 'mean'?"),
    Case(
        "train data.csv --directory new --pooling step",
        "it needs pooling 'mean' or 'last', and the model has 'step'",
    ),
    Case("train data.csv --mixer s4e", "unknown mixer 's4e'; did you mean 's4'?"),
    Case("train data.csv --mixer-options d_stat=8", "'d_stat'; did you mean 'd_state'?"),
    Case("train data.csv --mixer-options d_state=eight", "'d_state' is a number (int), got 'eight'"),
    Case("train data.csv --mixer-options d_state", "--mixer-options takes name=value, got 'd_state'"),
    Case("train data.csv --mixer-options init=leg", "did you mean 'legs'?"),
    Case("train data.csv --directory new --mixer-options d_state=-2", "d_state"),
    Case("train data.csv --mixer-options init=lin init=inv", "'init' is given twice"),
    Case(
        "train data.csv --directory new --data-options validatio=0.1",
        "'validatio'; did you mean 'validation'?",
    ),
    Case("train data.csv --directory new --data-options validation=2", "'validation' is the share held out"),
    Case("train data.csv --directory new --data-options label=lable", "lable"),
    Case("train data.csv", f"{RUN} exists: continue that run with --resume"),
    Case("train data.csv --directory data.csv", "data.csv exists"),
    Case("train data.csv --directory data.csv/run", "data.csv/run cannot be a folder: data.csv is a file"),
    Case("train data.csv --resume", f"{RUN} is another run: model.d_model is 8 there and 64 here"),
    Case("train data.csv --resume --directory nowhere", "nowhere is not a run directory: it does not exist"),
    Case("train notes.txt", "not a .csv file", prepare=lambda here: (here / "notes.txt").write_text("hello")),
    Case("train bad.csv", "no column", prepare=table("series,time,x\n1,1,1\n")),
    Case("train bad.csv", "'time'", prepare=table("series,moment,x,label\n1,1,1,a\n")),
    Case("train bad.csv", "nothing follows", prepare=table(HEADER)),
    Case("train bad.csv", "empty", prepare=table("")),
    Case("train bad.csv", "line 26, column 'x'", prepare=table(f"{HEADER}{ROWS}8,0,nan,a\n")),
    Case("train bad.csv", "line 26, column 'x'", prepare=table(f"{HEADER}{ROWS}8,0,-inf,a\n")),
    Case("train bad.csv", "line 26, column 'x'", prepare=table(f"{HEADER}{ROWS}8,0,1e39,a\n")),
    Case("train bad.csv", "line 26, column 'x'", prepare=table(f"{HEADER}{ROWS}8,0,two,a\n")),
    Case("train bad.csv", "line 26", prepare=table(f"{HEADER}{ROWS}8,0,1\n")),
    Case("train bad.csv", "line 26", prepare=table(f"{HEADER}{ROWS}8,0,1,a,b\n")),
    Case("train bad.csv", "at least two classes", prepare=table(HEADER + ROWS.replace(",b", ",a"))),
    Case("train bad", "0.csv: an empty sequence", prepare=sequences(**{"0": "x,y\n"})),
    Case("train bad", "0.csv", prepare=sequences(**{"0": "x,y\n1,2\n3\n"})),
    Case("train bad", "0.csv", prepare=sequences(**{"0": "x,y\n1,2\n3,inf\n"})),
    Case("train bad", "line 1: 2 columns, x, z;", prepare=sequences(z="x,z\n1,2\n")),
    Case("train bad", "no data", prepare=lambda here: (here / "bad").mkdir()),
]

COMPARING = [
    Case("compare", "Missing from clew compare: TASK"),
    Case("compare data.csv --mixers s4e", "unknown mixer 's4e'; did you mean 's4'?"),
    Case("compare dgits --mixers s4d", "unknown data set 'dgits'; did you mean 'digits'?"),
    Case("compare data.csv --mixers s4d --data-options tset=0.5", "'tset'; did you mean 'test'?"),
    Case("compare data.csv --mixers s4d,", "--mixers takes words between commas, got 's4d,'"),
    Case("compare data.csv --mixers s4d,rnn,s4d", "--mixers: 's4d' is given twice"),
    Case("compare data.csv --mixer s4d", "unknown option '--mixer'; did you mean '--mixers'?"),
    Case("compare data.csv --mixers s4d --seeds 0,one", "--seeds takes whole numbers from 0, got 'one'"),
    Case("compare data.csv --mixers s4d --seeds 0,-1", "--seeds takes whole numbers from 0, got '-1'"),
    Case(
        "compare data.csv --mixers s4d --mixer-options d_state=8", "takes mixer:name=value, got 'd_state=8'"
    ),
    Case(
        "compare data.csv --mixers s4d --mixer-options rnn:d_state=8",
        "unknown mixer in --mixer-options: 'rnn'",
    ),
    Case("compare data.csv --mixers s4d --mixer-options s4d:d_stat=8", "'d_stat'; did you mean 'd_state'?"),
    Case("compare data.csv --mixers s4d --mixer-options s4d:d_state", "takes name=value, got 'd_state'"),
    Case("compare data.csv --mixers s4d,rnn --mixer-options s4d:d_state=-2", "d_state"),
    Case("compare data.csv --mixers s4d --epochs 0", "epochs must be a whole number of 1 or more, got 0"),
    Case("compare data.csv --mixers s4d --d-model 0", "d_model is at least 1; got 0"),
    Case("compare data.csv --mixers s4d --pooling meen", "unknown pooling 'meen'; did you mean 'mean'?"),
    Case("compare data.csv --mixers s4d --device gpu", "unknown device 'gpu'; did you mean 'cpu'?"),
    Case("compare data.csv --mixers s4d --results runs", "the results go to a file; runs is a folder"),
    Case("compare data.csv --mixers s4d --results data.csv", "data.csv is not a JSON file"),
    Case("compare data.csv --mixers s4d --results data.csv/x", "cannot be a folder: data.csv is a file"),
    Case("compare data.csv --mixers s4d --directory data.csv", "cannot be a folder: data.csv is a file"),
    Case(
        f"compare data.csv --mixers s4d --results {RUN}/config.json",
        "config.json is not a file of results of this version",
    ),
    Case("compare digits", "unknown task in runs/compare/results.json: 'digits'; Known: none yet"),
]

RESUME = "train data.csv {small} --directory runs/interrupted --resume"
STEP = "runs/interrupted/checkpoints/*"

RESUMING = [
    Case(RESUME, "state.json is not a JSON file; remove", prepare=cut(f"{STEP}/state.json")),
    Case(RESUME, "state.json is not of checkpoint format", prepare=replace(f"{STEP}/state.json", b"{}")),
    Case(RESUME, "is damaged or no safetensors file", prepare=cut(f"{STEP}/model.safetensors")),
    Case(
        RESUME, "is damaged or no safetensors file", prepare=replace(f"{STEP}/model.safetensors", b"\x80\x04")
    ),
    Case(
        RESUME,
        "model.safetensors",
        prepare=lambda here: shutil.copy(
            here / "runs/data-rnn/model.safetensors", *here.glob(f"{STEP}/model.safetensors")
        ),
    ),
]

RUNS = [
    Case(
        "{} runs/data-s4",
        "runs/data-s4 is not a run directory: there is nothing; did you mean 'runs/data-s4d'?",
    ),
    Case("{} data-s4d", "did you mean 'runs/data-s4d'?"),
    Case("{} runs", "runs is not a run directory: it has no config.json; did you mean 'runs/data-"),
    Case("{} data.csv", "data.csv is not a run directory: it has no config.json"),
    Case("{}", "RUN"),
    Case(f"{{}} {RUN} --splt x", "unknown option '--splt'"),
    Case(f"{{}} {RUN} more", "unexpected argument 'more'"),
    Case(
        f"{{}} {RUN}",
        "model.safetensors is damaged or no safetensors file",
        prepare=cut(f"{RUN}/model.safetensors"),
    ),
    Case(
        f"{{}} {RUN}",
        "model.safetensors is damaged",
        prepare=replace(f"{RUN}/model.safetensors", b"PK\3\4" * 99),
    ),
    Case(f"{{}} {RUN}", "model.safetensors is damaged", prepare=replace(f"{RUN}/model.safetensors", b"")),
    Case(
        f"{{}} {RUN}",
        "model.safetensors does not belong here",
        prepare=lambda here: shutil.copy(here / "runs/data-rnn/model.safetensors", here / RUN),
    ),
    Case(
        f"{{}} {RUN}",
        "holds no trained model yet: finish the run with --resume",
        prepare=lambda here: (here / RUN / "model.safetensors").unlink(),
    ),
    Case(f"{{}} {RUN}", "config.json is not a JSON file", prepare=cut(f"{RUN}/config.json")),
    Case(
        f"{{}} {RUN}",
        "config.json is not the config.json of a run",
        prepare=replace(f"{RUN}/config.json", b"{}"),
    ),
    Case(f"{{}} {RUN}", "config.json is not a JSON file", prepare=replace(f"{RUN}/config.json", b"\xff\x00")),
    Case(
        f"{{}} {RUN}", "config.json has format 99", prepare=replace(f"{RUN}/config.json", b'{"format": 99}')
    ),
]

EVALUATION = [
    Case(f"evaluate {RUN} --split tets", "unknown split 'tets'; did you mean 'test'?"),
    Case(f"evaluate {RUN} --batch-size 0", "--batch-size must be 1 or more, got 0"),
    Case(f"evaluate {RUN}", "data.csv: no such file", prepare=lambda here: (here / "data.csv").unlink()),
    Case(f"evaluate {RUN}", "has changed", prepare=relabel),
    Case(f"info {RUN}", "evaluation.json is not a JSON", prepare=add("evaluation.json", b"{")),
    Case(
        f"info {RUN}",
        "evaluation.json is not what clew evaluate writes",
        prepare=add("evaluation.json", b"{}"),
    ),
]

STREAMING = [
    Case(
        f"stream {RUN} --state nowhere/state",
        "the state cannot go to nowhere/state: there is no folder nowhere",
    ),
    Case(f"stream {RUN} --state runs", "the state goes to a file; runs is a folder"),
    Case(f"stream {RUN} --state data.csv", "data.csv is damaged or no safetensors file"),
    Case(
        f"stream {RUN} --state {RUN}/model.safetensors",
        "model.safetensors is not the state of a stream",
    ),
    Case(
        f"stream {RUN} --state rnn.state", "rnn.state is the state of a stream of another", prepare=save_state
    ),
    Case(
        f"stream {RUN} --state s4d.state", "s4d.state is damaged or no safetensors file", prepare=save_state
    ),
    Case(f"stream {RUN}", "line 1: expected 2 values (left, right), got 3", b"1,2,3\n"),
    Case(f"stream {RUN}", "line 2: expected 2 values (left, right), got 1", b"1,2\n3\n"),
    Case(f"stream {RUN}", "line 2: value 1 (left) is x, not a number", b"1,2\nx,3\n"),
    Case(
        f"stream {RUN}", "line 3: value 2 (right) is nan, not a finite float32", b"left,right\n1,2\n1,nan\n"
    ),
    Case(f"stream {RUN}", "line 1: value 1 (left) is inf, not a finite float32", b"[Infinity, 1]\n"),
    Case(f"stream {RUN}", "line 1: value 1 (left) is 1e+39", b"1e39,1\n"),
    Case(f"stream {RUN}", "line 1: broken JSON", b'{"left": 1\n'),
    Case(
        f"stream {RUN}",
        "line 1: unknown channel 'rigth'; did you mean 'right'?",
        b'{"left": 1, "rigth": 2}\n',
    ),
    Case(f"stream {RUN}", "line 1: the channel 'right' is missing", b'{"left": 1}\n'),
    Case(
        f"stream {RUN}", "line 1: the header must name the model's channels in their order", b"right,left\n"
    ),
    Case(f"stream {RUN}", "line 1: not UTF-8 text", b"\xff\xfe1,2\n"),
]

COMMANDS = [
    Case("trian data.csv", "unknown command 'trian'; did you mean 'train'?"),
    Case("--versio", "unknown option '--versio'; did you mean '--version'?"),
]


def every_case() -> list[Case]:
    runs = [
        dataclasses.replace(case, words=case.words.format(command))
        for command in ("evaluate", "info", "stream")
        for case in RUNS
    ]
    return [*TRAINING, *COMPARING, *RESUMING, *runs, *EVALUATION, *STREAMING, *COMMANDS]


@pytest.mark.parametrize("case", every_case(), ids=lambda case: case.id)
def test_a_mistake_is_one_line_and_changes_nothing(case, here, clew, tree, small):
    case.prepare(here)
    before = tree(here)
    said = clew(*case.words.format(small=small).split(), stdin=case.stdin)
    assert said.code == 2, said
    assert re.fullmatch(r"clew: [^\n]+\n", said.err), said.err
    assert case.message in said.err
    assert tree(here) == before
