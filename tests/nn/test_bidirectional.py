"""Layers that read a sequence from both ends: who sees the present, and what torch's own do.

Oracle: sums over the kernels of both directions, written out here in complex numbers; ``torch.nn.RNN``,
``GRU`` and ``LSTM`` with ``bidirectional=True`` and the same weights. Tolerances: TOLERANCES.
"""

import pytest
import torch

from clew.models import ModelConfig, build
from clew.nn import GRU, LRU, LSTM, RNN, S4D, S5, Backbone, Block, mixers

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
    """2 Re Σ C Āˡ B̄ forwards; 2 Re Σ C_reverse Āˡ⁻ˡᵃᵍ B̄ backwards, where l is the distance in time."""
    answer = torch.zeros(TIME).double()
    for k in range(TIME):
        l = k - TIME // 2  # noqa: E741 - the letter of the sum
        if l >= 0:
            answer[k] += (C * A_bar**l * drive).sum().real + (D if l == 0 else 0.0)
        if -l >= lag:
            answer[k] += (C_reverse * A_bar ** (-l - lag) * drive).sum().real
    return answer


def test_s4ds_reverse_branch_is_off_by_one():
    """As in S4: the backward kernel starts one sample after the present, which the forward one has seen."""
    layer = S4D(2, 6, bidirectional=True, dt_min=0.1, dt_max=0.5).double()
    A = torch.complex(-torch.exp(layer.A_log_real), layer.A_imag).detach()[0]
    A_bar = torch.exp(A * torch.exp(layer.log_dt.detach()[0]))
    drive = (A_bar - 1) / A * complex_of(layer.B)[0]
    C, C_reverse = 2 * complex_of(layer.C)[0], 2 * complex_of(layer.C_reverse)[0]
    close(impulse_responses(layer), two_sided(A_bar, drive, C, C_reverse, layer.D.detach()[0], lag=1))


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
