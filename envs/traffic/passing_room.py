"""Whom a driver would pass, how far to the side, and from how far behind."""

from __future__ import annotations

from envs.compiled import njit
from envs.roads.lane_graph import SampleColumn
from envs.scene import FloatArray
from envs.traffic.agents import AgentMode, AgentRow, ObjectRow
from envs.traffic.following import CORRIDOR_MARGIN
from envs.traffic.network import RoadArrays
from envs.traffic.path_view import ViewRow

BESIDE_MOVING = 1.7
"""Clearance that a driver aims at beside whom it passes by moving over (m), to keep 1.5 from its front to its tail.

1.5 m as the Highway Code, rule 163 (2022), has it up to 30 mph (more above), and section 5 (4) of the German StVO
(2020) within built-up areas (2 m outside them).
"""

BESIDE_STANDING = 1.0
"""Clearance beside whom it passes within its lane, or who stands (m, ours: a door's width)."""

IN_LANE_M = 2.0
"""Offset from the path up to which a body is in its lane (m, ours)."""

STEEPEST = 0.3
"""Metres sideways for one ahead of a car (as in ``brain``); a long body takes less."""

KERB_M = 0.2
"""Distance to the edge of the oncoming lane that an overtaker keeps (m, ours)."""

CAR_M = 4.6
"""Length of a body that moves sideways as a car does (m, as in ``brain``)."""

PULL_OUT_MARGIN_M = 3.0
"""Room behind a standing body beyond what pulling out takes (m, ours); ``LONG_BODY_M`` what a long one takes more."""

LONG_BODY_M = 5.0

_STATIC = int(AgentMode.STATIC)


@njit
def look_for(view: FloatArray, count: int, body: int) -> int:
    """Return the place in the view of a ``body``, or -1."""
    for n in range(count):
        if int(view[ViewRow.INDEX, n]) == body:
            return n
    return -1


@njit
def faces(view: FloatArray, count: int, body: int) -> bool:
    """Return whether a ``body`` is on a lane of the view that runs the other way."""
    n = look_for(view, count, body)
    return bool(n >= 0 and view[ViewRow.SIGN, n] < 0.0)


@njit
def somebody_stands(agents: FloatArray, b: int) -> bool:
    """Return whether any body of world ``b`` stands for good."""
    for i in range(agents.shape[2]):
        if int(agents[AgentRow.MODE, b, i]) == _STATIC:
            return True
    return False


@njit
def standing_ahead(
    agents: FloatArray, objects: FloatArray, view: FloatArray, count: int, b: int, i: int, s: float
) -> int:
    """Return the place in the view of the nearest body ahead that stands for good in the way of agent ``i``, or -1."""
    nearest, found = 1e9, -1
    for n in range(count):
        j, along = int(view[ViewRow.INDEX, n]), view[ViewRow.ALONG, n]
        if j >= agents.shape[2] or int(agents[AgentRow.MODE, b, j]) != _STATIC or along <= s or along >= nearest:
            continue
        reach = objects[ObjectRow.HALF_WIDTH, b, i] + objects[ObjectRow.HALF_WIDTH, b, j] + CORRIDOR_MARGIN
        if abs(view[ViewRow.ACROSS, n] - agents[AgentRow.KEEP_D, b, i]) < reach:
            nearest, found = along, n
    return found


@njit
def body_ahead(view: FloatArray, count: int, i: int, behind: int) -> int:
    """Return the place in the view of the next body in the lane of agent ``i`` beyond ``behind``, or -1."""
    nearest, found = 1e9, -1
    for n in range(count):
        along = view[ViewRow.ALONG, n]
        if n == behind or int(view[ViewRow.INDEX, n]) == i or along <= view[ViewRow.ALONG, behind] or along >= nearest:
            continue
        if abs(view[ViewRow.ACROSS, n]) < IN_LANE_M:
            nearest, found = along, n
    return found


@njit
def pass_offset(
    agents: FloatArray, objects: FloatArray, view: FloatArray, roads: RoadArrays, b: int, i: int, first: int, last: int
) -> float:
    """Return the offset (m) at which agent ``i`` passes ``first`` and ``last`` of the view, or 0 where it cannot.

    Within its lane with ``BESIDE_STANDING``; else over the centre line, with ``BESIDE_MOVING`` to who moves.
    """
    if first < 0 or last < 0:
        return 0.0
    lane = int(agents[AgentRow.LANE, b, i])
    half = objects[ObjectRow.HALF_WIDTH, b, i]
    own_edge = 0.5 * lane_width(roads, lane, agents[AgentRow.S, b, i])
    least, best = -1e9, -1e9
    for n in (first, last):
        j = int(view[ViewRow.INDEX, n])
        side = view[ViewRow.ACROSS, n] + objects[ObjectRow.HALF_WIDTH, b, j] + half
        stands = int(agents[AgentRow.MODE, b, j]) == _STATIC
        least = max(least, side + BESIDE_STANDING)
        best = max(best, side + (BESIDE_STANDING if stands else BESIDE_MOVING))
    if least + half <= own_edge:
        return max(least, 0.01)
    opposite = int(roads.opposite[lane])
    if opposite < 0:
        return 0.0
    most = own_edge + lane_width(roads, opposite, 0.0) - KERB_M - half
    if least > most:
        return 0.0
    return float(min(best, most))


@njit
def lane_width(roads: RoadArrays, lane: int, s: float) -> float:
    """Return the width of ``lane`` (m) at the sample before ``s`` (m)."""
    first, last = int(roads.start[lane]), int(roads.start[lane + 1]) - 1
    return float(roads.samples[min(max(first + int(s / roads.step[lane]), first), last), SampleColumn.WIDTH])


@njit
def own_pace(agents: FloatArray, roads: RoadArrays, b: int, i: int) -> float:
    """Return the speed (m/s) at which agent ``i`` drives where nobody is in its way."""
    lane = int(agents[AgentRow.LANE, b, i])
    return float(min(agents[AgentRow.DESIRED_SPEED, b, i], agents[AgentRow.SPEED_FACTOR, b, i] * roads.advised[lane]))


@njit
def steepness(objects: FloatArray, b: int, i: int) -> float:
    """Return how far sideways agent ``i`` moves for every metre ahead at most."""
    return float(STEEPEST * min(CAR_M / (2.0 * objects[ObjectRow.HALF_LENGTH, b, i]), 1.0))


@njit
def pull_out_room(objects: FloatArray, b: int, i: int, offset: float) -> float:
    """Return the distance (m) behind a standing body that agent ``i`` needs to move to ``offset`` (m)."""
    steep = steepness(objects, b, i)
    return float(offset / steep + (LONG_BODY_M if steep < STEEPEST else 0.0) + PULL_OUT_MARGIN_M)
