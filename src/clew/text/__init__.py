"""Text as tokens: bytes, or the pieces of a learned vocabulary; whole, or as they come."""

from clew.text.bpe_tokenizer import BPETokenizer
from clew.text.byte_tokenizer import ByteTokenizer
from clew.text.load import load
from clew.text.tokenizer import Decoder, Tokenizer
from clew.text.train_bpe import train_bpe

__all__ = ["BPETokenizer", "ByteTokenizer", "Decoder", "Tokenizer", "load", "train_bpe"]
