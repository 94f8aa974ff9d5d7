"""By what trainings are compared: the accuracy of classes, or the mean squared error of values."""

from dataclasses import dataclass

__all__ = ["ACCURACY", "MEAN_SQUARED_ERROR", "Metric"]


@dataclass(frozen=True)
class Metric:
    """A number by which mixers are put in order.

    Attributes:
        field: of :class:`clew.compare.Measured`.
        name: for a reader.
        trivial: what is known without a model, for a reader.
        format: of a number, as ``format`` takes it.
        high: whether more is better.
    """

    field: str
    name: str
    trivial: str
    format: str
    high: bool

    def text(self, number: float) -> str:
        """A number for a reader.

        >>> ACCURACY.text(0.915), MEAN_SQUARED_ERROR.text(0.0123456)
        ('91.50%', '0.01235')
        """
        return format(number, self.format)


ACCURACY = Metric("accuracy", "accuracy", "most frequent class", ".2%", high=True)
MEAN_SQUARED_ERROR = Metric("mean_squared_error", "mean squared error", "always the mean", ".4g", high=False)
