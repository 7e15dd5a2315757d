"""Grants: which lanes of junctions an agent may drive through, and until when.

``grants`` ``(B, A, GRANTS, 2)``: per slot the lane (-1: none) and the agent's odometer at the lane's entry (m), in the
order of driving. A way through a junction may be several lanes in a row; all are granted at once.
"""

from __future__ import annotations

from envs.compiled import njit
from envs.scene import FloatArray
from envs.traffic.agents import AgentRow
from envs.traffic.network import RoadArrays

GRANTS = 12
"""Lanes that one agent can hold."""

_LANE, _START = 0, 1


@njit
def holds(grants: FloatArray, b: int, i: int, lane: int) -> bool:
    """Return whether agent ``i`` may drive on ``lane``."""
    for k in range(GRANTS):
        if grants[b, i, k, _LANE] == lane:
            return True
    return False


@njit
def driven_on(grants: FloatArray, agents: FloatArray, b: int, i: int, lane: int) -> float:
    """Return how far the centre of agent ``i`` is beyond the entry of a ``lane`` that it holds (m), or -inf."""
    for k in range(GRANTS):
        if grants[b, i, k, _LANE] == lane:
            return float(agents[AgentRow.ODOMETER, b, i] - grants[b, i, k, _START])
    return -1e9


@njit
def free_slots(grants: FloatArray, b: int, i: int) -> int:
    """Return how many lanes more agent ``i`` can hold."""
    free = 0
    for k in range(GRANTS):
        free += 1 if grants[b, i, k, _LANE] < 0.0 else 0
    return free


@njit
def give(grants: FloatArray, b: int, i: int, lane: int, start: float) -> None:
    """Let agent ``i`` drive on ``lane``, whose entry is where its odometer will read ``start`` (m)."""
    for k in range(GRANTS):
        if grants[b, i, k, _LANE] < 0.0:
            grants[b, i, k, _LANE], grants[b, i, k, _START] = lane, start
            return


@njit
def release(grants: FloatArray, agents: FloatArray, roads: RoadArrays, half_length: float, b: int, i: int) -> None:
    """Give back the lanes that the tail of agent ``i`` has left."""
    for k in range(GRANTS):
        lane = int(grants[b, i, k, _LANE])
        if lane >= 0:
            driven = agents[AgentRow.ODOMETER, b, i] - grants[b, i, k, _START]
            if driven - half_length > roads.way_end[lane]:
                grants[b, i, k, _LANE] = -1.0
    _close_ranks(grants, b, i)


@njit
def take_back(grants: FloatArray, b: int, i: int, first: int) -> None:
    """Give back what agent ``i`` holds from slot ``first`` on."""
    for k in range(first, GRANTS):
        grants[b, i, k, _LANE] = -1.0


@njit
def give_back(grants: FloatArray, b: int, i: int, lane: int) -> None:
    """Take back ``lane`` and what agent ``i`` holds behind it."""
    for k in range(GRANTS):
        if grants[b, i, k, _LANE] == lane:
            take_back(grants, b, i, k)
            return


@njit
def _close_ranks(grants: FloatArray, b: int, i: int) -> None:
    held = 0
    for k in range(GRANTS):
        if grants[b, i, k, _LANE] >= 0.0:
            grants[b, i, held, _LANE], grants[b, i, held, _START] = grants[b, i, k, _LANE], grants[b, i, k, _START]
            held += 1
    for k in range(held, GRANTS):
        grants[b, i, k, _LANE] = -1.0
