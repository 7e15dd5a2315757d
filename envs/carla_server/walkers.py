"""The walkers of the world: they go where they are told, at once and without inertia."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import atan2

import numpy as np

from envs.carla_frame import mirrored
from envs.carla_server.actors import Actor, ActorTable
from envs.carla_server.ground import Ground
from envs.carla_server.records import MotionColumn
from envs.scene import FloatArray

FASTEST_MPS = 10.0
"""Largest speed of a walker (m/s)."""


@dataclass(slots=True)
class WalkerControl:
    """Where a walker goes: ``direction`` ``(3,)`` in our frame (of any length), speed (m/s)."""

    direction: FloatArray = field(default_factory=lambda: np.array([1.0, 0.0, 0.0]))
    speed_mps: float = 0.0
    jump: bool = False


class Walkers:
    """The walkers, in the order in which they came, and their controls by id."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.actors: list[Actor] = []
        self.controls: dict[int, WalkerControl] = {}
        self._placed: dict[int, bool] = {}

    def add(self, actor: Actor) -> None:
        """Append a walker."""
        self.actors.append(actor)
        self.controls[actor.id] = WalkerControl()

    def remove(self, ids: Iterable[int]) -> None:
        """Take walkers out."""
        gone = set(ids)
        self.actors = [actor for actor in self.actors if actor.id not in gone]
        for actor_id in gone & set(self.controls):
            del self.controls[actor_id]
            self._placed.pop(actor_id, None)

    def control(self, actor_id: int, control: WalkerControl) -> None:
        """Set where a walker goes."""
        self._placed.pop(actor_id, None)
        self.controls[actor_id] = control

    def put(self, actor: Actor, pose: FloatArray, speed_mps: float, table: ActorTable) -> None:
        """Move a walker, whose way another knows (a client's navigation, a replay); it stands when left alone."""
        motion = table.motion[actor.row]
        motion[:6] = pose
        heading = np.array([np.cos(pose[5]), np.sin(pose[5]), 0.0])
        self.controls[actor.id] = WalkerControl(heading, speed_mps)
        motion[MotionColumn.VX : MotionColumn.VZ + 1] = speed_mps * heading
        self._placed[actor.id] = True
        self._write(actor, table)

    def step(self, table: ActorTable, dt: float) -> None:
        """Let all walkers go on for ``dt`` seconds."""
        for actor in self.actors:
            placed = self._placed.get(actor.id)
            if placed:  # it has come this step's way already
                self._placed[actor.id] = False
            elif placed is False:
                self.control(actor.id, WalkerControl(self.controls[actor.id].direction))
            if not placed:
                self._go_on(table.motion[actor.row], self.controls[actor.id], actor, dt)
            self._write(actor, table)

    def _go_on(self, motion: FloatArray, control: WalkerControl, actor: Actor, dt: float) -> None:
        length = float(np.hypot(control.direction[0], control.direction[1]))
        if control.speed_mps > 0.0 and length > 1e-6:
            self._walk(motion, control.direction / length, control.speed_mps, actor, dt)
        else:
            motion[MotionColumn.VX : MotionColumn.VZ + 1] = 0.0

    def _walk(self, motion: FloatArray, direction: FloatArray, speed: float, actor: Actor, dt: float) -> None:
        motion[MotionColumn.VX], motion[MotionColumn.VY] = speed * direction[0], speed * direction[1]
        motion[MotionColumn.X] += dt * motion[MotionColumn.VX]
        motion[MotionColumn.Y] += dt * motion[MotionColumn.VY]
        motion[MotionColumn.YAW] = atan2(direction[1], direction[0])
        x, y, foot = motion[MotionColumn.X], motion[MotionColumn.Y], motion[MotionColumn.Z] - actor.extent[2]
        motion[MotionColumn.Z] = self.ground.height_at(x, y, foot) + actor.extent[2]

    def _write(self, actor: Actor, table: ActorTable) -> None:
        record, control = table.walker_records, self.controls[actor.id]
        direction = mirrored(control.direction)
        for name, value in zip(("dx", "dy", "dz"), direction.tolist(), strict=True):
            record[name][actor.row] = value
        record["speed"][actor.row], record["jump"][actor.row] = control.speed_mps, control.jump
