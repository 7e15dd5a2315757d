"""What the traffic is shown of the ego beyond its place in a lane: its body, and what its indicators would tell."""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.embedded.world_rows import WorldRow
from envs.scene import EgoRow, FloatArray, IntArray, RouteRow, SignalState
from envs.traffic.ego_body import EgoBodyRow
from envs.traffic.levels import lane_height
from envs.traffic.lights import light, must_stop
from envs.traffic.network import RoadArrays

STRAY_M, STRAY_SINE = 1.2, 0.2
"""Offset (m) and sine of the angle from which the ego is no longer on its way along its lane (ours)."""

ON_ROUTE_M, ON_ROUTE_RAD = 2.0, 0.8
"""An ego nearer to its route than this, in place and heading, is taken to follow it (ours)."""

_RED = int(SignalState.RED)


@njit
def show_ego(
    body: FloatArray, worlds: FloatArray, ego: FloatArray, route: FloatArray, routes: IntArray, roads: RoadArrays,
    seed: int, b: int,
) -> None:  # fmt: skip
    """Write the ego of world ``b`` into ``body`` ``(len(EgoBodyRow), B)``."""
    body[EgoBodyRow.PRESENT, b] = 1.0
    body[EgoBodyRow.X, b], body[EgoBodyRow.Y, b] = ego[EgoRow.X, b], ego[EgoRow.Y, b]
    body[EgoBodyRow.YAW, b], body[EgoBodyRow.SPEED, b] = ego[EgoRow.YAW, b], ego[EgoRow.SPEED, b]
    body[EgoBodyRow.HALF_LENGTH, b] = 0.5 * ego[EgoRow.LENGTH, b]
    body[EgoBodyRow.HALF_WIDTH, b] = 0.5 * ego[EgoRow.WIDTH, b]
    lane, s = int(worlds[WorldRow.LANE, b]), worlds[WorldRow.S, b]
    body[EgoBodyRow.HEIGHT, b] = lane_height(roads, lane, s)
    offset, angle = worlds[WorldRow.D, b], worlds[WorldRow.ANGLE, b]
    aside, error = route[RouteRow.LATERAL_OFFSET, b], route[RouteRow.HEADING_ERROR, b]
    follows = abs(aside) < ON_ROUTE_M and abs(error) < ON_ROUTE_RAD
    if follows:
        # Where several ways begin together the lane that the ego is nearest to need not be the one that it takes.
        lane, s = int(routes[b, int(worlds[WorldRow.ROUTE_INDEX, b])]), worlds[WorldRow.ROUTE_S, b]
        offset, angle = aside, error
    strays = abs(offset) > STRAY_M or abs(math.sin(angle)) > STRAY_SINE or math.cos(angle) < 0.0
    body[EgoBodyRow.ASTRAY, b] = 1.0 if strays else 0.0
    body[EgoBodyRow.INSIDE, b] = lane if roads.junction[lane] >= 0 else -1.0
    body[EgoBodyRow.INSIDE_S, b] = s
    _show_way(body, worlds, routes, roads, seed, follows, b)


@njit
def _show_way(
    body: FloatArray, worlds: FloatArray, routes: IntArray, roads: RoadArrays, seed: int, follows: bool, b: int
) -> None:
    """Write the way through the next junction that an ego which follows its route is going to take."""
    gate = int(worlds[WorldRow.GATE, b]) - 1
    body[EgoBodyRow.WAY, b] = -1.0
    if gate < 0 or not follows:
        return
    way, to_line, time_s = int(routes[b, gate]), worlds[WorldRow.LINE_DISTANCE, b], worlds[WorldRow.TIME, b]
    body[EgoBodyRow.WAY, b], body[EgoBodyRow.TO_LINE, b] = way, to_line
    held = light(roads, way, time_s, seed) == _RED
    held = held or must_stop(roads, way, time_s, seed, body[EgoBodyRow.SPEED, b], to_line)
    body[EgoBodyRow.MAY_GO, b] = 0.0 if held else 1.0
