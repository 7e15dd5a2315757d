"""The ego along its route: progress, offsets, the points ahead, and whether it has arrived or lost the way.

The route's line is the centre of its lanes; at a lane change it crosses from one to the other over ``CHANGE_M``. The
ego's place on the route is its foot on the lane of the route, on whichever lane beside it the ego drives.
"""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.embedded.world import wrap
from envs.embedded.world_rows import WorldRow
from envs.roads.projection import edges_at, pose_at, project
from envs.scene import EgoRow, EventRow, FloatArray, IntArray, RouteRow
from envs.traffic.network import RoadArrays

CHANGE_M = 30.0
"""Length over which the route's line goes from lane to lane (m, ours)."""

LOST_M = 30.0
"""Distance from the route's line at which the way is lost (m, ours)."""


@njit
def track_route(
    worlds: FloatArray,
    ego: FloatArray,
    route_rows: FloatArray,
    points: FloatArray,
    events: FloatArray,
    routes: IntArray,
    spans: FloatArray,
    roads: RoadArrays,
    spacing: float,
    b: int,
) -> None:
    """Advance the ego of world ``b`` along its route; write progress, offsets, the points ahead, goal and deviation."""
    x, y = ego[EgoRow.X, b], ego[EgoRow.Y, b]
    index, count = int(worlds[WorldRow.ROUTE_INDEX, b]), int(worlds[WorldRow.ROUTE_COUNT, b])
    s, d, heading, _, _ = project(
        roads.samples, roads.start, roads.step, routes[b, index], worlds[WorldRow.ROUTE_S, b], x, y
    )
    while s > spans[b, index, 1] and index + 1 < count:
        index += 1
        s, d, heading, _, _ = project(
            roads.samples, roads.start, roads.step, routes[b, index], spans[b, index, 0], x, y
        )
    worlds[WorldRow.ROUTE_INDEX, b], worlds[WorldRow.ROUTE_S, b] = index, s
    travelled = s - spans[b, index, 0] - worlds[WorldRow.START_S, b]
    for k in range(index):
        travelled += spans[b, k, 1] - spans[b, k, 0]
    shift, turn = line_shift(roads, routes, spans, count, b, index, s)
    route_rows[RouteRow.PROGRESS, b] = max(route_rows[RouteRow.PROGRESS, b], travelled)
    route_rows[RouteRow.LATERAL_OFFSET, b] = d - shift
    route_rows[RouteRow.HEADING_ERROR, b] = wrap(ego[EgoRow.YAW, b] - heading - turn)
    events[EventRow.GOAL_REACHED, b] = 1.0 if travelled >= route_rows[RouteRow.LENGTH, b] else 0.0
    events[EventRow.ROUTE_DEVIATION, b] = 1.0 if abs(d - shift) > LOST_M else 0.0
    for k in range(points.shape[1]):
        ahead, place = index, s + (k + 1.0) * spacing
        while ahead + 1 < count and place > spans[b, ahead, 1]:
            place -= spans[b, ahead, 1]
            ahead += 1
            place += spans[b, ahead, 0]
        shift, turn = line_shift(roads, routes, spans, count, b, ahead, place)
        px, py, pyaw = pose_at(roads.samples, roads.start, roads.step, routes[b, ahead], place, shift)
        points[b, k, 0], points[b, k, 1], points[b, k, 2] = px, py, pyaw + turn


@njit
def take_route_lane(worlds: FloatArray, ego: FloatArray, routes: IntArray, roads: RoadArrays, b: int) -> None:
    """Track the route's lane where the ego is on it, and beside the road of the lane that was tracked.

    Ways through a junction lie over one another: an ego that comes into it over the centre line is followed along a way
    that leads elsewhere, and nothing leads back from there.
    """
    lane, s, d = int(worlds[WorldRow.LANE, b]), worlds[WorldRow.S, b], worlds[WorldRow.D, b]
    edge_left, edge_right = edges_at(roads.samples, roads.start, roads.step, lane, s)
    if 0.0 <= s <= roads.length[lane] and -edge_right <= d <= edge_left:
        return
    own = int(routes[b, int(worlds[WorldRow.ROUTE_INDEX, b])])
    s, d, heading, _, width = project(
        roads.samples, roads.start, roads.step, own, worlds[WorldRow.ROUTE_S, b], ego[EgoRow.X, b], ego[EgoRow.Y, b]
    )
    if 0.0 <= s <= roads.length[own] and abs(d) <= 0.5 * width:
        worlds[WorldRow.LANE, b], worlds[WorldRow.S, b], worlds[WorldRow.D, b] = own, s, d
        worlds[WorldRow.ANGLE, b] = wrap(ego[EgoRow.YAW, b] - heading)


@njit
def line_shift(
    roads: RoadArrays, routes: IntArray, spans: FloatArray, count: int, b: int, k: int, s: float
) -> tuple[float, float]:
    """Return how far left of lane ``k`` of world ``b``'s route its line runs at ``s`` (m), and its turn (rad).

    Both are 0 away from lane changes.
    """
    if k + 1 < count:
        half = _half_change(spans, b, k)
        before = spans[b, k, 1] - s
        if before < half:
            across = _across(roads, routes, spans, b, k)
            if across != 0.0:
                share, slope = _eased(0.5 - 0.5 * before / half)
                return across * share, math.atan(across * slope / (2.0 * half))
    if k > 0:
        half = _half_change(spans, b, k - 1)
        behind = s - spans[b, k, 0]
        if behind < half:
            across = _across(roads, routes, spans, b, k - 1)
            if across != 0.0:
                share, slope = _eased(0.5 + 0.5 * behind / half)
                return across * (share - 1.0), math.atan(across * slope / (2.0 * half))
    return 0.0, 0.0


@njit
def _half_change(spans: FloatArray, b: int, k: int) -> float:
    """Return half the length (m) of a lane change from lane ``k`` of the route to the next: within both spans."""
    shorter = min(spans[b, k, 1] - spans[b, k, 0], spans[b, k + 1, 1] - spans[b, k + 1, 0])
    return float(min(0.5 * CHANGE_M, 0.5 * shorter))


@njit
def _across(roads: RoadArrays, routes: IntArray, spans: FloatArray, b: int, k: int) -> float:
    """Return how far left the next lane of the route lies beside lane ``k`` (m); 0 where it follows it."""
    lane, following = routes[b, k], routes[b, k + 1]
    if following != roads.left[lane] and following != roads.right[lane]:
        return 0.0
    x, y, _ = pose_at(roads.samples, roads.start, roads.step, following, spans[b, k + 1, 0], 0.0)
    _, d, _, _, _ = project(roads.samples, roads.start, roads.step, lane, spans[b, k, 1], x, y)
    return float(d)


@njit
def _eased(u: float) -> tuple[float, float]:
    """Return the smooth step from 0 to 1 over ``u`` in [0, 1], and its slope."""
    u = min(max(u, 0.0), 1.0)
    return u * u * (3.0 - 2.0 * u), 6.0 * u * (1.0 - u)
