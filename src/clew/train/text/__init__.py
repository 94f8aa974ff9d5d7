"""Training a language model on text, and measuring it in bits per byte."""

from clew.train.text.compress import Compressed, xz
from clew.train.text.config import TextConfig
from clew.train.text.evaluate import TextEvaluation, evaluate_text
from clew.train.text.task import Text

__all__ = ["Compressed", "Text", "TextConfig", "TextEvaluation", "evaluate_text", "xz"]
