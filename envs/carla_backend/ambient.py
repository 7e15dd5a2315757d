"""The vehicles that CARLA's Traffic Manager drives: those of a case that have no part of their own in it.

The mirror's brain still decides for them in each step, so that others expect them to drive on; where they really went
is written over it. Each has the speed and the gap of the driver that the scenario drew for it.
"""

from __future__ import annotations

from typing import Any

import carla
import numpy as np

from envs.carla_backend.bodies import Bodies
from envs.carla_backend.ego import DROP_M
from envs.carla_backend.session import CarlaSession
from envs.carla_frame import y_mirrored
from envs.embedded.simulator import EmbeddedSimulator
from envs.scene import ActorRow, FloatArray, IntArray
from envs.traffic.agents import AgentRow

SEEDS = 2**31
"""Seeds that a Traffic Manager tells apart."""

_START = (ActorRow.X, ActorRow.Y, ActorRow.YAW, ActorRow.VX, ActorRow.VY)


class AmbientTraffic:
    """The Traffic Manager's vehicles of one world: ``slots`` of the scene, bodies of the pool."""

    def __init__(self, session: CarlaSession, bodies: Bodies) -> None:
        self._session, self._bodies = session, bodies
        self._vehicles: list[Any] = []
        self.slots: IntArray = np.zeros(0, np.int64)

    def start(self, mirror: EmbeddedSimulator, slots: IntArray, seed: int) -> None:
        """Let the Traffic Manager drive the bodies of ``slots`` ``(n,)`` from where the mirror has them."""
        self.slots = slots
        if not len(slots):
            return
        actors, agents = mirror.scene.actors.block[:, 0], mirror.agents(0)
        manager = self._session.traffic_manager()
        # It also sets the map's lights back, so before they are shown.
        manager.set_random_device_seed(seed % SEEDS)
        ids = [self._bodies.in_use[slot].actor_id for slot in slots.tolist()]
        found = {actor.id: actor for actor in self._session.world.get_actors(ids)}
        self._vehicles = [found[number] for number in ids]
        self._session.send(self._starts(actors, mirror.levels))
        for slot, vehicle in zip(slots.tolist(), self._vehicles, strict=True):
            vehicle.set_autopilot(True, manager.get_port())
            manager.vehicle_percentage_speed_difference(vehicle, 100.0 * (1.0 - agents[AgentRow.SPEED_FACTOR, slot]))
            manager.distance_to_leading_vehicle(vehicle, float(agents[AgentRow.MIN_GAP, slot]))
            manager.auto_lane_change(vehicle, bool(agents[AgentRow.MAY_CHANGE, slot]))

    def follow(self, snapshot: Any, mirror: EmbeddedSimulator) -> None:
        """Write where the vehicles are after a step."""
        if not len(self.slots):
            return
        poses, speed = np.zeros((3, len(self.slots))), np.zeros(len(self.slots))
        for k, slot in enumerate(self.slots.tolist()):
            body = self._bodies.in_use[slot]
            seen = snapshot.find(body.actor_id)
            velocity = seen.get_velocity()
            poses[:, k] = body.box.pose(seen.get_transform())
            speed[k] = np.hypot(velocity.x, velocity.y)
        mirror.follow(0, self.slots, poses, speed)

    def stop(self) -> IntArray:
        """Take the vehicles from the Traffic Manager; return the slots whose bodies have driven."""
        if self._vehicles:
            port = self._session.traffic_manager().get_port()
            for vehicle in self._vehicles:
                vehicle.set_autopilot(False, port)
        driven = self.slots
        self._vehicles, self.slots = [], driven[:0]
        return driven

    def _starts(self, actors: FloatArray, heights: FloatArray) -> list[Any]:
        commands = []
        for slot in self.slots.tolist():
            body = self._bodies.in_use[slot]
            x, y, yaw, vx, vy = (float(actors[row, slot]) for row in _START)
            velocity = carla.Vector3D(vx, y_mirrored(vy), 0.0)
            commands += [
                carla.command.SetSimulatePhysics(body.actor_id, True),
                carla.command.ApplyTransform(body.actor_id, body.box.transform(x, y, yaw, heights[slot] + DROP_M)),
                carla.command.ApplyTargetVelocity(body.actor_id, velocity),
            ]
        return commands
