"""Arguments of the operations that Mamba and Mamba-2 are made of."""

import torch
from tests.ops.draws import BATCH, CHANNELS, PAIRS, normal, slow


def selective(groups=None, channels=4, state=3, optional=True):
    def build(time, dtype, batch=BATCH):
        shared = (batch, time) if groups is None else (batch, time, groups)
        values = {
            "x": normal(batch, time, channels, dtype=dtype),
            "dt": normal(batch, time, channels, dtype=dtype),
            "A": -torch.rand(channels, state, dtype=torch.float64).to(dtype),
            "B": normal(*shared, state, dtype=dtype),
            "C": normal(*shared, state, dtype=dtype),
            "initial_state": normal(batch, channels, state, dtype=dtype),
        }
        return values | (
            {
                "D": normal(channels, dtype=dtype),
                "z": normal(batch, time, channels, dtype=dtype),
                "dt_bias": normal(channels, dtype=dtype),
            }
            if optional
            else {}
        )

    return build


def given_steps(build):
    """The same with steps that need no softplus."""

    def positive(time, dtype, batch=BATCH):
        arguments = build(time, dtype, batch)
        return arguments | {name: arguments[name].abs() for name in ("dt", "dt_bias")}

    return positive


def dual(groups=1, heads=2, head_dim=3, state=4, optional=True):
    def build(time, dtype, batch=BATCH):
        values = {
            "x": normal(batch, time, heads, head_dim, dtype=dtype),
            "dt": normal(batch, time, heads, dtype=dtype),
            "A": -torch.rand(heads, dtype=torch.float64).to(dtype),
            "B": normal(batch, time, groups, state, dtype=dtype),
            "C": normal(batch, time, groups, state, dtype=dtype),
            "initial_state": normal(batch, heads, head_dim, state, dtype=dtype),
        }
        more = {"D": normal(heads, dtype=dtype), "dt_bias": normal(heads, dtype=dtype)}
        return values | (more if optional else {})

    return build


def short_convolution(width, bias=True):
    def build(time, dtype, batch=BATCH):
        values = {
            "x": normal(batch, time, CHANNELS, dtype=dtype),
            "weight": normal(CHANNELS, width, dtype=dtype),
            "initial_state": normal(batch, width - 1, CHANNELS, dtype=dtype),
        }
        return values | ({"bias": normal(CHANNELS, dtype=dtype)} if bias else {})

    return build


def long_selective(time):
    return {
        "x": (normal(1, time, CHANNELS) + 1).float(),
        "dt": torch.rand(1, time, CHANNELS),
        "A": slow(time, CHANNELS, PAIRS).log().float(),
        "B": normal(1, time, PAIRS, dtype=torch.float32),
        "C": normal(1, time, PAIRS, dtype=torch.float32),
        "D": normal(CHANNELS, dtype=torch.float32),
        "z": normal(1, time, CHANNELS, dtype=torch.float32),
    }


def long_dual(time):
    return {
        "x": (normal(1, time, PAIRS, CHANNELS) + 1).float(),
        "dt": torch.rand(1, time, PAIRS),
        "A": slow(time, PAIRS).log().float(),
        "B": normal(1, time, 1, PAIRS, dtype=torch.float32),
        "C": normal(1, time, 1, PAIRS, dtype=torch.float32),
        "D": normal(PAIRS, dtype=torch.float32),
    }
