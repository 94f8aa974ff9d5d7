"""Where an S4 starts, its kernel, and what it refuses.

Oracles: the dense HiPPO matrices of clew.hippo (held to quadrature in tests/hippo), in the basis in which
they are published: discretised and raised to powers in mpmath with 60 digits for N = 8 and in numpy's float64
for N = 64; for other claims the layer run another way. Tolerances: TOLERANCES, as
max |difference| / max |reference|.
"""

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from clew.hippo import transition
from clew.nn import S4, dplr_varying

TOLERANCES = {
    "mpmath": 1e-10,  # 200 samples of a system in float64
    "float64": 1e-10,  # numpy's powers of a matrix far from normal
    "views": 1e-10,  # the same numbers in other orders
    "float32": 2e-5,  # the same in float32
    "moment": 1e-11,  # relative: sums of N products, powers up to the fourth
}
INITS = ("legs", "legt", "fout")
HALVED = {"legs": 1.0, "legt": 0.5, "fout": 0.5}  # S4 halves A and B of the sliding windows


@pytest.fixture(autouse=True)
def in_float64():
    """Parameters that are not rounded to float32."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def exact(init, order, channels=1):
    """A layer that reads HiPPO's state with the functional c: Re Λ of LegT and FouT at 0, not at −1e-4."""
    layer = S4(channels, order, init=init, dt_min=0.01, dt_max=0.05)
    with torch.no_grad():
        layer.D.zero_()
        if init != "legs":
            layer.A_log_real.fill_(-60.0)
    return layer


def markov(layer, powers):
    """C Aᵏ B of the continuous system, k < powers: (powers,)."""
    system = layer.continuous_system()
    vector, found = system.B[0, :, 0], []
    for _ in range(powers):
        found.append(system.C[0, 0] @ vector)
        vector = system.A[0] @ vector
    return torch.stack(found)


def reading_inputs(layer, init, order):
    """C for which y = B₀ᵀ c, B₀ the published input vector: C = B₀ᵀ V is the conjugate of V* B₀."""
    with torch.no_grad():
        layer.C.copy_(layer.B / HALVED[init] * torch.tensor([1.0, -1.0]))
    return transition(init, order)[1][:, 0]


@pytest.mark.parametrize("order", [2, 8, 64])
@pytest.mark.parametrize("init", INITS)
def test_it_starts_at_hippo_halved_for_the_sliding_windows(init, order):
    """B₀ᵀ Aᵏ B fixes A, and B with its scale and conjugates: a factor 2 too many or too few shows."""
    layer = exact(init, order)
    B = reading_inputs(layer, init, order)
    A = HALVED[init] * transition(init, order)[0]
    wanted = torch.stack([B @ torch.linalg.matrix_power(A, k) @ (HALVED[init] * B) for k in range(5)])
    found = markov(layer, 5)
    torch.testing.assert_close(found, wanted, rtol=TOLERANCES["moment"], atol=0)


@pytest.mark.parametrize("init", INITS)
def test_eigenvalues_of_the_layer_are_those_of_the_matrix(init):
    A = HALVED[init] * transition(init, 8)[0]
    found = np.sort_complex(np.linalg.eigvals(exact(init, 8).continuous_system().A[0].detach().numpy()))
    wanted = np.sort_complex(np.linalg.eigvals(A.numpy()))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-8 * np.abs(wanted).max())


@pytest.mark.parametrize("init", ["legt", "fout"])
def test_the_real_parts_that_are_zero_start_at_the_published_floor(init):
    assert torch.exp(S4(3, 8, init=init).A_log_real).tolist() == [pytest.approx([1e-4] * 4)] * 3


@pytest.mark.parametrize("init", INITS)
def test_kernel_against_dense_powers_in_many_digits(init):
    """N = 8: C Āᵏ B̄ of the published matrix, 60 digits throughout."""
    order, length = 8, 200
    layer = exact(init, order)
    B = reading_inputs(layer, init, order)
    impulse = torch.zeros(1, length, 1)
    impulse[0, 0] = 1
    found = layer(impulse)[0][0, :, 0]
    with mpmath.workdps(60):
        half = mpmath.mpf(layer.log_dt.exp().item()) / 2
        A = mpmath.matrix((HALVED[init] * transition(init, order)[0]).tolist())
        inputs, identity = mpmath.matrix(B.tolist()), mpmath.eye(order)
        implicit = mpmath.inverse(identity - half * A)
        h, A_bar = implicit * (2 * half * HALVED[init] * inputs), implicit * (identity + half * A)
        wanted = []
        for _ in range(length):
            wanted.append(float((inputs.T * h)[0]))
            h = A_bar * h
    wanted = torch.tensor(wanted)
    assert (found - wanted).abs().max() <= TOLERANCES["mpmath"] * wanted.abs().max()


@pytest.mark.parametrize("length", [1, 7, 64, 1000])
@pytest.mark.parametrize("init", INITS)
def test_kernel_against_dense_powers_in_float64(init, length):
    """N = 64, in numpy, the published matrix."""
    layer = exact(init, 64)
    B = reading_inputs(layer, init, 64).numpy()
    impulse = torch.zeros(1, length, 1)
    impulse[0, 0] = 1
    found = layer(impulse)[0][0, :, 0].detach().numpy()
    A, half = HALVED[init] * transition(init, 64)[0].numpy(), layer.log_dt.exp().item() / 2
    implicit = np.linalg.inv(np.eye(64) - half * A)
    h, A_bar = implicit @ (2 * half * HALVED[init] * B), implicit @ (np.eye(64) + half * A)
    wanted = []
    for _ in range(length):
        wanted.append(B @ h)
        h = A_bar @ h
    assert np.abs(found - wanted).max() <= TOLERANCES["float64"] * np.abs(wanted).max()


@settings(max_examples=15)
@given(length=st.integers(1, 3000), order=st.sampled_from([2, 6, 64]), init=st.sampled_from(INITS))
def test_every_length_is_the_same_system(length, order, init):
    """The kernel of one length is the beginning of that of another: nothing in the layer knows a length."""
    torch.manual_seed(length)
    layer = S4(2, order, init=init)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    impulse = torch.zeros(1, 3000, 2)
    impulse[0, 0] = 1
    with torch.no_grad():
        short, whole = layer(impulse[:, :length])[0], layer(impulse)[0]
    assert (short - whole[:, :length]).abs().max() <= TOLERANCES["views"] * whole.abs().max()
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())


@pytest.mark.parametrize("time", [1, 2, 16, 17, 300])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_modes_agree(time, dtype):
    """Without segments and with them, from a state and with rows of several lengths."""
    layer = S4(3, 16, init="legt", dt_min=0.01).to(dtype)
    x = torch.randn(4, time, 3, dtype=dtype)
    state = type(layer.initial_state(4))(*(torch.randn_like(part) for part in layer.initial_state(4)))
    lengths = torch.tensor([time, 0, time // 2, 1])
    for segments in (None, (torch.rand(4, time) < 0.1).long().cumsum(1)):
        results = []
        for mode in ("recurrent", "scan", *(["convolution"] if segments is None else [])):
            layer.mode = mode
            y, final = layer(x, state, lengths=lengths, segments=segments)
            results.append((y, *final))
        for other in results[1:]:
            for one, two in zip(results[0], other, strict=True):
                allowed = TOLERANCES["views" if dtype == torch.float64 else "float32"]
                assert (one - two).abs().max() <= allowed * one.abs().max()


def test_a_pole_on_the_unit_circle():
    """Ā whose slowest pole is rounded to 1 exactly: the kernel is a constant, and nothing divides by zero."""
    layer = S4(1, 2).float()
    with torch.no_grad():
        layer.A_log_real.fill_(-40.0)
        layer.A_imag.zero_()
        layer.P.zero_()
        layer.D.zero_()
    constants = layer.constants()
    assert constants.A_bar_real.item() == 1.0
    impulse = torch.zeros(1, 5000, 1, dtype=torch.float32)
    impulse[0, 0] = 1
    y, _ = layer(impulse)
    wanted = 2 * (constants.C_real * constants.B_bar_real - constants.C_imag * constants.B_bar_imag).item()
    assert (y - wanted).abs().max() <= TOLERANCES["float32"] * abs(wanted)


@pytest.mark.parametrize("init", ["legs", "legt"])
@pytest.mark.parametrize("samples", [1, 5, 32])
def test_gradients_of_a_loop_longer_than_a_block(samples, init, monkeypatch):
    """With dt, autograd runs each block of samples again, and their systems are formed a few at a time: the
    gradients are those of the steps, which form Ā and B̄."""
    layer, x = S4(2, 4, init=init), torch.randn(2, 70, 2)
    monkeypatch.setattr(dplr_varying, "AT_A_TIME", samples * layer.initial_state(2).real.numel())
    dt = (torch.rand(2, 70) + 0.1).requires_grad_()
    leaf = x.clone().requires_grad_()
    y, final = layer(leaf, dt=dt)
    actual = torch.autograd.grad(
        y.square().sum() + final.real.sum() + final.imag.sum(), (leaf, dt, *layer.parameters())
    )
    state, outputs = layer.initial_state(2), []
    for k in range(70):
        y_k, state = layer.step(leaf[:, k], state, dt=dt[:, k])
        outputs.append(y_k)
    total = torch.stack(outputs, 1).square().sum() + state.real.sum() + state.imag.sum()
    for one, two in zip(actual, torch.autograd.grad(total, (leaf, dt, *layer.parameters())), strict=True):
        assert (one - two).abs().max() <= TOLERANCES["views"] * two.abs().max()


def test_it_stays_stable_wherever_training_goes():
    """A + Aᵀ is negative on the real state for any Λ in the left half plane and any P: Ā is a contraction."""
    layer = S4(8, 16, init="legt")
    with torch.no_grad():
        for name in ("A_log_real", "A_imag", "P"):
            getattr(layer, name).copy_(3 * torch.randn_like(getattr(layer, name)))
    assert torch.linalg.matrix_norm(layer.system().A, ord=2).max() < 1


def test_resample_is_a_longer_step():
    layer, x = S4(3, 8), torch.randn(2, 50, 3)
    other = layer.resample(2.0)
    y, final = other(x)
    wanted, last = layer(x, dt=torch.full((2, 50), 2.0))
    for one, two in zip((y, *final), (wanted, *last), strict=True):
        assert (one - two).abs().max() <= TOLERANCES["views"] * two.abs().max()
    assert layer.resample(1.0).log_dt.tolist() == layer.log_dt.tolist()
    assert other.C is not layer.C


@pytest.mark.parametrize("factor", [0.0, -1.0, float("inf"), float("nan")])
def test_resample_refuses(factor):
    with pytest.raises(ValueError, match="factor is how many times as far apart the samples are"):
        S4(3, 8).resample(factor)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"init": "leg"}, "unknown init 'leg'; did you mean 'leg"),
        ({"mode": "scann"}, "unknown mode 'scann'; did you mean 'scan'"),
        ({"d_state": 7}, "two for each conjugate pair: even, at least 2; got 7"),
        ({"dt_min": 0.1, "dt_max": 0.01}, "0 < dt_min ≤ dt_max is needed; got dt_min=0.1, dt_max=0.01"),
        ({"d_model": 0}, "d_model is at least 1; got 0"),
    ],
)
def test_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        S4(**{"d_model": 4, **options})


def test_scan_takes_no_dt():
    with pytest.raises(ValueError, match="mode='scan' has one matrix for all and takes no dt: take mode="):
        S4(3, 8, mode="scan")(torch.zeros(2, 5, 3), dt=torch.ones(2, 5))
