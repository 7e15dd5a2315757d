"""Read a CARLA recorder file (``.log``) frame by frame, as it is: left-handed, centimetres, degrees, its own ids.

A file begins with a version, a magic text, its start and its map; then come packets of a kind (u8), a size (u32) and
that many bytes, each frame's between a ``FRAME_START`` and a ``FRAME_END``. Facts from CARLA's ``Docs/
ref_recorder_binary_file_format.md`` and its recorder's sources, checked on a recording of a CARLA 0.9 server.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

Records = npt.NDArray[np.void]
MAGIC = "CARLA_RECORDER"
PACKET = struct.Struct("<BI")
"""Kind and size of a packet."""
FRAME = struct.Struct("<Qdd")
"""Number of a frame, its duration and when it began (s)."""
ADDED_ACTOR = struct.Struct("<IB6fI")
"""Id, kind (``RecordedKind``), location (cm), rotation (roll, pitch, yaw; degrees) and blueprint number of an actor."""


class Packet(IntEnum):
    """Kinds of packets."""

    FRAME_START = 0
    FRAME_END = 1
    ADDED = 2
    REMOVED = 3
    PARENTS = 4
    COLLISIONS = 5
    POSITIONS = 6
    LIGHTS = 7
    DRIVEN = 8
    WALKED = 9
    LAMPS = 10
    KINEMATICS = 12
    BOXES = 13
    WEATHER = 18


class RecordedKind(IntEnum):
    """Kinds of actors in a recording."""

    OTHER = 0
    VEHICLE = 1
    WALKER = 2
    LIGHT = 3


LAYOUTS: dict[Packet, np.dtype[np.void]] = {
    Packet.REMOVED: np.dtype([("id", "<u4")]),
    Packet.PARENTS: np.dtype([("id", "<u4"), ("parent", "<u4")]),
    Packet.COLLISIONS: np.dtype([
        ("number", "<u4"), ("first", "<u4"), ("second", "<u4"), ("first_hero", "u1"), ("second_hero", "u1")
    ]),
    Packet.POSITIONS: np.dtype([("id", "<u4"), ("location_cm", "<f4", 3), ("rotation_deg", "<f4", 3)]),
    Packet.LIGHTS: np.dtype([("id", "<u4"), ("frozen", "u1"), ("elapsed", "<f4"), ("state", "u1")]),
    Packet.DRIVEN: np.dtype([
        ("id", "<u4"), ("steer", "<f4"), ("throttle", "<f4"), ("brake", "<f4"), ("handbrake", "u1"), ("gear", "<i4")
    ]),
    Packet.WALKED: np.dtype([("id", "<u4"), ("speed", "<f4")]),
    Packet.LAMPS: np.dtype([("id", "<u4"), ("flags", "<u4")]),
    Packet.KINEMATICS: np.dtype([("id", "<u4"), ("velocity_mps", "<f4", 3), ("turn_degps", "<f4", 3)]),
    Packet.BOXES: np.dtype([("id", "<u4"), ("centre_cm", "<f4", 3), ("extent_cm", "<f4", 3)]),
    Packet.WEATHER: np.dtype([("values", "<f4", 14)]),
}  # fmt: skip
"""Rows of the packets that are a counted table (u16, then the rows). Some releases have a frame counter (u64) for the
weather; ``WEATHER_NAMES`` says what its values are."""

WEATHER_NAMES = (
    "cloudiness", "precipitation", "precipitation_deposits", "wind_intensity", "sun_azimuth_angle",
    "sun_altitude_angle", "fog_density", "fog_distance", "fog_falloff", "wetness", "scattering_intensity",
    "mie_scattering_scale", "rayleigh_scattering_scale", "dust_storm",
)  # fmt: skip
"""What the numbers of a weather are, in the order in which they are recorded and travel."""

_FRAME_COUNTER_BYTES = 8


class CarlaLogError(ValueError):
    """A file is no CARLA recorder file, or a broken one."""


@dataclass(frozen=True, slots=True)
class RecordedActor:
    """An actor that entered; ``kind`` from ``RecordedKind``, ``attributes`` as (name, type, value)."""

    id: int
    kind: int
    location_cm: tuple[float, float, float]
    rotation_deg: tuple[float, float, float]
    uid: int
    type_id: str
    attributes: tuple[tuple[str, int, str], ...]

    def is_hero(self) -> bool:
        """Say whether its role is the hero's."""
        return any(name == "role_name" and value == "hero" for name, _, value in self.attributes)


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """One frame: ``elapsed_s`` since the recording began, ``duration_s``; its packets are read when asked for."""

    number: int
    duration_s: float
    elapsed_s: float
    packets: dict[int, bytes]

    def added(self) -> list[RecordedActor]:
        """Return who entered."""
        payload = self.packets.get(Packet.ADDED)
        return [] if payload is None else list(_added_actors(_Cursor(payload, _named(Packet.ADDED))))

    def table(self, kind: Packet) -> Records:
        """Return the rows ``(n,)`` of a packet with ``LAYOUTS[kind]``, none where the frame has no such packet."""
        payload = self.packets.get(kind)
        return np.empty(0, LAYOUTS[kind]) if payload is None else _Cursor(payload, _named(kind)).table(LAYOUTS[kind])

    def weather(self) -> dict[str, float]:
        """Return the weather by ``WEATHER_NAMES`` where the frame tells of a change, else nothing."""
        if len(self.packets.get(Packet.WEATHER, b"")) <= _FRAME_COUNTER_BYTES:
            return {}
        table = self.table(Packet.WEATHER)
        return dict(zip(WEATHER_NAMES, table["values"][-1].tolist(), strict=True)) if len(table) else {}


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording: version of the format, start (seconds since 1970), map and frames (at least one)."""

    version: int
    started_unix_s: int
    map_name: str
    frames: tuple[RecordedFrame, ...]


def read_recording(path: str | Path) -> Recording:
    """Read the recorder file at ``path``; raise ``CarlaLogError`` with one line where it is not whole."""
    try:
        return _parse(Path(path).read_bytes())
    except CarlaLogError as error:
        raise CarlaLogError(f"{path}: {error}") from None


def _parse(data: bytes) -> Recording:
    cursor = _Cursor(data, "the recording")
    version, started, map_name = _read_header(cursor)
    frames: list[RecordedFrame] = []
    for kind, payload in _packets(cursor):
        if kind == Packet.FRAME_START:
            frames.append(_new_frame(payload, frames))
        elif not frames:
            raise CarlaLogError(f"a packet of kind {kind} comes before the first frame")
        else:
            frames[-1].packets[kind] = payload.data
    if not frames:
        raise CarlaLogError("the recording holds no frame")
    return Recording(version, started, map_name, tuple(frames))


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


def _named(kind: Packet) -> str:
    return f"the packet of kind {kind.value}"


def _read_header(cursor: _Cursor) -> tuple[int, int, str]:
    if cursor.left < 2 + 2 + len(MAGIC) or cursor.data[4 : 4 + len(MAGIC)] != MAGIC.encode():
        raise CarlaLogError(f"not a CARLA recorder file: it must begin with a version and {MAGIC!r}")
    version = cursor.u16()
    cursor.text()
    started = int.from_bytes(cursor.take(8), "little", signed=True)
    return version, started, cursor.text()


def _packets(cursor: _Cursor) -> Iterator[tuple[int, _Cursor]]:
    while cursor.left:
        kind, size = cursor.unpack(PACKET)
        yield int(kind), _Cursor(cursor.take(int(size)), f"the packet of kind {kind} at byte {cursor.at}")


def _new_frame(payload: _Cursor, frames: list[RecordedFrame]) -> RecordedFrame:
    number, duration, elapsed = payload.unpack(FRAME)
    before = frames[-1].elapsed_s if frames else -np.inf
    if not np.isfinite(elapsed) or elapsed <= before:
        raise CarlaLogError(f"frame {len(frames) + 1} is at {elapsed} s, the one before at {before} s: time must grow")
    return RecordedFrame(int(number), float(duration), float(elapsed), {})


def _added_actors(payload: _Cursor) -> Iterator[RecordedActor]:
    for _ in range(payload.u16()):
        actor_id, kind, x, y, z, roll, pitch, yaw, uid = payload.unpack(ADDED_ACTOR)
        type_id = payload.text()
        attributes = []
        for _ in range(payload.u16()):
            declared = payload.take(1)[0]
            name = payload.text()
            attributes.append((name, declared, payload.text()))
        place, turned = (x, y, z), (roll, pitch, yaw)
        yield RecordedActor(int(actor_id), int(kind), place, turned, int(uid), type_id, tuple(attributes))
