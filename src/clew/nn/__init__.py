"""Layers: mixers under one contract, and what stands around them."""

from clew.nn.backbone import Backbone
from clew.nn.block import Block
from clew.nn.dropout import Dropout
from clew.nn.dss import DSS
from clew.nn.gru import GRU
from clew.nn.linear_lmu import LinearLMU
from clew.nn.lmu import LMU
from clew.nn.lru import LRU
from clew.nn.lstm import LSTM
from clew.nn.mamba import Mamba
from clew.nn.mamba2 import Mamba2
from clew.nn.mixer import Mixer
from clew.nn.registry import mixers
from clew.nn.rnn import RNN
from clew.nn.s4 import S4
from clew.nn.s4d import S4D
from clew.nn.s5 import S5

__all__ = [
    "DSS",
    "GRU",
    "LMU",
    "LRU",
    "LSTM",
    "RNN",
    "S4",
    "S4D",
    "S5",
    "Backbone",
    "Block",
    "Dropout",
    "LinearLMU",
    "Mamba",
    "Mamba2",
    "Mixer",
    "mixers",
]
