"""Mutations of planner files: of bytes, and of what the bytes mean, so that they get past the first checks."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import pickle
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Files = dict[str, bytes]
Rng = np.random.Generator
CANARY = Path(tempfile.gettempdir()) / "hcrmp_fuzz_canary"
"""What a pickle of ours would make, if anything ran it."""

ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1, 3, 2**31, 2**63, 10**30, 1e308, float("nan"), float("inf"), "", "x" * 5000, "\x1b[31m\n",
    "../../etc/passwd", [], [[]], [1], {}, {"a": 1}, [None] * 20, ["F32"], [2**40, 2**40], [0, 10**12], "beta", "I64",
)  # fmt: skip
"""What a value becomes."""
OPERATORS = ("Loop", "If", "Scan", "Einsum", "Tile", "Expand", "ConstantOfShape", "MatMul", "Reshape", "Concat", "Add",
             "Identity", "Shape", "Gather", "Slice", "Transpose", "Exp", "Div", "GRU", "Conv", "Nonsense")  # fmt: skip


class Payload:
    """An object whose pickle makes the canary."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (CANARY,)


def mutated(files: Files, rng: Rng) -> Files:
    """Return ``files`` with one or several things changed, and the checksums made to fit, mostly."""
    changed = dict(files)
    for _ in range(int(rng.integers(1, 4))):
        name = sorted(changed)[int(rng.integers(len(changed)))]
        means = _by_meaning(name)
        change = means if means is not None and rng.random() < 0.75 else mutated_bytes
        changed[name] = change(changed[name], rng)
    return with_checksums(changed) if rng.random() < 0.9 else changed


def _by_meaning(name: str) -> Callable[[bytes, Rng], bytes] | None:
    return _FORMATS.get(Path(name).suffix)


def mutated_bytes(content: bytes, rng: Rng) -> bytes:
    """Return ``content`` with bytes flipped, cut off, doubled, or overwritten with a number or a pickle."""
    data = bytearray(content)
    if not data:
        return bytes(rng.integers(0, 256, 8, dtype=np.uint8))
    place = int(rng.integers(len(data)))
    kind = int(rng.integers(6))
    if kind == 0:
        for _ in range(int(rng.integers(1, 6))):
            data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        del data[place:]
    elif kind == 2:
        end = place + int(rng.integers(1, 200))
        data[place:place] = data[place:end]
    elif kind == 3:
        number = (0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FC00000, 0xFF800000)[int(rng.integers(6))]
        data[place : place + 4] = struct.pack("<I", number)
    elif kind == 4:
        data[place:place] = pickle.dumps(Payload(), protocol=int(rng.integers(5)))
    else:
        del data[place : place + int(rng.integers(1, 50))]
    return bytes(data)


# ---- JSON


def mutated_value(value: Any, rng: Rng) -> Any:
    """Return ``value`` with one thing in it changed: replaced, left out, doubled, renamed, or a number scaled."""
    if isinstance(value, (dict, list)) and value and rng.random() < 0.85:
        return _mutated_inside(copy.copy(value), rng)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and rng.random() < 0.5:
        return value * (-1, 0, 2, 1000, 10**9)[int(rng.integers(5))]
    if rng.random() < 0.03:
        deep: Any = value
        for _ in range(int(rng.integers(50, 3000))):
            deep = [deep]
        return deep
    return ODD[int(rng.integers(len(ODD)))]


def _mutated_inside(value: Any, rng: Rng) -> Any:
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key, kind = keys[int(rng.integers(len(keys)))], rng.random()
    if kind < 0.8:
        value[key] = mutated_value(value[key], rng)
    elif kind < 0.9:
        del value[key]
    elif isinstance(value, dict):
        value[f"{key}_"] = value.pop(key)
    else:
        value.insert(key, copy.deepcopy(value[key]))
    return value


def mutated_json(content: bytes, rng: Rng) -> bytes:
    """Return a JSON document with one value changed."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return mutated_bytes(content, rng)
    try:
        return json.dumps(mutated_value(value, rng)).encode()
    except RecursionError:  # what Python cannot write it may still be asked to read
        return b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


# ---- archives


def mutated_zip(content: bytes, rng: Rng) -> bytes:
    """Return an archive with a member changed, and its checksum, or with one that should not be there."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(name, archive.read(name)) for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error):
        return mutated_bytes(content, rng)
    if not members:
        return mutated_bytes(content, rng)
    place = int(rng.integers(len(members)))
    name, inside = members[place]
    kind = rng.random()
    if kind < 0.75:
        members[place] = (name, _mutated_member(name, inside, rng))
    elif kind < 0.85:
        del members[place]
    elif kind < 0.95:
        strange = ("../evil", "/etc/evil", "C:\\evil", "evil\x00", name, f"{name}_", "archive/data.pkl")
        members.append((strange[int(rng.integers(len(strange)))], inside))
    else:
        members.append(("bomb", b"\0" * (1 << 22)))
    return packed(members, zipfile.ZIP_DEFLATED if rng.random() < 0.2 else zipfile.ZIP_STORED)


def packed(members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return an archive of ``members``."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, inside in members:
            # writestr warns of a name that is there already; an info of our own does not.
            info = zipfile.ZipInfo(name.replace("\x00", "_"))
            info.compress_type = compression
            archive.NameToInfo.pop(info.filename, None)
            archive.writestr(info, inside)
    return stream.getvalue()


def _mutated_member(name: str, inside: bytes, rng: Rng) -> bytes:
    if name.endswith(".pkl"):
        return mutated_pickle(inside, rng)
    if name == "data":
        return mutated_json(inside, rng)
    if name.endswith((".pth", ".pt")):
        return mutated_zip(inside, rng)
    if name.endswith(".npy") and rng.random() < 0.5:
        return inside.replace(b"(", b"(" + str(int(rng.integers(10**12))).encode() + b", ", 1)
    return mutated_bytes(inside, rng)


def mutated_pickle(inside: bytes, rng: Rng) -> bytes:
    """Return a pickle that is another's, has another's words within, or is broken."""
    kind = rng.random()
    if kind < 0.2:
        return pickle.dumps(Payload(), protocol=int(rng.integers(5)))
    if kind < 0.5:
        words = (b"cos\nsystem\n(S'true'\ntR", b"cbuiltins\neval\n", b"\x85R", b"b", b"}", b"h\x00", b"q\x00", b"Q",
                 b"ctorch\nload\n", b"ctorch._utils\n_rebuild_parameter\n", b"r\xff\xff\xff\x7f", b"2", b"0", b"(",
                 b"t", b"J\xff\xff\xff\x7f", b"\x8a\x08" + b"\xff" * 8, b"a", b"u", b"s", b"M\xff\xff")  # fmt: skip
        place = int(rng.integers(len(inside) + 1))
        return inside[:place] + words[int(rng.integers(len(words)))] + inside[place:]
    return mutated_bytes(inside, rng)


# ---- safetensors and ONNX


def mutated_safetensors(content: bytes, rng: Rng) -> bytes:
    """Return weights whose header says something else."""
    length = int.from_bytes(content[:8], "little")
    if length > len(content) - 8:
        return mutated_bytes(content, rng)
    header = mutated_json(content[8 : 8 + length], rng)
    claimed = len(header) if rng.random() < 0.9 else int(rng.integers(2**62))
    return claimed.to_bytes(8, "little") + header + content[8 + length :]


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
_FORMATS: dict[str, Callable[[bytes, Rng], bytes]] = {
    ".json": mutated_json, ".zip": mutated_zip, ".npz": mutated_zip, ".pt": mutated_zip,
    ".safetensors": mutated_safetensors, ".onnx": mutated_onnx,
}  # fmt: skip


def with_checksums(files: Files) -> Files:
    """Return ``files`` with the checksums of the others in their JSON document: whoever means harm writes them so."""
    documents = [name for name in files if name.endswith(".json")]
    if not documents:
        return files
    try:
        document = json.loads(files[documents[0]])
        document["checksums"] = {
            name: hashlib.sha256(content).hexdigest() for name, content in files.items() if name not in documents
        }
        return {**files, documents[0]: json.dumps(document).encode()}
    except (ValueError, TypeError, RecursionError):
        return files
