"""What holds for every test: determinism, NaN in uninitialised memory, a known seed, no display, no network.

Under deterministic algorithms torch fills what ``torch.empty`` returns with NaN, so code that reads memory
before writing it fails here instead of working by luck.
"""

import os
import random
import signal

os.environ["MPLBACKEND"] = "Agg"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
# cuBLAS is deterministic only with a fixed workspace.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import hypothesis
import numpy as np
import pytest
import torch

# A busy machine must not turn a right answer into a failure, and two runs of the suite try the same examples.
hypothesis.settings.register_profile("clew", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("clew")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=0, help="seed of every test's random numbers (default 0)")


def pytest_configure() -> None:
    # In the background of a script SIGINT is ignored, under nohup SIGHUP, and so they would be in every
    # program that the tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = True


@pytest.fixture(autouse=True)
def seed(request: pytest.FixtureRequest) -> int:
    """The seed that every generator starts a test from; pytest prints it when the test fails."""
    value: int = request.config.getoption("--seed")
    random.seed(value)
    np.random.seed(value)  # noqa: NPY002 - libraries under test may draw from numpy's global generator
    torch.manual_seed(value)
    request.node.add_report_section("setup", "seed", f"--seed {value}")
    return value
