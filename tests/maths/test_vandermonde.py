"""Sums over powers in two levels: kernels, final states and free responses of diagonal systems.

Oracle: numpy powers and loops in complex128 on the same (rounded) arguments, and mpmath for high powers.
Tolerances: TOLERANCES, as max |difference| / max |reference|.
"""

import mpmath
import numpy as np
import pytest
import torch

from clew.maths.vandermonde import final_state, free_response, integer_power, power_table, vandermonde_sum

TOLERANCES = {
    "float64": 1e-12,  # sums of products, and numpy's own powers
    "power": 1e-11,  # relative, of the 16,384th power by 14 squarings: 2¹⁴ times one rounding at worst, 2e-12
    "float32": 1e-6,  # one rounding of each power and of each product, ten or so in a sum
    "float32 gradients": 1e-5,  # a sum over 16,384 samples besides
}
BATCH, CHANNELS, PAIRS, LONG = 2, 3, 4, 16384
LENGTHS = [1, 2, 3, 4, 5, 8, 9, 10, 16, 17, 50]


def eigenvalues(dtype=torch.complex128):
    radius = torch.rand(CHANNELS, PAIRS, dtype=torch.float64) ** 0.2
    return torch.polar(radius, torch.randn(CHANNELS, PAIRS, dtype=torch.float64)).to(dtype)


def slow_eigenvalues(dtype=torch.complex64):
    """Time constants from 1 to 16,384 samples."""
    constants = torch.logspace(0, 1, PAIRS, base=LONG, dtype=torch.float64)
    angles = torch.linspace(0, 3, CHANNELS, dtype=torch.float64)[:, None]
    return torch.polar(torch.exp(-1 / constants).expand(CHANNELS, PAIRS), angles.expand(CHANNELS, PAIRS)).to(
        dtype
    )


def complexes(*shape, dtype=torch.complex128):
    return torch.randn(*shape, dtype=torch.complex128).to(dtype)


def assert_near(actual, expected, tolerance):
    expected = torch.as_tensor(expected)
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max() <= tolerance * expected.abs().max()


def powers(a, length):
    """a⁰ … a^(length − 1) (..., length) by repeated multiplication."""
    wide = a.detach().to(torch.complex128).numpy()[..., None]
    return np.cumprod(np.concatenate([np.ones_like(wide), np.repeat(wide, length - 1, -1)], -1), -1)


@pytest.mark.parametrize("length", LENGTHS)
def test_power_table(length):
    a = eigenvalues()
    assert_near(power_table(a, length), powers(a, length), TOLERANCES["float64"])


def test_high_powers_keep_their_digits():
    a = torch.tensor([0.99993896 + 0.0001j, -0.99999j, 1.0], dtype=torch.complex64)
    mpmath.mp.prec = 200
    for exponent in (LONG - 1, LONG):
        exact = [complex(mpmath.mpc(complex(value)) ** exponent) for value in a]
        for actual in (
            power_table(a, exponent + 1)[:, -1],
            integer_power(a, torch.tensor([exponent]), LONG)[0],
        ):
            assert actual.dtype == torch.complex128
            np.testing.assert_allclose(actual.numpy(), exact, rtol=TOLERANCES["power"])


def test_integer_power():
    a, exponents = eigenvalues(), torch.tensor([0, 1, 2, 7, 8, 50])
    expected = powers(a, 51)[..., exponents].transpose(2, 0, 1)
    assert_near(integer_power(a, exponents, 50), expected, TOLERANCES["float64"])
    assert_near(integer_power(0 * a, exponents[:2], 50), np.stack([np.ones(a.shape), np.zeros(a.shape)]), 0)


@pytest.mark.parametrize("length", LENGTHS)
def test_vandermonde_sum(length):
    a, weights = eigenvalues(), complexes(BATCH, CHANNELS, PAIRS)
    expected = 2 * (weights.numpy()[..., None] * powers(a, length)).real.sum(-2)
    assert_near(vandermonde_sum(weights, a, length), expected, TOLERANCES["float64"])
    assert_near(vandermonde_sum(weights[0], a, length), expected[0], TOLERANCES["float64"])


@pytest.mark.parametrize("length", LENGTHS)
def test_free_response(length):
    state, a, c = complexes(BATCH, CHANNELS, PAIRS), eigenvalues(), complexes(CHANNELS, PAIRS)
    h, outputs = state.numpy(), []
    for _ in range(length):
        h = a.numpy() * h
        outputs.append(2 * (c.numpy() * h).real.sum(-1))
    assert_near(free_response(state, a, c, length), np.stack(outputs, 1), TOLERANCES["float64"])


@pytest.mark.parametrize("given", [False, True], ids=["from zero", "from a state"])
@pytest.mark.parametrize("length", LENGTHS)
def test_final_state(length, given):
    x, a, b = (
        torch.randn(BATCH, length, CHANNELS, dtype=torch.float64),
        eigenvalues(),
        complexes(CHANNELS, PAIRS),
    )
    initial = complexes(BATCH, CHANNELS, PAIRS)
    h = initial.numpy() * given
    states = [h]
    for k in range(length):
        h = a.numpy() * h + b.numpy() * x[:, k, :, None].numpy()
        states.append(h)
    start = initial if given else None
    assert_near(final_state(x, a, b, initial_state=start), h, TOLERANCES["float64"])
    lengths = torch.tensor([length // 2, length])
    expected = np.stack([states[length // 2][0], states[length][1]])
    x[0, length // 2 :] = torch.nan
    assert_near(final_state(x, a, b, lengths, initial_state=start), expected, TOLERANCES["float64"])


def test_an_empty_batch():
    a, b = eigenvalues(), complexes(CHANNELS, PAIRS)
    assert vandermonde_sum(complexes(0, CHANNELS, PAIRS), a, 7).shape == (0, CHANNELS, 7)
    assert free_response(complexes(0, CHANNELS, PAIRS), a, b, 7).shape == (0, 7, CHANNELS)
    assert final_state(torch.zeros(0, 7, CHANNELS), a, b).shape == (0, CHANNELS, PAIRS)


def test_gradients_equal_finite_differences():
    a, weights = eigenvalues().requires_grad_(), complexes(CHANNELS, PAIRS).requires_grad_()
    state = complexes(BATCH, CHANNELS, PAIRS).requires_grad_()
    x = torch.randn(BATCH, 7, CHANNELS, dtype=torch.float64, requires_grad=True)
    lengths = torch.tensor([3, 7])
    assert torch.autograd.gradcheck(lambda w, a: vandermonde_sum(w, a, 7), (weights, a))
    assert torch.autograd.gradcheck(lambda s, a, c: free_response(s, a, c, 7), (state, a, weights))
    assert torch.autograd.gradcheck(
        lambda x, a, b, s: final_state(x, a, b, lengths, initial_state=s), (x, a, weights, state)
    )


def test_float32_keeps_its_digits_over_16384_samples():
    a, weights = slow_eigenvalues(), complexes(CHANNELS, PAIRS, dtype=torch.complex64)
    x = torch.randn(BATCH, LONG, CHANNELS) + 1
    state = complexes(BATCH, CHANNELS, PAIRS, dtype=torch.complex64)
    kernel, response = vandermonde_sum(weights, a, LONG), free_response(state, a, weights, LONG)
    assert kernel.dtype == response.dtype == torch.float32
    table, w = powers(a, LONG + 1), weights.to(torch.complex128).numpy()
    assert_near(kernel, 2 * (w[..., None] * table[..., :-1]).real.sum(1), TOLERANCES["float32"])
    h = state.to(torch.complex128).numpy()
    expected = 2 * np.einsum("hn,hnl,bhn->blh", w, table[..., 1:], h).real
    assert_near(response, expected, TOLERANCES["float32"])
    after = final_state(x, a, weights, initial_state=state)
    assert after.dtype == torch.complex64
    summed = np.einsum("hnl,blh->bhn", table[..., -2::-1], x.double().numpy())
    assert_near(after, w * summed + table[..., -1] * h, TOLERANCES["float32"])


def test_float32_gradients_keep_their_digits_over_16384_samples():
    a, weights = slow_eigenvalues(), complexes(CHANNELS, PAIRS, dtype=torch.complex64)
    upstream = torch.randn(CHANNELS, LONG)
    leaves = (weights.requires_grad_(), a.requires_grad_())
    found = torch.autograd.grad((vandermonde_sum(*leaves, LONG) * upstream).sum(), leaves)
    # K[l] = 2 Re Σ w aˡ has the gradients 2 Σ_l g[l] conj(aˡ) and 2 Σ_l g[l] l conj(w aˡ⁻¹).
    g, table = upstream.double().numpy()[:, None], np.conj(powers(a, LONG))
    w = np.conj(weights.detach().to(torch.complex128).numpy())
    by_a = 2 * w * (g[..., 1:] * np.arange(1, LONG) * table[..., :-1]).sum(-1)
    assert_near(found[0], 2 * (g * table).sum(-1), TOLERANCES["float32 gradients"])
    assert_near(found[1], by_a, TOLERANCES["float32 gradients"])


def test_memory_grows_with_the_length_alone():
    """No tensor of length · pairs numbers: the largest allocation is a few times the kernel."""
    a, weights = slow_eigenvalues().repeat(1, 16), complexes(CHANNELS, 16 * PAIRS, dtype=torch.complex64)
    with torch.profiler.profile(profile_memory=True) as profile:
        kernel = vandermonde_sum(weights, a, LONG)
    largest = max(event.self_cpu_memory_usage for event in profile.events())
    assert largest <= 4 * kernel.numel() * kernel.element_size()


def test_compiles_to_one_graph():
    torch._dynamo.reset()

    def everything(x, a, b, lengths, state):
        return (
            vandermonde_sum(b, a, x.shape[1]),
            free_response(state, a, b, x.shape[1]),
            final_state(x, a, b, lengths, initial_state=state),
        )

    x, a, b = (
        torch.randn(BATCH, 10, CHANNELS),
        eigenvalues(torch.complex64),
        complexes(CHANNELS, PAIRS).to(torch.complex64),
    )
    arguments = (x, a, b, torch.tensor([4, 10]), complexes(BATCH, CHANNELS, PAIRS).to(torch.complex64))
    compiled = torch.compile(everything, fullgraph=True, backend="aot_eager")
    for actual, expected in zip(compiled(*arguments), everything(*arguments), strict=True):
        assert_near(actual, expected, TOLERANCES["float32"])
