"""Mamba-2's scan against the published minimal implementation, interleaved: the least time of each.

    python benchmarks/ssd.py [threads] [rounds]

The peer is listing 1 of Dao and Gu (2024), "Transformers are SSMs", written again from the paper, in chunks
of 64 samples. Sizes are those of a layer of Mamba-2 with 24 heads: (1, 2048, 24, 64), 128 states, one group.
"""

import os
import platform
import sys
import time

import torch
from torch import Tensor

from clew.ops import ssd

TIME, HEADS, HEAD_DIM, STATE, CHUNK = 2048, 24, 64, 128, 64
AGREEMENT = 1e-5  # of the largest output, float32


def segment_sums(exponents: Tensor) -> Tensor:
    """Sums over j < k ≤ i at [..., i, j], −∞ for j > i."""
    size = exponents.shape[-1]
    below = torch.ones(size, size, dtype=torch.bool).tril(-1)
    sums = exponents[..., None].expand(*exponents.shape, size).masked_fill(~below, 0).cumsum(-2)
    return sums.masked_fill(below.mT, -torch.inf)


def minimal(x: Tensor, exponents: Tensor, B: Tensor, C: Tensor) -> Tensor:
    """Listing 1: x (batch, time, head, head_dim) with the step sizes in it, exponents (batch, time, head)."""
    batch, length = x.shape[:2]
    x, B, C = (signal.unflatten(1, (-1, CHUNK)) for signal in (x, B, C))
    exponents = exponents.unflatten(1, (-1, CHUNK)).permute(0, 3, 1, 2)
    sums = exponents.cumsum(-1)
    within = torch.einsum("bclhn,bcshn,bhcls,bcshp->bclhp", C, B, segment_sums(exponents).exp(), x)
    states = torch.einsum("bclhn,bhcl,bclhp->bchpn", B, (sums[..., -1:] - sums).exp(), x)
    states = torch.cat((torch.zeros_like(states[:, :1]), states), dim=1)
    decays = segment_sums(torch.nn.functional.pad(sums[..., -1], (1, 0))).exp()
    states = torch.einsum("bhzc,bchpn->bzhpn", decays, states)[:, :-1]
    across = torch.einsum("bclhn,bchpn,bhcl->bclhp", C, states, sums.exp())
    return (within + across).reshape(batch, length, *x.shape[3:])


def main() -> int:
    """Print the least times and their ratio; the exit code says whether the two agree."""
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 9
    torch.manual_seed(0)
    x = torch.randn(1, TIME, HEADS, HEAD_DIM, requires_grad=True)
    dt = torch.randn(1, TIME, HEADS, requires_grad=True)
    A = (-0.5 - torch.rand(HEADS)).requires_grad_()
    B, C = (torch.randn(1, TIME, 1, STATE, requires_grad=True) for _ in range(2))
    weights = torch.randn_like(x)

    def ours() -> Tensor:
        return ssd(x, dt, A, B, C)[0]

    def theirs() -> Tensor:
        step = torch.nn.functional.softplus(dt)
        all_heads = (signal.expand(-1, -1, HEADS, -1) for signal in (B, C))
        return minimal(x * step[..., None], step * A, *all_heads)

    with torch.no_grad():
        expected = theirs()
        difference = float((ours() - expected).abs().max() / expected.abs().max())
    times: dict[str, list[float]] = {"forward": [], "forward, backward": []}
    peers: dict[str, list[float]] = {name: [] for name in times}
    for _ in range(rounds):
        for function, seconds in ((ours, times), (theirs, peers)):
            start = time.perf_counter()
            with torch.no_grad():
                function()
            seconds["forward"].append(time.perf_counter() - start)
            start = time.perf_counter()
            function().backward(weights)
            seconds["forward, backward"].append(time.perf_counter() - start)
    machine = f"{platform.machine()}, {os.cpu_count()} CPUs, {torch.get_num_threads()} threads"
    print(f"{machine}, torch {torch.__version__}; largest difference {difference:.1e}")
    for name, seconds in times.items():
        ratio = min(peers[name]) / min(seconds)
        print(
            f"{name:<18} {1e3 * min(seconds):6.1f} ms, minimal {1e3 * min(peers[name]):6.1f} ms: {ratio:.2f}×"
        )
    return int(difference > AGREEMENT)


if __name__ == "__main__":
    sys.exit(main())
