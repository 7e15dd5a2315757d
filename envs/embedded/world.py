"""The embedded simulator's kernels: one decision period of B worlds."""

from __future__ import annotations

import math

import numpy as np

from envs.compiled import njit
from envs.embedded.collision import boxes_overlap
from envs.embedded.junction_lanes import on_other_way
from envs.embedded.vehicle import VehicleRow, advance
from envs.embedded.world_rows import WorldRow
from envs.roads.projection import edges_at, pose_at, project
from envs.scene import ActorRow, EgoRow, EventRow, FloatArray, RoadRow
from envs.traffic.agents import ObjectRow
from envs.traffic.levels import on_other_level
from envs.traffic.network import RoadArrays

SUBSTEPS = 5
"""Physics steps in a decision period: 20 ms at 10 Hz, cars closing at 60 m/s move 1.2 m between two tests."""

PARTED_M = 0.3
"""Offset from a way through a junction from which the ego may be on another that begins there (m, ours)."""

FAR_M = 200.0
"""What a distance reads where there is nothing within reach (m)."""


@njit
def move_ego(
    vehicle: FloatArray,
    ego: FloatArray,
    actors: FloatArray,
    before: FloatArray,
    events: FloatArray,
    control: FloatArray,
    parameters: FloatArray,
    levels: FloatArray,
    level: float,
    b: int,
    period: float,
) -> None:
    """Advance the ego of world ``b`` by ``SUBSTEPS`` and test for collisions at each; it stops where it hits.

    ``before`` ``(3, A)``: x, y, yaw of the actors at the start of the period; they move on straight lines within it.
    ``levels`` ``(A,)`` their heights, ``level`` that of the ego (m).
    """
    dt = period / SUBSTEPS
    speed_before, acceleration_before = vehicle[VehicleRow.SPEED, b], ego[EgoRow.ACCELERATION, b]
    hit = -1
    for k in range(SUBSTEPS):
        advance(vehicle, b, control[b, 0], control[b, 1], control[b, 2], dt, parameters)
        hit = first_contact(vehicle, ego, actors, before, levels, level, b, (k + 1.0) / SUBSTEPS)
        if hit >= 0:
            break
    events[EventRow.COLLISION, b] = 1.0 if hit >= 0 else 0.0
    events[EventRow.COLLISION_ACTOR, b] = hit
    ego[EgoRow.X, b] = vehicle[VehicleRow.X, b]
    ego[EgoRow.Y, b] = vehicle[VehicleRow.Y, b]
    ego[EgoRow.YAW, b] = wrap(vehicle[VehicleRow.YAW, b])
    ego[EgoRow.SPEED, b] = vehicle[VehicleRow.SPEED, b]
    ego[EgoRow.LATERAL_SPEED, b] = vehicle[VehicleRow.LATERAL_SPEED, b]
    ego[EgoRow.YAW_RATE, b] = vehicle[VehicleRow.YAW_RATE, b]
    ego[EgoRow.LATERAL_ACCELERATION, b] = vehicle[VehicleRow.LATERAL_ACCELERATION, b]
    ego[EgoRow.ACCELERATION, b] = (vehicle[VehicleRow.SPEED, b] - speed_before) / period
    ego[EgoRow.JERK, b] = (ego[EgoRow.ACCELERATION, b] - acceleration_before) / period
    ego[EgoRow.STEER_CHANGE, b] = control[b, 2] - ego[EgoRow.STEER, b]
    ego[EgoRow.THROTTLE, b] = control[b, 0]
    ego[EgoRow.BRAKE, b] = control[b, 1]
    ego[EgoRow.STEER, b] = control[b, 2]


@njit
def first_contact(
    vehicle: FloatArray, ego: FloatArray, actors: FloatArray, before: FloatArray, levels: FloatArray, level: float,
    b: int, share: float,
) -> int:  # fmt: skip
    """Return the first actor on the ego's level whose box meets its when ``share`` of the period is over, or -1."""
    x, y, yaw = vehicle[VehicleRow.X, b], vehicle[VehicleRow.Y, b], vehicle[VehicleRow.YAW, b]
    half_length, half_width = 0.5 * ego[EgoRow.LENGTH, b], 0.5 * ego[EgoRow.WIDTH, b]
    for i in range(actors.shape[2]):
        if actors[ActorRow.VALID, b, i] < 0.5:
            continue
        ox = before[0, i] + share * (actors[ActorRow.X, b, i] - before[0, i])
        oy = before[1, i] + share * (actors[ActorRow.Y, b, i] - before[1, i])
        if abs(ox - x) > 20.0 or abs(oy - y) > 20.0 or on_other_level(levels[i], level):
            continue
        turn = wrap(actors[ActorRow.YAW, b, i] - before[2, i])
        if boxes_overlap(
            x, y, yaw, half_length, half_width,
            ox, oy, before[2, i] + share * turn, 0.5 * actors[ActorRow.LENGTH, b, i],
            0.5 * actors[ActorRow.WIDTH, b, i],
        ):  # fmt: skip
            return i
    return -1


@njit
def wrap(angle: float) -> float:
    """Return the angle in [-pi, pi)."""
    return float(angle - 2.0 * math.pi * np.floor((angle + math.pi) / (2.0 * math.pi)))


@njit
def track_lane(worlds: FloatArray, ego: FloatArray, roads: RoadArrays, b: int) -> None:
    """Follow the ego from lane to lane: along successors and predecessors, and sideways to the lane it is most in.

    Ways through a junction begin on top of one another: which of them the ego takes shows when they part.
    """
    x, y = ego[EgoRow.X, b], ego[EgoRow.Y, b]
    lane, guess = int(worlds[WorldRow.LANE, b]), worlds[WorldRow.S, b]
    s, d, _, _, width = project(roads.samples, roads.start, roads.step, lane, guess, x, y)
    for _ in range(4):
        beyond = s < 0.0 or s > roads.length[lane]
        nearest = _next_in_row(roads, lane, s, x, y)
        if nearest >= 0:
            guess = s - roads.length[lane] if s > 0.0 else roads.length[nearest] + s
        elif abs(d) > 0.5 * width:
            nearest, guess = _beside(roads, lane, s, d)
        if nearest < 0 and not beyond and roads.junction[lane] >= 0 and abs(d) > PARTED_M:
            nearest, guess = _nearest_way(roads, lane, s, x, y), s
        if nearest < 0:
            break
        s_new, d_new, _, _, width_new = project(roads.samples, roads.start, roads.step, nearest, guess, x, y)
        if not beyond and abs(d_new) >= abs(d):
            break
        lane, s, d, width = nearest, s_new, d_new, width_new
    worlds[WorldRow.LANE, b], worlds[WorldRow.S, b], worlds[WorldRow.D, b] = lane, s, d
    _, _, heading = pose_at(roads.samples, roads.start, roads.step, lane, s, 0.0)
    worlds[WorldRow.ANGLE, b] = wrap(ego[EgoRow.YAW, b] - heading)


@njit
def _nearest_way(roads: RoadArrays, lane: int, s: float, x: float, y: float) -> int:
    """Return the way through the junction from where ``lane`` begins that is nearest sideways, -1 if it is ``lane``."""
    before = roads.predecessors[lane, 0]
    if before < 0:
        return -1
    _, d, _, _, _ = project(roads.samples, roads.start, roads.step, lane, s, x, y)
    best, best_offset = -1, abs(d)
    for k in range(roads.successors.shape[1]):
        other = roads.successors[before, k]
        if other < 0:
            break
        s_other, d, _, _, _ = project(roads.samples, roads.start, roads.step, other, s, x, y)
        if 0.0 <= s_other <= roads.length[other] and abs(d) < best_offset:
            best, best_offset = other, abs(d)
    return best


@njit
def _beside(roads: RoadArrays, lane: int, s: float, d: float) -> tuple[int, float]:
    """Return the lane on the side of the offset ``d`` (m), or -1, and about where in it a point level with ``s`` is."""
    share = s / roads.length[lane]
    nearest = roads.left[lane] if d > 0.0 else roads.right[lane]
    if nearest < 0 and d > 0.0:
        nearest, share = roads.opposite[lane], 1.0 - share
    return nearest, share * roads.length[nearest]


@njit
def _next_in_row(roads: RoadArrays, lane: int, s: float, x: float, y: float) -> int:
    """Return the successor (predecessor) that the ego has moved into, the nearest sideways of several, or -1."""
    if s > roads.length[lane]:
        links, guess_at_end = roads.successors, False
    elif s < 0.0:
        links, guess_at_end = roads.predecessors, True
    else:
        return -1
    best, best_offset = -1, 1e9
    for k in range(links.shape[1]):
        other = links[lane, k]
        if other < 0:
            break
        guess = roads.length[other] if guess_at_end else 0.0
        _, d, _, _, _ = project(roads.samples, roads.start, roads.step, other, guess, x, y)
        if abs(d) < best_offset:
            best, best_offset = other, abs(d)
    return best


@njit
def read_road(
    worlds: FloatArray, ego: FloatArray, road: FloatArray, events: FloatArray, roads: RoadArrays, b: int, period: float
) -> None:
    """Write what the road is like where the ego is, and the events that follow from it."""
    was_over = _is_over_border(ego, road, b)
    lane = int(worlds[WorldRow.LANE, b])
    s, d, heading, curvature, width = project(
        roads.samples, roads.start, roads.step, lane, worlds[WorldRow.S, b], ego[EgoRow.X, b], ego[EgoRow.Y, b]
    )
    error = wrap(ego[EgoRow.YAW, b] - heading)
    # In a lane that runs against the route the road reads as the ego sees it: its own way is ahead.
    against = math.cos(error) < 0.0
    edge_left, edge_right = edges_at(roads.samples, roads.start, roads.step, lane, s)
    lanes_left, lanes_right = _lanes_beside(roads, lane)
    off_road = d > edge_left or d < -edge_right
    if off_road and roads.junction[lane] >= 0:
        off_road = not on_other_way(roads, lane, ego[EgoRow.X, b], ego[EgoRow.Y, b])
    facing = roads.opposite[lane] >= 0 and roads.left[lane] < 0
    if against:
        d, error, curvature = -d, wrap(error + math.pi), -curvature
        edge_left, edge_right = edge_right, edge_left
        lanes_left, lanes_right = lanes_right, lanes_left
        facing = roads.right[lane] >= 0
    road[RoadRow.CATEGORY, b] = roads.category[lane]
    road[RoadRow.LANES_LEFT, b], road[RoadRow.LANES_RIGHT, b] = lanes_left, lanes_right
    road[RoadRow.LANE_WIDTH, b] = width
    road[RoadRow.LANE_OFFSET, b] = d
    road[RoadRow.HEADING_ERROR, b] = error
    road[RoadRow.SPEED_LIMIT, b] = roads.speed_limit[lane]
    road[RoadRow.CURVATURE, b] = curvature
    road[RoadRow.DISTANCE_TO_LANE_END, b] = _distance_to_end(roads, lane, s)
    road[RoadRow.LEFT_IS_ONCOMING, b] = 1.0 if facing else 0.0
    road[RoadRow.EDGE_LEFT, b], road[RoadRow.EDGE_RIGHT, b] = edge_left - d, edge_right + d
    road[RoadRow.IN_JUNCTION, b] = 1.0 if roads.junction[lane] >= 0 else 0.0
    beyond = s > roads.length[lane] + 2.0 or s < -2.0
    events[EventRow.OFF_ROAD, b] = 1.0 if off_road or beyond else 0.0
    worlds[WorldRow.WRONG_WAY_TIME, b] = worlds[WorldRow.WRONG_WAY_TIME, b] + period if against else 0.0
    too_long = worlds[WorldRow.WRONG_WAY_TIME, b] > worlds[WorldRow.WRONG_WAY_LIMIT, b]
    events[EventRow.WRONG_WAY, b] = 1.0 if too_long else 0.0
    # Where no time has passed (a start), the rows before are another episode's.
    invades = period > 0.0 and not was_over and _is_over_border(ego, road, b)
    events[EventRow.LANE_INVASION, b] = 1.0 if invades else 0.0


@njit
def _is_over_border(ego: FloatArray, road: FloatArray, b: int) -> bool:
    """Return whether the ego's body reaches over a border of the lane that ``road`` tells of, outside of junctions."""
    error = road[RoadRow.HEADING_ERROR, b]
    reach = 0.5 * (ego[EgoRow.WIDTH, b] * abs(math.cos(error)) + ego[EgoRow.LENGTH, b] * abs(math.sin(error)))
    beyond = abs(road[RoadRow.LANE_OFFSET, b]) + reach > 0.5 * road[RoadRow.LANE_WIDTH, b]
    return bool(beyond and road[RoadRow.IN_JUNCTION, b] < 0.5)


@njit
def _lanes_beside(roads: RoadArrays, lane: int) -> tuple[float, float]:
    """Count the driving lanes to the left (oncoming ones too) and to the right of ``lane``."""
    on_left, current = 0.0, lane
    while roads.left[current] >= 0 and on_left < 16.0:
        current = roads.left[current]
        on_left += 1.0
    current = roads.opposite[current]
    while current >= 0 and on_left < 16.0:
        on_left += 1.0
        current = roads.right[current]
    on_right, current = 0.0, lane
    while roads.right[current] >= 0 and on_right < 16.0:
        current = roads.right[current]
        on_right += 1.0
    return on_left, on_right


@njit
def _distance_to_end(roads: RoadArrays, lane: int, s: float) -> float:
    """Return how far ahead the lane ends while the road goes on (m), ``FAR_M`` where it does not."""
    distance = roads.length[lane] - s
    while not roads.ends[lane]:
        lane = roads.successors[lane, 0]
        if lane < 0 or distance > FAR_M:
            return FAR_M
        distance += roads.length[lane]
    return float(max(min(distance, FAR_M), 0.0))


@njit
def sense_ego(objects: FloatArray, worlds: FloatArray, ego: FloatArray, b: int) -> None:
    """Write the ego of world ``b`` as the traffic brain sees it: the last of the objects."""
    last = objects.shape[2] - 1
    cosine, sine = math.cos(worlds[WorldRow.ANGLE, b]), math.sin(worlds[WorldRow.ANGLE, b])
    along, across = abs(cosine), abs(sine)
    half_length, half_width = 0.5 * ego[EgoRow.LENGTH, b], 0.5 * ego[EgoRow.WIDTH, b]
    objects[ObjectRow.LANE, b, last] = worlds[WorldRow.LANE, b]
    objects[ObjectRow.S, b, last] = worlds[WorldRow.S, b]
    objects[ObjectRow.D, b, last] = worlds[WorldRow.D, b]
    objects[ObjectRow.HALF_LENGTH, b, last] = along * half_length + across * half_width
    objects[ObjectRow.HALF_WIDTH, b, last] = across * half_length + along * half_width
    objects[ObjectRow.SPEED, b, last] = ego[EgoRow.SPEED, b] * cosine
    objects[ObjectRow.LATERAL_SPEED, b, last] = ego[EgoRow.SPEED, b] * sine
    objects[ObjectRow.WALKS, b, last] = 0.0


@njit
def remember_poses(before: FloatArray, actors: FloatArray, b: int) -> None:
    """Write where the actors of world ``b`` are now into ``before`` ``(3, A)``: x, y, yaw."""
    for i in range(actors.shape[2]):
        before[0, i] = actors[ActorRow.X, b, i]
        before[1, i] = actors[ActorRow.Y, b, i]
        before[2, i] = actors[ActorRow.YAW, b, i]
