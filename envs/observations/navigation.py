"""The route ahead and the time left (the paper's navigation input; time, because a timeout is a true end)."""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.observations.block import Float32Array, ObservationBlock
from envs.observations.scaling import clip_unit
from envs.scene import ROUTE_POINTS, EgoRow, FloatArray, IntArray, RouteRow, SceneBatch


class NavigationBlock(ObservationBlock):
    """Place on the route, pace needed, and the next route points in the ego's frame."""

    name = "navigation"
    names = (
        "route_offset/4m",
        "sin_route_heading_error*2",
        "cos_route_heading_error",
        "progress_fraction",
        "remaining_distance/300m",
        "remaining_time_fraction",
        "required_speed/30mps",
        "required_speed_over_speed/15mps",
        *(f"point{i}_{part}" for i in range(ROUTE_POINTS) for part in ("x/40m", "y/10m", "sin_heading*2")),
    )
    shape = (len(names),)

    def write(
        self, scene: SceneBatch, command: FloatArray, rows: IntArray, out: Float32Array, start: int, fresh: bool
    ) -> None:
        """Write the block; see ``ObservationBlock.write``."""
        _write(scene.ego.block, scene.route.block, scene.route.points, scene.time_s, rows, out, start)


@njit
def _write(
    ego: FloatArray,
    route: FloatArray,
    points: FloatArray,
    time_s: FloatArray,
    rows: IntArray,
    out: Float32Array,
    start: int,
) -> None:
    for b in rows:
        row = out[b, start:]
        row[0] = clip_unit(route[RouteRow.LATERAL_OFFSET, b] / 4.0)
        row[1] = clip_unit(2.0 * math.sin(route[RouteRow.HEADING_ERROR, b]))
        row[2] = math.cos(route[RouteRow.HEADING_ERROR, b])
        _write_pace(ego, route, time_s, b, row)
        _write_points(ego, points, b, row[8:])


@njit
def _write_pace(ego: FloatArray, route: FloatArray, time_s: FloatArray, b: int, row: Float32Array) -> None:
    length = max(route[RouteRow.LENGTH, b], 1.0)
    limit = max(route[RouteRow.TIME_LIMIT, b], 0.1)
    distance = max(length - route[RouteRow.PROGRESS, b], 0.0)
    time_left = max(limit - time_s[b], 0.0)
    # Below a second the quotient says nothing more than "too late".
    required = distance / max(time_left, 1.0)
    row[3] = clip_unit(route[RouteRow.PROGRESS, b] / length)
    row[4] = clip_unit(distance / 300.0)
    row[5] = clip_unit(time_left / limit)
    row[6] = clip_unit(required / 30.0)
    row[7] = clip_unit((required - ego[EgoRow.SPEED, b]) / 15.0)


@njit
def _write_points(ego: FloatArray, points: FloatArray, b: int, row: Float32Array) -> None:
    yaw = ego[EgoRow.YAW, b]
    cos_yaw, sin_yaw = math.cos(yaw), math.sin(yaw)
    for i in range(points.shape[1]):
        dx, dy = points[b, i, 0] - ego[EgoRow.X, b], points[b, i, 1] - ego[EgoRow.Y, b]
        row[3 * i] = clip_unit((cos_yaw * dx + sin_yaw * dy) / 40.0)
        row[3 * i + 1] = clip_unit((cos_yaw * dy - sin_yaw * dx) / 10.0)
        row[3 * i + 2] = clip_unit(2.0 * math.sin(points[b, i, 2] - yaw))
