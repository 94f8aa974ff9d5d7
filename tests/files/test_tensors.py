"""Named tensors in files.

Oracle: what was written. Tolerances: none, bits are compared.
"""

import pytest
import torch
from torch.testing import assert_close

from clew.files.tensors import check_tensors, read_tensors, tensors_to_bytes

TENSORS = {
    "double": torch.tensor([[0.1, -0.0], [float("inf"), float("nan")]], dtype=torch.float64),
    "half": torch.arange(5).to(torch.bfloat16),
    "bytes": torch.arange(3, dtype=torch.uint8),
    "scalar": torch.tensor(3),
    "none": torch.zeros(0, 4),
    "strided": torch.arange(12.0).reshape(3, 4).T,
}


def test_a_round_trip_keeps_the_bits(tmp_path):
    path = tmp_path / "file.safetensors"
    path.write_bytes(tensors_to_bytes(TENSORS))
    found = read_tensors(path)
    assert found.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert found[name].dtype == tensor.dtype
        assert_close(found[name], tensor, rtol=0, atol=0, equal_nan=True)
        assert found[name].data_ptr() % 16 == 0
    check_tensors(path, found, TENSORS)


def test_no_tensors_at_all(tmp_path):
    path = tmp_path / "file.safetensors"
    path.write_bytes(tensors_to_bytes({}))
    assert read_tensors(path) == {}


def test_tensors_that_share_memory_are_both_written(tmp_path):
    weight = torch.randn(3)
    path = tmp_path / "file.safetensors"
    path.write_bytes(tensors_to_bytes({"encoder": weight, "decoder": weight}))
    assert torch.equal(read_tensors(path)["decoder"], weight)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_a_file_cut_short_is_refused(tmp_path, share):
    path = tmp_path / "file.safetensors"
    whole = tensors_to_bytes(TENSORS)
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"file\.safetensors is damaged or no safetensors file") as error:
        read_tensors(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"\x80\x04\x95pickle", b'{"a": 1}', b"\0" * 100, b"\xff" * 100])
def test_a_foreign_file_is_refused(tmp_path, content):
    path = tmp_path / "file.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"file\.safetensors is damaged or no safetensors file"):
        read_tensors(path)


def test_a_pickle_of_torch_is_refused(tmp_path):
    path = tmp_path / "file.safetensors"
    torch.save(TENSORS, path)
    with pytest.raises(ValueError, match="no safetensors file"):
        read_tensors(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*absent"):
        read_tensors(tmp_path / "absent")


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({}, "no tensor 'a'"),
        ({"a": torch.zeros(2), "b": torch.zeros(2)}, "tensor 'b', which is unknown"),
        ({"a": torch.zeros(3)}, r"'a' is \(3,\) float32, not \(2,\) float32"),
        ({"a": torch.zeros(2).double()}, r"'a' is \(2,\) float64, not \(2,\) float32"),
    ],
)
def test_tensors_of_something_else_are_named(tmp_path, found, message):
    with pytest.raises(ValueError, match=message):
        check_tensors(tmp_path, found, {"a": torch.ones(2)})
