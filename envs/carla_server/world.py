"""The server's world: a map, its actors, and one tick after another."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from envs.carla_frame import mirrored, rotation_to_carla
from envs.carla_server import wire
from envs.carla_server.actors import BODIES, Actor, ActorKind, ActorTable
from envs.carla_server.attachments import Attachments
from envs.carla_server.blueprints import Blueprint, Catalogue
from envs.carla_server.contacts import MOST_CONTACTS, Bodies, collide
from envs.carla_server.ground import OTHER_LEVEL_M
from envs.carla_server.lights import TrafficLights
from envs.carla_server.payloads import Description, Settings
from envs.carla_server.sensor_blueprints import NOT_SIMULATED
from envs.carla_server.signs import add_signs
from envs.carla_server.surroundings import Surroundings
from envs.carla_server.town import TownMap
from envs.carla_server.vehicles import Vehicles
from envs.carla_server.walkers import Walkers
from envs.carla_server.weather import Weather
from envs.embedded.collision import boxes_overlap
from envs.scene import FloatArray

DEFAULT_STEP_S = 0.05
"""The step where the settings name none (s)."""

_ROUNDING = 1e-5
"""Substeps travel as 32-bit numbers: a step of exactly five of them must not become six."""


FIRST_FRAME = 1
"""A client takes no state whose frame is 0."""

MOST_SKIPPED = 100_000
"""How many ids an actor of a recording may leave out to have its own."""

WALKER_KG = 75.0
"""Mass of a walker (kg)."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Two bodies that touch; ``impulse`` ``(3,)`` on the first (kg m/s, our frame)."""

    first: Actor
    second: Actor
    impulse: FloatArray


class WorldError(ValueError):
    """A call that the world cannot do; the message is one line for the client."""


class World:
    """One episode. All of its future follows from the calls that it is given; it never looks at a clock.

    Args:
        town: the map.
        catalogue: what can be spawned.
        episode: number of the episode.
        settings: those that it begins with.
        first_stream: id of its first sensor's stream. A client may still listen to those of the episode before.
    """

    def __init__(
        self, town: TownMap, catalogue: Catalogue, episode: int, settings: Settings,
        first_stream: int = wire.WORLD_STREAM + 1,
    ) -> None:  # fmt: skip
        self.town, self.catalogue, self.episode, self.settings = town, catalogue, episode, settings
        self.frame, self.time_s = FIRST_FRAME, 0.0
        self.table = ActorTable()
        self.vehicles, self.walkers = Vehicles(), Walkers(town.ground)
        self.attachments = Attachments()
        self.weather = Weather()
        self._last_id = 0
        self.next_stream = first_stream
        self.spectator = self._enter(Actor(self._next_id(), "spectator", ActorKind.SPECTATOR), np.zeros(6))
        self.lights = TrafficLights(town, self.table, self._next_id)
        self.signs = add_signs(town, self.table, self._next_id)
        self.surroundings = Surroundings(town, self.lights)
        self.contacts: list[Contact] = []
        self._contact_rows = np.zeros((MOST_CONTACTS, 4))
        self._bodies = self._find_bodies()
        self._sensors: list[Actor] = []
        self._unsettled = True

    def actor(self, actor_id: int, kind: ActorKind | None = None) -> Actor:
        """Return an actor; ``WorldError`` where there is none of that id (and kind)."""
        actor = self.table.by_id.get(actor_id)
        if actor is None:
            raise WorldError(f"unable to find actor {actor_id}: it was destroyed, or never was")
        if kind is not None and actor.kind != kind:
            raise WorldError(f"actor {actor_id} is a {actor.type_id}, not a {kind.name.lower()}")
        return actor

    def spawn(self, description: Description, pose: FloatArray, parent_id: int = 0) -> Actor:
        """Bring in an actor at ``pose`` ``(6,)`` (of its parent where it has one); ``WorldError`` says why not."""
        blueprint = self._blueprint(description)
        parent = self.actor(parent_id) if parent_id else None
        actor = self._new(blueprint, description, parent_id)
        if parent is not None:
            actor.relative = pose
            pose = self.attachments.pose_in(self.table.pose(parent), pose)
        elif blueprint.kind in BODIES:
            self._require_room(actor, pose)
        return self._take_part(actor, blueprint, pose)

    def bring_in(self, description: Description, pose: FloatArray, wanted_id: int) -> Actor:
        """Bring in an actor of a recording, whether or not there is room; with its own id where that is free."""
        blueprint = self._blueprint(description)
        actor = self._new(blueprint, description, 0)
        if wanted_id not in self.table.by_id and 0 < wanted_id <= actor.id + MOST_SKIPPED:
            self._last_id, actor.id = max(actor.id - 1, wanted_id), wanted_id
        return self._take_part(actor, blueprint, pose)

    def destroy(self, ids: Iterable[int]) -> list[int]:
        """Take actors out, and all that is attached to them; return who was taken out."""
        gone: list[int] = []
        waiting = [actor_id for actor_id in ids if actor_id in self.table.by_id]
        while waiting:
            actor_id = waiting.pop(0)
            if actor_id not in gone:
                gone.append(actor_id)
                waiting += [actor.id for actor in self.table.order if actor.parent == actor_id]
        self._take_out(gone)
        return gone

    def put(self, actor: Actor, pose: FloatArray) -> None:
        """Move an actor to a pose ``(6,)`` (of its parent where it has one)."""
        if actor.parent:
            actor.relative = pose
            self.find_rows()
            pose = self.attachments.pose_in(self.table.pose(self.actor(actor.parent)), pose)
        self.table.motion[actor.row, :6] = pose
        if actor.kind == ActorKind.VEHICLE:
            self.vehicles.put(actor.id, pose)

    def tick(self) -> int:
        """Advance by one step; return the frame's number."""
        dt = self.step_s
        self._settle()
        self.vehicles.step(dt, self._substeps(dt))
        self.vehicles.show(self.table)
        self.walkers.step(self.table, dt)
        self._collide()
        self.surroundings.update(self.table, self.vehicles)
        self.attachments.update(self.table)
        self.lights.advance(dt)
        self.frame += 1
        self.time_s += dt
        return self.frame

    @property
    def sensors(self) -> list[Actor]:
        """The sensors."""
        self._settle()
        return self._sensors

    @property
    def step_s(self) -> float:
        """The step (s)."""
        return self.settings.fixed_delta_s or DEFAULT_STEP_S

    def change_settings(self, settings: Settings) -> None:
        """Take other settings."""
        self.settings = replace(settings)

    def state_message(self, map_changed: bool) -> bytes:
        """Return the world-state message of this frame."""
        head = wire.SENSOR_HEADER.pack(wire.SensorType.WORLD, self.frame, self.time_s, *[0.0] * 6)
        flags = wire.MAP_CHANGED if map_changed else 0
        # The platform's time is simulated time, too: nothing of a state may depend on when it was computed.
        episode = wire.EPISODE_HEADER.pack(self.episode, self.time_s, self.step_s, 0, 0, 0, flags)
        return self.table.message(head + episode)

    def sensor_header(self, sensor: wire.SensorType, actor: Actor) -> bytes:
        """Return the header of a sensor's message of this frame."""
        pose = self.table.pose(actor)
        place, rotation = mirrored(pose[:3]), rotation_to_carla(pose[3:])
        return wire.SENSOR_HEADER.pack(sensor, self.frame, self.time_s, *place.tolist(), *rotation.tolist())

    def _substeps(self, dt: float) -> int:
        if not self.settings.substepping:
            return 1
        return min(max(math.ceil(dt / max(self.settings.max_substep_s, 1e-3) - _ROUNDING), 1), 64)

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _new(self, blueprint: Blueprint, description: Description, parent_id: int) -> Actor:
        extent = blueprint.half_sizes
        return Actor(
            id=self._next_id(), type_id=blueprint.type_id, kind=blueprint.kind, uid=blueprint.uid,
            attributes=blueprint.completed(description.attributes), parent=parent_id,
            centre=np.array([0.0, 0.0, extent[2] if blueprint.kind != ActorKind.WALKER else 0.0]), extent=extent,
            tags=bytes([blueprint.tag]) if blueprint.tag else b"",
            stream=self._next_stream() if blueprint.streams else 0,
        )  # fmt: skip

    def _next_stream(self) -> int:
        self.next_stream += 1
        return self.next_stream - 1

    def _enter(self, actor: Actor, pose: FloatArray) -> Actor:
        self.table.add(actor, pose)
        return actor

    def _blueprint(self, description: Description) -> Blueprint:
        blueprint = self.catalogue.by_id.get(description.type_id)
        if blueprint is None:
            raise WorldError(f"unknown blueprint {description.type_id!r}: take one of the blueprint library")
        if blueprint.type_id in NOT_SIMULATED:
            raise WorldError(f"this server does not simulate {blueprint.type_id}: take another sensor")
        return blueprint

    def _take_part(self, actor: Actor, blueprint: Blueprint, pose: FloatArray) -> Actor:
        self._enter(actor, pose)
        if blueprint.kind == ActorKind.VEHICLE and blueprint.parameters is not None:
            self.vehicles.add(actor, pose, blueprint.parameters, blueprint.mass_kg)
        if blueprint.kind == ActorKind.WALKER:
            self.walkers.add(actor)
        self.find_rows()
        return actor

    def find_rows(self) -> None:
        """Note that who stands where in the table of actors, rides on whom or weighs what has changed."""
        self._unsettled = True

    def _settle(self) -> None:
        """Read again what ``find_rows`` was told of: once for as many changes as there were since the last step."""
        if not self._unsettled:
            return
        self._unsettled = False
        self.vehicles.find_rows()
        self.attachments.find_rows(self.table)
        self._bodies = self._find_bodies()
        self._sensors = [actor for actor in self.table.order if actor.kind == ActorKind.SENSOR]

    def _find_bodies(self) -> Bodies:
        others = [actor for actor in self.table.order if actor.kind in (ActorKind.WALKER, ActorKind.PROP)]
        touched = [*self.vehicles.actors, *[actor for actor in others if not actor.parent]]
        masses = [WALKER_KG if actor.kind == ActorKind.WALKER else 0.0 for actor in touched]
        masses[: len(self.vehicles)] = self.vehicles.masses[: len(self.vehicles)].tolist()
        return Bodies(
            np.array([actor.row for actor in touched], dtype=np.int64),
            np.array([actor.extent for actor in touched]).reshape(-1, 3), np.array(masses),
        )  # fmt: skip

    def _collide(self) -> None:
        count = collide(
            self.vehicles.state, self.vehicles.drive, self.table.motion, self._bodies, len(self.vehicles),
            self._contact_rows,
        )  # fmt: skip
        self.contacts = [self._contact(*row) for row in self._contact_rows[:count].tolist()] if count else []

    def _contact(self, a: float, b: float, x: float, y: float) -> Contact:
        order, rows = self.table.order, self._bodies.rows
        return Contact(order[rows[int(a)]], order[rows[int(b)]], np.array([x, y, 0.0]))

    def _take_out(self, gone: list[int]) -> None:
        self.vehicles.remove(gone)
        self.walkers.remove(gone)
        self.table.remove(gone)
        self.find_rows()

    def _require_room(self, actor: Actor, pose: FloatArray) -> None:
        """Refuse a place where a body already is."""
        count = len(self.table)
        away, half = self.table.motion[:count, :3] - pose[:3], self.table.half_sizes[:count]
        reach = np.hypot(half[:, 0], half[:, 1]) + np.hypot(actor.extent[0], actor.extent[1])
        near = (half[:, 0] > 0.0) & (np.hypot(away[:, 0], away[:, 1]) <= reach) & (np.abs(away[:, 2]) <= OTHER_LEVEL_M)
        for row in np.flatnonzero(near).tolist():
            other, there = self.table.order[row], self.table.motion[row]
            if not other.parent and boxes_overlap(
                pose[0], pose[1], pose[5], actor.extent[0], actor.extent[1],
                there[0], there[1], there[5], other.extent[0], other.extent[1],
            ):  # fmt: skip
                raise WorldError(f"Spawn failed because of collision at spawn position: actor {other.id} is there")
