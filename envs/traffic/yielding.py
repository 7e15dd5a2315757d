"""Drivers let pedestrians pass: before the strips that they want, and wherever one is in the way.

Positions are read from the state of ``walk_state``, so that one who has left the walk graph is seen like any other.
"""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.roads.projection import edges_at, pose_at, project
from envs.scene import FloatArray
from envs.traffic.agents import AgentRow, ObjectRow, WaitCause
from envs.traffic.crosswalks import TRUSTED_BRAKE, Occupancy
from envs.traffic.crowd import BEFORE_STRIP_M, pedestrian_height
from envs.traffic.following import CORRIDOR_MARGIN, FREE_GAP, crosses_corridor
from envs.traffic.levels import lane_height, on_other_level
from envs.traffic.network import RoadArrays
from envs.traffic.path_view import WALKER_FORESIGHT
from envs.traffic.paths import PATH_LANES
from envs.traffic.scratch import TrafficArrays
from envs.traffic.walk_state import PedestrianPhase, PedestrianRow

LOOK_AHEAD_M = 60.0
"""Distance along the path within which a driver looks for pedestrians (m): stops from 20 m/s at 3.3 m/s2."""

FIRM_BRAKE = 4.0
"""A driver who would have to brake harder to stop before a strip drives on (m/s2, ours)."""

STOOD_MPS = 0.1
"""A vehicle slower than this has stopped (m/s)."""

WAITING_GAP_M = 10.0
"""Distance below which pedestrians are what a driver waits for (m, ours)."""

BODY_HALF_M = 0.25
"""Half the width of a pedestrian's body (m)."""

_CROSSWALK = float(int(WaitCause.CROSSWALK))
_TAKEN, _WANTED = int(Occupancy.TAKEN), int(Occupancy.WANTED)


@njit
def give_way_gap(agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, others: float) -> float:
    """Return the gap (m) that makes the driver model of agent ``i`` stop for pedestrians; FREE_GAP where it need not.

    ``others``: the gap that something else asks for (m); where pedestrians ask for less, they are the cause noted.
    """
    if traffic.crowd.people.shape[2] == 0:
        return FREE_GAP
    strip = _strip_gap(agents, traffic, roads, b, i)
    gap = strip if strip >= FREE_GAP else strip - BEFORE_STRIP_M + agents[AgentRow.MIN_GAP, b, i]
    body, who = _body_gap(agents, traffic, roads, b, i)
    by = -1.0
    if body < gap:
        gap, by = body, float(agents.shape[2] + who)
    if gap < min(others, WAITING_GAP_M):
        agents[AgentRow.CAUSE, b, i], agents[AgentRow.CAUSED_BY, b, i] = _CROSSWALK, by
    return gap


@njit
def _strip_gap(agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int) -> float:
    """Return the distance (m) from the front of agent ``i`` to the first strip before which it stops, or FREE_GAP.

    Whoever is on a strip leaves it. Who would have to brake hard drives on: before those who are on the strip or about
    to step on it harder than before those who would like to. Who has stood for the latter has given them the way, and
    creeps on if they cannot take it: another vehicle may be on their crosswalk, and wait for this one.
    """
    crowd, speed = traffic.crowd, agents[AgentRow.SPEED, b, i]
    energy, stood = 0.5 * speed * speed, speed < STOOD_MPS
    begin = -agents[AgentRow.S, b, i] - traffic.objects[ObjectRow.HALF_LENGTH, b, i]
    for k in range(PATH_LANES):
        lane = int(traffic.paths[b, i, k])
        if lane < 0 or begin > LOOK_AHEAD_M:
            break
        for n in range(crowd.strip_start[lane], crowd.strip_start[lane + 1]):
            c = crowd.strips[n]
            gap = begin + crowd.walk.crossing_from[c]
            wish = crowd.occupied[b, c]
            if gap <= 0.0 or gap > LOOK_AHEAD_M:
                continue
            given = wish == _WANTED and not stood and energy <= TRUSTED_BRAKE * gap
            if given or (wish == _TAKEN and energy <= FIRM_BRAKE * gap):
                return float(gap)
        begin += roads.length[lane]
    return FREE_GAP


@njit
def _body_gap(agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int) -> tuple[float, int]:
    """Return (gap m, index) of the nearest pedestrian in the way of agent ``i``, or (FREE_GAP, -1)."""
    people = traffic.crowd.people
    lane, s, d = int(agents[AgentRow.LANE, b, i]), agents[AgentRow.S, b, i], agents[AgentRow.D, b, i]
    x, y, heading = pose_at(roads.samples, roads.start, roads.step, lane, s, d)
    cosine, sine = math.cos(heading), math.sin(heading)
    half_length, nearest, who = traffic.objects[ObjectRow.HALF_LENGTH, b, i], FREE_GAP, -1
    for p in range(people.shape[2]):
        dx, dy = people[PedestrianRow.X, b, p] - x, people[PedestrianRow.Y, b, p] - y
        far = (abs(dx) > LOOK_AHEAD_M) | (abs(dy) > LOOK_AHEAD_M) | (dx * cosine + dy * sine <= 0.0)
        if far or int(people[PedestrianRow.PHASE, b, p]) == PedestrianPhase.UNUSED:
            continue
        along = _along_path(agents, traffic, roads, b, i, p, math.hypot(dx, dy))
        if along < nearest:
            nearest, who = along, p
    return (nearest - half_length - BODY_HALF_M, who) if who >= 0 else (FREE_GAP, -1)


@njit
def _along_path(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, p: int, away: float
) -> float:
    """Return how far ahead on the path of agent ``i`` pedestrian ``p`` is in its way (m), or FREE_GAP.

    ``away`` their distance (m): on no lane that ends nearer, and on none that begins twice as far.
    """
    people = traffic.crowd.people
    x, y = people[PedestrianRow.X, b, p], people[PedestrianRow.Y, b, p]
    corridor = traffic.objects[ObjectRow.HALF_WIDTH, b, i] + BODY_HALF_M
    # One who stands at the kerb is let be, however near the lane.
    phase = int(people[PedestrianRow.PHASE, b, p])
    if phase != PedestrianPhase.WAITS and phase != PedestrianPhase.LOOKS:
        corridor += CORRIDOR_MARGIN
    begin, aside = -agents[AgentRow.S, b, i], agents[AgentRow.D, b, i]
    for k in range(PATH_LANES):
        lane = int(traffic.paths[b, i, k])
        if lane < 0 or begin > 2.0 * away or begin > LOOK_AHEAD_M:
            break
        length = roads.length[lane]
        if begin + length > away - 2.0 * corridor:
            s, d, heading, _, _ = project(roads.samples, roads.start, roads.step, lane, away - begin, x, y)
            drift = _drift(people, roads, b, p, lane, s, d, heading)
            in_way = 0.0 <= s <= length and crosses_corridor(d - aside, drift, corridor)
            if in_way and not on_other_level(lane_height(roads, lane, s), pedestrian_height(traffic.crowd, b, p)):
                return float(begin + s)
        begin += length
        aside = 0.0
    return FREE_GAP


@njit
def _drift(
    people: FloatArray, roads: RoadArrays, b: int, p: int, lane: int, s: float, d: float, heading: float
) -> float:
    """Return how far pedestrian ``p`` at (s, d) of ``lane`` will move to the left within the foresight (m).

    One on the pavement is not expected to step off it: those who will are told by the strips.
    """
    left, right = edges_at(roads.samples, roads.start, roads.step, lane, s)
    if not -right < d < left:
        return 0.0
    across = math.sin(people[PedestrianRow.YAW, b, p] - heading)
    return float(people[PedestrianRow.SPEED, b, p] * across * WALKER_FORESIGHT)
