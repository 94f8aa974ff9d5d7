"""Mamba, Mamba-2 and Falcon-Mamba as published, tensor for tensor under the same names.

Oracle: the mixers of ``transformers``, with every tensor drawn at random: at their start A, D and the norm
are the same in all channels, and a swap would not show. Tolerances: TOLERANCES.
"""

import pytest
import torch
from transformers import FalconMambaConfig, MambaConfig
from transformers.models.falcon_mamba.modeling_falcon_mamba import FalconMambaMixer
from transformers.models.mamba.modeling_mamba import MambaMixer

from clew.nn import Mamba

TOLERANCES = {"float32": 1e-5}  # of outputs about 1: the same sums in another order

CHANNELS, TIME = 24, 37
BIASES = pytest.mark.parametrize("biases", [False, True], ids=["plain", "biases"])


def drawn(theirs):
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(0.4 * torch.randn(parameter.shape))
    return theirs.eval()


def of_mamba(kind, config, biases, **more):
    """One of theirs, and the options of ours that it is."""
    sizes = {"state_size": 5, "conv_kernel": 3, "time_step_rank": 4, "use_bias": biases}
    config = config(hidden_size=CHANNELS, use_conv_bias=biases, **sizes, **more)
    theirs = kind(config, layer_idx=0, initialize_mixer_weights=False)
    return theirs, {"d_state": 5, "d_conv": 3, "dt_rank": 4, "bias": biases, "conv_bias": biases}


def assert_equal_in_parallel_and_by_steps(ours, theirs):
    missing, unexpected = ours.load_state_dict(drawn(theirs).state_dict(), strict=False)
    assert not unexpected
    assert set(missing) <= {"step_size"}  # ours alone: 1 unless a layer is resampled
    x = torch.randn(2, TIME, CHANNELS)
    state, steps = ours.initial_state(2), []
    with torch.no_grad():
        wanted = theirs(x)
        y, final = ours(x)
        for x_k in x.unbind(1):
            y_k, state = ours.step(x_k, state)
            steps.append(y_k)
    scale = max(1.0, float(wanted.abs().max()))
    for result in (y, torch.stack(steps, dim=1)):
        torch.testing.assert_close(result, wanted, rtol=0, atol=scale * TOLERANCES["float32"])
    for one, other in zip(final, state, strict=True):
        size = max(1.0, float(other.abs().max()))
        torch.testing.assert_close(one, other, rtol=0, atol=size * TOLERANCES["float32"])


@BIASES
def test_mamba(biases):
    theirs, options = of_mamba(MambaMixer, MambaConfig, biases)
    assert_equal_in_parallel_and_by_steps(Mamba(CHANNELS, **options), theirs)


@BIASES
@pytest.mark.parametrize("epsilon", [1e-6, 0.1])
def test_falcon_mamba(biases, epsilon):
    theirs, options = of_mamba(FalconMambaMixer, FalconMambaConfig, biases, mixer_rms_eps=epsilon)
    ours = Mamba(CHANNELS, **options, selection_norm_epsilon=epsilon)
    assert_equal_in_parallel_and_by_steps(ours, theirs)
