"""Pedestrians and vehicles at crosswalks: may one enter, is the next strip free, and which strips drivers keep free.

All kernels are of one world ``b`` and read vehicles from the objects' block (``ObjectRow``). ``walk_seconds``
``(B, K)``: for how long from now walking is allowed on each crosswalk (s); 0 where its signal says stop, inf where it
has none.
"""

from __future__ import annotations

import math
from enum import IntEnum

from envs.compiled import njit
from envs.roads.projection import pose_at
from envs.scene import FloatArray, IntArray
from envs.traffic.agents import ObjectRow
from envs.traffic.jaywalk_places import JaywalkPlaces
from envs.traffic.network import RoadArrays
from envs.traffic.walk_state import PedestrianPhase, PedestrianRow, WalkArrays

MARGIN_S = 1.5
"""Time that a pedestrian wants to be off a strip before a vehicle is there (s); see ``LEAST_MARGIN_S``."""

LEAST_MARGIN_S = 0.5
"""What is left of the margin after ``PATIENCE_S`` at the kerb (s)."""

PATIENCE_S = 20.0
STANDING_MPS = 0.5
"""A vehicle slower than this stands: before a strip it has given way (m/s)."""

TRUSTED_BRAKE = 3.0
"""A vehicle that would have to brake harder than this to stop before a strip is not trusted to stop (m/s2, ours)."""

BODY_M = 0.3
"""Radius of a pedestrian (m)."""

AHEAD_S = 2.0
"""A strip is taken this long before a pedestrian who crosses steps on it (s)."""

_LOOK_M = 0.7
_CLEARANCE_M = 0.3
_PASSING_S = 0.5
_FREE, _TAKEN, _WANTED = range(3)


class Occupancy(IntEnum):
    """What the pedestrians want of a strip; see ``mark_occupied``."""

    FREE = 0
    TAKEN = 1
    WANTED = 2


@njit
def may_enter(
    walk: WalkArrays,
    objects: FloatArray,
    walk_seconds: FloatArray,
    b: int,
    crosswalk: int,
    forward: bool,
    speed: float,
    waited: float,
) -> bool:
    """Return whether a pedestrian at the kerb may step on ``crosswalk``, ``forward`` from its end 0 to 1.

    Always: the time left must do for the whole way, and no vehicle covers a strip. Without a signal a vehicle's front
    must be farther off (s) than it takes to leave its strip, plus a margin that falls with the time ``waited`` (s), or
    the vehicle stands. With one, vehicles are trusted to stop if they can with ``TRUSTED_BRAKE``.
    """
    length = crosswalk_length(walk, crosswalk)
    seconds = walk_seconds[b, crosswalk]
    if seconds < length / speed:
        return False
    signalised = seconds < math.inf
    margin = MARGIN_S - (MARGIN_S - LEAST_MARGIN_S) * min(waited / PATIENCE_S, 1.0)
    for c in range(walk.crossing_start[crosswalk], walk.crossing_start[crosswalk + 1]):
        leaves = (walk.crossing_far[c] if forward else length - walk.crossing_near[c]) + BODY_M
        for a in range(walk.approach_start[c], walk.approach_start[c + 1]):
            for j in range(objects.shape[2]):
                if int(objects[ObjectRow.LANE, b, j]) != walk.approach_lane[a] or objects[ObjectRow.WALKS, b, j] > 0.5:
                    continue
                gap, tail = _gap_and_tail(walk, objects, b, j, c, a)
                if tail <= 0.0:
                    continue
                pace = objects[ObjectRow.SPEED, b, j]
                if gap <= 0.0:
                    return False
                if pace < STANDING_MPS:
                    continue
                needed = pace * pace / (2.0 * TRUSTED_BRAKE) if signalised else pace * (leaves / speed + margin)
                if gap <= needed:
                    return False
    return True


@njit
def crosswalk_length(walk: WalkArrays, crosswalk: int) -> float:
    """Return the length of a crosswalk's walking axis (m)."""
    dx = walk.crosswalk_ends[crosswalk, 1, 0] - walk.crosswalk_ends[crosswalk, 0, 0]
    dy = walk.crosswalk_ends[crosswalk, 1, 1] - walk.crosswalk_ends[crosswalk, 0, 1]
    return math.hypot(dx, dy)


@njit
def _gap_and_tail(
    walk: WalkArrays | JaywalkPlaces, objects: FloatArray, b: int, j: int, c: int, a: int
) -> tuple[float, float]:
    """Return how far the front of ``j`` is from strip ``c``, and how far its rear is from having left it (m)."""
    ahead = walk.approach_begin[a] - objects[ObjectRow.S, b, j]
    half = objects[ObjectRow.HALF_LENGTH, b, j]
    return ahead - half, ahead + walk.crossing_to[c] - walk.crossing_from[c] + half


@njit
def next_step_is_free(
    walk: WalkArrays, roads: RoadArrays, people: FloatArray, objects: FloatArray, b: int, i: int, period: float
) -> bool:
    """Return whether pedestrian ``i``, who is on a crosswalk, may take the next step.

    It stops before a strip that a vehicle is about to drive over and can no longer spare, and before the metre that a
    vehicle covers; whoever is on a strip leaves it.
    """
    crosswalk, speed = int(people[PedestrianRow.CROSSWALK, b, i]), people[PedestrianRow.DESIRED_SPEED, b, i]
    done, forward, length = progress(walk, people, b, i)
    if not strip_ahead_is_free(walk, objects, b, crosswalk, done, forward, length, speed, period):
        return False
    return metre_ahead_is_free(roads, people, objects, b, i)


@njit
def metre_ahead_is_free(roads: RoadArrays, people: FloatArray, objects: FloatArray, b: int, i: int) -> bool:
    """Return whether no vehicle covers the metre before pedestrian ``i``, or only one that covers itself."""
    x, y = people[PedestrianRow.X, b, i], people[PedestrianRow.Y, b, i]
    yaw = people[PedestrianRow.YAW, b, i]
    next_x, next_y = x + _LOOK_M * math.cos(yaw), y + _LOOK_M * math.sin(yaw)
    for j in range(objects.shape[2]):
        if objects[ObjectRow.LANE, b, j] < 0.0 or objects[ObjectRow.WALKS, b, j] > 0.5:
            continue
        if _covers(roads, objects, b, j, next_x, next_y) and not _covers(roads, objects, b, j, x, y):
            return False
    return True


@njit
def strip_ahead_is_free(
    walk: WalkArrays | JaywalkPlaces, objects: FloatArray, b: int, crosswalk: int, done: float, forward: bool,
    length: float, speed: float, period: float,
) -> bool:  # fmt: skip
    """Return whether one who is ``done`` (m) with a way of ``length`` is not about to step before a vehicle.

    That is one that comes before it has left the strip at ``speed`` (m/s), and can no longer spare it.
    """
    for c in range(walk.crossing_start[crosswalk], walk.crossing_start[crosswalk + 1]):
        enters = walk.crossing_near[c] if forward else length - walk.crossing_far[c]
        leaves = (walk.crossing_far[c] if forward else length - walk.crossing_near[c]) + BODY_M
        if done >= enters - BODY_M or done + speed * period < enters - BODY_M:
            continue
        for a in range(walk.approach_start[c], walk.approach_start[c + 1]):
            for j in range(objects.shape[2]):
                if int(objects[ObjectRow.LANE, b, j]) != walk.approach_lane[a] or objects[ObjectRow.WALKS, b, j] > 0.5:
                    continue
                gap, tail = _gap_and_tail(walk, objects, b, j, c, a)
                pace = objects[ObjectRow.SPEED, b, j]
                if tail <= 0.0 or pace < STANDING_MPS:
                    continue
                arrives = gap < pace * (leaves - done) / speed
                if arrives and gap < pace * pace / (2.0 * TRUSTED_BRAKE):
                    return False
    return True


@njit
def progress(walk: WalkArrays, people: FloatArray, b: int, i: int) -> tuple[float, bool, float]:
    """Return how far pedestrian ``i`` is along its crosswalk (m), whether from end 0 to 1, and the length (m)."""
    crosswalk = int(people[PedestrianRow.CROSSWALK, b, i])
    forward = people[PedestrianRow.PREVIOUS, b, i] < people[PedestrianRow.TARGET, b, i]
    begin = 0 if forward else 1
    ax, ay = walk.crosswalk_ends[crosswalk, begin, 0], walk.crosswalk_ends[crosswalk, begin, 1]
    dx = walk.crosswalk_ends[crosswalk, 1 - begin, 0] - ax
    dy = walk.crosswalk_ends[crosswalk, 1 - begin, 1] - ay
    length = math.hypot(dx, dy)
    x, y = people[PedestrianRow.X, b, i] - ax, people[PedestrianRow.Y, b, i] - ay
    return (x * dx + y * dy) / length, forward, length


@njit
def _covers(roads: RoadArrays, objects: FloatArray, b: int, j: int, x: float, y: float) -> bool:
    """Return whether a point (m) lies where vehicle ``j`` is or will be within ``_PASSING_S``."""
    lane = int(objects[ObjectRow.LANE, b, j])
    s, d = objects[ObjectRow.S, b, j], objects[ObjectRow.D, b, j]
    centre_x, centre_y, heading = pose_at(roads.samples, roads.start, roads.step, lane, s, d)
    dx, dy = x - centre_x, y - centre_y
    along = dx * math.cos(heading) + dy * math.sin(heading)
    across = dy * math.cos(heading) - dx * math.sin(heading)
    half = objects[ObjectRow.HALF_LENGTH, b, j] + _CLEARANCE_M
    front = half + _PASSING_S * max(objects[ObjectRow.SPEED, b, j], 0.0)
    return bool(-half <= along <= front and abs(across) <= objects[ObjectRow.HALF_WIDTH, b, j] + _CLEARANCE_M)


@njit
def mark_occupied(occupied: IntArray, walk: WalkArrays, people: FloatArray, walk_seconds: FloatArray, b: int) -> None:
    """Write what the pedestrians of world ``b`` want of every strip into ``occupied`` ``(B, C)``, an ``Occupancy``.

    TAKEN: somebody who crosses is on the strip (its body counted), or will be within ``AHEAD_S`` at the pace that it
    wants to walk. WANTED: somebody who crosses will come to it later than that, or waits at a kerb and is not held by
    a signal. FREE: neither, or only people who have left it behind. A driver whose front has not yet reached
    ``crossing_from`` lets those pass who have TAKEN a strip, and, where it still can without braking hard, those who
    WANT it; one who is already on the strip drives on, since the pedestrian waits for the metre that it covers.
    """
    for c in range(occupied.shape[1]):
        occupied[b, c] = _FREE
    for i in range(people.shape[2]):
        phase = int(people[PedestrianRow.PHASE, b, i])
        if phase == PedestrianPhase.CROSSES:
            _mark_crossing(occupied, walk, people, b, i)
        elif phase == PedestrianPhase.WAITS:
            crosswalk = int(people[PedestrianRow.CROSSWALK, b, i])
            needed = crosswalk_length(walk, crosswalk) / people[PedestrianRow.DESIRED_SPEED, b, i]
            if walk_seconds[b, crosswalk] < needed:
                continue
            for c in range(walk.crossing_start[crosswalk], walk.crossing_start[crosswalk + 1]):
                if occupied[b, c] == _FREE:
                    occupied[b, c] = _WANTED


@njit
def _mark_crossing(occupied: IntArray, walk: WalkArrays, people: FloatArray, b: int, i: int) -> None:
    crosswalk = int(people[PedestrianRow.CROSSWALK, b, i])
    done, forward, length = progress(walk, people, b, i)
    soon = done + AHEAD_S * people[PedestrianRow.DESIRED_SPEED, b, i]
    for c in range(walk.crossing_start[crosswalk], walk.crossing_start[crosswalk + 1]):
        enters = (walk.crossing_near[c] if forward else length - walk.crossing_far[c]) - BODY_M
        leaves = (walk.crossing_far[c] if forward else length - walk.crossing_near[c]) + BODY_M
        if done > leaves:
            continue
        if soon >= enters:
            occupied[b, c] = _TAKEN
        elif occupied[b, c] == _FREE:
            occupied[b, c] = _WANTED
