"""Where the road of a junction is: its ways lie over one another."""

from __future__ import annotations

from envs.compiled import njit
from envs.roads.projection import project
from envs.traffic.network import RoadArrays

MARGIN_M = 0.3
"""How far beyond a way's edge the ego's centre may be to count as on it (m, ours)."""


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
