"""Layers: mixers under one contract, and what stands around them."""

from clew.nn.backbone import Backbone
from clew.nn.block import Block
from clew.nn.dropout import Dropout
from clew.nn.mixer import Mixer
from clew.nn.registry import mixers
from clew.nn.rnn import RNN
from clew.nn.s4d import S4D

__all__ = ["RNN", "S4D", "Backbone", "Block", "Dropout", "Mixer", "mixers"]
