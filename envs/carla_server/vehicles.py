"""The vehicles of the world as arrays, in the order in which they came."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from envs.carla_server.ackermann import AckermannTarget
from envs.carla_server.actors import Actor, ActorTable
from envs.carla_server.payloads import VehicleControl
from envs.carla_server.physics import DriveColumn, move_vehicles, set_velocity, show_vehicles
from envs.embedded.vehicle import ParameterRow, VehicleParameters, VehicleRow
from envs.scene import FloatArray, IntArray

FIRST_SLOTS = 16


class Vehicles:
    """State, controls and parameters of the vehicles; ``slot`` finds a vehicle's place by its id.

    ``state`` (len(VehicleRow), n), ``drive`` (n, len(DriveColumn)), ``parameters`` (n, len(ParameterRow)), ``rows``
    (n,) in the actor table, ``half_sizes`` (n, 3) (m), ``masses`` (n,) (kg); ``lamps`` the flags of the lamps by id.
    """

    def __init__(self) -> None:
        self.actors: list[Actor] = []
        self.slot: dict[int, int] = {}
        self.state: FloatArray = np.zeros((len(VehicleRow), FIRST_SLOTS))
        self.drive: FloatArray = np.zeros((FIRST_SLOTS, len(DriveColumn)))
        self.parameters: FloatArray = np.zeros((FIRST_SLOTS, len(ParameterRow)))
        self.rows: IntArray = np.zeros(FIRST_SLOTS, dtype=np.int64)
        self.half_sizes: FloatArray = np.zeros((FIRST_SLOTS, 3))
        self.masses: FloatArray = np.ones(FIRST_SLOTS)
        self.controls: dict[int, VehicleControl] = {}
        self.lamps: dict[int, int] = {}
        self.physics: dict[int, list[Any]] = {}
        self.targets: dict[int, AckermannTarget] = {}
        self.gains: dict[int, tuple[float, ...]] = {}
        self._fleeting: set[int] = set()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.actors)

    def add(self, actor: Actor, pose: FloatArray, parameters: VehicleParameters, mass_kg: float) -> None:
        """Append a vehicle that stands at ``pose`` ``(6,)``."""
        n = len(self.actors)
        if n == len(self.drive):
            self._grow(2 * n)
        self.actors.append(actor)
        self.slot[actor.id] = n
        self.state[:, n] = 0.0
        self.drive[n] = 0.0
        self.drive[n, DriveColumn.PHYSICS] = 1.0
        self.parameters[n] = parameters.array()
        self.half_sizes[n], self.masses[n] = actor.extent, mass_kg
        self.controls[actor.id], self.lamps[actor.id] = VehicleControl(), 0
        self.rows[n] = actor.row
        if actor.attribute("sticky_control", "true").lower() == "false":
            self._fleeting.add(actor.id)
        self.put(actor.id, pose)

    def remove(self, ids: Iterable[int]) -> None:
        """Take vehicles out."""
        gone = [self.slot[actor_id] for actor_id in ids if actor_id in self.slot]
        if not gone:
            return
        kept = [n for n in range(len(self.actors)) if n not in gone]
        self._arrange(kept)
        for n in gone:
            actor_id = self.actors[n].id
            for kept_by_id in (self.controls, self.lamps, self.physics, self.targets, self.gains):
                kept_by_id.pop(actor_id, None)
            self._fleeting.discard(actor_id)
        self.actors = [self.actors[n] for n in kept]
        self.slot = {actor.id: n for n, actor in enumerate(self.actors)}

    def find_rows(self) -> None:
        """Read again where the vehicles stand in the actor table."""
        self.rows[: len(self.actors)] = [actor.row for actor in self.actors]

    def put(self, actor_id: int, pose: FloatArray) -> None:
        """Move a vehicle to a pose ``(6,)``; it keeps its speed."""
        n = self.slot[actor_id]
        self.state[VehicleRow.X, n], self.state[VehicleRow.Y, n] = pose[0], pose[1]
        self.state[VehicleRow.YAW, n] = pose[5]

    def control(self, actor_id: int, control: VehicleControl) -> None:
        """Set a vehicle's control; it ends an Ackermann control."""
        self.targets.pop(actor_id, None)
        self._take(actor_id, control)

    def aim(self, actor_id: int, target: AckermannTarget) -> None:
        """Set what a vehicle is to do by Ackermann control from now on."""
        self.targets[actor_id] = target

    def _take(self, actor_id: int, control: VehicleControl) -> None:
        n = self.slot[actor_id]
        self.controls[actor_id] = control
        self.drive[n, : DriveColumn.BACKWARDS] = control[:5]

    def set_velocity(self, actor_id: int, velocity: FloatArray) -> None:
        """Give a vehicle a velocity ``(3,)`` (m/s, world)."""
        set_velocity(self.state, self.drive, self.slot[actor_id], float(velocity[0]), float(velocity[1]))

    def set_turn_rate(self, actor_id: int, yaw_rate_radps: float) -> None:
        """Give a vehicle a yaw rate (rad/s)."""
        self.state[VehicleRow.YAW_RATE, self.slot[actor_id]] = yaw_rate_radps

    def set_physics(self, actor_id: int, on: bool) -> None:
        """Let a vehicle move by itself, or stay where it is put (then it stands)."""
        n = self.slot[actor_id]
        self.drive[n, DriveColumn.PHYSICS] = float(on)
        if not on:
            self.state[VehicleRow.SPEED : VehicleRow.LATERAL_ACCELERATION + 1, n] = 0.0

    def pin(self, actor_id: int, speed_mps: float | None) -> None:
        """Hold a vehicle's forward speed (m/s), or (None) let it go."""
        n = self.slot[actor_id]
        self.drive[n, DriveColumn.PINNED] = float(speed_mps is not None)
        self.drive[n, DriveColumn.PINNED_MPS] = abs(speed_mps or 0.0)

    def step(self, dt: float, substeps: int) -> None:
        """Advance all vehicles by ``dt`` seconds."""
        for actor_id, target in self.targets.items():
            n = self.slot[actor_id]
            sign = -1.0 if self.drive[n, DriveColumn.BACKWARDS] else 1.0
            self._take(actor_id, target.control(sign * float(self.state[VehicleRow.SPEED, n]), self.parameters[n]))
        move_vehicles(self.state, self.drive, self.parameters, len(self.actors), dt, substeps)
        for actor_id in self._fleeting:
            self._take(actor_id, VehicleControl())

    def show(self, table: ActorTable) -> None:
        """Write where the vehicles are."""
        show_vehicles(table.motion, self.rows, self.state, self.drive, len(self.actors))

    def _arrange(self, order: list[int]) -> None:
        count = len(order)
        self.state[:, :count] = self.state[:, order]
        for name in ("drive", "parameters", "rows", "half_sizes", "masses"):
            array = getattr(self, name)
            array[:count] = array[order]

    def _grow(self, size: int) -> None:
        count = len(self.actors)
        state = np.zeros((len(VehicleRow), size))
        state[:, :count] = self.state[:, :count]
        self.state = state
        for name in ("drive", "parameters", "rows", "half_sizes", "masses"):
            before = getattr(self, name)
            after = np.zeros((size, *before.shape[1:]), dtype=before.dtype)
            after[:count] = before[:count]
            setattr(self, name, after)
