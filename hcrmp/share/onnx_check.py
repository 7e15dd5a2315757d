"""A stranger's ONNX file: what is looked at before ONNX Runtime sees it.

No other file is read (external data), nothing but the operators that our networks need is run, every tensor has the
size that it claims, and every intermediate result has a known size within bounds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from hcrmp.errors import UserError
from hcrmp.share.document import LARGEST_DOCUMENT, Part, PlannerDocument, SharedPlannerError, parse_document
from hcrmp.share.onnx_export import ACTION, DISTRIBUTION, PLANNER_KEY, VALUES
from hcrmp.share.policies import rows_in_pass

OPERATORS = frozenset(
    "Add Cast Clip Concat Constant ConstantOfShape Conv Div Exp Expand Flatten GRU Gather Gemm Identity "
    "InstanceNormalization LayerNormalization MatMul MaxPool Mul ReduceMean ReduceSum Relu Reshape Shape Slice "
    "Softplus Split Sqrt Squeeze Sub Tanh Transpose Unsqueeze".split()
)
"""What our networks become; no loop, no branch, no call."""
OPSETS = range(13, 26)
MOST_NODES = 20_000
LARGEST_RESULT, ALL_RESULTS = 1 << 26, 1 << 29
"""Numbers of one intermediate result, and of all together."""
TYPES = {1: np.float32, 2: np.uint8, 6: np.int32, 7: np.int64, 9: np.bool_, 11: np.float64}
"""Numpy's type of each of ONNX's that networks need."""
DATA_FIELDS = ("float_data", "int32_data", "int64_data", "double_data")


def load_onnx() -> Any:
    """Return the package ``onnx``, or say how to get it."""
    try:
        import onnx
    except ImportError as error:
        raise UserError('a planner in ONNX needs the extra: pip install "hcrmp[onnx]"') from error
    return onnx


def checked_model(content: bytes, what: str) -> PlannerDocument:
    """Return the document in the ONNX file ``content``, all of which was found harmless."""
    onnx = load_onnx()
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's, which differ with its implementation
        raise SharedPlannerError(f"{what} is no ONNX file or is cut short ({error})") from error
    document = _document(model, what)
    _check_graph(model, what)
    for tensor in _tensors(model.graph):
        _check_tensor(tensor, what)
    _check_ends(model.graph, document, what)
    _check_results(onnx, model, what, rows_in_pass(document.parts))
    return document


def _document(model: Any, what: str) -> PlannerDocument:
    told = {entry.key: entry.value for entry in model.metadata_props}
    if PLANNER_KEY not in told:
        raise SharedPlannerError(
            f"{what} does not say what it observes (no metadata {PLANNER_KEY!r}): only files of 'hcrmp share' are read"
        )
    value = told[PLANNER_KEY]
    text = value if isinstance(value, bytes) else value.encode()  # bytes where they are no UTF-8
    if len(text) > LARGEST_DOCUMENT:
        raise SharedPlannerError(f"{what} has {len(text):,} bytes of metadata, at most {LARGEST_DOCUMENT:,} are read")
    return parse_document(text, f"{what}: its metadata")


def _check_graph(model: Any, what: str) -> None:
    if [entry.domain for entry in model.opset_import] != [""] or model.opset_import[0].version not in OPSETS:
        found = [(entry.domain, entry.version) for entry in model.opset_import]
        raise SharedPlannerError(
            f"{what} needs the operators {found}, only ONNX's own ({OPSETS[0]} to {OPSETS[-1]}) run"
        )
    if model.functions or model.training_info or model.graph.sparse_initializer:
        raise SharedPlannerError(f"{what} defines functions, trains, or has sparse weights, which no planner does")
    if len(model.graph.node) > MOST_NODES:
        raise SharedPlannerError(f"{what} has {len(model.graph.node):,} operators, at most {MOST_NODES:,} are run")
    for node in model.graph.node:
        if node.domain or node.op_type not in OPERATORS:
            raise SharedPlannerError(f"{what} has the operator {node.domain}.{node.op_type}, which is not run")
        if any(_holds_graph(attribute) for attribute in node.attribute):
            raise SharedPlannerError(f"{what} has a graph within {node.op_type}, which is not run")


def _holds_graph(attribute: Any) -> bool:
    return bool(
        attribute.HasField("g") or attribute.graphs or attribute.HasField("sparse_tensor") or attribute.sparse_tensors
        or attribute.ref_attr_name
    )  # fmt: skip


def _tensors(graph: Any) -> Iterator[Any]:
    """Yield all numbers that the file holds."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def _check_tensor(tensor: Any, what: str) -> None:
    if tensor.data_location or tensor.external_data:
        raise SharedPlannerError(f"{what} wants to read another file for {tensor.name!r}, which it may not")
    if tensor.data_type not in TYPES or tensor.string_data or tensor.uint64_data:
        raise SharedPlannerError(f"{what}: {tensor.name!r} holds numbers of type {tensor.data_type}, which is not read")
    if any(side < 0 for side in tensor.dims):
        raise SharedPlannerError(f"{what}: {tensor.name!r} has the shape {list(tensor.dims)[:8]}")
    dtype = np.dtype(TYPES[tensor.data_type])
    claimed = math.prod(tensor.dims)
    there = len(tensor.raw_data) / dtype.itemsize + sum(len(getattr(tensor, field)) for field in DATA_FIELDS)
    if claimed != there:
        raise SharedPlannerError(
            f"{what} claims {claimed:,} numbers of the shape {list(tensor.dims)[:8]} for {tensor.name!r}, and "
            f"{there:,.0f} are there"
        )
    numbers = np.frombuffer(tensor.raw_data, dtype) if tensor.raw_data else np.array(tensor.float_data)
    if dtype.kind == "f" and not np.isfinite(numbers).all():
        raise SharedPlannerError(f"{what}: {tensor.name!r} holds NaN or infinite weights")


def _check_ends(graph: Any, document: PlannerDocument, what: str) -> None:
    """Inputs and outputs must be those of the document."""
    initial = {tensor.name for tensor in graph.initializer}
    inputs = {entry.name: _shape(entry) for entry in graph.input if entry.name not in initial}
    wanted = {key: _row(document.parts[key]) for key in document.inputs}
    if inputs != wanted:
        raise SharedPlannerError(f"{what} takes {inputs}, and its metadata describe {wanted}")
    outputs = {entry.name: _shape(entry) for entry in graph.output}
    if outputs.get(ACTION) != (1, len(document.action.names)) or set(outputs) - {ACTION, DISTRIBUTION, VALUES}:
        raise SharedPlannerError(f"{what} gives {outputs}, expected {ACTION} (batch, {len(document.action.names)})")
    if lost := sorted(set(outputs) - {name for node in graph.node for name in node.output}):
        raise SharedPlannerError(f"{what} gives {lost[0]}, which none of its operators makes")


def _row(part: Part) -> tuple[int, ...]:
    return (1 if part.dtype == "float32" else 2, *part.shape)


def _shape(entry: Any) -> tuple[int, ...]:
    """Return the type of an input or output, then the sizes behind that of its batch."""
    tensor = entry.type.tensor_type
    return (tensor.elem_type, *(side.dim_value for side in tensor.shape.dim[1:]))


def _check_results(onnx: Any, model: Any, what: str, rows: int) -> None:
    """Refuse a graph with a result whose size is unknown or beyond bounds."""
    for entry in (*model.graph.input, *model.graph.output):
        if entry.type.tensor_type.shape.dim:
            entry.type.tensor_type.shape.dim[0].dim_value = rows
    del model.graph.value_info[:]  # what the file claims of its results
    try:
        inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True).graph
    except Exception as error:  # an InferenceError, or whatever its C++ makes of a broken graph
        raise SharedPlannerError(f"{what} is no sound graph ({str(error).splitlines()[0]})") from error
    sizes = {entry.name: _size(entry) for entry in (*inferred.value_info, *inferred.output)}
    for node in model.graph.node:
        for name in filter(None, node.output):
            if not 0 <= sizes.get(name, -1) <= LARGEST_RESULT:
                raise SharedPlannerError(f"{what}: {node.op_type} has a result of unknown or enormous size")
    if sum(sizes.values()) > ALL_RESULTS:
        raise SharedPlannerError(f"{what} makes {sum(sizes.values()):,} numbers of each batch, which is beyond bounds")


def _size(entry: Any) -> int:
    """Return how many numbers a result has; -1 where that is not known."""
    sides = entry.type.tensor_type.shape.dim
    known = entry.type.tensor_type.HasField("shape") and all(side.HasField("dim_value") for side in sides)
    return math.prod(side.dim_value for side in sides) if known else -1
