"""Mutations of an ONNX graph: of its operators, shapes, numbers and ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.fuzz.value_mutations import Rng, mutated_bytes, mutated_json

OPERATORS = ("Loop", "If", "Scan", "Einsum", "Tile", "Expand", "ConstantOfShape", "MatMul", "Reshape", "Concat", "Add",
             "Identity", "Shape", "Gather", "Slice", "Transpose", "Exp", "Div", "GRU", "Conv", "Nonsense")  # fmt: skip


def mutated_onnx(content: bytes, rng: Rng) -> bytes:
    """Return a graph with one thing in it changed."""
    import onnx

    try:
        model = onnx.load_model_from_string(content)
        _GRAPH_CHANGES[int(rng.integers(len(_GRAPH_CHANGES)))](model, rng)
        changed: bytes = model.SerializeToString()
    except Exception:  # a graph that an earlier mutation broke: its bytes will do
        return mutated_bytes(content, rng)
    return changed


def _one(items: Any, rng: Rng) -> Any:
    return items[int(rng.integers(len(items)))]


def _change_operator(model: Any, rng: Rng) -> None:
    _one(model.graph.node, rng).op_type = OPERATORS[int(rng.integers(len(OPERATORS)))]


def _change_domain(model: Any, rng: Rng) -> None:
    _one(model.graph.node, rng).domain = ("com.microsoft", "ai.onnx.ml", "evil")[int(rng.integers(3))]


def _change_shape(model: Any, rng: Rng) -> None:
    tensor = _one(model.graph.initializer, rng)
    if tensor.dims:
        tensor.dims[int(rng.integers(len(tensor.dims)))] = int(_one((0, 1, -1, 2**40, 2**62, 7), rng))


def _point_elsewhere(model: Any, rng: Rng) -> None:
    tensor = _one(model.graph.initializer, rng)
    tensor.data_location = 1
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../../etc/passwd"


def _change_numbers(model: Any, rng: Rng) -> None:
    tensor = _one(model.graph.initializer, rng)
    tensor.raw_data = mutated_bytes(tensor.raw_data, rng)


def _change_type(model: Any, rng: Rng) -> None:
    _one(model.graph.initializer, rng).data_type = int(rng.integers(20))


def _drop_operator(model: Any, rng: Rng) -> None:
    del model.graph.node[int(rng.integers(len(model.graph.node)))]


def _rewire(model: Any, rng: Rng) -> None:
    node, other = _one(model.graph.node, rng), _one(model.graph.node, rng)
    if node.input:
        node.input[int(rng.integers(len(node.input)))] = other.output[0]


def _change_attribute(model: Any, rng: Rng) -> None:
    attribute = _one([one for node in model.graph.node for one in node.attribute], rng)
    attribute.i = int(_one((0, -1, 2, 2**40), rng))
    if attribute.ints:
        attribute.ints[0] = int(_one((0, -1, 2, 2**40), rng))
    if attribute.HasField("t"):
        attribute.t.raw_data = mutated_bytes(attribute.t.raw_data, rng)


def _change_document(model: Any, rng: Rng) -> None:
    entry = model.metadata_props[0]
    entry.value = mutated_json(entry.value.encode(), rng).decode("utf-8", "replace")


def _change_opset(model: Any, rng: Rng) -> None:
    model.opset_import[0].version = int(_one((1, 7, 12, 18, 21, 99), rng))


def _change_end(model: Any, rng: Rng) -> None:
    end = _one([*model.graph.input, *model.graph.output], rng)
    end.type.tensor_type.shape.dim[-1].dim_value = int(_one((0, 1, 2, 2**40), rng))


def _rename(model: Any, rng: Rng) -> None:
    end = _one([*model.graph.input, *model.graph.output, *model.graph.initializer], rng)
    end.name = str(_one(("state", "action", "x\x1b", ""), rng))


_GRAPH_CHANGES: tuple[Callable[[Any, Rng], None], ...] = (
    _change_operator, _change_operator, _change_domain, _change_shape, _point_elsewhere, _change_numbers, _change_type,
    _drop_operator, _rewire, _rewire, _change_attribute, _change_document, _change_document, _change_opset, _change_end,
    _rename,
)  # fmt: skip
