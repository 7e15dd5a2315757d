"""Embedded worlds in which a recorded drive moves bodies: the others for as long as wanted, and the ego up to a moment.

The traffic brain runs all the while, so that it has its memory when it takes over: where the recording is of our own
traffic it comes to the same places by itself, and is left alone; where not, its drivers are put where the recording
has them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from envs.embedded.followed import follow_agents
from envs.embedded.kernel import move_others, refresh_worlds, settle_worlds
from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.embedded.vehicle import VehicleRow
from envs.embedded.world import move_ego
from envs.scenarios.maps import MapLibrary
from envs.scenarios.scenario import ConcreteScenario
from envs.scene import ActorRow, BoolArray, EgoRow, EventRow, FloatArray, IntArray, SceneBatch
from envs.simulator import DECISION_PERIOD_S
from envs.traffic.agents import AgentMode, AgentRow
from envs.traffic.walk_state import PedestrianRow

SAME = 1e-3
"""The traffic brain has brought a body to where it was recorded if neither its place (m) nor its speed (m/s) differs by
more: files round both."""

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
        # How each agent moves while it is there; all worlds have the drive's.
        self._modes = np.zeros((batch_size, config.actors))

    def blank(self, batch_size: int) -> RecordedWorlds:
        """Return worlds for looking ahead in: the ego is free there, the others are as free as they are here."""
        free, others = np.full(batch_size, -1), np.full(batch_size, self._others_until.min())
        copies = RecordedWorlds(batch_size, self.maps, self.config, self._recorded, others, free)
        copies._modes[:] = self._modes[0]
        return copies

    def reset(self, scenarios: Sequence[ConcreteScenario], mask: BoolArray | None = None) -> SceneBatch:
        """Start the scenarios, with the drive's first tick in place of where they would put whom it moves."""
        scene = super().reset(scenarios, mask)
        rows = np.arange(self.batch_size) if mask is None else np.flatnonzero(mask)
        self._modes[rows] = self._agents[AgentRow.MODE][rows]
        self._place_others(rows[self._others_until[rows] >= 0], 0)
        self._place_egos(rows[self._ego_until[rows] >= 0], 0)
        refresh_worlds(self._roads, self._kernel_arrays, rows)
        return scene

    def _advance(self, control: FloatArray, rows: IntArray, looks: bool) -> SceneBatch:
        """Advance ``rows``: those that follow the drive, and the others as ever."""
        last = np.maximum(self._others_until, self._ego_until)
        follow = rows[self.scene.step[rows] < last[rows]]
        # The kernels keep heights of one world alone: on a map with hills they are told of one after the other.
        flat = self._roads.height.shape[0] == 0
        for some in [follow] if flat else np.split(follow, len(follow)):
            if len(some):
                self._follow_drive(some, np.asarray(control, dtype=np.float64))
        return super()._advance(control, np.setdiff1d(rows, follow), looks)

    def _follow_drive(self, rows: IntArray, control: FloatArray) -> None:
        """Make one step of worlds whose bodies the drive moves, or some of them."""
        arrays, ticks = self._kernel_arrays, self.scene.step[rows] + 1
        before = arrays.actors[[ActorRow.X, ActorRow.Y, ActorRow.YAW]].copy()
        move_others(self._roads, arrays, rows, DECISION_PERIOD_S)
        self._place_others(rows[ticks <= self._others_until[rows]], 1)
        for world in rows.tolist():
            arrays.before[:] = before[:, world]
            move_ego(
                arrays.vehicle, arrays.ego, arrays.actors, arrays.before, arrays.events, control, arrays.parameters,
                arrays.levels, self.ego_height(world), world, DECISION_PERIOD_S,
            )  # fmt: skip
        self._place_egos(rows[ticks <= self._ego_until[rows]], 1)
        settle_worlds(self._roads, arrays, rows, DECISION_PERIOD_S)
        self.scene.step[rows] += 1

    def _place_others(self, rows: IntArray, ahead: int) -> None:
        """Put everybody whom the brain has not brought there where the drive has them, ``ahead`` ticks from now."""
        recorded = self._recorded.actors.block[:, self.scene.step[rows] + ahead]
        shown = self.scene.actors.block[:, rows]
        compared = [ActorRow.VALID, ActorRow.X, ActorRow.Y, ActorRow.SPEED]
        away = (np.abs(recorded[compared] - shown[compared]) > SAME).any(axis=0)
        worlds, slots = np.nonzero(away)
        there = recorded[:, worlds, slots]
        worlds = rows[worlds]
        is_agent = slots < self.config.actors
        is_there = there[ActorRow.VALID] > 0.5
        driven = is_agent & is_there
        self._agents[AgentRow.MODE, worlds[is_agent], slots[is_agent]] = np.where(
            is_there[is_agent], self._modes[worlds[is_agent], slots[is_agent]], AgentMode.UNUSED
        )
        self._place_agents(worlds[driven], slots[driven], there[:, driven])
        self._place_people(worlds[~is_agent], slots[~is_agent] - self.config.actors, there[:, ~is_agent])
        self.scene.actors.block[:, worlds, slots] = there

    def _place_agents(self, worlds: IntArray, slots: IntArray, there: FloatArray) -> None:
        """Let the brain know its agents, n of them in any worlds, where the drive has them (``there``: (rows, n))."""
        if len(slots):
            agents = self._agents[:, worlds, slots]
            shown = there.copy()
            poses = there[[ActorRow.X, ActorRow.Y, ActorRow.YAW]]
            follow_agents(agents, shown, self._roads, np.arange(len(slots)), poses, there[ActorRow.SPEED])
            self._agents[:, worlds, slots] = agents

    def _place_people(self, worlds: IntArray, slots: IntArray, there: FloatArray) -> None:
        for person, actor in (
            (PedestrianRow.X, ActorRow.X), (PedestrianRow.Y, ActorRow.Y), (PedestrianRow.YAW, ActorRow.YAW),
            (PedestrianRow.SPEED, ActorRow.SPEED),
        ):  # fmt: skip
            self._crowd.arrays.people[person, worlds, slots] = there[actor]

    def _place_egos(self, rows: IntArray, ahead: int) -> None:
        """Give the egos the recorded motion, and whom they hit; their actuators have followed the recorded pedals."""
        ticks = self.scene.step[rows] + ahead
        recorded = self._recorded.ego.block[:, ticks]
        self.scene.ego.block[:, rows] = recorded
        for row, vehicle_row in _EGO_TO_VEHICLE.items():
            self._vehicle[vehicle_row, rows] = recorded[row]
        for contact in (EventRow.COLLISION, EventRow.COLLISION_ACTOR):
            self.scene.events.block[contact, rows] = self._recorded.events.block[contact, ticks]
