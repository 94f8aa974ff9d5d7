"""Systems as values: what they are made from, how they are shown, moved, copied, and that they do not change.

ORACLE: the rules, and numpy for eigenvalues.
TOLERANCES: the table in conftest.py for eigenvalues; all else is exact.
"""

import copy
import pickle

import numpy as np
import pytest
import torch

from clew.systems import DiscreteStateSpace, StateSpace

KINDS = [StateSpace, DiscreteStateSpace]
A, B, C = [[0.5, 0.1], [0.2, 0.3]], [[1.0], [2.0]], [[1.0, 0.0]]


def tensors(dtype):
    return [torch.tensor(matrix).to(dtype) for matrix in (A, B, C)]


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.mark.parametrize(
    ("matrices", "dtype"),
    [
        ((A, B, C), torch.float64),
        (([[1, 0], [0, 1]], [[1], [2]], [[1, 0]]), torch.float64),
        (tensors(torch.float32), torch.float32),
        (tensors(torch.float64), torch.float64),
        (tensors(torch.complex64), torch.complex64),
        (tensors(torch.bfloat16), torch.float32),
        (tensors(torch.int64), torch.float64),
        ([tensors(torch.float32)[0], B, C], torch.float32),
        ([tensors(torch.float32)[0], [[1j], [0]], C], torch.complex64),
        ([tensors(torch.float32)[0], tensors(torch.float64)[1], C], torch.float64),
        ([np.array(A, dtype=np.float32), np.array(B, dtype=np.int32), C], torch.float32),
        ([np.array(A, dtype=np.longdouble), B, C], torch.float64),
        ((A, [[1j], [0]], C), torch.complex128),
    ],
)
def test_dtypes(kind, matrices, dtype):
    system = kind(*matrices)
    assert system.dtype == dtype
    assert {matrix.dtype for matrix in system.matrices} == {dtype}
    assert torch.equal(system.D, torch.zeros(1, 1, dtype=dtype))


def test_arrays_are_copied_and_tensors_kept(kind):
    array, tensor = np.array(A), torch.tensor(B, dtype=torch.float64, requires_grad=True)
    system = kind(array, tensor, C)
    array[0, 0] = 99.0
    assert system.A[0, 0] == 0.5
    assert system.B is tensor


def test_sizes(kind):
    system = kind(torch.zeros(5, 1, 3, 3), torch.zeros(4, 3, 2), torch.zeros(6, 3))
    assert (system.order, system.inputs, system.outputs) == (3, 2, 6)
    assert system.batch_shape == (5, 4)
    assert system.device.type == "cpu"


def test_nothing_changes(kind):
    system = kind(A, B, C)
    for change in (lambda: setattr(system, "A", torch.eye(2)), lambda: setattr(system, "new", 1)):
        with pytest.raises(AttributeError, match="immutable"):
            change()
    with pytest.raises(AttributeError, match="immutable"):
        del system.A


def test_equality_is_identity(kind):
    system = kind(A, B, C)
    assert system == system
    assert system != kind(A, B, C)
    assert len({system, system}) == 1


def test_repr():
    assert repr(StateSpace(A, B, C)) == "StateSpace(order=2, inputs=1, outputs=1, dtype=float64)"
    batch = DiscreteStateSpace(torch.zeros(3, 1, 1), torch.zeros(1, 2), torch.zeros(1, 1), dt=[0.1, 0.2, 0.3])
    expected = "(order=1, inputs=2, outputs=1, batch=(3,), dtype=float32, dt=tensor of shape (3,))"
    assert repr(batch) == "DiscreteStateSpace" + expected
    assert repr(DiscreteStateSpace(A, B, C, dt=0.25)).endswith("dtype=float64, dt=0.25)")


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda system: pickle.loads(pickle.dumps(system))]
)
def test_copies(kind, duplicate):
    system = kind(A, B, C, [[7.0]])
    if kind is DiscreteStateSpace:
        system = kind(A, B, C, [[7.0]], dt=0.3)
    twin = duplicate(system)
    assert twin is not system
    assert all(torch.equal(one, other) for one, other in zip(twin.matrices, system.matrices, strict=True))
    assert getattr(twin, "dt", None) == getattr(system, "dt", None)


def test_to(kind):
    system = kind(A, B, C)
    assert system.to(torch.float32).dtype == torch.float32
    assert system.to("cpu", torch.complex64).dtype == torch.complex64
    with pytest.raises(ValueError, match=r"dtype of a system 'torch\.int64'"):
        system.to(torch.int64)
    with pytest.raises(ValueError, match="imaginary"):
        kind([[1j]], [[1]], [[1]]).to(torch.float64)


def test_to_keeps_dt():
    system = DiscreteStateSpace(torch.zeros(2, 1, 1), [[1]], [[1]], dt=torch.tensor([0.1, 0.2]))
    assert torch.equal(system.to(torch.float64).dt, torch.tensor([0.1, 0.2]))
    assert DiscreteStateSpace(A, B, C, dt=0.5).to(torch.float32).dt == 0.5


def test_gradients_go_through(kind):
    leaf = torch.tensor(A, dtype=torch.float64, requires_grad=True)
    kind(leaf, B, C).to(torch.float32).A.sum().backward()
    assert torch.equal(leaf.grad, torch.ones(2, 2, dtype=torch.float64))


def test_poles(kind, make, agree):
    matrices = make(4, 1, 1, batch=(3,))
    poles = kind(*matrices).poles()
    assert poles.shape == (3, 4)
    for k in range(3):
        expected = np.sort_complex(np.linalg.eigvals(matrices[0][k].numpy()))
        agree(torch.tensor(np.sort_complex(poles[k].numpy())), expected)
    assert kind(matrices[0][0], matrices[1], matrices[2]).poles().shape == (3, 4)
    assert kind(*(matrix.float() for matrix in matrices)).poles().dtype == torch.complex64


@pytest.mark.parametrize(
    ("poles", "continuous", "discrete"),
    [
        ([-0.5, -0.1], True, True),
        ([-2.0, -0.1], True, False),
        ([0.0, -0.5], False, True),
        ([0.5, 0.1], False, True),
        ([1.0, 0.1], False, False),
        ([-1.0, -0.5], True, False),
    ],
)
def test_stability(poles, continuous, discrete):
    matrices = torch.diag(torch.tensor(poles)), torch.ones(2, 1), torch.ones(1, 2)
    assert StateSpace(*matrices).is_stable().item() is continuous
    assert DiscreteStateSpace(*matrices).is_stable().item() is discrete


def test_stability_of_oscillators_in_a_batch():
    angle = torch.tensor([0.1, 1.0, 2.0])
    radius = torch.tensor([0.9, 1.1, 0.99])
    cos, sin = radius * angle.cos(), radius * angle.sin()
    rotation = torch.stack((torch.stack((cos, -sin), -1), torch.stack((sin, cos), -1)), -2)
    stable = DiscreteStateSpace(rotation, torch.ones(2, 1), torch.ones(1, 2)).is_stable()
    assert stable.tolist() == [True, False, True]
