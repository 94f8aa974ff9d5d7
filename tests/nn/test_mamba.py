"""How Mamba starts, what each part of in_proj is for, what a time step touches.

Oracle: the published start, by hand; what must not change if a part is taken away. The equations are held in
conformance/mixers/mamba.py. Tolerances: TOLERANCES.
"""

import math

import pytest
import torch

from clew.nn import Mamba, Mamba2

TOLERANCES = {
    "float64": 1e-12,  # one product, summed in another order
    "start": 1e-3,  # relative: softplus undone and done again in float32, near 0.001
    "mean": 0.1,  # of 2,048 uniform numbers, in units of their range: 15 standard errors
}


def test_it_starts_as_published():
    layer = Mamba(1024)
    step = torch.nn.functional.softplus(layer.dt_proj.bias.detach().double())
    slack = 1 + TOLERANCES["start"]
    assert 1e-3 / slack <= step.min() <= step.max() <= 0.1 * slack
    share = (torch.log(step) - math.log(1e-3)) / math.log(100)
    assert abs(share.mean() - 0.5) < TOLERANCES["mean"]
    assert layer.dt_rank == 64
    assert layer.dt_proj.weight.abs().max() <= 1 / 8
    torch.testing.assert_close(torch.exp(layer.A_log[5]).detach(), torch.arange(1.0, 17.0))
    assert (layer.D == 1).all()


def test_its_steps_start_where_they_are_wished():
    layer = Mamba(512, dt_min=1e-6, dt_max=1e-3, bidirectional=True)
    slack = 1 + TOLERANCES["start"]
    for direction in (layer, layer.reverse):
        step = torch.nn.functional.softplus(direction.dt_proj.bias.detach().double())
        assert 1e-6 / slack <= step.min() <= step.max() <= 1e-3 * slack
        share = (torch.log(step) - math.log(1e-6)) / math.log(1000)
        assert abs(share.mean() - 0.5) < TOLERANCES["mean"]
    for low, high in ((0.1, 0.01), (0.0, 0.1), (0.1, math.inf), (math.nan, 0.1)):
        with pytest.raises(ValueError, match="0 < dt_min ≤ dt_max"):
            Mamba(4, dt_min=low, dt_max=high)


def test_the_input_matrix_is_eulers():
    """B̄ = Δ B does not depend on A, and with it not the state after one sample from rest."""
    layer, x = Mamba(3, 4).double(), torch.randn(2, 1, 3).double()
    _, one = layer(x)
    with torch.no_grad():
        layer.A_log.add_(1.0)
    _, other = layer(x)
    assert one.scan.abs().min() > 0
    assert torch.equal(one.scan, other.scan)


def test_in_proj_is_the_input_and_then_the_gate():
    layer, x = Mamba(3, 4).double(), torch.randn(2, 9, 3).double()
    with torch.no_grad():
        layer.in_proj.weight[6:] = 0.0
    y, state = layer(x)
    assert not y.any()  # silu(0) = 0
    wanted = x[:, -3:] @ layer.in_proj.weight[:6].T
    torch.testing.assert_close(state.conv, wanted, rtol=0, atol=TOLERANCES["float64"])


def test_the_convolution_goes_by_samples():
    layer, x = Mamba(3, 4).double(), torch.randn(2, 9, 3).double()
    _, one = layer(x)
    _, other = layer(x, dt=torch.full((2, 9), 7.0).double())
    assert torch.equal(one.conv, other.conv)
    assert not torch.equal(one.scan, other.scan)


@pytest.mark.parametrize("name", ["d_state", "d_conv", "expand", "dt_rank"])
def test_sizes_below_one_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} is at least 1; got 0"):
        Mamba(4, **{name: 0})


def test_no_decay_for_the_dynamics_of_both_directions():
    names = Mamba(4, bidirectional=True).dynamics_parameters()
    assert names == ("A_log", "D", "dt_proj.bias", "reverse.A_log", "reverse.D", "reverse.dt_proj.bias")


@pytest.mark.parametrize("kind", [Mamba, Mamba2])
@pytest.mark.parametrize("padding", ["causal", "same"])
def test_shared_directions_do_not_know_which_end_is_which(kind, padding):
    options = {"bidirectional": True, "conv_padding": padding}
    layer, x = kind(4, 4, **options, share_directions=True).double(), torch.randn(2, 9, 4).double()
    there, back = layer(x)[0], layer(x.flip(1))[0].flip(1)
    torch.testing.assert_close(there, back, rtol=0, atol=TOLERANCES["float64"])
    own = kind(4, 4, **options)
    assert sum(p.numel() for p in own.parameters()) == 2 * sum(p.numel() for p in layer.parameters())


@pytest.mark.parametrize("kind", [Mamba, Mamba2])
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"share_directions": True}, "share_directions=True is for a layer of two"),
        ({"conv_padding": "same"}, "conv_padding='same' sees what is to come"),
        ({"conv_padding": "valid"}, "unknown conv_padding 'valid'"),
    ],
)
def test_what_one_direction_cannot_be_is_refused(kind, options, error):
    with pytest.raises(ValueError, match=error):
        kind(4, **options)


def test_a_normed_layer_is_saved_as_it_was_resampled():
    layer = Mamba(4, selection_norm_epsilon=1e-6).resample(3)
    other, x = Mamba(4, selection_norm_epsilon=1e-6), torch.randn(2, 9, 4)
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other(x)[0], layer(x)[0])
    assert list(Mamba(4).state_dict()) == [name for name in layer.state_dict() if name != "step_size"]


def test_repr_says_what_it_is():
    both = {"bidirectional": True, "share_directions": True, "conv_padding": "same"}
    shown = repr(Mamba(4, selection_norm_epsilon=1e-6, **both)).splitlines()[1]
    assert shown.endswith(
        "selection_norm_epsilon=1e-06, bidirectional=True, share_directions=True, conv_padding='same'"
    )
