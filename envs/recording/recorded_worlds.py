"""Embedded worlds in which a recorded drive moves bodies: the others for as long as wanted, and the ego up to a moment.

The traffic brain runs all the while, so that it has its memory when it takes over: where the recording is of our own
traffic it comes to the same places by itself, and is left alone; where not, its drivers are put where the recording
has them.
"""

from __future__ import annotations

import numpy as np

from envs.embedded.followed import follow_agents
from envs.embedded.kernel import move_others, settle_worlds
from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.embedded.vehicle import VehicleRow
from envs.embedded.world import move_ego
from envs.scenarios.maps import MapLibrary
from envs.scene import ActorRow, BoolArray, EgoRow, EventRow, FloatArray, IntArray, SceneBatch
from envs.simulator import DECISION_PERIOD_S
from envs.traffic.walk_state import PedestrianRow

SAME_M = 1e-3
"""The traffic brain has come to where a body was recorded if it is not farther from there (m): files round places."""

_EGO_TO_VEHICLE = {
    EgoRow.X: VehicleRow.X,
    EgoRow.Y: VehicleRow.Y,
    EgoRow.YAW: VehicleRow.YAW,
    EgoRow.SPEED: VehicleRow.SPEED,
    EgoRow.LATERAL_SPEED: VehicleRow.LATERAL_SPEED,
    EgoRow.YAW_RATE: VehicleRow.YAW_RATE,
    EgoRow.ACCELERATION: VehicleRow.ACCELERATION,
    EgoRow.LATERAL_ACCELERATION: VehicleRow.LATERAL_ACCELERATION,
}


class RecordedWorlds(EmbeddedSimulator):
    """B worlds that follow one recorded drive, each up to ticks of its own.

    Args:
        batch_size: number of worlds B.
        maps: the maps that scenarios may name.
        config: slots and vehicle.
        scenes: the drive (its batch axis is time), in the slots of this simulator.
        others_until: ``(B,)`` last tick up to which the others move as recorded; then they are traffic.
        ego_until: ``(B,)`` last tick up to which the ego does, whatever its control; -1: never.
    """

    def __init__(
        self,
        batch_size: int,
        maps: MapLibrary,
        config: EmbeddedConfig,
        scenes: SceneBatch,
        others_until: IntArray,
        ego_until: IntArray,
    ) -> None:
        super().__init__(batch_size, maps, config)
        if scenes.actor_slots != self.scene.actor_slots:
            raise ValueError(
                f"the recorded drive has {scenes.actor_slots} slots, these worlds {self.scene.actor_slots}: give it in "
                "theirs"
            )
        self._recorded = scenes
        self._others_until = np.minimum(others_until, scenes.batch_size - 1)
        self._ego_until = np.minimum(ego_until, scenes.batch_size - 1)

    def blank(self, batch_size: int) -> RecordedWorlds:
        """Return worlds for looking ahead in: the ego is free there, the others are as free as they are here."""
        free, others = np.full(batch_size, -1), np.full(batch_size, self._others_until.min())
        return RecordedWorlds(batch_size, self.maps, self.config, self._recorded, others, free)

    def _advance(self, control: FloatArray, rows: IntArray, looks: bool) -> SceneBatch:
        """Advance ``rows``: those that follow the drive one by one, the others together."""
        follow = np.maximum(self._others_until, self._ego_until)
        follows = self.scene.step[rows] < follow[rows]
        for world in rows[follows].tolist():
            self._follow_drive(world, np.asarray(control, dtype=np.float64))
        return super()._advance(control, rows[~follows], looks)

    def _follow_drive(self, world: int, control: FloatArray) -> None:
        """Make one step of a world whose bodies the drive moves, or some of them."""
        arrays, row, tick = self._kernel_arrays, np.array([world]), int(self.scene.step[world]) + 1
        move_others(self._roads, arrays, row, DECISION_PERIOD_S)
        if tick <= self._others_until[world]:
            self._place_others(world, tick)
        move_ego(
            arrays.vehicle, arrays.ego, arrays.actors, arrays.before, arrays.events, control, arrays.parameters,
            arrays.levels, self.ego_height(world), world, DECISION_PERIOD_S,
        )  # fmt: skip
        if tick <= self._ego_until[world]:
            self._place_ego(world, tick)
        settle_worlds(self._roads, arrays, row, DECISION_PERIOD_S)
        self.scene.step[world] += 1

    def _place_others(self, world: int, tick: int) -> None:
        """Put everybody whom the traffic brain has not brought there where the drive has them at ``tick``."""
        recorded, shown = self._recorded.actors.block[:, tick], self.scene.actors.block[:, world]
        away = np.hypot(*(recorded[[ActorRow.X, ActorRow.Y]] - shown[[ActorRow.X, ActorRow.Y]])) > SAME_M
        away |= recorded[ActorRow.VALID] != shown[ActorRow.VALID]
        self._place_agents(world, recorded, away)
        self._place_people(world, recorded, away)
        shown[:, away] = recorded[:, away]

    def _place_agents(self, world: int, recorded: FloatArray, away: BoolArray) -> None:
        slots = np.flatnonzero(away[: self.config.actors] & (recorded[ActorRow.VALID, : self.config.actors] > 0.5))
        if len(slots):
            poses = recorded[[[ActorRow.X], [ActorRow.Y], [ActorRow.YAW]], slots]
            follow_agents(
                self._agents[:, world], self.scene.actors.block[:, world], self._roads, slots, poses,
                recorded[ActorRow.SPEED, slots],
            )  # fmt: skip

    def _place_people(self, world: int, recorded: FloatArray, away: BoolArray) -> None:
        slots = np.flatnonzero(away[self.config.actors :])
        people, there = self._crowd.arrays.people[:, world], recorded[:, self.config.actors :]
        for person, actor in (
            (PedestrianRow.X, ActorRow.X), (PedestrianRow.Y, ActorRow.Y), (PedestrianRow.YAW, ActorRow.YAW),
            (PedestrianRow.SPEED, ActorRow.SPEED),
        ):  # fmt: skip
            people[person, slots] = there[actor, slots]

    def _place_ego(self, world: int, tick: int) -> None:
        """Give the ego the recorded motion, and whom it hit; its actuators have followed the recorded pedals."""
        recorded = self._recorded.ego.block[:, tick]
        self.scene.ego.block[:, world] = recorded
        for row, vehicle_row in _EGO_TO_VEHICLE.items():
            self._vehicle[vehicle_row, world] = recorded[row]
        contact = [EventRow.COLLISION, EventRow.COLLISION_ACTOR]
        self.scene.events.block[contact, world] = self._recorded.events.block[contact, tick]
