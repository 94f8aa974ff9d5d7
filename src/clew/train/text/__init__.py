"""Training a language model on text, and measuring it in bits per byte."""

from clew.train.text.compress import Compressed, xz
from clew.train.text.config import TextConfig
from clew.train.text.evaluate import TextEvaluation, evaluate_text

__all__ = ["Compressed", "TextConfig", "TextEvaluation", "evaluate_text", "xz"]
