"""The bodies on the server that the traffic brain moves: taken from a pool, parked above the map while not in use.

They have no physics of their own: each tick puts them where the brain has driven them. A pool, because spawning is the
slowest thing that a server does, and the one that leaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, islice
from typing import Any

import carla
import numpy as np

from envs.carla_backend.blueprints import blueprint_of
from envs.carla_backend.poses import Box
from envs.carla_backend.session import CarlaSession
from envs.scene import ActorRow, FloatArray, IntArray

PARKED_HEIGHT_M = 400.0
"""Height above the map at which unused bodies hang (m): below it a server may remove them."""

PARKED_EVERY_M = 15.0


@dataclass(frozen=True, slots=True)
class Body:
    """One actor on the server; ``number`` its place among the parked."""

    actor_id: int
    blueprint: str
    box: Box
    number: int


class Bodies:
    """The bodies of one world: slot of the scene -> body."""

    def __init__(self, session: CarlaSession) -> None:
        self._session = session
        self._library = session.world.get_blueprint_library()
        self._free: dict[str, list[Body]] = {}
        self._all: list[Body] = []
        self.in_use: dict[int, Body] = {}
        self._moved: dict[int, Body] = {}

    def assign(self, actors: FloatArray, driven: IntArray) -> None:
        """Give every used slot of ``actors`` ``(rows, slots)`` a body, and park the others.

        Those of the slots ``driven`` drive by themselves on the server, and are not among the ``moves``.
        """
        self._free = {body.blueprint: [] for body in self._all}
        for body in reversed(self._all):
            self._free[body.blueprint].append(body)
        wanted = {int(slot): _blueprint(actors, int(slot)) for slot in np.flatnonzero(actors[ActorRow.VALID] > 0.5)}
        self._spawn(self._missing(list(wanted.values())))
        self.in_use = {slot: self._free[blueprint].pop() for slot, blueprint in wanted.items()}
        self._moved = {slot: body for slot, body in self.in_use.items() if slot not in driven}
        self._session.send([_put(body, *_parking(body.number)) for body in self._all])

    def slot_of(self, actor_id: int) -> int:
        """Return the slot whose body the actor is, or -1."""
        return next((slot for slot, body in self.in_use.items() if body.actor_id == actor_id), -1)

    def write_sizes(self, actors: FloatArray) -> None:
        """Write the true sizes of the bodies into ``actors`` ``(rows, slots)``."""
        for slot, body in self.in_use.items():
            actors[ActorRow.LENGTH, slot] = 2.0 * body.box.half_length
            actors[ActorRow.WIDTH, slot] = 2.0 * body.box.half_width

    def moves(self, actors: FloatArray, heights: FloatArray) -> list[Any]:
        """Return the commands that put the bodies where ``actors`` ``(rows, slots)`` are, at ``heights`` (slots,) m."""
        x, y, yaw = (actors[row].tolist() for row in (ActorRow.X, ActorRow.Y, ActorRow.YAW))
        return [_put(body, x[slot], y[slot], yaw[slot], heights[slot]) for slot, body in self._moved.items()]

    def discard(self, slots: IntArray) -> None:
        """Remove the bodies of ``slots`` (n,), which have driven: others would inherit what is left of their motion."""
        gone = {self.in_use[slot].actor_id for slot in slots.tolist()}
        self._session.send([carla.command.DestroyActor(actor_id) for actor_id in gone])
        self._all = [body for body in self._all if body.actor_id not in gone]

    def destroy(self) -> None:
        """Remove all of them from the server."""
        self._session.send([carla.command.DestroyActor(body.actor_id) for body in self._all])
        self._all, self._free, self.in_use, self._moved = [], {}, {}, {}

    def _missing(self, wanted: list[str]) -> list[str]:
        left = {blueprint: len(bodies) for blueprint, bodies in self._free.items()}
        missing = []
        for blueprint in wanted:
            left[blueprint] = left.get(blueprint, 0) - 1
            if left[blueprint] < 0:
                missing.append(blueprint)
        return missing

    def _spawn(self, blueprints: list[str]) -> None:
        if not blueprints:
            return
        taken = {body.number for body in self._all}
        places = list(islice((number for number in count() if number not in taken), len(blueprints)))
        commands = []
        for number, name in zip(places, blueprints, strict=True):
            place = Box(0.0, 0.0, 0.0, 0.0, 0.0).transform(*_parking(number))
            spawn = carla.command.SpawnActor(self._library.find(name), place)
            commands.append(spawn.then(carla.command.SetSimulatePhysics(carla.command.FutureActor, False)))
        ids = self._session.carry_out(commands, f"the spawning of {', '.join(sorted(set(blueprints)))}")
        boxes = {actor.id: Box.of(actor.bounding_box) for actor in self._session.world.get_actors(ids)}
        for number, name, actor_id in zip(places, blueprints, ids, strict=True):
            body = Body(actor_id, name, boxes[actor_id], number)
            self._all.append(body)
            self._free.setdefault(name, []).insert(0, body)


def _blueprint(actors: FloatArray, slot: int) -> str:
    kind, number = int(actors[ActorRow.KIND, slot]), int(actors[ActorRow.ID, slot])
    return blueprint_of(kind, float(actors[ActorRow.LENGTH, slot]), float(actors[ActorRow.WIDTH, slot]), number)


def _parking(number: int) -> tuple[float, float, float, float]:
    return PARKED_EVERY_M * number, 0.0, 0.0, PARKED_HEIGHT_M


def _put(body: Body, x: float, y: float, yaw: float, height: float) -> Any:
    return carla.command.ApplyTransform(body.actor_id, body.box.transform(x, y, yaw, height))
