"""Which way through a junction a driver asks for, and in what order those who ask are heard."""

from __future__ import annotations

from envs.compiled import njit
from envs.scene import FloatArray
from envs.traffic.agents import AgentRow, ObjectRow
from envs.traffic.claims import ClaimRow
from envs.traffic.grants import holds
from envs.traffic.lights import COMFORTABLE_BRAKE, light, must_stop
from envs.traffic.network import RoadArrays
from envs.traffic.paths import PATH_LANES
from envs.traffic.scratch import TrafficArrays

ASK_MARGIN_M = 8.0
"""A driver asks for its grant this much before it would have to brake (m, ours)."""

APPROACH_M = 70.0
"""Distance to a stop line from which a driver counts as approaching, for those who must let it go first (m, ours)."""

FAR_M = 1e6
"""Distance to a stop line that is not there (m)."""

LINE_MARGIN_M = 0.5
"""How far before the stop line drivers stop (m, ours)."""

_RED = 3


@njit
def forget_claim(agents: FloatArray, claims: FloatArray, b: int, i: int) -> None:
    """Let agent ``i`` ask for nothing; what held it before stays known."""
    claims[ClaimRow.LANE, i], claims[ClaimRow.DISTANCE, i], claims[ClaimRow.ASKS, i] = -1.0, FAR_M, 0.0
    claims[ClaimRow.HELD_BY, i] = agents[AgentRow.CAUSE, b, i]


@njit
def make_claim(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, time_s: float, seed: int, b: int, i: int
) -> None:
    """Write the next way through a junction for which agent ``i`` has no grant, if it is near enough to ask."""
    claims, speed = traffic.claims, agents[AgentRow.SPEED, b, i]
    begin = -agents[AgentRow.S, b, i]
    for k in range(PATH_LANES):
        lane = traffic.paths[b, i, k]
        if lane < 0:
            return
        if k > 0 and roads.junction[lane] >= 0 and not holds(traffic.grants, b, i, lane):
            distance = begin - roads.stop_gap[lane] - traffic.objects[ObjectRow.HALF_LENGTH, b, i]
            if distance > APPROACH_M:
                return
            asks = distance < speed * speed / (2.0 * COMFORTABLE_BRAKE) + ASK_MARGIN_M
            held = light(roads, lane, time_s, seed) == _RED or must_stop(roads, lane, time_s, seed, speed, distance)
            claims[ClaimRow.ASKS, i] = 1.0 if asks else 0.0
            claims[ClaimRow.LANE, i], claims[ClaimRow.AT, i] = lane, k
            claims[ClaimRow.DISTANCE, i], claims[ClaimRow.PATH_START, i] = distance, begin
            claims[ClaimRow.MAY_GO, i] = 0.0 if held else 1.0
            return
        begin += roads.length[lane]


@njit
def sort_claims(agents: FloatArray, claims: FloatArray, b: int) -> None:
    """Write the order of deciding: who has waited longest, then who is nearest to the line, then by slot."""
    count = agents.shape[2]
    for n in range(count):
        claims[ClaimRow.ORDER, n] = n
    for n in range(1, count):
        i, k = int(claims[ClaimRow.ORDER, n]), n
        while k > 0 and _before(agents, claims, b, i, int(claims[ClaimRow.ORDER, k - 1])):
            claims[ClaimRow.ORDER, k] = claims[ClaimRow.ORDER, k - 1]
            k -= 1
        claims[ClaimRow.ORDER, k] = i


@njit
def _before(agents: FloatArray, claims: FloatArray, b: int, i: int, j: int) -> bool:
    mine, theirs = agents[AgentRow.WAITED, b, i], agents[AgentRow.WAITED, b, j]
    if mine != theirs:
        return bool(mine > theirs)
    return bool(claims[ClaimRow.DISTANCE, i] < claims[ClaimRow.DISTANCE, j])
