"""Who is in the world: the actors, and the table of their motion that becomes the world-state message."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np

from envs.carla_frame import mirrored
from envs.carla_server import wire
from envs.carla_server.payloads import to_location
from envs.carla_server.records import MotionColumn, write_records
from envs.scene import FloatArray

FIRST_ROWS = 64
_HEAD = wire.MESSAGE_SIZE.size + wire.SENSOR_HEADER.size + wire.EPISODE_HEADER.size


class ActorKind(IntEnum):
    """What an actor is to the server."""

    VEHICLE = 0
    WALKER = 1
    LIGHT = 2
    SIGN = 3
    SENSOR = 4
    CONTROLLER = 5
    PROP = 6
    SPECTATOR = 7


BODIES = (ActorKind.VEHICLE, ActorKind.WALKER, ActorKind.PROP)
"""Kinds of actors that take up room."""


@dataclass(slots=True)
class Actor:
    """One actor.

    ``centre``, ``extent`` ``(3,)`` of its box in its own frame (m); ``box_yaw`` (rad) the box's rotation; ``relative``
    ``(6,)`` its pose in its parent's frame where it has one; ``stream`` 0 where it sends nothing; ``row`` in the table.
    """

    id: int
    type_id: str
    kind: ActorKind
    uid: int = 0
    attributes: tuple[tuple[str, int, str], ...] = ()
    parent: int = 0
    relative: FloatArray = field(default_factory=lambda: np.zeros(6))
    centre: FloatArray = field(default_factory=lambda: np.zeros(3))
    extent: FloatArray = field(default_factory=lambda: np.zeros(3))
    box_yaw_deg: float = 0.0
    tags: bytes = b""
    stream: int = 0
    row: int = -1

    def attribute(self, name: str, default: str = "") -> str:
        """Return the value of an attribute."""
        return next((value for key, _, value in self.attributes if key == name), default)

    def box_payload(self) -> list[Any]:
        """Return what travels of its bounding box."""
        return [to_location(self.centre), self.extent.tolist(), [0.0, self.box_yaw_deg, 0.0], self.id]

    def payload(self, port: int) -> list[Any]:
        """Return what travels of the actor; ``port`` is that of the streams."""
        token = wire.token(self.stream, port) if self.stream else b""
        attributes = [list(item) for item in self.attributes]
        parts = [self.uid, self.type_id, attributes]
        return [self.id, self.parent, parts, self.box_payload(), self.tags, token]


class ActorTable:
    """The actors in the order in which they came; row i of ``motion`` and of the records belongs to the i-th.

    ``motion`` ``(n, 15)`` float64, columns ``MotionColumn``, our frame; ``half_sizes`` ``(n, 3)`` (m), 0 of what has no
    body. The records, in CARLA's frame, lie in the
    buffer of the message, behind its headers.
    """

    def __init__(self) -> None:
        self.by_id: dict[int, Actor] = {}
        self.order: list[Actor] = []
        self.motion: FloatArray = np.zeros((0, len(MotionColumn)))
        self.half_sizes: FloatArray = np.zeros((0, 3))
        self._buffer = bytearray()
        self._grow(FIRST_ROWS)

    def __len__(self) -> int:
        """Return how many actors there are."""
        return len(self.order)

    def add(self, actor: Actor, pose: FloatArray) -> None:
        """Append an actor at ``pose`` ``(6,)``."""
        row = len(self.order)
        if row == len(self.motion):
            self._grow(2 * row)
        actor.row = row
        self.order.append(actor)
        self.by_id[actor.id] = actor
        self.motion[row] = 0.0
        self.motion[row, :6] = pose
        self.half_sizes[row] = actor.extent if actor.kind in BODIES else 0.0
        self.records[row : row + 1].view(np.uint8)[:] = 0
        self.records["id"][row], self.records["state"][row] = actor.id, wire.ACTIVE

    def remove(self, ids: Iterable[int]) -> None:
        """Take actors out; the rows of those behind them change."""
        gone = set(ids)
        kept = [actor for actor in self.order if actor.id not in gone]
        rows = [actor.row for actor in kept]
        self.motion[: len(kept)] = self.motion[rows]
        self.half_sizes[: len(kept)] = self.half_sizes[rows]
        self.records[: len(kept)] = self.records[rows]
        for row, actor in enumerate(kept):
            actor.row = row
        self.order = kept
        self.by_id = {actor.id: actor for actor in kept}

    def message(self, headers: bytes) -> bytes:
        """Return the world-state message; ``headers`` are those of sensor and episode."""
        count = len(self.order)
        write_records(self.records, self.motion, count)
        end = _HEAD + count * wire.RECORD_SIZE
        view = memoryview(self._buffer)
        view[:_HEAD] = wire.MESSAGE_SIZE.pack(end - wire.MESSAGE_SIZE.size) + headers
        return bytes(view[:end])

    def pose(self, actor: Actor) -> FloatArray:
        """Return the pose ``(6,)`` of an actor (a view)."""
        pose: FloatArray = self.motion[actor.row, :6]
        return pose

    def carla_location(self, actor: Actor) -> list[float]:
        """Return where an actor is, in CARLA's frame (m)."""
        place: list[float] = mirrored(self.motion[actor.row, :3]).tolist()
        return place

    def _grow(self, size: int) -> None:
        count = len(self.order)
        motion, buffer = np.zeros((size, len(MotionColumn))), bytearray(_HEAD + size * wire.RECORD_SIZE)
        half_sizes = np.zeros((size, 3))
        if count:
            motion[:count], half_sizes[:count] = self.motion[:count], self.half_sizes[:count]
            end = _HEAD + count * wire.RECORD_SIZE
            buffer[:end] = self._buffer[:end]
        self.motion, self.half_sizes, self._buffer = motion, half_sizes, buffer
        self.records = np.frombuffer(buffer, dtype=wire.VEHICLE_RECORD, offset=_HEAD)
        self.light_records = np.frombuffer(buffer, dtype=wire.LIGHT_RECORD, offset=_HEAD)
        self.walker_records = np.frombuffer(buffer, dtype=wire.WALKER_RECORD, offset=_HEAD)
