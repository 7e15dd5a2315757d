"""What stop lines and lanes ask of a driver's speed."""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.scene import FloatArray, IntArray
from envs.traffic.agents import AgentRow
from envs.traffic.asking import FAR_M, LINE_MARGIN_M
from envs.traffic.claims import ClaimRow
from envs.traffic.network import RoadArrays
from envs.traffic.paths import PATH_LANES

LINE_TOLERANCE_M = 0.2
"""Distance to the line at which a driver has come to rest at the latest (m, ours)."""


@njit
def stop_line_gap(claims: FloatArray, min_gap: float, i: int) -> float:
    """Return the gap (m) that makes the driver model of agent ``i`` stop at its line; FAR where it need not."""
    if claims[ClaimRow.LANE, i] < 0.0 or claims[ClaimRow.ASKS, i] < 0.5:
        return FAR_M
    return float(max(claims[ClaimRow.DISTANCE, i] - LINE_MARGIN_M + min_gap, 0.1))


@njit
def brake_for_line(claims: FloatArray, speed: float, i: int) -> float:
    """Return the acceleration (m/s2) that still stops agent ``i`` at its line, where that takes braking; or FAR.

    The driver model comes to rest in infinite time, and so at times beyond the line.
    """
    if claims[ClaimRow.LANE, i] < 0.0 or claims[ClaimRow.ASKS, i] < 0.5:
        return FAR_M
    needed = speed * speed / (2.0 * max(claims[ClaimRow.DISTANCE, i] - LINE_TOLERANCE_M, 0.05))
    return float(-needed) if needed > 1.0 else FAR_M


@njit
def keep_speed(agents: FloatArray, paths: IntArray, roads: RoadArrays, b: int, i: int) -> float:
    """Return the acceleration (m/s2) that keeps agent ``i`` to what the lanes of its path advise, or a large number."""
    factor = agents[AgentRow.SPEED_FACTOR, b, i]
    if factor <= 0.0:
        return FAR_M
    brake, speed = agents[AgentRow.COMFORT_BRAKE, b, i], agents[AgentRow.SPEED, b, i]
    allowed, ahead = FAR_M, -agents[AgentRow.S, b, i]
    for k in range(PATH_LANES):
        lane = paths[b, i, k]
        if lane < 0 or ahead > 80.0:
            break
        advised = factor * roads.advised[lane]
        allowed = min(allowed, math.sqrt(advised * advised + 1.2 * brake * max(ahead, 0.0)))
        ahead += roads.length[lane]
    if speed > allowed:
        return float(max(-brake, (allowed - speed) / 0.5))
    return float(agents[AgentRow.MAX_ACCELERATION, b, i] * (1.0 - (speed / max(allowed, 0.1)) ** 4))
