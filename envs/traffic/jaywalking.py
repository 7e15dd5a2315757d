"""Jaywalkers: pedestrians who cross a street away from crosswalks when they find a gap, where the scenario has them.

One that comes past a place (``jaywalk_places``) decides by chance to cross there. It walks to the kerb, waits for a gap
that is at least its critical one, crosses at right angles, and walks on along the other sidewalk.
"""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.scene import FloatArray, IntArray
from envs.traffic.agents import ObjectRow
from envs.traffic.crosswalks import metre_ahead_is_free, strip_ahead_is_free
from envs.traffic.ego_body import EgoBodyRow
from envs.traffic.jaywalk_places import START_S, JaywalkPlaces
from envs.traffic.network import RoadArrays
from envs.traffic.pedestrians import draw
from envs.traffic.scratch import TrafficArrays
from envs.traffic.walk_state import PedestrianPhase, PedestrianRow, WalkArrays

GIVE_UP_S = 30.0
"""Wait at a kerb after which a jaywalker walks on along its sidewalk (s, ours)."""

ROLLING_MPS = 3.0
"""A slower vehicle may drive off: it is expected to come at this speed (m/s, ours)."""

PASSED_M = 2.0
"""One that has come farther past a place does not turn round for it (m)."""

EGO_LOOK_S = 0.25
"""Time between two looks at where an ego will be at constant velocity (s)."""

BESIDE_M = 2.0
"""An ego that comes as near to the way across is in the way (m, ours)."""

_WALKS, _LOOKS, _JAYWALKS = (
    float(int(phase)) for phase in (PedestrianPhase.WALKS, PedestrianPhase.LOOKS, PedestrianPhase.JAYWALKS)
)


@njit
def step_jaywalkers(traffic: TrafficArrays, roads: RoadArrays, seeds: IntArray, b: int, period: float) -> None:
    """Let the jaywalkers of world ``b`` decide, look and cross for ``period`` (s); along sidewalks others walk them."""
    crowd = traffic.crowd
    people, places = crowd.people, crowd.jaywalk
    if places.ends.shape[0] == 0:
        return
    for i in range(people.shape[2]):
        if people[PedestrianRow.JAYWALKS, b, i] <= 0.0:
            continue
        phase = people[PedestrianRow.PHASE, b, i]
        if phase == _WALKS:
            _decide(crowd.walk, places, people, seeds[b], b, i)
        elif phase == _LOOKS:
            _look(traffic, b, i, period)
        elif phase == _JAYWALKS:
            _cross(traffic, roads, b, i, period)


@njit
def critical_gap(places: JaywalkPlaces, place: int, speed: float) -> float:
    """Return the gap (s) below which nobody at ``speed`` (m/s) begins to cross at ``place``.

    Length over walking speed, and ``START_S``: Highway Capacity Manual 2010, chapter 19.
    """
    return way_across(places, place) / speed + START_S


@njit
def way_across(places: JaywalkPlaces, place: int) -> float:
    """Return the length of the way from kerb to kerb (m)."""
    ends = places.ends
    return math.hypot(ends[place, 1, 0] - ends[place, 0, 0], ends[place, 1, 1] - ends[place, 0, 1])


@njit
def accepts_gap(places: JaywalkPlaces, objects: FloatArray, ego: FloatArray, b: int, place: int, speed: float) -> bool:
    """Return whether nobody will be at ``place`` within the critical gap of a pedestrian at ``speed`` (m/s).

    On no lane that is crossed, whichever of them it is: a vehicle may overtake on the other. The ego also not from
    elsewhere, at its velocity.
    """
    critical = critical_gap(places, place, speed)
    for c in range(places.crossing_start[place], places.crossing_start[place + 1]):
        breadth = places.crossing_to[c] - places.crossing_from[c]
        for a in range(places.approach_start[c], places.approach_start[c + 1]):
            for j in range(objects.shape[2]):
                here = int(objects[ObjectRow.LANE, b, j]) == places.approach_lane[a]
                ahead = places.approach_begin[a] - objects[ObjectRow.S, b, j]
                half = objects[ObjectRow.HALF_LENGTH, b, j]
                if not here or objects[ObjectRow.WALKS, b, j] > 0.5 or ahead + breadth + half <= 0.0:
                    continue
                if ahead - half <= critical * max(objects[ObjectRow.SPEED, b, j], ROLLING_MPS):
                    return False
    return not _ego_comes(places, ego, b, place, critical)


@njit
def _ego_comes(places: JaywalkPlaces, ego: FloatArray, b: int, place: int, within: float) -> bool:
    """Return whether the ego, straight on at its speed, will be near the way across ``within`` so many seconds."""
    if ego[EgoBodyRow.PRESENT, b] < 0.5:
        return False
    ends, length = places.ends[place], way_across(places, place)
    ux, uy = (ends[1, 0] - ends[0, 0]) / length, (ends[1, 1] - ends[0, 1]) / length
    yaw, speed = ego[EgoBodyRow.YAW, b], ego[EgoBodyRow.SPEED, b]
    reach = ego[EgoBodyRow.HALF_LENGTH, b] + BESIDE_M
    for look in range(int(within / EGO_LOOK_S) + 1):
        moved = look * EGO_LOOK_S * speed
        x = ego[EgoBodyRow.X, b] + moved * math.cos(yaw) - ends[0, 0]
        y = ego[EgoBodyRow.Y, b] + moved * math.sin(yaw) - ends[0, 1]
        along = min(max(x * ux + y * uy, 0.0), length)
        if math.hypot(x - along * ux, y - along * uy) <= reach:
            return True
    return False


@njit
def _from_kerb(places: JaywalkPlaces, people: FloatArray, b: int, i: int, place: int) -> tuple[float, float]:
    x, y = people[PedestrianRow.X, b, i] - places.ends[place, 0, 0], people[PedestrianRow.Y, b, i]
    return x, y - places.ends[place, 0, 1]


@njit
def _edge(walk: WalkArrays, a: int, b: int) -> int:
    for e in range(walk.start[a], walk.start[a + 1]):
        if walk.neighbours[e] == b and walk.edge_crosswalk[e] < 0:
            return int(e)
    return -1


@njit
def _decide(walk: WalkArrays, places: JaywalkPlaces, people: FloatArray, seed: int, b: int, i: int) -> None:
    """Turn to the kerb, by chance, where a place is passed; each is decided on once as it is passed."""
    previous, target = int(people[PedestrianRow.PREVIOUS, b, i]), int(people[PedestrianRow.TARGET, b, i])
    edge = _edge(walk, previous, target)
    if edge < 0 or places.edge_place[edge] < 0:
        return
    place = places.edge_place[edge]
    if place == int(people[PedestrianRow.PLACE, b, i]):
        return
    dx, dy = walk.nodes[target, 0] - walk.nodes[previous, 0], walk.nodes[target, 1] - walk.nodes[previous, 1]
    x, y = _from_kerb(places, people, b, i, place)
    passed = (x * dx + y * dy) / math.hypot(dx, dy)
    if passed < 0.0:
        return
    people[PedestrianRow.PLACE, b, i] = place
    if passed <= PASSED_M and draw(people, seed, b, i) < people[PedestrianRow.JAYWALKS, b, i]:
        people[PedestrianRow.PHASE, b, i], people[PedestrianRow.WAITED, b, i] = _LOOKS, 0.0


@njit
def _look(traffic: TrafficArrays, b: int, i: int, period: float) -> None:
    """Walk to the kerb, and wait there for a gap; without one walk on along the sidewalk after a while."""
    people, places = traffic.crowd.people, traffic.crowd.jaywalk
    if not _approach(places, people, b, i, 0, period):
        return
    place = int(people[PedestrianRow.PLACE, b, i])
    ends = places.ends
    people[PedestrianRow.YAW, b, i] = math.atan2(
        ends[place, 1, 1] - ends[place, 0, 1], ends[place, 1, 0] - ends[place, 0, 0]
    )
    if accepts_gap(places, traffic.objects, traffic.ego, b, place, people[PedestrianRow.DESIRED_SPEED, b, i]):
        people[PedestrianRow.PHASE, b, i], people[PedestrianRow.WAITED, b, i] = _JAYWALKS, 0.0
        return
    people[PedestrianRow.WAITED, b, i] += period
    if people[PedestrianRow.WAITED, b, i] >= GIVE_UP_S:
        people[PedestrianRow.PHASE, b, i], people[PedestrianRow.WAITED, b, i] = _WALKS, 0.0


@njit
def _cross(traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, period: float) -> None:
    """Walk to the other kerb, and there back into the walk graph.

    It stops for a vehicle only between two lanes, before one that cannot spare it, or before the metre that it covers.
    """
    people, places = traffic.crowd.people, traffic.crowd.jaywalk
    place, speed = int(people[PedestrianRow.PLACE, b, i]), people[PedestrianRow.DESIRED_SPEED, b, i]
    x, y = _from_kerb(places, people, b, i, place)
    length = way_across(places, place)
    dx, dy = places.ends[place, 1, 0] - places.ends[place, 0, 0], places.ends[place, 1, 1] - places.ends[place, 0, 1]
    done = (x * dx + y * dy) / length
    people[PedestrianRow.YAW, b, i] = math.atan2(dy, dx)
    free = strip_ahead_is_free(places, traffic.objects, b, place, done, True, length, speed, period)
    if not (free and metre_ahead_is_free(roads, people, traffic.objects, b, i)):
        people[PedestrianRow.SPEED, b, i] = 0.0
    elif _approach(places, people, b, i, 1, period):
        _walk_on(traffic.crowd.walk, places, people, b, i)


@njit
def _approach(places: JaywalkPlaces, people: FloatArray, b: int, i: int, end: int, period: float) -> bool:
    """Walk towards the kerb ``end`` of its place for ``period`` (s), and tell whether it is there.

    Its own line runs as far to the right of the way across as of a sidewalk's edge: two who meet pass each other.
    """
    place, ends = int(people[PedestrianRow.PLACE, b, i]), places.ends
    aside = people[PedestrianRow.ASIDE, b, i] / way_across(places, place)
    aim_x = ends[place, end, 0] + aside * (ends[place, 1, 1] - ends[place, 0, 1])
    aim_y = ends[place, end, 1] - aside * (ends[place, 1, 0] - ends[place, 0, 0])
    dx, dy = aim_x - people[PedestrianRow.X, b, i], aim_y - people[PedestrianRow.Y, b, i]
    distance, left = math.hypot(dx, dy), period * people[PedestrianRow.DESIRED_SPEED, b, i]
    if distance <= left:
        people[PedestrianRow.X, b, i], people[PedestrianRow.Y, b, i] = aim_x, aim_y
        people[PedestrianRow.SPEED, b, i] = distance / max(period, 1e-9)
        return True
    people[PedestrianRow.YAW, b, i] = math.atan2(dy, dx)
    people[PedestrianRow.X, b, i] += left * dx / distance
    people[PedestrianRow.Y, b, i] += left * dy / distance
    people[PedestrianRow.SPEED, b, i] = people[PedestrianRow.DESIRED_SPEED, b, i]
    return False


@njit
def _walk_on(walk: WalkArrays, places: JaywalkPlaces, people: FloatArray, b: int, i: int) -> None:
    """Go on along the sidewalk on this side of the street, the same way as on the other."""
    place = int(people[PedestrianRow.PLACE, b, i])
    previous, target = int(people[PedestrianRow.PREVIOUS, b, i]), int(people[PedestrianRow.TARGET, b, i])
    tail, head = places.landing[place, 0], places.landing[place, 1]
    along = (walk.nodes[target, 0] - walk.nodes[previous, 0]) * (walk.nodes[head, 0] - walk.nodes[tail, 0])
    along += (walk.nodes[target, 1] - walk.nodes[previous, 1]) * (walk.nodes[head, 1] - walk.nodes[tail, 1])
    if along < 0.0:
        tail, head = head, tail
    people[PedestrianRow.PREVIOUS, b, i], people[PedestrianRow.TARGET, b, i] = tail, head
    # It has just passed the place on this side: it does not turn back over the street at once.
    people[PedestrianRow.PLACE, b, i] = places.edge_place[_edge(walk, tail, head)]
    people[PedestrianRow.PHASE, b, i] = _WALKS
