"""Read the vehicles out of a CARLA recorder file (``.log``), offline and without CARLA.

Poses and controls come out in this project's frame: metres, right-handed, yaw counter-clockwise in radians, steer
positive to the left. The file's frame is CARLA's: centimetres, left-handed, degrees, steer positive to the right.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from envs.carla_frame import CENTIMETRES, steer_mirrored, y_mirrored, yaw_from_carla
from envs.scene import FloatArray, IntArray

Records = npt.NDArray[np.void]
MAGIC = "CARLA_RECORDER"
_FRAME_START, _EVENT_ADD, _POSITION, _VEHICLE_ANIMATION = 0, 2, 6, 8
_PACKET_HEADER = struct.Struct("<BI")
_FRAME = struct.Struct("<Qdd")
_ADDED_ACTOR = struct.Struct("<IB6fI")
_POSE = np.dtype([("id", "<u4"), ("location_cm", "<f4", 3), ("rotation_deg", "<f4", 3)])
_ANIMATION = np.dtype(
    [("id", "<u4"), ("steer", "<f4"), ("throttle", "<f4"), ("brake", "<f4"), ("handbrake", "u1"), ("gear", "<i4")]
)


class CarlaLogError(ValueError):
    """A file is no CARLA recorder file, or a broken one."""


@dataclass(frozen=True, slots=True)
class VehicleTrack:
    """One recorded vehicle over the N frames in which it has both a pose and a control; arrays are ``(N,)``.

    ``time_s`` since the recording began; ``x, y, z`` of the actor's origin (m); ``yaw`` (rad, unwrapped);
    ``throttle``, ``brake`` in [0, 1], ``steer`` in [-1, 1] (positive left): the control that held while the vehicle
    moved *to* this pose; ``gear`` of the automatic gearbox (0 while it shifts).
    """

    actor_id: int
    type_id: str
    attributes: dict[str, str]
    time_s: FloatArray
    x: FloatArray
    y: FloatArray
    z: FloatArray
    yaw: FloatArray
    throttle: FloatArray
    brake: FloatArray
    steer: FloatArray
    gear: IntArray


@dataclass(frozen=True, slots=True)
class CarlaLog:
    """A recording: its map, its start (seconds since 1970), ``frame_time_s`` ``(F,)`` and its vehicles by actor id."""

    map_name: str
    started_unix_s: int
    frame_time_s: FloatArray
    vehicles: dict[int, VehicleTrack]


@dataclass(frozen=True, slots=True)
class _Actor:
    type_id: str
    attributes: dict[str, str]


@dataclass(slots=True)
class _Frame:
    time_s: float
    poses: Records
    animations: Records


class _Cursor:
    """Bounds-checked reading of a byte string."""

    def __init__(self, data: bytes, what: str) -> None:
        self.data, self.what, self.at = data, what, 0

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, size: int) -> bytes:
        if size > self.left:
            raise CarlaLogError(f"{self.what} is cut off: {size} bytes are due at byte {self.at}, {self.left} are left")
        self.at += size
        return self.data[self.at - size : self.at]

    def unpack(self, layout: struct.Struct) -> tuple[int | float, ...]:
        return layout.unpack(self.take(layout.size))

    def u16(self) -> int:
        return int.from_bytes(self.take(2), "little")

    def text(self) -> str:
        return self.take(self.u16()).decode("utf-8", errors="replace")

    def table(self, layout: np.dtype[np.void]) -> Records:
        """Return a counted table; it must fill the rest."""
        count = self.u16()
        if count * layout.itemsize != self.left:
            raise CarlaLogError(
                f"{self.what}: {count} rows of {layout.itemsize} bytes are announced, {self.left} bytes follow"
            )
        return np.frombuffer(self.take(self.left), dtype=layout)


def read_carla_log(path: str | Path) -> CarlaLog:
    """Read the recorder file at ``path``; raise ``CarlaLogError`` with one line where it is not whole."""
    try:
        return _parse(Path(path).read_bytes())
    except CarlaLogError as error:
        raise CarlaLogError(f"{path}: {error}") from None


def _parse(data: bytes) -> CarlaLog:
    cursor = _Cursor(data, "the recording")
    started, map_name = _read_header(cursor)
    actors: dict[int, _Actor] = {}
    frames: list[_Frame] = []
    for kind, payload in _packets(cursor):
        if kind == _FRAME_START:
            frames.append(_new_frame(payload, frames))
        elif not frames:
            raise CarlaLogError(f"a packet of kind {kind} comes before the first frame")
        elif kind == _EVENT_ADD:
            actors.update(_added_actors(payload))
        elif kind == _POSITION:
            frames[-1].poses = payload.table(_POSE)
        elif kind == _VEHICLE_ANIMATION:
            frames[-1].animations = payload.table(_ANIMATION)
    if not frames:
        raise CarlaLogError("the recording holds no frame")
    times = np.array([frame.time_s for frame in frames])
    return CarlaLog(map_name, started, times, _vehicles(frames, actors))


def _read_header(cursor: _Cursor) -> tuple[int, str]:
    if cursor.left < 2 + 2 + len(MAGIC) or cursor.data[4 : 4 + len(MAGIC)] != MAGIC.encode():
        raise CarlaLogError(f"not a CARLA recorder file: it must begin with a version and {MAGIC!r}")
    cursor.u16()
    cursor.text()
    started = int.from_bytes(cursor.take(8), "little", signed=True)
    return started, cursor.text()


def _packets(cursor: _Cursor) -> Iterator[tuple[int, _Cursor]]:
    while cursor.left:
        kind, size = cursor.unpack(_PACKET_HEADER)
        yield int(kind), _Cursor(cursor.take(int(size)), f"the packet of kind {kind} at byte {cursor.at}")


def _new_frame(payload: _Cursor, frames: list[_Frame]) -> _Frame:
    _, _, elapsed = payload.unpack(_FRAME)
    before = frames[-1].time_s if frames else -np.inf
    if not np.isfinite(elapsed) or elapsed <= before:
        raise CarlaLogError(f"frame {len(frames) + 1} is at {elapsed} s, the one before at {before} s: time must grow")
    return _Frame(float(elapsed), np.empty(0, _POSE), np.empty(0, _ANIMATION))


def _added_actors(payload: _Cursor) -> Iterator[tuple[int, _Actor]]:
    for _ in range(payload.u16()):
        actor_id = int(payload.unpack(_ADDED_ACTOR)[0])
        type_id = payload.text()
        attributes = {}
        for _ in range(payload.u16()):
            payload.take(1)  # the attribute's declared type; its value is text whatever the type
            name = payload.text()
            attributes[name] = payload.text()
        yield actor_id, _Actor(type_id, attributes)


def _vehicles(frames: list[_Frame], actors: dict[int, _Actor]) -> dict[int, VehicleTrack]:
    rows: dict[int, list[tuple[float, ...]]] = {}
    for frame in frames:
        poses = {int(pose["id"]): pose for pose in frame.poses}
        for control in frame.animations:
            pose = poses.get(int(control["id"]))
            if pose is not None:
                rows.setdefault(int(control["id"]), []).append(_row(frame.time_s, pose, control))
    return {actor_id: _track(actor_id, actors.get(actor_id), rows[actor_id]) for actor_id in sorted(rows)}


def _row(time_s: float, pose: np.void, control: np.void) -> tuple[float, ...]:
    """Return one row of a track, in our frame."""
    x, y, z = (float(value) / CENTIMETRES for value in pose["location_cm"])
    yaw = yaw_from_carla(float(pose["rotation_deg"][2]))
    pedals = float(control["throttle"]), float(control["brake"])
    return time_s, x, y_mirrored(y), z, yaw, *pedals, steer_mirrored(float(control["steer"])), float(control["gear"])


def _track(actor_id: int, actor: _Actor | None, rows: list[tuple[float, ...]]) -> VehicleTrack:
    if actor is None:
        raise CarlaLogError(f"vehicle {actor_id} moves but was never added")
    table = np.array(rows).T
    if not np.isfinite(table).all():
        raise CarlaLogError(f"vehicle {actor_id} has a pose or a control that is not a finite number")
    time_s, x, y, z, yaw, throttle, brake, steer, gear = table
    return VehicleTrack(
        actor_id=actor_id,
        type_id=actor.type_id,
        attributes=actor.attributes,
        time_s=time_s,
        x=x,
        y=y,
        z=z,
        yaw=np.unwrap(yaw),
        throttle=throttle,
        brake=brake,
        steer=steer,
        gear=gear.astype(np.int64),
    )
