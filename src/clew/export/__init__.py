"""Trained models as files for other programs: ONNX, and PyTorch's own programs."""

from clew.export.interface import Interface, Value, interface
from clew.export.onnx_model import to_onnx
from clew.export.torch_program import to_torch
from clew.export.write import Written, write

__all__ = ["Interface", "Value", "Written", "interface", "to_onnx", "to_torch", "write"]
