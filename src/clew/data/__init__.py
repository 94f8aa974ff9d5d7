"""Data sets: one contract for what ships, what is generated and what you bring."""

from clew.data.adding import adding
from clew.data.aeon import aeon
from clew.data.byte_sequences import ByteSequences
from clew.data.cifar10 import cifar10
from clew.data.csv_folder import csv_folder
from clew.data.csv_table import csv_table
from clew.data.dataset import IGNORE, Batch, Dataset, Split
from clew.data.delayed_copy import delayed_copy
from clew.data.digits import digits
from clew.data.fashion_mnist import fashion_mnist
from clew.data.induction_heads import induction_heads
from clew.data.japanese_vowels import japanese_vowels
from clew.data.listops import listops
from clew.data.lra_listops import lra_listops
from clew.data.lra_pathfinder import lra_pathfinder
from clew.data.lra_retrieval import lra_retrieval
from clew.data.lra_text import lra_text
from clew.data.maze import maze
from clew.data.pathfinder import pathfinder
from clew.data.read_text import read_text
from clew.data.registry import datasets, load
from clew.data.selective_copying import selective_copying
from clew.data.speech_commands import speech_commands
from clew.data.spoken_language import spoken_language
from clew.data.text_dataset import TextDataset, TextSplit

__all__ = [
    "IGNORE",
    "Batch",
    "ByteSequences",
    "Dataset",
    "Split",
    "TextDataset",
    "TextSplit",
    "adding",
    "aeon",
    "cifar10",
    "csv_folder",
    "csv_table",
    "datasets",
    "delayed_copy",
    "digits",
    "fashion_mnist",
    "induction_heads",
    "japanese_vowels",
    "listops",
    "load",
    "lra_listops",
    "lra_pathfinder",
    "lra_retrieval",
    "lra_text",
    "maze",
    "pathfinder",
    "read_text",
    "selective_copying",
    "speech_commands",
    "spoken_language",
]
