"""How Mamba-2 starts, the order of in_proj, the groups of its norm, sizes that do not fit.

Oracle: the published start, by hand; what must not change if a part is taken away. The equations are held in
conformance/mixers/mamba2.py. Tolerances: TOLERANCES.
"""

import math
import re

import pytest
import torch

from clew.nn import Mamba2

TOLERANCES = {
    "float64": 1e-12,  # one product, summed in another order
    "float32": 1e-4,  # of outputs about 1, products of seven numbers that are rounded
    "start": 1e-3,  # relative: softplus undone and done again in float32, near 0.001
    "mean": 0.1,  # of 2,048 uniform numbers, in units of their range: 15 standard errors
}


def test_it_starts_as_published():
    layer = Mamba2(1024, 4, head_dim=1)
    step = torch.nn.functional.softplus(layer.dt_bias.detach().double())
    slack = 1 + TOLERANCES["start"]
    assert 1e-3 / slack <= step.min() <= step.max() <= 0.1 * slack
    share = (torch.log(step) - math.log(1e-3)) / math.log(100)
    assert abs(share.mean() - 0.5) < TOLERANCES["mean"]
    A = torch.exp(layer.A_log)
    assert 1 / slack <= A.min() <= A.max() <= 16 * slack
    assert abs((A.mean() - 1) / 15 - 0.5) < TOLERANCES["mean"]
    assert (layer.D == 1).all()


def test_its_steps_start_where_they_are_wished():
    layer = Mamba2(512, 4, head_dim=1, dt_min=1e-6, dt_max=1e-3, bidirectional=True)
    slack = 1 + TOLERANCES["start"]
    for direction in (layer, layer.reverse):
        step = torch.nn.functional.softplus(direction.dt_bias.detach().double())
        assert 1e-6 / slack <= step.min() <= step.max() <= 1e-3 * slack
        share = (torch.log(step) - math.log(1e-6)) / math.log(1000)
        assert abs(share.mean() - 0.5) < TOLERANCES["mean"]
    for low, high in ((0.1, 0.01), (0.0, 0.1), (0.1, math.inf), (math.nan, 0.1)):
        with pytest.raises(ValueError, match="0 < dt_min ≤ dt_max"):
            Mamba2(4, dt_min=low, dt_max=high)


def test_in_proj_is_gate_input_matrices_step():
    layer, x = Mamba2(3, 4, head_dim=2).double(), torch.randn(2, 9, 3).double()
    _, state = layer(x)
    wanted = x[:, -3:] @ layer.in_proj.weight[6:-3].T  # v: the input, B and C
    torch.testing.assert_close(state.conv, wanted, rtol=0, atol=TOLERANCES["float64"])
    with torch.no_grad():
        layer.in_proj.weight[-3:] += 1.0
    _, other = layer(x)
    assert torch.equal(other.conv, state.conv)  # the last rows are Δ's, which is not convolved
    assert not torch.equal(other.scan, state.scan)
    with torch.no_grad():
        layer.in_proj.weight[:6] = 0.0
    assert not layer(x)[0].any()  # silu(0) = 0


def test_each_group_is_normed_alone():
    """What makes one group's channels a thousand times larger leaves the other group as it is."""
    layer, x = Mamba2(4, 4, head_dim=2, n_groups=2).double(), torch.randn(2, 9, 4).double()
    with torch.no_grad():
        layer.out_proj.weight.zero_()
        layer.out_proj.weight[:, 4:].fill_diagonal_(1.0)  # the outputs are the second group's channels
    before, _ = layer(x)
    with torch.no_grad():
        layer.in_proj.weight[:4] *= 1000.0
    assert torch.equal(layer(x)[0], before)


@pytest.mark.parametrize(("d_model", "head_dim"), [(2, 4), (24, 48), (48, 48), (64, 64), (37, 37)])
def test_heads_are_64_channels_or_the_largest_number_below_that_divides(d_model, head_dim):
    assert Mamba2(d_model, 2).head_dim == head_dim


@pytest.mark.parametrize(("options", "got"), [({"head_dim": 3}, "3 for 8"), ({"n_groups": 3}, "n_groups=3")])
def test_sizes_that_do_not_divide_are_refused(options, got):
    with pytest.raises(ValueError, match=re.escape(got)):
        Mamba2(4, **options)


@pytest.mark.parametrize("name", ["d_state", "d_conv", "expand", "head_dim", "n_groups"])
def test_sizes_below_one_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} is at least 1; got 0"):
        Mamba2(4, **{name: 0})


def test_the_norm_of_what_has_no_square_in_float32():
    """What reaches the norm is cubic in x and more: its square overflows long before it does."""
    layer, x = Mamba2(4, 4), (1e7 * torch.randn(2, 9, 4)).requires_grad_()
    y, _ = layer(x)
    assert all(torch.isfinite(g).all() for g in torch.autograd.grad(y.sum(), (x, *layer.parameters())))
    wanted, _ = layer.double()(x.double())
    torch.testing.assert_close(y.double(), wanted, rtol=0, atol=TOLERANCES["float32"])


def test_what_was_resampled_is_saved_as_such():
    layer = Mamba2(4, 4).resample(3)
    other, x = Mamba2(4, 4), torch.randn(2, 9, 4)
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other(x)[0], layer(x)[0])


def test_no_norm_has_no_parameters():
    layer = Mamba2(4, 4, norm="none")
    assert not [name for name, _ in layer.named_parameters() if "norm" in name]


def test_an_unknown_norm_is_refused():
    with pytest.raises(ValueError, match="unknown norm 'batch'"):
        Mamba2(4, norm="batch")
