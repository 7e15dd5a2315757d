"""Town drivers mind an ego that stands anywhere: they stop short of it, nobody touches it, and then they drive on."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from envs.embedded.collision import boxes_overlap
from envs.embedded.simulator import EmbeddedSimulator
from envs.roads.projection import pose_at
from envs.scenarios.scenario import ConcreteScenario
from envs.scene import ActorRow, BoolArray, EgoRow
from envs.traffic.agents import AgentRow, WaitCause
from tests.envs.embedded.crowds import FAR_OFF_M, start, town, town_case
from tests.envs.traffic.worlds import agent_rows, hold, put_ego

VEHICLES = 40
STREETS = [(1, -1), (3, 1), (9, -1), (25, -1)]
MINUTE = 600


def in_street(street: tuple[int, int], aside: float, turn: float) -> tuple[float, float, float]:
    """Return a pose in the middle of a street's lane, ``aside`` (m) to its left and turned by ``turn`` (rad)."""
    graph = town().graph("town")
    lane = graph.find(*street)
    x, y, heading = pose_at(graph.samples, graph.start, graph.step, lane, 0.5 * graph.length[lane], aside)
    return x, y, heading + turn


POSES = {
    "stopped in a lane": [in_street(street, 0.0, 0.0) for street in STREETS],
    "sideways over two lanes": [in_street(street, 1.75, 0.5 * math.pi) for street in STREETS],
    "askew over two lanes": [in_street(street, 1.75, 0.9) for street in STREETS],
    "facing the traffic": [in_street(street, 0.0, math.pi) for street in STREETS],
    "half off the road": [in_street(street, -1.6, 0.2) for street in STREETS],
    "in the middle of a junction": [(0.0, 0.0, 0.7), (100.0, 0.0, 1.2), (-100.0, 0.0, -0.8), (0.0, -100.0, 2.0)],
    "at the edge of a junction": [(4.0, 5.0, 0.3), (96.0, 4.0, 1.6), (-97.0, -5.0, 0.0), (5.0, -97.0, 0.8)],
}


def worlds_with_egos(poses: list[tuple[float, float, float]]) -> EmbeddedSimulator:
    """Return the town's traffic, a world for each pose, with the ego there and nobody who starts near it."""
    simulator = start(town(), *(away_from(town_case(b, VEHICLES, 0), pose) for b, pose in enumerate(poses)))
    for b, pose in enumerate(poses):
        put_ego(simulator, b, *pose)
    return simulator


def away_from(scenario: ConcreteScenario, pose: tuple[float, float, float]) -> ConcreteScenario:
    """Return ``scenario`` without the vehicles that would start within 15 m of ``pose``; drivers keep to advice."""
    graph, agents = town().graph("town"), scenario.agents
    rows = agents[AgentRow.LANE : AgentRow.D].T
    places = [pose_at(graph.samples, graph.start, graph.step, int(lane), s, 0.0) for lane, s in rows]
    near = [math.hypot(x - pose[0], y - pose[1]) < 15.0 for x, y, _ in places]
    agents[AgentRow.MODE, near] = 0.0
    return replace(scenario, agents=agents)


def touched(simulator: EmbeddedSimulator) -> BoolArray:
    """Return which vehicles ``(B, A)`` touch the ego of their world."""
    actors, ego = simulator.scene.actors.block, simulator.scene.ego.block
    found = np.zeros(actors.shape[1:], dtype=bool)
    near = np.hypot(actors[ActorRow.X] - ego[EgoRow.X][:, None], actors[ActorRow.Y] - ego[EgoRow.Y][:, None]) < 9.0
    for b, i in np.argwhere(near & (actors[ActorRow.VALID] > 0.5)):
        x, y, yaw, length, width = ego[[EgoRow.X, EgoRow.Y, EgoRow.YAW, EgoRow.LENGTH, EgoRow.WIDTH], b]
        other = actors[[ActorRow.X, ActorRow.Y, ActorRow.YAW, ActorRow.LENGTH, ActorRow.WIDTH], b, i]
        found[b, i] = boxes_overlap(
            x, y, yaw, 0.5 * length, 0.5 * width, other[0], other[1], other[2], 0.5 * other[3], 0.5 * other[4]
        )
    return found


@pytest.mark.parametrize("how", POSES)
def test_nobody_touches_it_and_those_it_held_drive_on(how: str) -> None:
    simulator = worlds_with_egos(POSES[how])
    held = np.zeros((len(POSES[how]), VEHICLES), dtype=bool)
    for step in range(2 * MINUTE):
        hold(simulator)
        assert not touched(simulator).any(), (how, step, np.argwhere(touched(simulator)).tolist())
    standing = agent_rows(simulator, AgentRow.SPEED) < 0.1
    held = standing & (agent_rows(simulator, AgentRow.CAUSE) == WaitCause.EGO)
    if how != "half off the road":
        assert held.any(axis=1).sum() >= 3, held.sum(axis=1)
    for b in range(len(held)):
        put_ego(simulator, b, FAR_OFF_M, FAR_OFF_M, 0.0)
    before = agent_rows(simulator, AgentRow.ODOMETER).copy()
    for _ in range(MINUTE):
        hold(simulator)
    driven = agent_rows(simulator, AgentRow.ODOMETER) - before
    assert (driven[held] > 30.0).all(), driven[held]
