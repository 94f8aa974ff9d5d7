"""A model for another sampling rate.

Oracle: the model itself with ``dt`` = factor at each sample. Tolerances: TOLERANCES.
"""

import pytest
import torch

from clew.models import ModelConfig, build
from clew.nn import GRU, S4D, Backbone, Block

TOLERANCES = {"float64": 1e-11}  # the same operations; Δ is scaled before or after its logarithm is taken


def model_with(**changes):
    return build(ModelConfig(3, 5, d_model=6, n_layers=2, **changes)).double().eval()


@pytest.mark.parametrize("mixer", ["s4d", "s5", "lru"])
@pytest.mark.parametrize("pooling", ["mean", "last", "step"])
def test_is_dt_of_the_factor(mixer, pooling):
    model, x = model_with(mixer=mixer, pooling=pooling), torch.randn(2, 9, 3).double()
    lengths = torch.tensor([9, 4])
    wanted, _ = model(x, lengths=lengths, dt=torch.full((2, 9), 2.5).double())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    resampled = model.resample(2.5)
    logits, _ = resampled(x, lengths=lengths)
    torch.testing.assert_close(logits, wanted, rtol=0, atol=TOLERANCES["float64"])
    assert type(resampled) is type(model)
    assert not resampled.training
    with torch.no_grad():
        for parameter in resampled.parameters():
            parameter.zero_()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_layers_that_cannot_are_named():
    backbone = Backbone([Block(S4D(4, 2)), Block(GRU(4)), Block(S4D(4, 2)), Block(GRU(4))])
    reason = "a GRU is defined in discrete time and cannot be resampled"
    with pytest.raises(
        ValueError, match=rf"cannot resample the model \(layer 2: {reason}; layer 4: {reason}"
    ):
        backbone.resample(2)
    with pytest.raises(ValueError, match="layer 1: an RNN is defined in discrete time"):
        model_with(mixer="rnn").resample(2)


def test_what_is_no_factor_is_refused():
    with pytest.raises(ValueError, match=r"above 0; got 0"):
        model_with().resample(0)
