"""Recorder files (``.log``) in CARLA's format, which ``envs.carla_recording`` and CARLA's own tools read.

Locations are in centimetres, rotations (roll, pitch, yaw) in degrees, in CARLA's frame. A frame's poses are those at
the time that it names; its duration is that of the step which begins then.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from envs.carla_frame import CENTIMETRES, mirrored, rotation_to_carla, steer_mirrored, turn_rate_to_carla
from envs.carla_recording import Packet, RecordedActor, RecordedKind
from envs.carla_recording_writer import SUFFIX, Bytes, added, frame, header, table
from envs.carla_server.actors import BODIES, Actor, ActorKind
from envs.carla_server.records import MotionColumn
from envs.carla_server.world import World, WorldError
from envs.scene import FloatArray

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
        self._begun_s, self._contacts, self._additional = 0.0, 0, False

    @property
    def running(self) -> bool:
        """Whether a file is open."""
        return self._file is not None

    def start(self, name: str, world: World, additional: bool = False) -> Path:
        """Begin a file and return its path; ``WorldError`` where the name is none, or nothing can be written.

        ``additional``: also record velocities and bounding boxes, as CARLA does where it is asked for additional data.
        """
        self.stop()
        path = self.path(name)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = path.open("wb")
        except OSError as error:
            raise WorldError(f"cannot write the recording {path}: {error.strerror or error}") from None
        # Simulated runs repeat byte for byte, so that the start is no wall time.
        self._file.write(header(world.town.name, started_unix_s=0))
        self._known, self._begun_s, self._contacts, self._additional = set(), world.time_s, 0, additional
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
        packets = [
            *self._changes(actors, world),
            table(Packet.COLLISIONS, self._collisions(world)),
            table(Packet.POSITIONS, ((actor.id, *_place(world, actor)) for actor in actors)),
            table(Packet.LIGHTS, _lights(world)),
            table(Packet.DRIVEN, _driven(world)),
            table(Packet.WALKED, ((actor_id, item.speed_mps) for actor_id, item in world.walkers.controls.items())),
            table(Packet.LAMPS, world.vehicles.lamps.items()),
        ]
        if self._additional:
            moving = [actor for actor in actors if actor.kind in (ActorKind.VEHICLE, ActorKind.WALKER)]
            packets.append(table(Packet.KINEMATICS, _kinematics(world, moving)))
        self._file.write(frame(world.frame, world.step_s, world.time_s - self._begun_s, packets))

    def _changes(self, actors: list[Actor], world: World) -> list[Bytes]:
        """Return the packets of who has come and gone since the frame before."""
        there = {actor.id for actor in actors}
        new = [actor for actor in actors if actor.id not in self._known]
        gone = sorted(self._known - there)
        self._known = there
        packets = [added(_added(world, actor) for actor in new)] if new else []
        if gone:
            packets.append(table(Packet.REMOVED, ((actor_id,) for actor_id in gone)))
        riders = [actor for actor in new if actor.parent]
        if riders:
            packets.append(table(Packet.PARENTS, ((actor.id, actor.parent) for actor in riders)))
        bodies = [actor for actor in new if actor.kind in BODIES]
        if bodies and self._additional:
            packets.append(table(Packet.BOXES, _boxes(bodies)))
        return packets

    def _collisions(self, world: World) -> Iterable[tuple[float, ...]]:
        for contact in world.contacts:
            self._contacts += 1
            pair = contact.first, contact.second
            heroes = (actor.attribute("role_name") == "hero" for actor in pair)
            yield (self._contacts, *(actor.id for actor in pair), *heroes)


def _place(world: World, actor: Actor) -> list[float]:
    """Return x, y, z (cm), roll, pitch, yaw (degrees) in CARLA's frame."""
    pose: FloatArray = world.table.pose(actor)
    pitch, yaw, roll = rotation_to_carla(pose[3:]).tolist()
    return [*(mirrored(pose[:3]) * CENTIMETRES).tolist(), roll, pitch, yaw]


def _added(world: World, actor: Actor) -> RecordedActor:
    x, y, z, *turned = _place(world, actor)
    roll, pitch, yaw = turned
    kind = _KINDS[actor.kind]
    return RecordedActor(actor.id, kind, (x, y, z), (roll, pitch, yaw), actor.uid, actor.type_id, actor.attributes)


def _boxes(actors: Iterable[Actor]) -> Iterable[tuple[float, ...]]:
    for actor in actors:
        yield actor.id, *(mirrored(actor.centre) * CENTIMETRES).tolist(), *(actor.extent * CENTIMETRES).tolist()


def _kinematics(world: World, actors: Iterable[Actor]) -> Iterable[tuple[float, ...]]:
    for actor in actors:
        motion = world.table.motion[actor.row]
        velocity, rates = motion[MotionColumn.VX : MotionColumn.WX], motion[MotionColumn.WX : MotionColumn.AX]
        yield actor.id, *mirrored(velocity).tolist(), *turn_rate_to_carla(rates).tolist()


def _lights(world: World) -> Iterable[tuple[float, ...]]:
    lights = world.lights
    for actor, elapsed, state in zip(lights.actors, lights.elapsed.tolist(), lights.states.tolist(), strict=True):
        yield actor.id, lights.frozen, elapsed, state


def _driven(world: World) -> Iterable[tuple[float, ...]]:
    for actor in world.vehicles.actors:
        given = world.vehicles.controls[actor.id]
        gear = -1 if given.reverse else 1
        yield actor.id, steer_mirrored(given.steer), given.throttle, given.brake, given.hand_brake, gear
