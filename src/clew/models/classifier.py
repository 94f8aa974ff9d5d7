"""A sequence in, a class out."""

from typing import ClassVar, final

from torch import nn

from clew.models.sequence_model import SequenceModel

__all__ = ["Classifier"]


@final
class Classifier(SequenceModel):
    """A model whose answers are the logits of ``config.n_classes`` classes: (batch, class).

    >>> import torch
    >>> from clew.models import ModelConfig, build
    >>> model = build(ModelConfig(d_input=3, n_classes=5, d_model=8))
    >>> logits, state = model(torch.randn(2, 100, 3))
    >>> logits.shape
    torch.Size([2, 5])
    """

    answers: ClassVar[str] = "logits"

    def _head(self, width: int) -> nn.Linear:
        return nn.Linear(width, self.config.n_classes)
