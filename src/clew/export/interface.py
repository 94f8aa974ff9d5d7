"""What goes into an exported model and what comes out of it: names, shapes, dtypes."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from clew.errors import unknown_name
from clew.models import SequenceModel
from clew.models.state_tree import named_leaves
from clew.version import __version__

__all__ = ["WHATS", "Interface", "Value", "What", "has_step", "interface"]

What = Literal["model", "step"]
WHATS: tuple[What, ...] = ("model", "step")


@dataclass(frozen=True)
class Value:
    """A tensor that goes in or comes out.

    Attributes:
        name: what it is called.
        shape: a number for each axis, or the name of one that is free: ``"batch"`` or ``"time"``.
        dtype: as numpy and torch call it, such as ``"float32"``.
    """

    name: str
    shape: tuple[int | str, ...]
    dtype: str


@dataclass(frozen=True)
class Interface:
    """What an exported model takes and gives.

    Attributes:
        what: ``"model"`` or ``"step"``.
        inputs: in their order.
        outputs: in theirs: the ``logits`` of classes or the ``values``, then the state after the last sample,
            unless the model has no step to go on from it.
        state: the names of the state's tensors. One that is called ``backbone.0.real`` is the input
            ``state.backbone.0.real`` of the step, and an output ``next.backbone.0.real``. There are none for
            a model without a step.
    """

    what: What
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    state: tuple[str, ...]

    @property
    def steps(self) -> bool:
        """Whether the model has a step, to go on from the state; see :func:`has_step`."""
        return bool(self.state)

    @property
    def answers(self) -> str:
        """The name of the first output."""
        return self.outputs[0].name

    def as_json(
        self, model: SequenceModel, channels: Sequence[str], outputs: Sequence[str]
    ) -> dict[str, Any]:
        """What is written into the file, for a reader without clew, in types that JSON has.

        Args:
            model: the model, for its configuration.
            channels: the names of the channels of a sample; none, or all of them.
            outputs: the names of the classes in the order of the logits, or of the values; none, or all.

        Raises:
            ValueError: if the names do not fit the model.
        """
        config = model.config
        for kind, names, count in (
            ("channels", channels, config.d_input),
            ("values" if config.n_values else "classes", outputs, config.n_outputs),
        ):
            if names and len(names) != count:
                raise ValueError(f"the model has {count} {kind}, got the names of {len(names)}")
        return {
            "clew": __version__,
            "torch": torch.__version__,
            "what": self.what,
            "mixer": config.mixer,
            "pooling": config.pooling,
            "channels": list(channels),
            "classes": [] if config.n_values else list(outputs),
            "values": list(outputs) if config.n_values else [],
            "inputs": [dataclasses.asdict(value) for value in self.inputs],
            "outputs": [dataclasses.asdict(value) for value in self.outputs],
            "state": [
                {"name": name, "input": f"state.{name}", "output": f"next.{name}"} for name in self.state
            ],
        }


def has_step(model: SequenceModel) -> bool:
    """Whether the model runs by steps too: one bidirectional mixer is enough that it does not.

    >>> from clew.models import ModelConfig, build
    >>> options = {"bidirectional": True}
    >>> has_step(build(ModelConfig(d_input=3, n_classes=2, mixer="gru", mixer_options=options)))
    False
    """
    mixers: list[Any] = [block.mixer for block in model.backbone.blocks]
    return not any(mixer.bidirectional for mixer in mixers)


def interface(model: SequenceModel, what: What = "model") -> Interface:
    """What ``model`` takes and gives once it is exported.

    Args:
        model: the model.
        what: ``"model"``: whole sequences, from rest. ``"step"``: one sample more, the state in and out.

    Raises:
        ValueError: for an unknown ``what``, or the step of a model with a bidirectional mixer.

    >>> from clew.models import ModelConfig, build
    >>> model = build(ModelConfig(d_input=3, n_classes=2, mixer="gru", d_model=8, n_layers=1))
    >>> for value in interface(model, "step").inputs:
    ...     print(value.name, value.shape, value.dtype)
    x_k ('batch', 3) float32
    state.backbone.0.hidden ('batch', 8) float32
    state.pooled ('batch', 8) float64
    state.count ('batch',) int64
    """
    if what not in WHATS:
        raise unknown_name("part to export", what, WHATS)
    steps = has_step(model)
    if what == "step" and not steps:
        raise ValueError(
            "the step cannot be exported: the model has a mixer with bidirectional=True, which reads whole "
            "sequences from both ends and has no step; export the whole sequence, what='model' (--what model)"
        )
    config = model.config
    raw, computed = _name(model.input_mean.dtype), _name(model.head.weight.dtype)
    leaves = [
        Value(name, ("batch", *leaf.shape[1:]), _name(leaf.dtype))
        for name, leaf in (named_leaves(model.initial_state(1)) if steps else ())
    ]
    per_sample = what == "model" and config.pooling == "step"
    time = ("time",) if per_sample else ()
    answers = Value(model.answers, ("batch", *time, config.n_outputs), computed)
    if what == "model":
        inputs = [Value("x", ("batch", "time", config.d_input), raw), Value("lengths", ("batch",), "int64")]
    else:
        inputs = [Value("x_k", ("batch", config.d_input), raw), *_prefixed("state", leaves)]
    outputs = [answers, *_prefixed("next", leaves)]
    return Interface(what, tuple(inputs), tuple(outputs), tuple(leaf.name for leaf in leaves))


def _prefixed(prefix: str, leaves: Sequence[Value]) -> list[Value]:
    return [dataclasses.replace(leaf, name=f"{prefix}.{leaf.name}") for leaf in leaves]


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
