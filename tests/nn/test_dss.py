"""Where a DSS starts, and its two kernels, above all the one that depends on a length.

Oracles: numpy's general eigensolver on Skew-HiPPO, written here from its definition; proposition 1 of Gupta,
Gu and Berant (2022) as it stands there, a softmax over the complex numbers with its sum carried out.
Tolerances: TOLERANCES.
"""

import math

import numpy as np
import pytest
import torch

from clew.nn import DSS

TOLERANCES = {
    "eigenvalues": 2e-5,  # float32 parameters
    "variance": 0.1,  # relative, of some 10⁴ draws: ten standard deviations
    "kernel": 1e-10,  # float64, sums of 8 products
    "softmax": 1e-4,  # the layer's ε of 1e-7 beside |Λ (e^{Lz} − 1)|², here 0.01 at the least
    "sum": 1e-4,  # the same
}
LENGTH = 50


def skew_hippo(order):
    """Section 3.5: −½ on the diagonal, ±√((2i+1)(2j+1))/2 beside it."""
    root = np.sqrt(2 * np.arange(order) + 1)
    upper = np.triu(np.outer(root, root), 1) / 2
    return -0.5 * np.eye(order) + upper - upper.T


def numbers(layer):
    """Λ, W and Δ as numpy has them."""
    real, imag, W, dt = (
        part.detach().double().numpy()
        for part in (layer.Lambda_real, layer.Lambda_imag, layer.W, layer.log_dt)
    )
    real = -np.exp(real) if layer.kernel == "exp" else real
    return real + 1j * imag, W[..., 0] + 1j * W[..., 1], np.exp(dt)


def softmax_kernel(layer, length):
    """Proposition 1 (b), the largest real part of a row taken off before the exponential (appendix A.2)."""
    Lambda, W, dt = numbers(layer)
    P = (dt[:, None] * Lambda)[..., None] * np.arange(length)
    P = np.exp(P - P.real.max(-1, keepdims=True))
    weights = P / P.sum(-1, keepdims=True)
    return np.einsum("hn,hnl->hl", W / Lambda, weights).real


def kernel(layer, length):
    """The layer's own without D, (channel, length)."""
    return layer.system().kernel(length)[..., 0, 0].numpy(force=True)


def softmax(real=None, length=LENGTH, dtype=torch.float64, **options):
    layer = DSS(3, 8, kernel="softmax", normalize_length=length, dt_min=0.01, **options).to(dtype)
    if real is not None:
        with torch.no_grad():
            layer.Lambda_real.copy_(torch.tensor(real))
    return layer


@pytest.mark.parametrize("name", ["exp", "softmax"])
def test_eigenvalues_are_those_of_skew_hippo_above_the_real_axis(name):
    layer = DSS(3, 32, kernel=name, normalize_length=None if name == "exp" else LENGTH)
    found, _, _ = numbers(layer)
    every = np.linalg.eigvals(skew_hippo(32))
    above = np.sort(every[every.imag > 0].imag)
    np.testing.assert_allclose(np.sort(found.imag), above, rtol=TOLERANCES["eigenvalues"])
    np.testing.assert_allclose(found.real, -0.5, rtol=TOLERANCES["eigenvalues"])


def test_weights_start_standard_normal_and_steps_log_uniform():
    layer = DSS(512, 64)
    assert layer.W.var().item() == pytest.approx(1, rel=TOLERANCES["variance"])
    assert layer.log_dt.min() >= math.log(1e-3)
    assert layer.log_dt.max() <= math.log(1e-1)
    assert layer.log_dt.var().item() == pytest.approx(math.log(100) ** 2 / 12, rel=3 * TOLERANCES["variance"])


def test_all_channels_share_the_eigenvalues():
    assert DSS(5, 8).Lambda_real.shape == DSS(5, 8).Lambda_imag.shape == (4,)


def test_the_exponential_kernel_is_proposition_1_a():
    """The real part is taken once: no conjugates."""
    layer = DSS(3, 8).double()
    Lambda, W, dt = numbers(layer)
    z = dt[:, None] * Lambda
    wanted = np.einsum("hn,hnl->hl", W * (np.exp(z) - 1) / Lambda, np.exp(z[..., None] * np.arange(LENGTH)))
    np.testing.assert_allclose(kernel(layer, LENGTH), wanted.real, rtol=0, atol=TOLERANCES["kernel"])


@pytest.mark.parametrize("real", [[-0.5, -0.5, -0.5, -0.5], [0.5, -2.0, 2.0, 0.0]])
def test_the_softmax_kernel_is_proposition_1_b(real):
    layer = softmax(real)
    np.testing.assert_allclose(
        kernel(layer, LENGTH), softmax_kernel(layer, LENGTH), rtol=0, atol=TOLERANCES["softmax"]
    )


def test_the_weights_of_a_mode_sum_to_one_over_the_length():
    layer = softmax([0.3, -0.5, 0.1, -0.2])
    Lambda, W, _ = numbers(layer)
    np.testing.assert_allclose(
        kernel(layer, LENGTH).sum(-1), (W / Lambda).sum(-1).real, rtol=0, atol=TOLERANCES["sum"]
    )


def test_the_softmax_kernel_depends_on_its_length_and_not_on_the_sequence():
    """The footgun: the published code normalises over each sequence, so a longer one meets another system."""
    layer = softmax()
    other = softmax(length=2 * LENGTH)
    other.load_state_dict(layer.state_dict())
    one, two = kernel(layer, LENGTH), kernel(other, LENGTH)
    assert np.abs(one - two).max() > 0.1 * np.abs(one).max()
    published = softmax_kernel(layer, 2 * LENGTH)[:, :LENGTH]
    np.testing.assert_allclose(two, published, rtol=0, atol=TOLERANCES["softmax"])
    x = torch.randn(2, 2 * LENGTH, 3, dtype=torch.float64)
    torch.testing.assert_close(layer(x)[0][:, :LENGTH], layer(x[:, :LENGTH])[0])


def test_the_normaliser_is_continuous_where_a_mode_begins_to_grow():
    kernels = [kernel(softmax([real] * 4), LENGTH) for real in (-1e-9, 1e-9)]
    assert np.isfinite(kernels).all()
    layers = [softmax([real] * 4) for real in (-1e-9, 1e-9)]
    layers[1].load_state_dict({**layers[0].state_dict(), "Lambda_real": layers[1].Lambda_real})
    one, other = (kernel(layer, LENGTH) for layer in layers)
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("mode", ["convolution", "scan", "recurrent"])
def test_modes_that_grow_fast_stay_finite_over_the_length(mode):
    """Λ_re = 200 grows by e^{200 Δ L}, past every number of float32, were Re z not taken as 40/L at most."""
    layer = softmax([200.0, -0.5, 5.0, 0.0], dtype=torch.float32, mode=mode, dt_max=1.0)
    x = torch.randn(2, LENGTH, 3, requires_grad=True)
    y, final = layer(x)
    gradients = torch.autograd.grad(y.square().sum(), (x, *layer.parameters()))
    assert all(torch.isfinite(part).all() for part in (y, *final, *gradients))
    growth = (
        layer.continuous_system().A.detach().diagonal(dim1=-2, dim2=-1)[:, 0] * layer.log_dt.double().exp()
    )
    torch.testing.assert_close(growth.detach() * LENGTH, torch.full((3,), 40.0).double(), rtol=1e-6, atol=0)


def test_an_eigenvalue_of_zero_is_no_division():
    layer = softmax([0.0, -0.5, -0.5, -0.5])
    with torch.no_grad():
        layer.Lambda_imag[0] = 0.0
    y, _ = layer(torch.randn(1, 9, 3, dtype=torch.float64))
    y.sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in layer.parameters())


def test_resampling_keeps_the_equation():
    layer = softmax()
    half = layer.resample(2)
    assert (half.normalize_length, layer.normalize_length) == (LENGTH / 2, LENGTH)
    for name in "ABCD":
        torch.testing.assert_close(
            getattr(half.continuous_system(), name), getattr(layer.continuous_system(), name)
        )


@pytest.mark.parametrize("name", ["segments", "dt"])
def test_one_kernel_knows_neither_segments_nor_steps(name):
    given = {"segments": torch.zeros(1, 4, dtype=torch.int64), "dt": torch.ones(1, 4)}[name]
    with pytest.raises(ValueError, match=f"one kernel for all and takes no {name}: take mode='scan'"):
        DSS(3, mode="convolution")(torch.zeros(1, 4, 3), **{name: given})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel": "softmx"}, "unknown kernel 'softmx'; did you mean 'softmax'"),
        ({"mode": "scann"}, "unknown mode 'scann'; did you mean 'scan'"),
        ({"d_state": 7}, "two for each conjugate pair: even, at least 2; got 7"),
        ({"kernel": "softmax"}, "kernel='softmax' needs normalize_length, .* got None"),
        ({"kernel": "softmax", "normalize_length": 0}, "above 0: .* got 0"),
        ({"normalize_length": 9}, "normalize_length is for kernel='softmax' alone; got 9 with kernel='exp'"),
        ({"dt_min": 0.1, "dt_max": 0.01}, "0 < dt_min ≤ dt_max is needed; got dt_min=0.1, dt_max=0.01"),
    ],
)
def test_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        DSS(4, **options)
