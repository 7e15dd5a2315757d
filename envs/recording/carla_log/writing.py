"""A drive as a CARLA recorder file: CARLA replays it, and ``reading`` makes a drive of it again.

The file holds places (float32 centimetres), headings, boxes, velocities, the ego's turn rate (the others' is 0),
controls and collisions, and what the lights of a known map showed. It has no place for what a planner thought, for the
road, or for accelerations. A scene is flat: bodies stand on the road of a known map, else at height 0; their own height
is that of a like vehicle of CARLA's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from scipy.spatial import cKDTree

from envs.carla_backend.blueprints import blueprint_of
from envs.carla_frame import CENTIMETRES, mirrored, steer_mirrored, turn_rate_to_carla, yaw_to_carla
from envs.carla_recording import LAYOUTS, Packet, RecordedActor, RecordedKind
from envs.carla_recording_writer import MOST_ROWS, Bytes, added, frame, header, records, table
from envs.carla_server.blueprints import AttributeType
from envs.carla_server.vehicle_models import VEHICLE_MODELS
from envs.recording import DriveLog, DriveLogError
from envs.recording.carla_log.cast import HERO
from envs.recording.carla_log.known_map import KnownMap
from envs.recording.carla_log.lights import LIGHT, heads_of, recorded_states
from envs.recording.whole_file import whole_file
from envs.roads.lane_graph import SampleColumn
from envs.scene import ActorKind, FloatArray, IntArray

NOBODY = 2**32 - 1
"""Id of what the ego collided with where it has no body of its own."""

_HALF_HEIGHT_M = {ActorKind.PEDESTRIAN: 0.93, ActorKind.STATIC: 0.5}
_BASE_TYPES = {
    ActorKind.CAR: "car", ActorKind.TRUCK: "truck", ActorKind.BUS: "bus", ActorKind.MOTORCYCLE: "motorcycle",
    ActorKind.CYCLIST: "bicycle",
}  # fmt: skip
_HEIGHTS = {f"vehicle.{model.name}": model.half_height_m for model in VEHICLE_MODELS}


def write_carla_log(drive: DriveLog, path: str | Path, known: KnownMap | None = None) -> Path:
    """Write the drive as a recorder file, whole or not at all; ``known`` its map, where lights and heights come from.

    Raises:
        DriveLogError: the drive has what such a file cannot hold; the message is one line.
    """
    bodies = _Bodies(drive, known)
    name = drive.meta.extra.get("recorded_map") or PurePosixPath(drive.meta.map_name).stem
    started = drive.meta.extra.get("recorded_unix_s", "")
    with whole_file(Path(path)) as part, part.open("wb") as file:
        file.write(header(name, int(started) if started.isdecimal() else 0))
        file.writelines(bodies.frames())
    return Path(path)


class _Bodies:
    """The bodies of a drive as rows of packets; row 0 is the ego, row i + 1 the actor of slot i, where it is valid."""

    def __init__(self, drive: DriveLog, known: KnownMap | None) -> None:
        scenes = drive.scenes
        ego, actors = scenes.ego, scenes.actors
        self.drive, self.known = drive, known
        self.ids = np.column_stack([np.full(len(drive), self._ego_id()), actors.id])
        self.kinds = np.column_stack([np.full(len(drive), int(ActorKind.CAR)), actors.kind])
        self.there = np.column_stack([np.ones(len(drive), np.bool_), actors.valid])
        self.length = np.column_stack([ego.length, actors.length])
        self.width = np.column_stack([ego.width, actors.width])
        self.yaw = np.column_stack([ego.yaw, actors.yaw])
        x, y = np.column_stack([ego.x, actors.x]), np.column_stack([ego.y, actors.y])
        self.place = np.stack([x, y, _ground(x, y, known)], axis=-1)
        cosine, sine = np.cos(ego.yaw), np.sin(ego.yaw)
        vx, vy = ego.speed * cosine - ego.lateral_speed * sine, ego.speed * sine + ego.lateral_speed * cosine
        self.velocity = np.stack([np.column_stack([vx, actors.vx]), np.column_stack([vy, actors.vy])], axis=-1)
        self._require_a_body_for_each_id()

    def frames(self) -> Iterator[bytes]:
        """Yield the bytes of one frame after the other."""
        time_s = self.drive.scenes.time_s - self.drive.scenes.time_s[0]
        steps = np.append(np.diff(time_s), self.drive.meta.decision_period_s)
        lights = _Lights(self.drive, self.known, int(self.ids[self.there].max()) + 1)
        before: set[int] = set()
        for tick in range(len(self.drive)):
            slots = np.flatnonzero(self.there[tick])
            now = set(self.ids[tick, slots].tolist())
            new = [slot for slot in slots.tolist() if self.ids[tick, slot] not in before]
            packets = [*self._changes(tick, new, sorted(before - now), lights.actors if tick == 0 else [])]
            packets += [*self._moment(tick, slots), lights.packet(tick)]
            before = now
            yield frame(tick + 1, float(steps[tick]), float(time_s[tick]), packets)

    def _changes(self, tick: int, new: list[int], gone: list[int], lights: list[RecordedActor]) -> Iterator[Bytes]:
        """Yield the packets of who comes and goes."""
        if new or lights:
            yield added([*lights, *(self._actor(tick, slot) for slot in new)])
        if gone:
            yield table(Packet.REMOVED, ((actor_id,) for actor_id in gone))
        if new:
            yield table(Packet.BOXES, (self._box(tick, slot) for slot in new))

    def _moment(self, tick: int, slots: IntArray) -> Iterator[Bytes]:
        """Yield the packets of where everybody is and what it does."""
        yield table(Packet.COLLISIONS, self._collisions(tick))
        positions = np.zeros(len(slots), LAYOUTS[Packet.POSITIONS])
        positions["id"] = self.ids[tick, slots]
        positions["location_cm"] = mirrored(self._origins(tick, slots)) * CENTIMETRES
        positions["rotation_deg"][:, 2] = -np.degrees(self.yaw[tick, slots])
        yield records(Packet.POSITIONS, positions)
        throttle, brake, steer = self.drive.trace.control[tick].tolist()
        gear = -1 if self.drive.scenes.ego.speed[tick] < -0.1 else 1
        yield table(Packet.DRIVEN, [(int(self.ids[tick, 0]), steer_mirrored(steer), throttle, brake, 0, gear)])
        walkers = slots[self.kinds[tick, slots] == ActorKind.PEDESTRIAN]
        speed = np.hypot(*self.velocity[tick, walkers].T)
        yield table(Packet.WALKED, zip(self.ids[tick, walkers].tolist(), speed.tolist(), strict=True))
        moving = slots[self.kinds[tick, slots] != ActorKind.STATIC]
        motion = np.zeros(len(moving), LAYOUTS[Packet.KINEMATICS])
        motion["id"] = self.ids[tick, moving]
        motion["velocity_mps"][:, :2] = self.velocity[tick, moving] * (1.0, -1.0)
        rate = np.array([0.0, 0.0, float(self.drive.scenes.ego.yaw_rate[tick])])
        motion["turn_degps"][moving == 0] = turn_rate_to_carla(rate)
        yield records(Packet.KINEMATICS, motion)

    def _collisions(self, tick: int) -> Iterator[tuple[int, ...]]:
        events = self.drive.scenes.events
        if events.collision[tick]:
            slot = int(events.collision_actor[tick])
            other = int(self.ids[tick, slot + 1]) if slot >= 0 and self.there[tick, slot + 1] else NOBODY
            yield int(events.collision[:tick].sum()), int(self.ids[tick, 0]), other, 1, 0

    def _origins(self, tick: int, slots: IntArray) -> FloatArray:
        """Return the places ``(n, 3)`` of actors' origins: on the ground, and in the middle of walkers."""
        walks = self.kinds[tick, slots] == ActorKind.PEDESTRIAN
        up = np.where(walks, _HALF_HEIGHT_M[ActorKind.PEDESTRIAN], 0.0)
        origins: FloatArray = self.place[tick, slots] + up[:, None] * (0.0, 0.0, 1.0)
        return origins

    def _actor(self, tick: int, slot: int) -> RecordedActor:
        kind = ActorKind(int(self.kinds[tick, slot]))
        length, width = float(self.length[tick, slot]), float(self.width[tick, slot])
        actor_id = int(self.ids[tick, slot])
        told = self.drive.meta.extra.get("ego", "").partition(" ")[2] if slot == 0 else ""
        type_id = told if told.startswith("vehicle.") else blueprint_of(kind, length, width, actor_id)
        x, y, z = (mirrored(self._origins(tick, np.array([slot]))[0]) * CENTIMETRES).tolist()
        place = (x, y, z), (0.0, 0.0, yaw_to_carla(float(self.yaw[tick, slot])))
        role = HERO if slot == 0 else "pedestrian" if kind == ActorKind.PEDESTRIAN else "autopilot"
        attributes = [("role_name", AttributeType.STRING, role)]
        recorded = RecordedKind.WALKER if kind == ActorKind.PEDESTRIAN else RecordedKind.OTHER
        if kind in _BASE_TYPES:
            recorded = RecordedKind.VEHICLE
            wheels = "2" if kind in (ActorKind.MOTORCYCLE, ActorKind.CYCLIST) else "4"
            attributes += (
                []
                if told
                else [
                    ("number_of_wheels", AttributeType.INT, wheels),
                    ("base_type", AttributeType.STRING, _BASE_TYPES[kind]),
                ]
            )
        return RecordedActor(actor_id, recorded, *place, 0, type_id, tuple(attributes))

    def _box(self, tick: int, slot: int) -> tuple[float, ...]:
        kind = ActorKind(int(self.kinds[tick, slot]))
        length, width = float(self.length[tick, slot]), float(self.width[tick, slot])
        type_id = blueprint_of(kind, length, width, 0)
        height = _HALF_HEIGHT_M.get(kind, _HEIGHTS.get(type_id, 0.75)) * CENTIMETRES
        up = 0.0 if kind == ActorKind.PEDESTRIAN else height
        half = 0.5 * length * CENTIMETRES, 0.5 * width * CENTIMETRES
        return int(self.ids[tick, slot]), 0.0, 0.0, up, *half, height

    def _ego_id(self) -> int:
        """Return the ego's recorded id where the drive has been one, else one that nobody has."""
        scenes = self.drive.scenes
        taken = set(scenes.actors.id[scenes.actors.valid].tolist())
        told = self.drive.meta.extra.get("ego", "").partition(" ")[0]
        return int(told) if told.isdecimal() and int(told) not in taken else max(taken, default=0) + 1

    def _require_a_body_for_each_id(self) -> None:
        ids = self.ids[self.there]
        if ids.min() < 0 or ids.max() >= NOBODY - MOST_ROWS or self.there.shape[1] > MOST_ROWS:
            raise DriveLogError(f"a recording holds ids below 2^32 and {MOST_ROWS} bodies; the drive has others")


class _Lights:
    """The lights of a known map, as actors whose ids begin with ``first_id``."""

    def __init__(self, drive: DriveLog, known: KnownMap | None, first_id: int) -> None:
        self.actors: list[RecordedActor] = []
        self.rows = np.zeros((len(drive), 0), LAYOUTS[Packet.LIGHTS])
        if known is None:
            return
        states = recorded_states(drive, known.graph)
        heads, named = heads_of(known.opendrive), enumerate(known.graph.controls.signal_ids)
        groups = [(name, group) for group, names in named for name in names if name in heads]
        self.actors = [_light(first_id + k, name, heads[name]) for k, (name, _) in enumerate(groups)]
        self.rows = np.zeros((len(drive), len(groups)), LAYOUTS[Packet.LIGHTS])
        self.rows["id"] = first_id + np.arange(len(groups))
        self.rows["state"] = states[:, [group for _, group in groups]] if groups else 0

    def packet(self, tick: int) -> Bytes:
        """Return what they show at a tick."""
        return records(Packet.LIGHTS, self.rows[tick])


def _light(actor_id: int, name: str, place: FloatArray) -> RecordedActor:
    x, y, z = (mirrored(np.array([*place, 0.0])) * CENTIMETRES).tolist()
    attributes = (("sign_id", AttributeType.STRING, name),)
    return RecordedActor(actor_id, RecordedKind.LIGHT, (x, y, z), (0.0, 0.0, 0.0), 0, LIGHT, attributes)


def _ground(x: FloatArray, y: FloatArray, known: KnownMap | None) -> FloatArray:
    """Return the height of the nearest lane below places, 0 on flat maps and where there is no map."""
    if known is None or not known.graph.height.any():
        return np.zeros_like(x)
    samples = cKDTree(known.graph.samples[:, [SampleColumn.X, SampleColumn.Y]])
    _, nearest = samples.query(np.stack([x, y], axis=-1))
    heights: FloatArray = known.graph.height[nearest]
    return heights
