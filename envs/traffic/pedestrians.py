"""Pedestrians who roam: along sidewalks, over crosswalks when they may, never back unless the way ends.

One walks on a personal line to the right of the graph's edges, from the point beside one node straight to the point
beside the next, so that nobody is ever farther from the edge than its own offset. Each draws its choices from a hash
of (seed, pedestrian, counter): a world walks alike alone and among others.
"""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.scene import FloatArray, IntArray
from envs.traffic.chance import uniform
from envs.traffic.crosswalks import mark_occupied, may_enter, next_step_is_free
from envs.traffic.network import RoadArrays
from envs.traffic.walk_state import PedestrianPhase, PedestrianRow, WalkArrays

GIVE_UP_S = 120.0
"""Wait at a kerb after which a pedestrian turns back (s, ours): longer than any signal's cycle."""

FOLLOW_M = 0.9
"""Distance (m) at which one takes the pace of somebody ahead who goes the same way; ``FOLLOW_ASIDE_M`` beside it."""

FOLLOW_ASIDE_M = 0.35

_NODES_A_PERIOD = 8
_UNUSED, _WALKS, _WAITS, _CROSSES = (float(phase) for phase in list(PedestrianPhase)[:4])


@njit
def step_pedestrians(
    walk: WalkArrays,
    roads: RoadArrays,
    people: FloatArray,
    objects: FloatArray,
    walk_seconds: FloatArray,
    occupied: IntArray,
    seeds: IntArray,
    cross_chance: float,
    b: int,
    period: float,
) -> None:
    """Walk the pedestrians of world ``b`` for ``period`` (s), in the order of their slots, and mark their strips.

    Those who look for a gap away from crosswalks, or cross there, are left to ``jaywalking``.

    ``people`` ``(len(PedestrianRow), B, P)``; ``objects`` the vehicles (``ObjectRow``; bodies that walk are not looked
    at); ``walk_seconds`` ``(B, K)`` and ``occupied`` ``(B, C)`` see ``crosswalks``; ``seeds`` ``(B,)``;
    ``cross_chance`` the probability to take a crosswalk where one passes it.
    """
    for i in range(people.shape[2]):
        phase = people[PedestrianRow.PHASE, b, i]
        if phase == _UNUSED or phase > _CROSSES:
            continue
        if phase == _WAITS:
            _try_to_enter(walk, people, objects, walk_seconds, b, i, period)
        if people[PedestrianRow.PHASE, b, i] != _WAITS:
            _walk(walk, roads, people, objects, walk_seconds, seeds[b], cross_chance, b, i, period)
    mark_occupied(occupied, walk, people, walk_seconds, b)


@njit
def _try_to_enter(
    walk: WalkArrays, people: FloatArray, objects: FloatArray, walk_seconds: FloatArray, b: int, i: int, period: float
) -> None:
    """Let a pedestrian at the kerb go if it may, wait on if not, or turn back when it has had enough."""
    crosswalk = int(people[PedestrianRow.CROSSWALK, b, i])
    forward = people[PedestrianRow.PREVIOUS, b, i] < people[PedestrianRow.TARGET, b, i]
    speed, waited = _speed_over(people, b, i), people[PedestrianRow.WAITED, b, i]
    if may_enter(walk, objects, walk_seconds, b, crosswalk, forward, speed, waited):
        people[PedestrianRow.PHASE, b, i] = _CROSSES
        people[PedestrianRow.WAITED, b, i] = 0.0
        return
    people[PedestrianRow.SPEED, b, i] = 0.0
    people[PedestrianRow.WAITED, b, i] += period
    if waited >= GIVE_UP_S:
        _turn_back(walk, people, b, i)


@njit
def _speed_over(people: FloatArray, b: int, i: int) -> float:
    """Return the speed (m/s) at which ``i`` will cross: its own, or that of a slower one ahead, whom it follows."""
    speed = people[PedestrianRow.DESIRED_SPEED, b, i]
    for j in range(people.shape[2]):
        if people[PedestrianRow.PHASE, b, j] != _CROSSES:
            continue
        if people[PedestrianRow.PREVIOUS, b, j] == people[PedestrianRow.PREVIOUS, b, i]:
            speed = min(speed, people[PedestrianRow.DESIRED_SPEED, b, j])
    return float(speed)


@njit
def _turn_back(walk: WalkArrays, people: FloatArray, b: int, i: int) -> None:
    """Leave the kerb by the sidewalk; where the kerb has none, go on waiting."""
    kerb = int(people[PedestrianRow.PREVIOUS, b, i])
    for e in range(walk.start[kerb], walk.start[kerb + 1]):
        if walk.edge_crosswalk[e] < 0:
            people[PedestrianRow.TARGET, b, i] = walk.neighbours[e]
            people[PedestrianRow.PHASE, b, i] = _WALKS
            people[PedestrianRow.CROSSWALK, b, i] = -1.0
            people[PedestrianRow.WAITED, b, i] = 0.0
            return


@njit
def _walk(
    walk: WalkArrays,
    roads: RoadArrays,
    people: FloatArray,
    objects: FloatArray,
    walk_seconds: FloatArray,
    seed: int,
    cross_chance: float,
    b: int,
    i: int,
    period: float,
) -> None:
    """Walk towards the target, and on from node to node, until the period is over or a kerb holds."""
    pace = _pace(walk, roads, people, objects, b, i, period)
    people[PedestrianRow.SPEED, b, i] = pace
    left = pace * period
    for _ in range(_NODES_A_PERIOD):
        left = _approach(walk, people, b, i, left)
        if left <= 0.0:
            return
        _choose_edge(walk, people, seed, cross_chance, b, i)
        if people[PedestrianRow.PHASE, b, i] == _WAITS:
            _try_to_enter(walk, people, objects, walk_seconds, b, i, 0.0)
            if people[PedestrianRow.PHASE, b, i] == _WAITS:
                return


@njit
def _approach(walk: WalkArrays, people: FloatArray, b: int, i: int, left: float) -> float:
    """Walk at most ``left`` (m) towards the point beside the target; return what is left of it there."""
    aim_x, aim_y = _aim(walk, people, b, i)
    dx, dy = aim_x - people[PedestrianRow.X, b, i], aim_y - people[PedestrianRow.Y, b, i]
    distance = math.hypot(dx, dy)
    if distance > 1e-6:
        people[PedestrianRow.YAW, b, i] = math.atan2(dy, dx)
    if distance <= left:
        people[PedestrianRow.X, b, i], people[PedestrianRow.Y, b, i] = aim_x, aim_y
        return left - distance
    people[PedestrianRow.X, b, i] += left * dx / distance
    people[PedestrianRow.Y, b, i] += left * dy / distance
    return 0.0


@njit
def _aim(walk: WalkArrays, people: FloatArray, b: int, i: int) -> tuple[float, float]:
    """Return the point to the right of the target node, seen along the edge (m)."""
    a, target = int(people[PedestrianRow.PREVIOUS, b, i]), int(people[PedestrianRow.TARGET, b, i])
    x, y = walk.nodes[target, 0], walk.nodes[target, 1]
    dx, dy = x - walk.nodes[a, 0], y - walk.nodes[a, 1]
    length = math.hypot(dx, dy)
    if length < 1e-6:
        return x, y
    aside = people[PedestrianRow.ASIDE, b, i] / length
    return x + aside * dy, y - aside * dx


@njit
def _pace(
    walk: WalkArrays, roads: RoadArrays, people: FloatArray, objects: FloatArray, b: int, i: int, period: float
) -> float:
    """Return the speed (m/s) of this period: the desired one, that of somebody close ahead, or 0 before a vehicle."""
    crosses = people[PedestrianRow.PHASE, b, i] == _CROSSES
    if crosses and not next_step_is_free(walk, roads, people, objects, b, i, period):
        return 0.0
    pace = people[PedestrianRow.DESIRED_SPEED, b, i]
    for j in range(people.shape[2]):
        if j == i or people[PedestrianRow.PHASE, b, j] == _UNUSED:
            continue
        # Two who come together at an angle can each be ahead of the other: then the first slot goes.
        if _is_behind(people, b, i, j) and not (i < j and _is_behind(people, b, j, i)):
            pace = min(pace, people[PedestrianRow.SPEED, b, j])
    return float(pace)


@njit
def _is_behind(people: FloatArray, b: int, i: int, j: int) -> bool:
    """Return whether ``i`` would walk into the back of ``j``, who goes the same way (within 60 degrees)."""
    dx = people[PedestrianRow.X, b, j] - people[PedestrianRow.X, b, i]
    dy = people[PedestrianRow.Y, b, j] - people[PedestrianRow.Y, b, i]
    if abs(dx) > FOLLOW_M or abs(dy) > FOLLOW_M:
        return False
    yaw = people[PedestrianRow.YAW, b, i]
    cosine, sine = math.cos(yaw), math.sin(yaw)
    along, across = dx * cosine + dy * sine, dy * cosine - dx * sine
    if not (0.0 < along <= FOLLOW_M and abs(across) <= FOLLOW_ASIDE_M):
        return False
    return math.cos(people[PedestrianRow.YAW, b, j] - yaw) > 0.5


@njit
def _choose_edge(walk: WalkArrays, people: FloatArray, seed: int, cross_chance: float, b: int, i: int) -> None:
    """Go on from the target node: over the crosswalk at a kerb (then WAITS), else by chance."""
    node, previous = int(people[PedestrianRow.TARGET, b, i]), int(people[PedestrianRow.PREVIOUS, b, i])
    crossed = people[PedestrianRow.PHASE, b, i] == _CROSSES
    people[PedestrianRow.PHASE, b, i] = _WALKS
    people[PedestrianRow.CROSSWALK, b, i] = -1.0
    people[PedestrianRow.PREVIOUS, b, i] = node
    if walk.node_crosswalk[node] >= 0 and not crossed:
        for e in range(walk.start[node], walk.start[node + 1]):
            if walk.edge_crosswalk[e] >= 0:
                _stand_at_kerb(walk, people, b, i, e)
                return
    people[PedestrianRow.TARGET, b, i] = _next_node(walk, people, seed, cross_chance, b, i, node, previous)
    if crossed and int(people[PedestrianRow.TARGET, b, i]) == previous:
        for e in range(walk.start[node], walk.start[node + 1]):
            if walk.neighbours[e] == previous:
                _stand_at_kerb(walk, people, b, i, e)


@njit
def _stand_at_kerb(walk: WalkArrays, people: FloatArray, b: int, i: int, edge: int) -> None:
    kerb, other = int(people[PedestrianRow.PREVIOUS, b, i]), walk.neighbours[edge]
    people[PedestrianRow.TARGET, b, i] = other
    people[PedestrianRow.CROSSWALK, b, i] = walk.edge_crosswalk[edge]
    people[PedestrianRow.PHASE, b, i] = _WAITS
    people[PedestrianRow.WAITED, b, i] = 0.0
    dx, dy = walk.nodes[other, 0] - walk.nodes[kerb, 0], walk.nodes[other, 1] - walk.nodes[kerb, 1]
    people[PedestrianRow.YAW, b, i] = math.atan2(dy, dx)


@njit
def _next_node(
    walk: WalkArrays, people: FloatArray, seed: int, cross_chance: float, b: int, i: int, node: int, previous: int
) -> int:
    """Return a neighbour of ``node`` by chance: a kerb with ``cross_chance``, else another one, else ``previous``."""
    kerbs, others = 0, 0
    for e in range(walk.start[node], walk.start[node + 1]):
        if walk.neighbours[e] != previous:
            if walk.node_crosswalk[walk.neighbours[e]] >= 0:
                kerbs += 1
            else:
                others += 1
    wants = kerbs > 0 and draw(people, seed, b, i) < cross_chance
    count = kerbs if wants else others
    if count == 0:
        return previous
    # Most nodes of a sidewalk leave no choice, so they draw nothing.
    chosen = 0 if count == 1 else int(draw(people, seed, b, i) * count)
    for e in range(walk.start[node], walk.start[node + 1]):
        if walk.neighbours[e] != previous and (walk.node_crosswalk[walk.neighbours[e]] >= 0) == wants:
            if chosen == 0:
                return int(walk.neighbours[e])
            chosen -= 1
    return previous


@njit
def draw(people: FloatArray, seed: int, b: int, i: int) -> float:
    """Return the next random number of pedestrian ``i``, in [0, 1)."""
    people[PedestrianRow.COUNTER, b, i] += 1.0
    return uniform(seed, i, int(people[PedestrianRow.COUNTER, b, i]))
