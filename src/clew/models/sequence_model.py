"""A sequence in, an answer out: in parallel over the whole sequence, or sample by sample."""

import abc
import copy
from collections.abc import Sequence
from typing import ClassVar, NamedTuple, Self

import torch
from torch import Tensor, nn

from clew.models.config import ModelConfig
from clew.models.groups import Group, parameter_groups
from clew.models.pooling import pool, pooled_width
from clew.models.scaled import ScaledLinear, check_moments
from clew.nn.arguments import check_lengths, check_tensor
from clew.nn.backbone import Backbone
from clew.nn.norm import norm_layer
from clew.nn.padding import zero_padding

__all__ = ["SequenceModel", "SequenceState"]


class SequenceState(NamedTuple):
    """What a model remembers of a sequence: tensors, batch first, at the leaves.

    Attributes:
        backbone: the states of the mixers.
        pooled: (batch, channel) float64: the sum of the features, or the last one; (batch, 0) for ``step``
            pooling.
        count: (batch,) int64: samples seen.
    """

    backbone: Sequence[tuple[Tensor, ...]]
    pooled: Tensor
    count: Tensor  # type: ignore[assignment] # tuple.count gives way: nobody counts tensors


class SequenceModel(nn.Module, abc.ABC):
    """Standardise, encode, run the backbone, norm, pool, and a head: what a classifier and a regressor share.

    Raw samples go in: the standardisation is part of the model (see :meth:`standardize`), so that a stream
    needs nothing but the model. What comes out, the answers, are the logits of classes or values.

    Attributes:
        answers: what comes out, by its name: ``"logits"`` or ``"values"``.
        head: from the features that are read to the answers; it has ``weight`` and ``bias``, as a linear
            layer has.

    Args:
        config: what the model was built from, kept as ``config``; :func:`clew.models.build` is the usual
            way here.
        backbone: the blocks.

    Raises:
        ValueError: for an unknown norm or pooling.
    """

    answers: ClassVar[str]
    head: nn.Linear | ScaledLinear
    input_mean: Tensor
    input_std: Tensor

    def __init__(self, config: ModelConfig, backbone: Backbone) -> None:
        super().__init__()
        self.config = config
        self._pooled_width = pooled_width(config.pooling, backbone.d_model)
        self.register_buffer("input_mean", torch.zeros(config.d_input))
        self.register_buffer("input_std", torch.ones(config.d_input))
        self.encoder = nn.Linear(config.d_input, backbone.d_model)
        self.backbone = backbone
        self.norm = norm_layer(config.norm, backbone.d_model)
        self.head = self._head(backbone.d_model)

    @abc.abstractmethod
    def _head(self, width: int) -> nn.Linear | ScaledLinear:
        """The head that reads ``width`` features."""

    def standardize(self, mean: Tensor, std: Tensor) -> None:
        """Set what raw samples are standardised by: (x − mean) / std, each (d_input,).

        Raises:
            ValueError: for another shape, or a deviation that is not positive and finite.
        """
        check_moments(mean, std, "d_input", self.config.d_input)
        self.input_mean.copy_(mean)
        self.input_std.copy_(std)

    def forward(
        self,
        x: Tensor,
        state: SequenceState | None = None,
        *,
        lengths: Tensor | None = None,
        dt: Tensor | None = None,
    ) -> tuple[Tensor, SequenceState]:
        """Answer for sequences, or for their next chunks.

        Args:
            x: (batch, time, d_input), raw.
            state: what the chunks before left; ``None`` at the start of a sequence.
            lengths: (batch,): how many samples of each row count.
            dt: (batch, time): time since the last sample in units of the layers' own step.

        Returns:
            The answers (batch, output) after everything seen so far, or (batch, time, output), zero past
            each row's length, for ``step`` pooling; and the state.

        Raises:
            ValueError: for a shape that does not fit, and whatever the mixer refuses.
        """
        check_tensor("x", x, "batch, time, channel")
        if x.dim() != 3 or x.shape[-1] != self.config.d_input:
            raise ValueError(
                f"x is (batch, time, channel) with {self.config.d_input} channels; got shape {tuple(x.shape)}"
            )
        lengths = check_lengths(x, lengths)
        state = None if state is None else _own(state)
        before = self._unread(x.shape[0]) if state is None else (state.pooled, state.count)
        y = self.encoder(self._standardised(zero_padding(x, lengths)))
        y, mixed = self.backbone(y, None if state is None else state.backbone, lengths=lengths, dt=dt)
        read, pooled, count = pool(self.config.pooling, self.norm(y), lengths, *before)
        answers = self.head(read)
        if self.config.pooling == "step":
            answers = zero_padding(answers, lengths)
        return answers, SequenceState(mixed, pooled, count)

    def step(
        self,
        x_k: Tensor,
        state: SequenceState,
        *,
        dt: Tensor | None = None,
        constants: Sequence[tuple[Tensor, ...]] | None = None,
    ) -> tuple[Tensor, SequenceState]:
        """Answer after one more sample.

        Args:
            x_k: (batch, d_input), raw.
            state: the state before it.
            dt: (batch,): time since the last sample in units of the layers' own step.
            constants: what :meth:`constants` returned, so that a stream computes it once.

        Returns:
            The answers (batch, output) to everything seen so far, and the state.

        Raises:
            ValueError: for a shape that does not fit, and whatever the mixer refuses.
        """
        check_tensor("x_k", x_k, "batch, channel")
        if x_k.dim() != 2 or x_k.shape[-1] != self.config.d_input:
            raise ValueError(
                f"x_k is (batch, channel) with {self.config.d_input} channels; got shape {tuple(x_k.shape)}"
            )
        state = _own(state)
        y_k = self.encoder(self._standardised(x_k))
        y_k, mixed = self.backbone.step(y_k, state.backbone, dt=dt, constants=constants)
        features = self.norm(y_k)[:, None]
        read, pooled, count = pool(self.config.pooling, features, None, state.pooled, state.count)
        return self.head(read.flatten(1)), SequenceState(mixed, pooled, count)

    def resample(self, factor: float) -> Self:
        """A copy for samples ``factor`` times as far apart as those that the model was trained on.

        Every layer keeps its continuous system and takes longer steps (:meth:`clew.nn.Mixer.resample`); the
        parts that act on each sample alone stay, and so does what the head reads: the mean over fewer
        samples, or the last.

        Args:
            factor: 2 for half the sampling rate.

        Returns:
            The copy, with parameters of its own; this model stays as it is.

        Raises:
            ValueError: naming the layers that cannot be resampled, and why, or if ``factor`` is not positive
                and finite.

        >>> from clew.models import ModelConfig, build
        >>> model = build(ModelConfig(d_input=1, n_classes=2))
        >>> slow = model.resample(2)
        >>> layer, other = (part.backbone.blocks[0].mixer for part in (model, slow))
        >>> bool(torch.allclose(other.log_dt.exp(), 2 * layer.log_dt.exp()))
        True
        """
        backbone = self.backbone.resample(factor)
        model = copy.deepcopy(self)
        model.backbone = backbone
        return model

    def constants(self) -> Sequence[tuple[Tensor, ...]]:
        """What :meth:`step` computes from the parameters alone."""
        return self.backbone.constants()

    def initial_state(self, batch_size: int) -> SequenceState:
        """The state before the first sample."""
        return SequenceState(self.backbone.initial_state(batch_size), *self._unread(batch_size))

    def parameter_groups(
        self, learning_rate: float, dynamics_learning_rate: float, weight_decay: float
    ) -> list[Group]:
        """The parameters for an optimiser; see :func:`clew.models.parameter_groups`."""
        return parameter_groups(self, learning_rate, dynamics_learning_rate, weight_decay)

    def _unread(self, batch: int) -> tuple[Tensor, Tensor]:
        """What is pooled, and how many samples were, before the first."""
        device = self.head.weight.device
        pooled = torch.zeros(batch, self._pooled_width, dtype=torch.float64, device=device)
        return pooled, torch.zeros(batch, dtype=torch.int64, device=device)

    def _standardised(self, x: Tensor) -> Tensor:
        dtype = self.encoder.weight.dtype
        return ((x.to(self.input_mean.dtype) - self.input_mean) / self.input_std).to(dtype)


def _own(state: SequenceState) -> SequenceState:
    """The state, of which a plain tuple or list of its parts may have come."""
    if isinstance(state, SequenceState):
        return state
    if not isinstance(state, tuple | list) or len(state) != len(SequenceState._fields):
        raise ValueError(
            f"state is a SequenceState (backbone, pooled, count); got {type(state).__name__}: start with "
            "initial_state(batch), then hand on what forward and step return"
        )
    return SequenceState(*state)
