"""Models small enough to step a thousand times in a test, and sessions of them."""

from collections.abc import Callable

import pytest
import torch

from clew.models import Classifier, ModelConfig, build
from clew.stream import Session

CHANNELS = ("left", "middle", "right")
CLASSES = ("rest", "walk", "run")


Make = Callable[..., Classifier]


@pytest.fixture
def make_model() -> Make:
    """Make an untrained classifier; the same seed and options, the same weights."""

    def make(seed: int = 0, **options: object) -> Classifier:
        torch.manual_seed(seed)
        settings = {"d_model": 8, "mixer_options": {"d_state": 8}} | options
        model = build(ModelConfig(len(CHANNELS), len(CLASSES), **settings)).eval()
        # Raw and standardised samples differ.
        model.standardize(torch.tensor([1.0, -2.0, 0.5]), torch.tensor([0.5, 2.0, 3.0]))
        return model

    return make


@pytest.fixture
def session(make_model: Make) -> Session:
    return Session(make_model(), CHANNELS, CLASSES)


@pytest.fixture
def samples() -> torch.Tensor:
    """(time, channel) raw samples."""
    return torch.randn(40, len(CHANNELS), generator=torch.Generator().manual_seed(3)) * 2 + 1
