"""What is measured: one file an operation or layer."""

from benchmarks.regime import Regime
from benchmarks.regimes import decode, mamba, s4d, s5, selective_scan, ssd

__all__ = ["REGIMES"]

REGIMES: tuple[Regime, ...] = (
    *selective_scan.REGIMES,
    *s4d.REGIMES,
    *s5.REGIMES,
    *ssd.REGIMES,
    *mamba.REGIMES,
    *decode.REGIMES,
)
