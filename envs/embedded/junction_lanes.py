"""Which lane the ego is in where lanes lie over one another: inside junctions."""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.embedded.world_rows import WorldRow
from envs.roads.projection import project
from envs.scene import EgoRow, FloatArray, IntArray
from envs.traffic.network import RoadArrays

MARGIN_M = 0.3
"""How far beyond a lane's edge the ego's centre may be to count as in it (m, ours)."""


@njit
def prefer_route_lane(worlds: FloatArray, ego: FloatArray, routes: IntArray, roads: RoadArrays, b: int) -> None:
    """Let the ego be in its route's lane where it could be in that as well as in another way through a junction."""
    lane, wanted = int(worlds[WorldRow.LANE, b]), int(routes[b, int(worlds[WorldRow.ROUTE_INDEX, b])])
    if wanted == lane or roads.junction[wanted] < 0 or roads.junction[lane] != roads.junction[wanted]:
        return
    guess = worlds[WorldRow.ROUTE_S, b]
    s, d, heading, _, width = project(
        roads.samples, roads.start, roads.step, wanted, guess, ego[EgoRow.X, b], ego[EgoRow.Y, b]
    )
    along = math.cos(ego[EgoRow.YAW, b] - heading) > 0.0
    if along and abs(d) <= 0.5 * width + MARGIN_M and 0.0 <= s <= roads.length[wanted]:
        worlds[WorldRow.LANE, b], worlds[WorldRow.S, b], worlds[WorldRow.D, b] = wanted, s, d
        turn = ego[EgoRow.YAW, b] - heading
        worlds[WorldRow.ANGLE, b] = turn - 2.0 * math.pi * math.floor((turn + math.pi) / (2.0 * math.pi))


@njit
def on_other_way(roads: RoadArrays, lane: int, x: float, y: float) -> bool:
    """Return whether the point (m) is on another way through the junction, of those that ``lane`` meets."""
    for z in range(roads.conflict_start[lane], roads.conflict_start[lane + 1]):
        other = int(roads.conflict_lane[z])
        guess = 0.5 * (roads.conflict_other[z, 0] + roads.conflict_other[z, 1])
        s, d, _, _, width = project(roads.samples, roads.start, roads.step, other, guess, x, y)
        if abs(d) <= 0.5 * width + MARGIN_M and 0.0 <= s <= roads.length[other]:
            return True
    return False
