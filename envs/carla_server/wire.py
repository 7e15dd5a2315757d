"""Layouts of what goes over the stream port, all in one place: packed, little-endian, in CARLA's frame and units.

Facts about CARLA 0.9.16's client; see ``envs.carla_frame`` for the frame.
"""

from __future__ import annotations

import struct
from enum import IntEnum

import numpy as np
import numpy.typing as npt

Records = npt.NDArray[np.void]

VERSION = "0.9.16"
"""The version that the server tells its clients."""

TOKEN = struct.Struct("<IHBB16s")
"""Stream token: stream id, port, protocol, type of address, address."""

PROTOCOL_TCP, ADDRESS_OF_THE_CLIENT = 1, 0
"""With this type of address a client connects to the host that it already knows."""

STREAM_REQUEST = struct.Struct("<I")
"""What a client sends when it connects to the stream port: the stream's id."""

MESSAGE_SIZE = struct.Struct("<I")
"""What stands before every message of a stream."""

SENSOR_HEADER = struct.Struct("<QQd6f")
"""Sensor type, frame, time (s), and the sensor's x, y, z (m), pitch, yaw, roll (degrees)."""

EPISODE_HEADER = struct.Struct("<Qdf3iI")
"""Episode, platform time (s), step (s), origin of the map (3), flags (``MAP_CHANGED``)."""

MAP_CHANGED = 1

WORLD_STREAM = 1
"""Id of the stream of world states."""


class SensorType(IntEnum):
    """Numbers of the sensors in the wheel's registry."""

    COLLISION = 0
    DEPTH = 1
    NORMALS = 2
    DVS = 3
    GNSS = 4
    IMU = 5
    LANE_INVASION = 6
    OBSTACLE = 7
    OPTICAL_FLOW = 8
    RADAR = 9
    SEMANTIC_LIDAR = 10
    LIDAR = 11
    RSS = 12
    RGB = 13
    SEMANTIC_CAMERA = 14
    INSTANCE_CAMERA = 15
    WORLD = 17


class LightState(IntEnum):
    """States of a traffic light."""

    RED = 0
    YELLOW = 1
    GREEN = 2
    OFF = 3
    UNKNOWN = 4


class Tag(IntEnum):
    """Semantic tags (``CityObjectLabel``) that the server gives."""

    NONE = 0
    ROADS = 1
    SIDEWALKS = 2
    POLES = 6
    TRAFFIC_LIGHT = 7
    TRAFFIC_SIGNS = 8
    TERRAIN = 10
    SKY = 11
    PEDESTRIANS = 12
    RIDER = 13
    CAR = 14
    TRUCK = 15
    BUS = 16
    MOTORCYCLE = 18
    BICYCLE = 19
    STATIC = 20
    DYNAMIC = 21
    ROAD_LINES = 24
    GROUND = 25


ACTIVE = 1
"""State of an actor that is there."""

RECORD_SIZE = 119
_COMMON = [
    ("id", "<u4"), ("state", "u1"),
    *[(name, "<f4") for name in ("x", "y", "z", "pitch", "yaw", "roll", "vx", "vy", "vz", "wx", "wy", "wz")],
    *[(name, "<f4") for name in ("ax", "ay", "az")],
]  # fmt: skip
_VEHICLE = [
    ("throttle", "<f4"), ("steer", "<f4"), ("brake", "<f4"), ("hand_brake", "u1"), ("reverse", "u1"),
    ("manual_gear", "u1"), ("gear", "<i4"), ("speed_limit", "<f4"), ("light_state", "u1"), ("has_light", "u1"),
    ("light_id", "<u4"), ("failure", "u1"),
]  # fmt: skip
_LIGHT = [
    ("sign_id", "S32"), ("green", "<f4"), ("yellow", "<f4"), ("red", "<f4"), ("elapsed", "<f4"), ("pole", "<u4"),
    ("frozen", "u1"), ("state_of_light", "u1"),
]  # fmt: skip
_WALKER = [("dx", "<f4"), ("dy", "<f4"), ("dz", "<f4"), ("speed", "<f4"), ("jump", "u1")]


def _record(*parts: list[tuple[str, str]]) -> np.dtype[np.void]:
    """Return the packed layout of an actor's record, padded to ``RECORD_SIZE``."""
    fields = [field for part in parts for field in part]
    sizes = [np.dtype(kind).itemsize for _, kind in fields]
    return np.dtype({
        "names": [name for name, _ in fields],
        "formats": [kind for _, kind in fields],
        "offsets": np.cumsum([0, *sizes[:-1]]).tolist(),
        "itemsize": RECORD_SIZE,
    })  # fmt: skip


VEHICLE_RECORD = _record(_COMMON, _VEHICLE)
"""State of a vehicle; its first fields are those of every actor (locations m, degrees, m/s, deg/s, m/s2)."""

LIGHT_RECORD = _record(_COMMON, _LIGHT)
"""State of a traffic light (seconds) or, with ``sign_id`` alone, of a sign."""

WALKER_RECORD = _record(_COMMON, _WALKER)
"""State of a walker."""


def token(stream: int, port: int) -> bytes:
    """Return the token with which a client finds a stream."""
    return TOKEN.pack(stream, port, PROTOCOL_TCP, ADDRESS_OF_THE_CLIENT, bytes(16))


def stream_of_token(data: bytes) -> int:
    """Return the stream that a token is for."""
    return int(TOKEN.unpack(data)[0])
