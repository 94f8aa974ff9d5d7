"""Data sets: one contract for what ships, what is generated and what you bring."""

from clew.data.dataset import IGNORE, Batch, Dataset, Split
from clew.data.japanese_vowels import japanese_vowels
from clew.data.registry import datasets, load

__all__ = ["IGNORE", "Batch", "Dataset", "Split", "datasets", "japanese_vowels", "load"]
