"""The two modules that are exported: one sample with the state in and out, and a whole sequence."""

import copy
from typing import Any

from torch import Tensor, nn

from clew.export.both_directions import BothDirections
from clew.export.constants import Constants
from clew.export.interface import has_step
from clew.export.scanned import Scanned
from clew.models import SequenceModel
from clew.models.state_tree import named_leaves, with_leaves

__all__ = ["Sequence", "Step"]


class Step(nn.Module):
    """``model.step`` as the forward of a module, the state as tensors by name.

    Args:
        model: the model. What its step computes from the parameters alone is computed here, once.
    """

    def __init__(self, model: SequenceModel) -> None:
        super().__init__()
        self.model = model
        self._like = model.initial_state(1)
        self.constants = Constants(model.constants())

    def forward(self, x_k: Tensor, state: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """The answers (batch, output) after ``x_k`` (batch, d_input), and the state then."""
        before = with_leaves(self._like, state)
        answers, after = self.model.step(x_k, before, constants=self.constants())
        return answers, dict(named_leaves(after))


class Sequence(nn.Module):
    """``model`` over a whole sequence from rest, every mixer :class:`Scanned`; all else runs in parallel.

    A bidirectional mixer is scanned from both ends.

    Args:
        model: the model, which stays as it is: a copy is changed.
    """

    def __init__(self, model: SequenceModel) -> None:
        super().__init__()
        self.model = copy.deepcopy(model)
        self._has_step = has_step(model)
        for block in self.model.backbone.blocks:
            mixer: Any = block.mixer
            block.mixer = BothDirections(mixer) if mixer.bidirectional else Scanned(mixer)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """What ``model(x, lengths=lengths)`` returns, the state as tensors by name; none without a step."""
        answers, after = self.model(x, lengths=lengths)
        return answers, dict(named_leaves(after)) if self._has_step else {}
