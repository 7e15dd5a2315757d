"""Agents that another simulator has driven: where they are in the lane graph, so that the brain sees them there."""

from __future__ import annotations

import numpy as np

from envs.compiled import njit
from envs.embedded.world import track_lane
from envs.embedded.world_rows import WorldRow
from envs.scene import ActorRow, EgoRow, FloatArray, IntArray
from envs.simulator import DECISION_PERIOD_S
from envs.traffic.agents import AgentRow
from envs.traffic.network import RoadArrays


def follow_agents(
    agents: FloatArray, actors: FloatArray, roads: RoadArrays, slots: IntArray, poses: FloatArray, speed: FloatArray
) -> None:
    """Put agents of one world where ``poses`` ``(3, n)`` say (x, y in m, yaw in rad), with ``speed`` ``(n,)`` (m/s).

    ``agents`` and ``actors`` are the world's ``(rows, slots)``; ``slots`` ``(n,)`` names the agents. Lanes are tracked
    as the ego's are: from the lane of the period before, along the lanes that follow and sideways.
    """
    count = len(slots)
    places, bodies = np.zeros((len(WorldRow), count)), np.zeros((len(EgoRow), count))
    places[[WorldRow.LANE, WorldRow.S]] = agents[[[AgentRow.LANE], [AgentRow.S]], slots]
    bodies[[EgoRow.X, EgoRow.Y, EgoRow.YAW]] = poses
    _track_all(places, bodies, roads)
    change = (speed - agents[AgentRow.SPEED, slots]) / DECISION_PERIOD_S
    angle, yaw = places[WorldRow.ANGLE], poses[2]
    agents[[[AgentRow.LANE], [AgentRow.S], [AgentRow.D]], slots] = places[[WorldRow.LANE, WorldRow.S, WorldRow.D]]
    agents[AgentRow.SPEED, slots], agents[AgentRow.LATERAL_SPEED, slots] = speed, speed * np.sin(angle)
    actors[[[ActorRow.X], [ActorRow.Y], [ActorRow.YAW]], slots] = poses
    actors[ActorRow.SPEED, slots], actors[ActorRow.ACCELERATION, slots] = speed, change
    actors[ActorRow.VX, slots], actors[ActorRow.VY, slots] = speed * np.cos(yaw), speed * np.sin(yaw)


@njit
def _track_all(places: FloatArray, bodies: FloatArray, roads: RoadArrays) -> None:
    for k in range(places.shape[1]):
        track_lane(places, bodies, roads, k)
