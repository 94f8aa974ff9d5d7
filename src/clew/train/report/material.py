"""What a report is made from: a finished run, its model, its data."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from clew.data import Dataset
from clew.models import Classifier, Regressor, SequenceModel
from clew.runs import RunConfig, RunDirectory, load_dataset, load_sequence_model
from clew.train.evaluate import evaluate
from clew.train.evaluation import record
from clew.train.report.measure.confusion import Confusion, count_confusions
from clew.train.report.measure.learning import Learning, learning
from clew.train.report.measure.predicted import Predicted
from clew.train.report.measure.sample import sample_split

__all__ = ["Material"]


@dataclass(frozen=True)
class Material:
    """A finished run, read from its directory.

    Attributes:
        path: the run directory.
        config: its ``config.json``.
        model: the trained model, on the CPU, in evaluation mode.
        dataset: what it was trained on.
        learning: its learning curves.
    """

    path: Path
    config: RunConfig
    model: SequenceModel
    dataset: Dataset
    learning: Learning

    @classmethod
    def read(cls, path: Path) -> "Material":
        """Read the run directory ``path``.

        Raises:
            FileNotFoundError: if it is not a run directory, or its run is not finished.
            ValueError: if a file in it is damaged, or the data have changed.
        """
        directory = RunDirectory(path)
        model = load_sequence_model(path)
        return cls(path, directory.config, model, load_dataset(path), learning(directory.metrics()))

    @property
    def mixer(self) -> str:
        """The mixer's name as a reader knows it, such as ``"S4D"`` or ``"tanh RNN"``."""
        name, options = self.config.model.mixer, self.config.model.mixer_options
        if name == "rnn":
            return "linear RNN" if str(options.get("nonlinearity", "tanh")).lower() == "none" else "tanh RNN"
        return name.upper()

    @property
    def parameters(self) -> int:
        """How many numbers were learned."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    def longest(self) -> int:
        """Samples in the longest training sequence."""
        return int(self.dataset.train.lengths.max())

    @cached_property
    def no_stream(self) -> str:
        """Why the model cannot run sample by sample; empty where it can."""
        try:
            self.model.initial_state(1)
        except ValueError as reason:
            return str(reason)
        return ""

    @cached_property
    def confusion(self) -> Confusion:
        """Of ``evaluation.json`` where there is one, else of the split that :func:`sample_split` names.

        Raises:
            ValueError: if ``evaluation.json`` does not fit the classes.
        """
        directory, classes = RunDirectory(self.path), self.dataset.classes
        unit = "sequences" if self.dataset.target == "sequence" else "samples"
        evaluation = directory.evaluation()
        if evaluation is None:
            assert isinstance(self.model, Classifier)
            name, split = sample_split(self.dataset)
            found = evaluate(self.model, split)
            return count_confusions(found.predictions, found.targets, classes, name, unit)
        counts = np.array(evaluation.get("confusion"))
        if counts.shape != (len(classes), len(classes)):
            raise ValueError(
                f"{directory.evaluation_file}: 'confusion' has shape {counts.shape}, wanted a row and a "
                f"column for each of the {len(classes)} classes"
            )
        return Confusion(counts.astype(np.int64), classes, str(evaluation.get("split")), unit)

    @cached_property
    def predicted(self) -> Predicted:
        """Of ``evaluation.json`` where there is one, else of the split that :func:`sample_split` names.

        Raises:
            ValueError: if ``evaluation.json`` does not fit the values.
        """
        directory, values = RunDirectory(self.path), self.dataset.values
        evaluation = directory.evaluation()
        if evaluation is None:
            assert isinstance(self.model, Regressor)
            name, split = sample_split(self.dataset)
            evaluation = record(evaluate(self.model, split), name, 0)
        try:
            predictions, targets = (
                np.array(evaluation[name], dtype=float) for name in ("predictions", "targets")
            )
            if predictions.shape != targets.shape or targets.shape[1:] != (len(values),):
                raise ValueError
            return Predicted(
                predictions,
                targets,
                values,
                str(evaluation["split"]),
                float(evaluation["mean_squared_error"]),
                float(evaluation["trivial_mean_squared_error"]),
                float(evaluation["explained"]),
                int(evaluation["count"]),
            )
        except (KeyError, TypeError, ValueError):
            raise ValueError(
                f"{directory.evaluation_file} is not what clew evaluate writes of {len(values)} values; "
                "run it again"
            ) from None
