"""Where a diagonal layer should scan and where convolve: the time of both, and what ``mode="auto"`` takes.

    python benchmarks/scan_or_convolution.py [rounds]

Forward and backward, one thread, its processor time, the least of some interleaved rounds.
"""

import platform
import sys
import time

import torch

import clew
from clew.nn import S4D
from clew.nn.diagonal import choose_mode

CHANNELS = 32
SHAPES = [(batch, length) for batch in (1, 8, 64, 256) for length in (32, 64, 256, 1024, 4096)]
LARGEST = 2**25  # rows · samples · order: beyond it a round takes seconds


def seconds(layer: S4D, x: torch.Tensor) -> float:
    """The processor time of one forward and backward pass."""
    start = time.thread_time()
    layer(x)[0].sum().backward()
    return time.thread_time() - start


def main() -> None:
    """Print a line for each order and shape."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    torch.set_num_threads(1)
    print(f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}")
    print(clew.backends()["diagonal_ssm"])
    print(f"{'N':>5} {'batch':>5} {'time':>5} {'scan':>9} {'convolution':>11}  ratio  auto")
    for order in (16, 64, 128, 256, 512, 1024):
        for batch, length in SHAPES:
            if batch * length * order > LARGEST:
                continue
            layers = [S4D(CHANNELS, order, mode=mode) for mode in ("scan", "convolution")]
            x = torch.randn(batch, length, CHANNELS, requires_grad=True)
            times = [[seconds(layer, x) for layer in layers] for _ in range(rounds)]
            scan, convolution = map(min, zip(*times, strict=True))
            chosen = choose_mode(layers[0].constants(), x, None, None)
            right = (chosen == "scan") == (scan <= convolution)
            print(
                f"{order:5} {batch:5} {length:5} {1e3 * scan:6.2f} ms {1e3 * convolution:8.2f} ms "
                f"{scan / convolution:6.2f}  {chosen}{'' if right else ' (slower)'}",
                flush=True,
            )


if __name__ == "__main__":
    main()
