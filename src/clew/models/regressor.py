"""A sequence in, values out."""

from typing import ClassVar, final

from torch import Tensor

from clew.models.scaled import ScaledLinear
from clew.models.sequence_model import SequenceModel

__all__ = ["Regressor"]


@final
class Regressor(SequenceModel):
    """A model whose answers are ``config.n_values`` values, in the units of the data: (batch, value).

    The head learns them at mean 0 and deviation 1; both moments are part of the model, see
    :meth:`standardize_values`.

    >>> import torch
    >>> from clew.models import ModelConfig, build
    >>> model = build(ModelConfig(d_input=3, n_values=2, d_model=8))
    >>> values, state = model(torch.randn(2, 100, 3))
    >>> values.shape
    torch.Size([2, 2])
    """

    answers: ClassVar[str] = "values"
    head: ScaledLinear

    def _head(self, width: int) -> ScaledLinear:
        return ScaledLinear(width, self.config.n_values)

    def standardize_values(self, mean: Tensor, std: Tensor) -> None:
        """Set the mean and the deviation at which values are learned, each (n_values,).

        Raises:
            ValueError: for another shape, or a deviation that is not positive and finite.
        """
        self.head.standardize(mean, std)
