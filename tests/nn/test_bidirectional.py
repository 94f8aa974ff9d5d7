"""Layers that read a sequence from both ends: who sees the present, and what torch's own do.

Oracle: sums over the kernels of both directions, written out here in complex numbers; ``torch.nn.RNN``,
``GRU`` and ``LSTM`` with ``bidirectional=True`` and the same weights. Tolerances: TOLERANCES.
"""

import pytest
import torch

from clew.models import ModelConfig, build
from clew.nn import DSS, GRU, LMU, LRU, LSTM, RNN, S4, S4D, S5, Backbone, Block, LinearLMU, mixers

TOLERANCES = {"float64": 1e-12}  # the same sums in another order

TIME = 11


def close(actual, wanted):
    torch.testing.assert_close(actual, wanted, rtol=0, atol=TOLERANCES["float64"])


def complex_of(parameter):
    return torch.complex(*parameter.detach().unbind(-1))


def impulse_responses(layer):
    """The first channel's answer at each sample to a click in its middle."""
    x = torch.zeros(1, TIME, layer.d_model).double()
    x[0, TIME // 2, 0] = 1.0
    y, _ = layer(x)
    return y[0, :, 0].detach()


def two_sided(A_bar, drive, C, C_reverse, D, lag):
    """Re Σ C Āˡ B̄ forwards; Re Σ C_reverse Āˡ⁻ˡᵃᵍ B̄ backwards, where l is the distance in time."""
    answer = torch.zeros(TIME).double()
    for k in range(TIME):
        distance = k - TIME // 2
        if distance >= 0:
            answer[k] += (C * A_bar**distance * drive).sum().real + (D if distance == 0 else 0.0)
        if -distance >= lag:
            answer[k] += (C_reverse * A_bar ** (-distance - lag) * drive).sum().real
    return answer


def test_s4ds_reverse_branch_is_off_by_one():
    """As in S4: the backward kernel starts one sample after the present, which the forward one has seen."""
    layer = S4D(2, 6, bidirectional=True, dt_min=0.1, dt_max=0.5).double()
    A = torch.complex(-torch.exp(layer.A_log_real), layer.A_imag).detach()[0]
    A_bar = torch.exp(A * torch.exp(layer.log_dt.detach()[0]))
    drive = (A_bar - 1) / A * complex_of(layer.B)[0]
    C, C_reverse = 2 * complex_of(layer.C)[0], 2 * complex_of(layer.C_reverse)[0]
    close(impulse_responses(layer), two_sided(A_bar, drive, C, C_reverse, layer.D.detach()[0], lag=1))


def test_s4s_reverse_branch_is_off_by_one():
    layer = S4(2, 6, bidirectional=True, dt_min=0.1, dt_max=0.5).double()
    A = torch.complex(-torch.exp(layer.A_log_real), layer.A_imag).detach()[0]
    P, B, C, C_reverse = (complex_of(part)[0] for part in (layer.P, layer.B, layer.C, layer.C_reverse))
    P = P[0]
    A, P, B, C, C_reverse = (torch.cat((part, part.conj()), dim=-1) for part in (A, P, B, C, C_reverse))
    half = torch.exp(layer.log_dt.detach()[0]) / 2 * (torch.diag(A) - torch.outer(P, P.conj()))
    identity = torch.eye(len(A), dtype=A.dtype)
    A_bar = torch.linalg.solve(identity - half, identity + half)
    drive = torch.linalg.solve(identity - half, torch.exp(layer.log_dt.detach()[0]) * B)
    poles, basis = torch.linalg.eig(A_bar)
    drive = torch.linalg.solve(basis, drive)
    wanted = two_sided(poles, drive, C @ basis, C_reverse @ basis, layer.D.detach()[0], lag=1)
    close(impulse_responses(layer), wanted)


@pytest.mark.parametrize("softmax", [{}, {"kernel": "softmax", "normalize_length": 20}])
def test_dsss_reverse_branch_is_off_by_one(softmax):
    layer = DSS(2, 6, bidirectional=True, dt_min=0.1, dt_max=0.5, **softmax).double()
    real = layer.Lambda_real.detach()
    A = torch.complex(real if softmax else -torch.exp(real), layer.Lambda_imag.detach())
    z = torch.exp(layer.log_dt.detach()[0]) * A
    drive = (torch.exp(z) - 1) / A
    if softmax:
        x = A * (torch.exp(20 * z) - 1)
        drive = drive * A * x.conj() / (x.abs() ** 2 + 1e-7)
    W, W_reverse = complex_of(layer.W)[0], complex_of(layer.W_reverse)[0]
    wanted = two_sided(torch.exp(z), drive, W, W_reverse, layer.D.detach()[0], lag=1)
    close(impulse_responses(layer), wanted)


def test_the_linear_lmus_reverse_branch_is_as_s5s():
    layer = LinearLMU(2, 3, theta=9, bidirectional=True).double()
    poles, basis = torch.linalg.eig(layer.memory.A_bar)
    drive = torch.linalg.solve(basis, (layer.memory.B_bar * layer.U_x.detach()[0, 0]).to(basis.dtype))
    C, C_reverse = (part.detach()[0].to(basis.dtype) @ basis for part in (layer.W_m, layer.W_m_reverse))
    wanted = two_sided(poles, drive, C, C_reverse, layer.W_x.detach()[0, 0], lag=0)
    close(impulse_responses(layer), wanted)


def test_the_lmu_is_two_of_them_summed():
    layer = LMU(3, 5, theta=9, bidirectional=True).double()
    one, other = LMU(3, 5, theta=9).double(), LMU(3, 5, theta=9).double()
    one.load_state_dict(layer.state_dict(), strict=False)
    other.load_state_dict(layer.reverse.state_dict())
    x, lengths = torch.randn(2, TIME, 3).double(), torch.tensor([TIME, 4])
    y, _ = layer(x, lengths=lengths)
    for row, end in enumerate(lengths.tolist()):
        alone = x[row : row + 1, :end]
        close(y[row : row + 1, :end], one(alone)[0] + other(alone.flip(1))[0].flip(1))


def test_s5s_reverse_branch_is_not():
    layer = S5(2, 6, bidirectional=True, dt_min=0.1, dt_max=0.5).double()
    A = torch.complex(-torch.exp(layer.A_log_real), layer.A_imag).detach()
    A_bar = torch.exp(A * torch.exp(layer.log_dt.detach()))
    drive = (A_bar - 1) / A * complex_of(layer.B)[:, 0]
    C, C_reverse = 2 * complex_of(layer.C)[0], 2 * complex_of(layer.C_reverse)[0]
    close(impulse_responses(layer), two_sided(A_bar, drive, C, C_reverse, layer.D.detach()[0], lag=0))


def test_lrus_reverse_branch_is_as_s5s():
    layer = LRU(2, 6, bidirectional=True).double()
    A_bar = torch.exp(torch.complex(-torch.exp(layer.nu_log), torch.exp(layer.theta_log))).detach()
    drive = torch.exp(layer.gamma_log.detach()) * complex_of(layer.B)[:, 0]
    C, C_reverse = complex_of(layer.C)[0], complex_of(layer.C_reverse)[0]
    close(impulse_responses(layer), two_sided(A_bar, drive, C, C_reverse, layer.D.detach()[0], lag=0))


@pytest.mark.parametrize(("ours", "theirs"), [(GRU, torch.nn.GRU), (LSTM, torch.nn.LSTM)])
@pytest.mark.parametrize("lengths", [None, [TIME, 1, 6]])
def test_gated_cells_are_torchs_summed(ours, theirs, lengths):
    layer = ours(4, bidirectional=True).double()
    reference = theirs(4, 4, batch_first=True, bidirectional=True).double()
    for direction, one in (("", layer), ("_reverse", layer.reverse)):
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            getattr(reference, f"{name}_l0{direction}").data.copy_(getattr(one, name))
    x = torch.randn(3, TIME, 4).double()
    if lengths is None:
        both, _ = reference(x)
    else:
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        both, _ = torch.nn.utils.rnn.pad_packed_sequence(reference(packed)[0], batch_first=True)
    y, _ = layer(x, lengths=None if lengths is None else torch.tensor(lengths))
    close(y, both[..., :4] + both[..., 4:])


def test_the_rnn_is_torchs_read_out_and_summed():
    layer = RNN(3, 5, bidirectional=True).double()
    reference = torch.nn.RNN(3, 5, batch_first=True, bidirectional=True).double()
    for direction, one in (("", layer), ("_reverse", layer.reverse)):
        for name, value in (("weight_ih", one.B), ("weight_hh", one.A), ("bias_ih", one.b)):
            getattr(reference, f"{name}_l0{direction}").data.copy_(value)
        getattr(reference, f"bias_hh_l0{direction}").data.zero_()
    x = torch.randn(2, TIME, 3).double()
    both, _ = reference(x)
    close(layer(x)[0], both[..., :5] @ layer.C.mT + both[..., 5:] @ layer.reverse.C.mT)


@pytest.mark.parametrize("name", list(mixers))
def test_every_output_depends_on_every_sample_of_its_own_sequence(name):
    layer = mixers.build(name, 2, options={"bidirectional": "true"}).double()
    x = torch.randn(1, TIME, 2).double().requires_grad_()
    segments = torch.tensor([[7] * 4 + [8] * (TIME - 4 - 2) + [9] * 2])
    lengths = torch.tensor([TIME - 1])
    y, _ = layer(x, segments=segments, lengths=lengths)
    for k in range(TIME):
        (gradient,) = torch.autograd.grad(y[0, k].square().sum(), x, retain_graph=True)
        moved = gradient[0].abs().sum(-1) > 0
        wanted = (segments[0] == segments[0, k]) & (torch.arange(TIME) < TIME - 1) & (k < TIME - 1)
        assert moved.tolist() == wanted.tolist()


@pytest.mark.parametrize("name", list(mixers))
def test_a_classifier_of_them_has_no_stream(name):
    model = build(ModelConfig(2, 3, mixer=name, mixer_options={"bidirectional": "true"}, d_model=4))
    x, lengths = torch.randn(3, TIME, 2), torch.tensor([TIME, 1, 5])
    logits, state = model(x, lengths=lengths)
    torch.autograd.backward(logits.square().sum())
    assert all(parameter.grad is not None for parameter in model.parameters())
    alone, _ = model(x[2:, :5])
    torch.testing.assert_close(logits[2:], alone, rtol=0, atol=1e-5)
    why = "with bidirectional=True reads whole sequences from both ends and has no"
    with pytest.raises(ValueError, match=why):
        model(x, state)
    with pytest.raises(ValueError, match=why):
        model.step(x[:, 0], state)
    with pytest.raises(ValueError, match=f"{why} state"):
        model.initial_state(3)
    with pytest.raises(ValueError, match=f"{why} constants"):
        model.constants()


def test_one_of_them_is_enough_to_have_no_stream():
    backbone = Backbone([Block(S4D(4, 2)), Block(S4D(4, 2, bidirectional=True))])
    backbone(torch.randn(1, TIME, 4))
    with pytest.raises(ValueError, match="has no state"):
        backbone.initial_state(1)


def test_the_forward_branch_starts_as_that_of_a_layer_of_one_direction():
    for name in mixers:
        torch.manual_seed(1)
        one = mixers.build(name, 4)
        torch.manual_seed(1)
        both = mixers.build(name, 4, options={"bidirectional": True}).state_dict()
        assert all(torch.equal(both[key], value) for key, value in one.state_dict().items())
