"""Time and memory against the length, for every view of a layer and for a tanh RNN, each in a fresh process.

``python cost.py VIEW`` measures one of them and prints JSON: lengths, seconds and bytes.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch

import clew

VIEWS = {
    "convolution": "S4D, convolution",
    "scan": "S4D, scan",
    "recurrent": "S4D, recurrent",
    "tanh": "tanh RNN",
    "step": "S4D, step, no gradient",
}
CHANNELS, STATES, LONGEST, SECONDS = 32, 64, 16_384, 6.0


def measure(view: str) -> dict[str, list[float]]:
    """Forward and backward over (1, L, channels), or L steps of a stream; L doubles until time is up."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if view == "tanh":
        layer = clew.nn.RNN(CHANNELS, STATES)
    else:
        layer = clew.nn.S4D(CHANNELS, STATES, mode="auto" if view == "step" else view)
    run = _steps if view == "step" else _train
    run(layer, torch.randn(1, 64, CHANNELS))
    before = _memory("VmRSS")
    found = {"lengths": [], "seconds": [], "bytes": []}
    started, length = time.perf_counter(), 128
    while length <= LONGEST:
        x = torch.randn(1, length, CHANNELS)
        times = []
        for _ in range(3):
            start = time.perf_counter()
            run(layer, x)
            times.append(time.perf_counter() - start)
        found["lengths"].append(length)
        found["seconds"].append(statistics.median(times))
        found["bytes"].append(_memory("VmHWM") - before)
        if time.perf_counter() - started + 6 * times[-1] > SECONDS:
            break
        length *= 2
    return found


def _train(layer, x):
    y, _ = layer(x)
    y.square().mean().backward()
    layer.zero_grad(set_to_none=True)


def _steps(layer, x):
    with torch.inference_mode():
        state, constants = layer.initial_state(1), layer.constants()
        for x_k in x.unbind(1):
            _, state = layer.step(x_k, state, constants=constants)


def _memory(field: str) -> int:
    """Bytes of ``/proc/self/status``; 0 where there is none."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), 0)


def _in_a_fresh_process(view: str) -> dict[str, list[float]]:
    command = [sys.executable, __file__, view]
    source = os.pathsep.join(
        path for path in (str(Path(clew.__file__).parents[1]), os.environ.get("PYTHONPATH")) if path
    )
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": source}
    )
    return json.loads(done.stdout)


def draw(theme):
    """Two panels on logarithmic axes."""
    from clew.train.report.figures.canvas import new_figure, plain_logarithmic

    figure = new_figure(3.7)
    left, right = figure.subplots(1, 2)
    for (view, name), colour, mark in zip(VIEWS.items(), theme.series, "osd^v", strict=False):
        found = FOUND[view]
        style = {"color": colour, "marker": mark, "ms": 4.5, "ls": "--" if view == "step" else "-"}
        left.plot(found["lengths"], [1e3 * value for value in found["seconds"]], label=name, **style)
        right.plot(found["lengths"], [max(value, 0) / 2**20 for value in found["bytes"]], **style)
    left.set(title="Time", ylabel="ms", yscale="log")
    plain_logarithmic(left.yaxis)
    right.set(title="Memory", ylabel="growth of the process (MiB)")
    for axes in (left, right):
        axes.set_xscale("log", base=2)
        axes.set_xticks([128, 1024, 8192], ["128", "1,024", "8,192"])
        axes.set_xlabel("length L (samples)")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
else:
    FOUND = {view: _in_a_fresh_process(view) for view in VIEWS}
