"""How recurrences are computed: operations with several backends each, behind one public function."""

from clew.ops.backends import ORDER, Backends, Choice, Operation, backends, use_backend
from clew.ops.diagonal_ssm.function import diagonal_ssm
from clew.ops.fft_conv.function import fft_conv
from clew.ops.linear_scan.function import linear_scan
from clew.ops.matrix_scan.function import matrix_scan

__all__ = [
    "ORDER",
    "Backends",
    "Choice",
    "Operation",
    "backends",
    "diagonal_ssm",
    "fft_conv",
    "linear_scan",
    "matrix_scan",
    "use_backend",
]
