"""How recurrences are computed: operations with several backends each, behind one public function."""

from clew.ops.backends import ORDER, Backends, Choice, Operation, backends, use_backend
from clew.ops.causal_conv.function import causal_conv, causal_conv_step
from clew.ops.decode.function import decode
from clew.ops.decode.weights import DecodeWeights
from clew.ops.diagonal_ssm.function import diagonal_ssm
from clew.ops.fft_conv.function import fft_conv
from clew.ops.linear_scan.function import linear_scan
from clew.ops.matrix_scan.function import matrix_scan
from clew.ops.selective_scan.function import selective_scan, selective_scan_step
from clew.ops.ssd.function import ssd, ssd_step

__all__ = [
    "ORDER",
    "Backends",
    "Choice",
    "DecodeWeights",
    "Operation",
    "backends",
    "causal_conv",
    "causal_conv_step",
    "decode",
    "diagonal_ssm",
    "fft_conv",
    "linear_scan",
    "matrix_scan",
    "selective_scan",
    "selective_scan_step",
    "ssd",
    "ssd_step",
    "use_backend",
]
