"""The whole thread on real speech: train in parallel, run as a stream, see that both agree.

Nine men say /ae/; which of them is it? Three S4D models (three seeds) learn it from whole utterances. One of
them then hears the test set frame by frame, as a microphone would deliver it, and must give the same answers.

Run by ``make demo``, or as ``python examples/demo.py``. Its runs go to ``runs/demo``, where those of an
earlier demo are replaced. The exit code is 1 if a promise below is broken.
"""

import shutil
import statistics
import sys
import time
from pathlib import Path

import torch

import clew
from clew.data import Dataset
from clew.models import Classifier, ModelConfig
from clew.runs import Run, RunDirectory
from clew.train import TrainConfig, evaluate, report
from clew.train.report.measure.memory import state_bytes
from clew.train.report.measure.views import agreements

RUNS = Path("runs/demo")
SEEDS = (0, 1, 2)
# Few steps and long ones, so that three models take seconds. In cross-validation on the training utterances
# (blocks of ten of each speaker) sixteen epochs err on 4.4%, as the defaults do, and ten on 5.9%.
EPOCHS = 16
LEARNING_RATE = 8e-3

LEAST_ACCURACY = 0.975  # of the median model on the test set
MOST_DIFFERENCE = 1e-4  # of a logit between the stream and the parallel pass


def main() -> int:
    start = time.perf_counter()
    dataset = clew.data.load("japanese-vowels", {"validation": 0.1})
    print(f"clew {clew.__version__}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(
        f"{dataset.name}: {dataset.n_classes} speakers, {len(dataset.train)} utterances to learn from, "
        f"{len(dataset.validation)} to stop by, {len(dataset.test)} to be judged on"
    )
    replace_earlier_runs()

    print("\n1. Train S4D in parallel over whole utterances; look at the test set once with each model")
    run, accuracy = train_each_seed(dataset)

    print("\n2. Run the median model as a stream: one frame in, one answer out")
    difference, same_answers = stream_test_set(run, dataset)

    print("\n3. Compare its views: largest difference from one step at a time ÷ largest value")
    for part in agreements(run.model, dataset.validation.batch(range(len(dataset.validation)))):
        found = ", ".join(f"{view} {value / part.scale:.0e}" for view, value in part.differences.items())
        print(f"   {part.part}: {found}")

    print("\n4. Write its report")
    print(f"   {report.write(run.directory).resolve()}")

    print(
        f"\nAll of it took {time.perf_counter() - start:.0f} s. Open the report in a browser, or type next:"
    )
    print(f"   clew info {run.directory}")
    print("   clew train digits --mixer s4d")
    print(f"   clew stream {run.directory}   (12 numbers a line in, a prediction a line out)")
    return tell_broken_promises(accuracy, difference, same_answers)


def replace_earlier_runs() -> None:
    earlier = [path for path in (RUNS / f"seed-{seed}" for seed in SEEDS) if (path / "config.json").is_file()]
    if earlier:
        print(f"Replacing the runs of an earlier demo: {', '.join(str(path) for path in earlier)}")
    for path in earlier:
        shutil.rmtree(path)


def train_each_seed(dataset: Dataset) -> tuple[Run, float]:
    """The run of median test accuracy, and that accuracy."""
    results = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        model = clew.models.build(ModelConfig(dataset.d_input, dataset.n_classes, mixer="s4d"))
        config = TrainConfig(
            epochs=EPOCHS, learning_rate=LEARNING_RATE, seed=seed, directory=RUNS / f"seed-{seed}"
        )
        start = time.perf_counter()
        run = clew.fit(model, dataset, config, progress=False)
        seconds = time.perf_counter() - start
        accuracy = look_at_test_set(run, dataset)
        epochs = sum(line["kind"] == "validation" for line in run.metrics)
        print(f"   seed {seed}: {epochs} epochs in {seconds:.1f} s, test accuracy {accuracy:.2%}", flush=True)
        results.append((accuracy, seconds, run))
    median = statistics.median(accuracy for accuracy, _, _ in results)
    chosen = next(run for accuracy, _, run in results if accuracy == median)
    parameters = sum(parameter.numel() for parameter in chosen.model.parameters())
    total = sum(seconds for _, seconds, _ in results)
    print(f"   median {median:.2%} with {parameters:,} parameters, {total:.1f} s of training in all")
    return chosen, median


def look_at_test_set(run: Run, dataset: Dataset) -> float:
    """The accuracy on the test set, kept in the run directory for the report."""
    found = evaluate(run.model, dataset.test)
    size = dataset.n_classes
    confusion = (found.targets * size + found.predictions).bincount(minlength=size**2).reshape(size, size)
    RunDirectory(run.directory).write_evaluation(
        {
            "split": "test",
            "loss": found.loss,
            "accuracy": found.accuracy,
            "count": len(found.targets),
            "confusion": confusion.tolist(),
        }
    )
    return found.accuracy


def stream_test_set(run: Run, dataset: Dataset) -> tuple[float, bool]:
    """The largest difference of a logit from the parallel pass, and whether every answer is the same."""
    session = clew.stream.open(run.directory)
    labels, seconds = [], 0.0
    for utterance in dataset.test.inputs:
        session.reset()
        start = time.perf_counter()
        for frame in utterance:
            prediction = session.push(frame)
        seconds += time.perf_counter() - start
        labels.append(prediction.label)

    batch = dataset.test.batch(range(len(dataset.test)))
    with torch.inference_mode():
        parallel, _ = run.model(batch.inputs, lengths=batch.lengths)
        stepped = torch.stack([step_through(run.model, utterance) for utterance in dataset.test.inputs])
    difference = float((stepped - parallel).abs().max())
    expected = [dataset.classes[index] for index in parallel.argmax(dim=-1).tolist()]
    truth = [dataset.classes[int(target)] for target in dataset.test.targets]
    right = sum(label == true for label, true in zip(labels, truth, strict=True))
    same_answers = labels == expected
    answers = "the same answers as" if same_answers else "NOT the answers of"
    each = 1e6 * seconds / session.samples
    print(f"   {len(labels)} utterances, {session.samples:,} frames, {each:.0f} µs each")
    print(f"   accuracy {right / len(labels):.2%}, {answers} the parallel pass")
    print(f"   max |logits − parallel logits| = {difference:.1e}")
    print(f"   a stream keeps {state_bytes(run.model):,} bytes of state, however long it runs")
    return difference, same_answers


def step_through(model: Classifier, utterance: torch.Tensor) -> torch.Tensor:
    """The logits (classes,) after the last frame of ``utterance`` (time, channel), one step a frame."""
    state, constants = model.initial_state(1), model.constants()
    for frame in utterance:
        logits, state = model.step(frame[None], state, constants=constants)
    return logits[0]


def tell_broken_promises(accuracy: float, difference: float, same_answers: bool) -> int:
    """The exit code."""
    broken = []
    if accuracy < LEAST_ACCURACY:
        broken.append(f"the median test accuracy is {accuracy:.2%}, promised is {LEAST_ACCURACY:.1%} or more")
    if not difference <= MOST_DIFFERENCE:
        broken.append(f"logits differ by {difference:.1e}, promised is {MOST_DIFFERENCE:.0e} or less")
    if not same_answers:
        broken.append("the stream's answers are not those of the parallel pass")
    for promise in broken:
        print(f"broken promise: {promise}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
