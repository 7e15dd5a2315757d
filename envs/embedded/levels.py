"""The heights of all bodies of a world, where its map is not flat."""

from __future__ import annotations

from math import cos

from envs.compiled import njit
from envs.embedded.world_rows import WorldRow
from envs.scene import FloatArray
from envs.traffic.agents import AgentMode, AgentRow
from envs.traffic.crowd import CrowdArrays, pedestrian_height
from envs.traffic.levels import lane_height, lane_slope
from envs.traffic.network import RoadArrays


@njit
def write_levels(levels: FloatArray, agents: FloatArray, crowd: CrowdArrays, roads: RoadArrays, b: int) -> None:
    """Write the heights of the actors of world ``b`` into ``levels`` ``(slots,)``, pedestrians behind the agents (m).

    On flat maps they stay what they are, 0.
    """
    if roads.height.shape[0] == 0:
        return
    vehicles = agents.shape[2]
    for i in range(vehicles):
        if int(agents[AgentRow.MODE, b, i]) != AgentMode.UNUSED:
            levels[i] = lane_height(roads, int(agents[AgentRow.LANE, b, i]), agents[AgentRow.S, b, i])
    for p in range(crowd.people.shape[2]):
        levels[vehicles + p] = pedestrian_height(crowd, b, p)


@njit
def ego_level(worlds: FloatArray, roads: RoadArrays, b: int) -> float:
    """Return the height of the ego of world ``b`` (m): that of its lane; 0 on a flat map."""
    return lane_height(roads, int(worlds[WorldRow.LANE, b]), worlds[WorldRow.S, b])


@njit
def ego_slope(worlds: FloatArray, roads: RoadArrays, b: int) -> float:
    """Return how steeply the road rises ahead of the ego of world ``b`` (m per m); 0 on a flat map."""
    ahead = cos(worlds[WorldRow.ANGLE, b])
    return ahead * lane_slope(roads, int(worlds[WorldRow.LANE, b]), worlds[WorldRow.S, b])
