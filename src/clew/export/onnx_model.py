"""A model as ONNX, which runs where PyTorch is not installed."""

import importlib
import json
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from clew.errors import missing_extra
from clew.export.interface import Interface, What, interface
from clew.export.quiet import quiet
from clew.export.torch_program import to_torch
from clew.models import SequenceModel

if TYPE_CHECKING:
    import onnx
    from torch.export import ExportedProgram

__all__ = ["OPSET", "convert", "to_onnx"]

OPSET = 18
"""The version of ONNX's operators that is written: old enough for what is in use, new enough for torch."""


def to_onnx(
    model: SequenceModel, what: What = "model", *, channels: Sequence[str] = (), outputs: Sequence[str] = ()
) -> "onnx.ModelProto":
    """Export a model to ONNX, in real tensors and ONNX's own operators alone.

    Inputs and outputs are those of :func:`clew.export.interface`, by name and in order, with free axes
    ``batch`` and ``time``. In the model's ``metadata_props`` the key ``clew`` holds them once more as JSON,
    with the names of channels and of classes or values.

    Args:
        model: as :func:`clew.export.to_torch` takes it. In float64 the result is valid ONNX, but onnxruntime
            has not every operator in it: GELU is one that it lacks.
        what: ``"model"`` or ``"step"``, as there.
        channels: the names of the channels of a sample, for the metadata.
        outputs: the names of the classes in the order of the logits, or of the values, for the metadata.

    Returns:
        The model; ``onnx.save`` writes it, ``SerializeToString`` gives the bytes for onnxruntime.

    Raises:
        MissingExtraError: if onnx or onnxscript is not installed.
        ValueError: for names that do not fit the model, and as :func:`clew.export.to_torch`.
    """
    signature = interface(model, what)
    described = signature.as_json(model, channels, outputs)
    _check_installed()
    return convert(to_torch(model, what), signature, described)


def convert(program: "ExportedProgram", signature: Interface, described: dict[str, Any]) -> "onnx.ModelProto":
    """The second half of :func:`to_onnx`: from torch's program to ONNX.

    Args:
        program: what :func:`clew.export.to_torch` returned.
        signature: what it takes and gives.
        described: the metadata, to which the version of the operators is added.
    """
    import onnx

    with torch.no_grad(), quiet():
        exported = torch.onnx.export(
            program,
            dynamo=True,
            opset_version=OPSET,
            verbose=False,
            input_names=[value.name for value in signature.inputs],
            output_names=[value.name for value in signature.outputs],
        )
    assert exported is not None  # it is None for the old exporter only
    proto = exported.model_proto
    sizes = proto.graph.input[0].type.tensor_type.shape.dim
    axes = zip(sizes, signature.inputs[0].shape, strict=True)
    _clean(proto.graph, {size.dim_param: axis for size, axis in axes if isinstance(axis, str)})
    text = json.dumps(described | {"opset": OPSET}, ensure_ascii=False)
    onnx.helper.set_model_props(proto, {"clew": text})
    return proto


def _check_installed() -> None:
    for package in ("onnx", "onnxscript"):  # torch's exporter asks for the second
        try:
            importlib.import_module(package)
        except ImportError:
            raise missing_extra(package, "onnx") from None


def _clean(graph: "onnx.GraphProto", symbols: dict[str, str]) -> None:
    """Call the free axes by their names, and leave out what the exporter notes for its own developers.

    On a small model its notes take more of the file than the model.
    """
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, symbols))})\b")
    for inner in _graphs(graph):
        for noted in (inner, *inner.node, *inner.input, *inner.output, *inner.value_info):
            del noted.metadata_props[:]
            noted.doc_string = ""
        for value in (*inner.input, *inner.output, *inner.value_info):
            for dimension in value.type.tensor_type.shape.dim:
                if dimension.dim_param:
                    dimension.dim_param = pattern.sub(
                        lambda match: symbols[match.group()], dimension.dim_param
                    )


def _graphs(graph: Any) -> Iterator[Any]:
    """``graph``, and those inside its nodes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _graphs(attribute.g)
