"""Recorder files (``.log``) in CARLA's format, which ``envs.carla_log`` and CARLA's own tools read.

A file begins with its version, a magic text, the start and the map; then packets of a kind (u8), a size (u32) and that
many bytes. Locations are in centimetres, rotations (roll, pitch, yaw) in degrees, in CARLA's frame.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO

import numpy as np

from envs.carla_frame import CENTIMETRES, mirrored, rotation_to_carla, steer_mirrored
from envs.carla_server.actors import Actor, ActorKind
from envs.carla_server.world import World, WorldError
from envs.scene import FloatArray

VERSION, MAGIC = 1, "CARLA_RECORDER"
SUFFIX = ".log"
_PACKET = struct.Struct("<BI")
_FRAME = struct.Struct("<Qdd")
_ADDED = struct.Struct("<IB6fI")
_POSE = struct.Struct("<I6f")
_DRIVEN = struct.Struct("<Ifff?i")
_LIGHT = struct.Struct("<I?fB")
_KINDS = {ActorKind.VEHICLE: 1, ActorKind.WALKER: 2, ActorKind.LIGHT: 3}


class Packet(IntEnum):
    """Kinds of packets that are written."""

    FRAME_START = 0
    FRAME_END = 1
    ADDED = 2
    REMOVED = 3
    POSITIONS = 6
    LIGHTS = 7
    DRIVEN = 8


class Recorder:
    """Writes the world to a file, frame by frame, while one is open. Files go to ``folder`` alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: BinaryIO | None = None
        self._known: set[int] = set()
        self._begun_s = 0.0

    @property
    def running(self) -> bool:
        """Whether a file is open."""
        return self._file is not None

    def start(self, name: str, world: World) -> Path:
        """Begin a file and return its path; ``WorldError`` where the name is none, or nothing can be written."""
        self.stop()
        path = self.path(name)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = path.open("wb")
        except OSError as error:
            raise WorldError(f"cannot write the recording {path}: {error.strerror or error}") from None
        # Simulated runs repeat byte for byte, so that the start is no wall time.
        self._file.write(struct.pack("<H", VERSION) + _text(MAGIC) + struct.pack("<q", 0) + _text(world.town.name))
        self._known, self._begun_s = set(), world.time_s
        self.write(world, 0.0)
        return path

    def path(self, name: str) -> Path:
        """Return where a recording of this name is; ``WorldError`` for a name that leads elsewhere."""
        if not name or Path(name).name != name or name.startswith(".") or not name.isprintable() or len(name) > 200:
            raise WorldError(f"a recording's name is a plain file name, got {name!r}: give one without folders")
        return self.folder / (name if name.endswith(SUFFIX) else f"{name}{SUFFIX}")

    def stop(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def write(self, world: World, step_s: float) -> None:
        """Append a frame; ``step_s`` is the time since the one before."""
        if self._file is None:
            return
        actors = [actor for actor in world.table.order if actor.kind in _KINDS]
        packets = [(Packet.FRAME_START, _FRAME.pack(world.frame, step_s, world.time_s - self._begun_s))]
        packets += self._changes(actors, world)
        packets += [
            (Packet.POSITIONS, _counted(_POSE.pack(actor.id, *_place(world, actor)) for actor in actors)),
            (Packet.LIGHTS, _counted(_lights(world))),
            (Packet.DRIVEN, _counted(_driven(world))),
            (Packet.FRAME_END, b""),
        ]
        self._file.write(b"".join(_PACKET.pack(kind, len(payload)) + payload for kind, payload in packets))

    def _changes(self, actors: list[Actor], world: World) -> list[tuple[Packet, bytes]]:
        """Return the packets of who has come and gone since the frame before."""
        there = {actor.id for actor in actors}
        added = [actor for actor in actors if actor.id not in self._known]
        gone = sorted(self._known - there)
        self._known = there
        packets = [(Packet.ADDED, _counted(_added(world, actor) for actor in added))] if added else []
        if gone:
            packets.append((Packet.REMOVED, _counted(struct.pack("<I", actor_id) for actor_id in gone)))
        return packets


def _text(content: str) -> bytes:
    data = content.encode("utf-8", "surrogateescape")[:65535]
    return struct.pack("<H", len(data)) + data


def _counted(rows: Iterable[bytes]) -> bytes:
    listed = list(rows)
    return struct.pack("<H", len(listed)) + b"".join(listed)


def _place(world: World, actor: Actor) -> list[float]:
    """Return x, y, z (cm), roll, pitch, yaw (degrees) in CARLA's frame."""
    pose: FloatArray = world.table.pose(actor)
    pitch, yaw, roll = rotation_to_carla(pose[3:]).tolist()
    return [*(mirrored(pose[:3]) * CENTIMETRES).tolist(), roll, pitch, yaw]


def _added(world: World, actor: Actor) -> bytes:
    head = _ADDED.pack(actor.id, _KINDS[actor.kind], *_place(world, actor), actor.uid)
    attributes = [struct.pack("<B", kind) + _text(name) + _text(value) for name, kind, value in actor.attributes]
    return head + _text(actor.type_id) + _counted(attributes)


def _lights(world: World) -> Iterable[bytes]:
    lights = world.lights
    for actor, elapsed, state in zip(lights.actors, lights.elapsed.tolist(), lights.states.tolist(), strict=True):
        yield _LIGHT.pack(actor.id, lights.frozen, elapsed, state)


def _driven(world: World) -> Iterable[bytes]:
    for actor in world.vehicles.actors:
        given = world.vehicles.controls[actor.id]
        steer = float(np.float32(steer_mirrored(given.steer)))
        gear = -1 if given.reverse else 1
        yield _DRIVEN.pack(actor.id, steer, given.throttle, given.brake, given.hand_brake, gear)
