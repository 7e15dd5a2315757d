"""JSON schemas of the messages of an MCAP file: Foxglove's by their names, and those of plain numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Schema = dict[str, Any]


def numbers(title: str, names: Iterable[str]) -> Schema:
    """Return the schema of an object of numbers."""
    return _object(title, {name: {"type": "number"} for name in names})


def words(title: str, numeric: Iterable[str], textual: Iterable[str]) -> Schema:
    """Return the schema of an object of numbers and texts."""
    return _object(title, {name: {"type": "number"} for name in numeric} | {name: _TEXT for name in textual})


def _object(title: str, properties: dict[str, Schema]) -> Schema:
    return {"title": title, "type": "object", "properties": properties}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


_NUMBER: Schema = {"type": "number"}
_WHOLE: Schema = {"type": "integer"}
_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_TIME = _object("time", {"sec": {"type": "integer", "minimum": 0}, "nsec": {"type": "integer", "minimum": 0}})
_DURATION = _object("duration", {"sec": _WHOLE, "nsec": {"type": "integer", "minimum": 0}})
_VECTOR = _object("foxglove.Vector3", dict.fromkeys("xyz", _NUMBER))
_POINT = _object("foxglove.Point3", dict.fromkeys("xyz", _NUMBER))
_QUATERNION = _object("foxglove.Quaternion", dict.fromkeys("xyzw", _NUMBER))
_COLOUR = _object("foxglove.Color", dict.fromkeys("rgba", _NUMBER))
_POSE = _object("foxglove.Pose", {"position": _VECTOR, "orientation": _QUATERNION})
_CUBE = _object("foxglove.CubePrimitive", {"pose": _POSE, "size": _VECTOR, "color": _COLOUR})
_LINE = _object("foxglove.LinePrimitive", {
    "type": _WHOLE, "pose": _POSE, "thickness": _NUMBER, "scale_invariant": _FLAG, "points": _list(_POINT),
    "color": _COLOUR, "colors": _list(_COLOUR), "indices": _list(_WHOLE),
})  # fmt: skip
_PAIR = _object("foxglove.KeyValuePair", {"key": _TEXT, "value": _TEXT})
_UNUSED = _list(_object("unused", {}))
_ENTITY = _object("foxglove.SceneEntity", {
    "timestamp": _TIME, "frame_id": _TEXT, "id": _TEXT, "lifetime": _DURATION, "frame_locked": _FLAG,
    "metadata": _list(_PAIR), "arrows": _UNUSED, "cubes": _list(_CUBE), "spheres": _UNUSED, "cylinders": _UNUSED,
    "lines": _list(_LINE), "triangles": _UNUSED, "texts": _UNUSED, "models": _UNUSED,
})  # fmt: skip
_DELETION = _object("foxglove.SceneEntityDeletion", {"timestamp": _TIME, "type": _WHOLE, "id": _TEXT})

SCENE_UPDATE = _object("foxglove.SceneUpdate", {"deletions": _list(_DELETION), "entities": _list(_ENTITY)})
FRAME_TRANSFORM = _object("foxglove.FrameTransform", {
    "timestamp": _TIME, "parent_frame_id": _TEXT, "child_frame_id": _TEXT, "translation": _VECTOR,
    "rotation": _QUATERNION,
})  # fmt: skip
LOG = _object("foxglove.Log", {
    "timestamp": _TIME, "level": _WHOLE, "message": _TEXT, "name": _TEXT, "file": _TEXT, "line": _WHOLE,
})  # fmt: skip
