"""Where the two LMUs start, and what they are made of.

Oracles: the published variances; a delay, which the linear one is for a choice of weights that Legendre's
polynomials give: P_i(1) = 1. Tolerances: TOLERANCES.
"""

import pytest
import torch

from clew.nn import LMU, LinearLMU

TOLERANCES = {
    "variance": 0.2,  # relative, of 500 draws at the least: three standard deviations of a uniform's
    "delay": 0.02,  # of a signal of two periods a window, held over samples of 1/500 of it
}


def is_about(parameter, variance):
    return parameter.var().item() == pytest.approx(variance, rel=TOLERANCES["variance"])


def test_the_cell_starts_as_published():
    layer = LMU(512, 128)
    assert is_about(layer.e_x, 1 / 512)
    assert is_about(layer.e_h, 1 / 512)
    assert layer.e_x.abs().max() <= (3 / 512) ** 0.5
    assert not layer.e_m.any()
    assert is_about(layer.W_x, 2 / (512 + 512))
    assert is_about(layer.W_h, 2 / (512 + 512))
    assert is_about(layer.W_m, 2 / (512 + 128))


def test_the_linear_form_starts_likewise():
    layer = LinearLMU(512, 32, memories=4)
    assert is_about(layer.U_x, 1 / 512)
    assert layer.U_x.abs().max() <= (3 / 512) ** 0.5
    assert is_about(layer.W_m, 2 / (512 + 4 * 32))
    assert is_about(layer.W_x, 2 / (512 + 512))


@pytest.mark.parametrize("kind", [LMU, LinearLMU])
def test_its_memory_is_not_trained(kind):
    names = {name for name, _ in kind(4, 8).named_parameters()}
    assert not any(name.startswith("memory") for name in names)
    assert kind(4, 8).dynamics_parameters() == ()


def test_the_linear_form_can_be_a_delay():
    """W_m of ones reads Σ m_i P_i(1) ≈ u(t − θ)."""
    theta, time = 500, 2000
    layer = LinearLMU(2, 24, theta=theta, memories=2).double()
    with torch.no_grad():
        layer.U_x.copy_(torch.eye(2))
        layer.W_m.copy_(torch.kron(torch.eye(2), torch.ones(1, 24)))
        layer.W_x.zero_()
        moments = torch.arange(time, dtype=torch.float64)
        x = torch.stack(
            (torch.sin(4 * torch.pi * moments / theta), torch.cos(2 * torch.pi * moments / theta)), -1
        )
        y, _ = layer(x[None])
    after = 2 * theta  # when what was before the beginning is forgotten
    # The sample of a moment is held to the next one: half a sample on in the mean.
    wanted = (x[after - theta : time - theta] + x[after - theta + 1 : time - theta + 1]) / 2
    torch.testing.assert_close(y[0, after:], wanted, rtol=0, atol=TOLERANCES["delay"])


def test_its_system_holds_every_memory():
    system = LinearLMU(3, 5, memories=4).system()
    assert system.A.shape == (20, 20)
    assert (system.B.shape, system.C.shape, system.D.shape) == ((20, 3), (3, 20), (3, 3))


def test_resampling_shortens_the_window():
    layer = LinearLMU(3, 5, theta=40.0)
    assert (layer.resample(2).memory.theta, layer.memory.theta) == (20.0, 40.0)


@pytest.mark.parametrize("kind", [LMU, LinearLMU])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"d_state": 0}, "d_state is at least 1; got 0"),
        ({"theta": -1.0}, "theta, the window in samples, is above 0; got -1.0"),
    ],
)
def test_refuses(kind, options, message):
    with pytest.raises(ValueError, match=message):
        kind(4, **options)


def test_refuses_no_channels_and_no_memories():
    with pytest.raises(ValueError, match="d_model is at least 1; got 0"):
        LMU(0)
    with pytest.raises(ValueError, match="d_model and memories are at least 1; got 4 and 0"):
        LinearLMU(4, memories=0)
