"""Messages in Foxglove's schemas, as JSON: what of a drive can be seen in its 3D panel, and its log.

Names and meaning of fields are those of Foxglove's public schemas (docs.foxglove.dev/docs/sdk/schemas). Each message
holds all that its topic shows, for a player that jumps to a time takes up the last one of each topic.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from envs.recording import DriveLog
from envs.roads.drawing import GateLine, RoadDrawing
from envs.roads.gate_lines import shown_state
from envs.scene import ActorKind, ActorRow, FloatArray, IntArray, SignalState

Message = dict[str, Any]

WORLD, EGO = "world", "ego"
"""Frames: of the map, and of the ego (its body's centre on the ground, x ahead)."""

HEIGHTS_M = {
    ActorKind.CAR: 1.5, ActorKind.TRUCK: 2.8, ActorKind.BUS: 3.0, ActorKind.MOTORCYCLE: 1.5, ActorKind.PEDESTRIAN: 1.75,
    ActorKind.CYCLIST: 1.7, ActorKind.STATIC: 1.0,
}  # fmt: skip
"""How high bodies are shown (m, ours): a scene is flat."""

COLOURS = {
    ActorKind.CAR: (0.15, 0.39, 0.92), ActorKind.TRUCK: (0.49, 0.23, 0.93), ActorKind.BUS: (0.58, 0.2, 0.92),
    ActorKind.MOTORCYCLE: (0.92, 0.35, 0.05), ActorKind.PEDESTRIAN: (0.86, 0.15, 0.15),
    ActorKind.CYCLIST: (0.79, 0.54, 0.02), ActorKind.STATIC: (0.28, 0.33, 0.41),
}  # fmt: skip
EGO_COLOUR, ROUTE_COLOUR, ROAD_COLOUR = (0.02, 0.59, 0.41), (0.05, 0.65, 0.91), (0.6, 0.64, 0.69)
MARK_COLOURS = {"white": (0.95, 0.95, 0.95), "yellow": (0.98, 0.75, 0.14)}
SIGNAL_COLOURS = {
    SignalState.GREEN: (0.13, 0.77, 0.37), SignalState.YELLOW: (0.98, 0.8, 0.08), SignalState.RED: (0.94, 0.27, 0.27),
    SignalState.NONE: (0.95, 0.95, 0.95),
}  # fmt: skip
INFO, WARNING, ERROR = 2, 3, 4
"""Levels of a log."""

STRIP, LOOP = 0, 1
"""Kinds of lines: open, and closed to an outline."""


def stamp(time_s: float) -> Message:
    """Return a time (s) as Foxglove has it."""
    nanoseconds = round(time_s * 1e9)
    return {"sec": nanoseconds // 10**9, "nsec": nanoseconds % 10**9}


def transform(drive: DriveLog, tick: int) -> Message:
    """Return where the ego's frame is in the world (``foxglove.FrameTransform``)."""
    ego = drive.scenes.ego
    return {
        "timestamp": stamp(float(drive.scenes.time_s[tick])),
        "parent_frame_id": WORLD,
        "child_frame_id": EGO,
        "translation": _vector(float(ego.x[tick]), float(ego.y[tick]), 0.0),
        "rotation": _turned(float(ego.yaw[tick])),
    }


def ego(drive: DriveLog, tick: int) -> Message:
    """Return the ego as a box (an entity of a ``foxglove.SceneUpdate``)."""
    state, now = drive.scenes.ego, float(drive.scenes.time_s[tick])
    numbers = (float(row[tick]) for row in (state.x, state.y, state.yaw, state.length, state.width))
    box = _box(*numbers, height=HEIGHTS_M[ActorKind.CAR], colour=EGO_COLOUR)
    return _entity(EGO, now, {"speed_mps": f"{state.speed[tick]:.2f}"}, cubes=[box])


def others(drive: DriveLog, tick: int, slots: IntArray) -> list[Message]:
    """Return the others in ``slots`` as boxes (entities of a ``foxglove.SceneUpdate``)."""
    actors, now = drive.scenes.actors, float(drive.scenes.time_s[tick])
    rows = actors.block[:, tick, slots].T.tolist()
    return [_other(now, row) for row in rows]


def _other(now: float, row: list[float]) -> Message:
    kind, visible = ActorKind(int(row[ActorRow.KIND])), row[ActorRow.VISIBLE] > 0.5
    told = {"kind": kind.name.lower(), "speed_mps": f"{row[ActorRow.SPEED]:.2f}", "visible": str(visible).lower()}
    numbers = (row[k] for k in (ActorRow.X, ActorRow.Y, ActorRow.YAW, ActorRow.LENGTH, ActorRow.WIDTH))
    box = _box(*numbers, height=HEIGHTS_M[kind], colour=COLOURS[kind])
    return _entity(str(int(row[ActorRow.ID])), now, told, cubes=[box])


def scene_update(time_s: float, entities: list[Message], gone: Iterable[int] = ()) -> Message:
    """Return a ``foxglove.SceneUpdate`` of entities; ``gone`` the ids of those who were there before."""
    return {
        "deletions": [{"timestamp": stamp(time_s), "type": 0, "id": str(name)} for name in gone],
        "entities": entities,
    }


def route(drive: DriveLog, tick: int) -> Message:
    """Return the route's points ahead as a line from the ego (``foxglove.SceneUpdate``)."""
    ego, points = drive.scenes.ego, drive.scenes.route.points[tick, :, :2]
    here = np.array([[ego.x[tick], ego.y[tick]]])
    line = _line(np.concatenate([here, points]) if points.any() else here, STRIP, 0.3, ROUTE_COLOUR, 0.06)
    now = float(drive.scenes.time_s[tick])
    return scene_update(now, [_entity("route", now, {}, lines=[line])])


def road(drawing: RoadDrawing) -> Message:
    """Return the road's edges and marks (``foxglove.SceneUpdate``)."""
    areas = [_line(area.points, LOOP, 0.1, ROAD_COLOUR, 0.0) for area in drawing.areas]
    marks = [
        _line(mark.points, STRIP, 0.15, MARK_COLOURS.get(mark.color, ROAD_COLOUR), 0.02) for mark in drawing.strokes
    ]
    return scene_update(0.0, [_entity("road", 0.0, {}, lines=[*areas, *marks])])


def stop_lines(gates: Sequence[GateLine], states: Sequence[SignalState], time_s: float) -> Message:
    """Return the stop lines in the colours of what stands there (``foxglove.SceneUpdate``)."""
    shown = zip(gates, states, strict=True)
    lines = [_line(gate.points, STRIP, 0.4, SIGNAL_COLOURS[state], 0.03) for gate, state in shown]
    return scene_update(time_s, [_entity("stop lines", time_s, {}, lines=lines)])


def shown_by(gates: Iterable[GateLine], time_s: float, seed: int) -> list[SignalState]:
    """Return what stands at stop lines at a time: none where it is a sign."""
    return [shown_state(gate, time_s, seed) if gate.kind == "signal" else SignalState.NONE for gate in gates]


def log(time_s: float, level: int, text: str) -> Message:
    """Return a line of the log (``foxglove.Log``)."""
    return {"timestamp": stamp(time_s), "level": level, "message": text, "name": "hcrmp", "file": "", "line": 0}


def _entity(name: str, time_s: float, told: dict[str, str], **shapes: list[Message]) -> Message:
    return {
        "timestamp": stamp(time_s), "frame_id": WORLD, "id": name, "lifetime": {"sec": 0, "nsec": 0},
        "frame_locked": False, "metadata": [{"key": key, "value": value} for key, value in told.items()], "arrows": [],
        "cubes": [], "spheres": [], "cylinders": [], "lines": [], "triangles": [], "texts": [], "models": [], **shapes,
    }  # fmt: skip


def _box(
    x: float, y: float, yaw: float, length: float, width: float, *, height: float, colour: tuple[float, float, float]
) -> Message:
    return {
        "pose": {"position": _vector(x, y, 0.5 * height), "orientation": _turned(yaw)},
        "size": _vector(length, width, height),
        "color": _colour(colour, 0.9),
    }


def _line(points: FloatArray, kind: int, thickness: float, colour: tuple[float, float, float], z: float) -> Message:
    return {
        "type": kind,
        "pose": {"position": _vector(0.0, 0.0, 0.0), "orientation": _turned(0.0)},
        "thickness": thickness,
        "scale_invariant": False,
        "points": [_vector(x, y, z) for x, y in np.round(points, 3).tolist()],
        "color": _colour(colour, 1.0),
        "colors": [],
        "indices": [],
    }


def _vector(x: float, y: float, z: float) -> Message:
    return {"x": x, "y": y, "z": z}


def _turned(yaw: float) -> Message:
    return {"x": 0.0, "y": 0.0, "z": math.sin(0.5 * yaw), "w": math.cos(0.5 * yaw)}


def _colour(colour: tuple[float, float, float], alpha: float) -> Message:
    return dict(zip("rgb", colour, strict=True)) | {"a": alpha}
