"""The options of each mixer, drawn at random within what its documentation allows.

A mixer that is registered and not here, or an option that no draw gives, fails ``test_finite.py``.
"""

import math
from random import Random

LARGEST = 32


def logarithmic(random: Random, low: float, high: float) -> float:
    """Log-uniform between ``low`` and ``high``."""
    return math.exp(random.uniform(math.log(low), math.log(high)))


def even(random: Random) -> int:
    """An order, with small ones as likely as large ones."""
    return 2 * round(logarithmic(random, 1, LARGEST / 2))


def both_ways(random: Random) -> dict:
    return {"bidirectional": random.random() < 0.25}


def directions(random: Random) -> dict:
    both = random.random() < 0.4
    return {
        "bidirectional": both,
        "share_directions": both and random.random() < 0.5,
        "conv_padding": random.choice(["causal", "same"]) if both else "causal",
    }


def steps(random: Random) -> dict:
    low, high = sorted((logarithmic(random, 1e-4, 1.0), logarithmic(random, 1e-4, 1.0)))
    return {"dt_min": low, "dt_max": high}


def s4d(random: Random) -> dict:
    return {
        "d_state": even(random),
        "init": random.choice(["legs", "lin", "inv", "real"]),
        "discretization": random.choice(["zoh", "bilinear"]),
        "mode": random.choice(["auto", "convolution", "scan", "recurrent"]),
        **steps(random),
        **both_ways(random),
    }


def s5(random: Random) -> dict:
    blocks = random.choice([1, 1, 2, 4])
    return {
        "d_state": blocks * even(random),
        "blocks": blocks,
        "discretization": random.choice(["zoh", "bilinear"]),
        "mode": random.choice(["auto", "scan", "recurrent"]),
        **steps(random),
        **both_ways(random),
    }


def lru(random: Random) -> dict:
    low, high = sorted((random.choice([0.0, random.random()]), random.choice([1.0, random.random()])))
    return {
        "d_state": round(logarithmic(random, 1, LARGEST)),
        "r_min": low if low < high else high / 2,
        "r_max": high,
        "max_phase": logarithmic(random, 1e-3, 2 * math.pi),
        "mode": random.choice(["auto", "scan", "recurrent"]),
        **both_ways(random),
    }


def rnn(random: Random) -> dict:
    nonlinearity = random.choice(["tanh", None])
    modes = ["auto", "recurrent"] if nonlinearity else ["auto", "recurrent", "scan", "convolution"]
    return {
        "d_state": random.choice([None, round(logarithmic(random, 1, LARGEST))]),
        "nonlinearity": nonlinearity,
        "mode": random.choice(modes),
        **both_ways(random),
    }


def s4(random: Random) -> dict:
    return {
        "d_state": even(random),
        "init": random.choice(["legs", "legt", "fout"]),
        "mode": random.choice(["auto", "convolution", "scan", "recurrent"]),
        **steps(random),
        **both_ways(random),
    }


def dss(random: Random) -> dict:
    kernel = random.choice(["exp", "softmax"])
    return {
        "d_state": even(random),
        "kernel": kernel,
        "normalize_length": None if kernel == "exp" else logarithmic(random, 1, 1024),
        "mode": random.choice(["auto", "convolution", "scan", "recurrent"]),
        **steps(random),
        **both_ways(random),
    }


def lmu(random: Random) -> dict:
    return {
        "d_state": round(logarithmic(random, 1, LARGEST)),
        "theta": logarithmic(random, 1, 1024),
        **both_ways(random),
    }


def lmu_linear(random: Random) -> dict:
    return {**lmu(random), "memories": random.choice([1, 1, 2, 4])}


def mamba(random: Random) -> dict:
    return {
        "d_state": round(logarithmic(random, 1, LARGEST)),
        "d_conv": random.randint(1, 5),
        "expand": random.randint(1, 3),
        "dt_rank": random.choice([None, 1, 3]),
        "conv_bias": random.random() < 0.5,
        "bias": random.random() < 0.5,
        "x_proj_bias": random.random() < 0.5,
        "selection_norm_epsilon": random.choice([None, None, logarithmic(random, 1e-8, 1e-2)]),
        **steps(random),
        **directions(random),
    }


def mamba2(random: Random) -> dict:
    groups = random.choice([1, 1, 2])
    return {
        "d_state": round(logarithmic(random, 1, LARGEST)),
        "d_conv": random.randint(1, 5),
        "expand": groups * random.randint(1, 3),
        "head_dim": 1 if groups == 2 else random.choice([None, 1]),
        "n_groups": groups,
        "conv_bias": random.random() < 0.5,
        "bias": random.random() < 0.5,
        "norm": random.choice(["rms", "layer", "none"]),
        "norm_epsilon": logarithmic(random, 1e-8, 1e-2),
        **steps(random),
        **directions(random),
    }


RANGES = {
    "s4": s4,
    "s4d": s4d,
    "dss": dss,
    "s5": s5,
    "lru": lru,
    "lmu-linear": lmu_linear,
    "lmu": lmu,
    "rnn": rnn,
    "mamba": mamba,
    "mamba2": mamba2,
    "gru": both_ways,
    "lstm": both_ways,
}
