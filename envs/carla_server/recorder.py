"""Recorder files (``.log``) in CARLA's format, which ``envs.carla_recording`` and CARLA's own tools read.

Locations are in centimetres, rotations (roll, pitch, yaw) in degrees, in CARLA's frame. A frame's poses are those at
the time that it names; its duration is that of the step which begins then.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from envs.carla_frame import CENTIMETRES, mirrored, rotation_to_carla, steer_mirrored
from envs.carla_recording import ADDED_ACTOR, FRAME, LAYOUTS, MAGIC, PACKET, Packet, RecordedKind
from envs.carla_server.actors import Actor, ActorKind
from envs.carla_server.world import World, WorldError
from envs.scene import FloatArray

VERSION = 1
SUFFIX = ".log"
_KINDS = {
    ActorKind.VEHICLE: RecordedKind.VEHICLE, ActorKind.WALKER: RecordedKind.WALKER, ActorKind.LIGHT: RecordedKind.LIGHT,
    ActorKind.PROP: RecordedKind.OTHER, ActorKind.SENSOR: RecordedKind.OTHER, ActorKind.SPECTATOR: RecordedKind.OTHER,
}  # fmt: skip


class Recorder:
    """Writes the world to a file, frame by frame, while one is open. Files go to ``folder`` alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: BinaryIO | None = None
        self._known: set[int] = set()
        self._begun_s, self._contacts = 0.0, 0

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
        self._known, self._begun_s, self._contacts = set(), world.time_s, 0
        self.write(world)
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

    def write(self, world: World) -> None:
        """Append a frame: the world as it is."""
        if self._file is None:
            return
        actors = [actor for actor in world.table.order if actor.kind in _KINDS]
        packets = [(Packet.FRAME_START, FRAME.pack(world.frame, world.step_s, world.time_s - self._begun_s))]
        packets += self._changes(actors, world)
        packets += [
            _table(Packet.COLLISIONS, self._collisions(world)),
            _table(Packet.POSITIONS, ((actor.id, *_place(world, actor)) for actor in actors)),
            _table(Packet.LIGHTS, _lights(world)),
            _table(Packet.DRIVEN, _driven(world)),
            _table(Packet.WALKED, ((actor_id, item.speed_mps) for actor_id, item in world.walkers.controls.items())),
            _table(Packet.LAMPS, world.vehicles.lamps.items()),
            (Packet.FRAME_END, b""),
        ]
        self._file.write(b"".join(PACKET.pack(kind, len(payload)) + payload for kind, payload in packets))

    def _changes(self, actors: list[Actor], world: World) -> list[tuple[Packet, bytes]]:
        """Return the packets of who has come and gone since the frame before."""
        there = {actor.id for actor in actors}
        added = [actor for actor in actors if actor.id not in self._known]
        gone = sorted(self._known - there)
        self._known = there
        packets = [(Packet.ADDED, _counted(_added(world, actor) for actor in added))] if added else []
        if gone:
            packets.append(_table(Packet.REMOVED, ((actor_id,) for actor_id in gone)))
        riders = [actor for actor in added if actor.parent]
        if riders:
            packets.append(_table(Packet.PARENTS, ((actor.id, actor.parent) for actor in riders)))
        return packets

    def _collisions(self, world: World) -> Iterable[tuple[float, ...]]:
        for contact in world.contacts:
            self._contacts += 1
            pair = contact.first, contact.second
            heroes = (actor.attribute("role_name") == "hero" for actor in pair)
            yield (self._contacts, *(actor.id for actor in pair), *heroes)


def _text(content: str) -> bytes:
    data = content.encode("utf-8", "surrogateescape")[:65535]
    return struct.pack("<H", len(data)) + data


def _counted(rows: Iterable[bytes]) -> bytes:
    listed = list(rows)
    return struct.pack("<H", len(listed)) + b"".join(listed)


def _table(kind: Packet, rows: Iterable[tuple[float, ...]]) -> tuple[Packet, bytes]:
    """Return a packet of a counted table whose rows have the numbers of ``LAYOUTS[kind]``, vectors taken apart."""
    layout = LAYOUTS[kind]
    parted = [(f"{name}{k}", layout[name].base) for name in layout.names or () for k in range(_numbers(layout[name]))]
    table = np.array([tuple(row) for row in rows], dtype=np.dtype(parted))
    return kind, struct.pack("<H", len(table)) + table.tobytes()


def _numbers(kind: np.dtype[np.void]) -> int:
    return int(np.prod(kind.shape))


def _place(world: World, actor: Actor) -> list[float]:
    """Return x, y, z (cm), roll, pitch, yaw (degrees) in CARLA's frame."""
    pose: FloatArray = world.table.pose(actor)
    pitch, yaw, roll = rotation_to_carla(pose[3:]).tolist()
    return [*(mirrored(pose[:3]) * CENTIMETRES).tolist(), roll, pitch, yaw]


def _added(world: World, actor: Actor) -> bytes:
    head = ADDED_ACTOR.pack(actor.id, _KINDS[actor.kind], *_place(world, actor), actor.uid)
    attributes = [struct.pack("<B", kind) + _text(name) + _text(value) for name, kind, value in actor.attributes]
    return head + _text(actor.type_id) + _counted(attributes)


def _lights(world: World) -> Iterable[tuple[float, ...]]:
    lights = world.lights
    for actor, elapsed, state in zip(lights.actors, lights.elapsed.tolist(), lights.states.tolist(), strict=True):
        yield actor.id, lights.frozen, elapsed, state


def _driven(world: World) -> Iterable[tuple[float, ...]]:
    for actor in world.vehicles.actors:
        given = world.vehicles.controls[actor.id]
        gear = -1 if given.reverse else 1
        yield actor.id, steer_mirrored(given.steer), given.throttle, given.brake, given.hand_brake, gear
