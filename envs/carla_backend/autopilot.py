"""CARLA's own driver at the ego's wheel: its Traffic Manager, sent along the episode's route."""

from __future__ import annotations

from typing import Any

import carla
import numpy as np

from envs.carla_backend.session import CarlaSession
from envs.carla_frame import steer_mirrored, y_mirrored
from envs.roads.lane_graph import LaneGraph, SampleColumn
from envs.scenarios.scenario import ConcreteScenario
from envs.scene import FloatArray

SPACING_M = 5.0
"""Distance between two places that the Traffic Manager is sent to (m)."""

SEEDS = 2**31
"""Seeds that a Traffic Manager tells apart."""


class Autopilot:
    """The Traffic Manager as the driver of one ego of one episode, with the settings that CARLA gives it."""

    def __init__(self, session: CarlaSession) -> None:
        self._session = session
        self._vehicle: Any = None

    def start(self, vehicle: Any, case: ConcreteScenario, graph: LaneGraph) -> None:
        """Hand ``vehicle`` over, to be driven along the route of ``case``."""
        manager = self._session.traffic_manager()
        manager.set_random_device_seed(case.seed % SEEDS)
        vehicle.set_autopilot(True, manager.get_port())
        places = [carla.Location(x, y_mirrored(y), z) for x, y, z in route_places(case, graph).tolist()]
        manager.set_path(vehicle, places)
        self._vehicle = vehicle

    def control(self) -> FloatArray:
        """Return what it does with the vehicle: ``(3,)`` throttle, brake, steer (positive left)."""
        held = self._vehicle.get_control()
        return np.array([held.throttle, held.brake, steer_mirrored(held.steer)])

    def stop(self) -> None:
        """Take the vehicle back, so that it can be destroyed.

        A Traffic Manager asks for whoever it drove until it has seen a tick without; one that is gone by then ends the
        process.
        """
        if self._vehicle is not None:
            self._vehicle.set_autopilot(False, self._session.traffic_manager().get_port())
            self._session.tick()
            self._vehicle = None


def route_places(case: ConcreteScenario, graph: LaneGraph) -> FloatArray:
    """Return the places ``(n, 3)`` (m, our frame) along the route of ``case``, beginning ahead of the ego."""
    places = []
    for k, lane in enumerate(case.route.tolist()):
        begin, end = (0.0, float(graph.length[lane])) if case.route_spans is None else case.route_spans[k].tolist()
        begin = max(begin, case.ego_s + SPACING_M) if k == 0 and lane == case.ego_lane else begin
        s = np.arange(begin, end, SPACING_M)
        rows, height = graph.lane_samples(lane), graph.height[graph.start[lane] : graph.start[lane + 1]]
        along = np.arange(len(rows)) * float(graph.step[lane])
        columns = (rows[:, SampleColumn.X], rows[:, SampleColumn.Y], height)
        places.append(np.stack([np.interp(s, along, column) for column in columns], axis=-1))
    return np.concatenate(places)
