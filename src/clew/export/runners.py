"""Exported files, read back and run, as whoever receives them does."""

import io
from collections.abc import Mapping

import torch
from torch import Tensor

from clew.errors import missing_extra
from clew.export.difference import Runner
from clew.export.interface import Interface
from clew.export.quiet import quiet

__all__ = ["onnx_runner", "torch_runner"]


def onnx_runner(data: bytes, signature: Interface) -> Runner:
    """Run an ONNX file with onnxruntime, on the CPU.

    Args:
        data: its content.
        signature: what it takes and gives.

    Raises:
        MissingExtraError: if onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ImportError:
        raise missing_extra("onnxruntime", "onnx") from None
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    names = [value.name for value in signature.outputs]

    def run(given: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        outputs = session.run(names, {name: tensor.numpy() for name, tensor in given.items()})
        return {name: torch.from_numpy(output) for name, output in zip(names, outputs, strict=True)}

    return run


def torch_runner(data: bytes, signature: Interface) -> Runner:
    """Run what ``torch.export.save`` wrote.

    Args:
        data: the content of the file, which must come from here: torch unpickles parts of others.
        signature: what it takes and gives.
    """
    with quiet():
        module = torch.export.load(io.BytesIO(data)).module()

    def run(given: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        if signature.what == "model":
            answers, state = module(given["x"], given["lengths"])
        else:
            answers, state = module(given["x_k"], {name: given[f"state.{name}"] for name in signature.state})
        return {signature.answers: answers, **{f"next.{name}": tensor for name, tensor in state.items()}}

    return run
