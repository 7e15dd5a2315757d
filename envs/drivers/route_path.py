"""The way ahead of the ego along its route, and who will be on it when: what a driver can foresee from a scene."""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.scene import ActorKind, ActorRow, EgoRow, FloatArray, RouteRow
from envs.traffic.following import FREE_GAP

PATH_STEP_M = 1.0
"""Distance between two samples of the path (m)."""

BESIDE_M = 0.4
"""Clearance beside the own body within which somebody is in the way (m, ours)."""

PEDESTRIAN_BESIDE_M = 1.0
"""The same for pedestrians (m, ours)."""

SAME_WAY_RAD = 0.7
"""Angle to the path within which somebody drives along it, or towards the ego, and does not cross it (ours: 40
degrees; who comes towards the ego in a bend seems to cross it)."""

PULL_AWAY = 1.5
"""Acceleration that the driver reckons with for itself (m/s2, ours)."""


@njit
def lay_path(ego: FloatArray, points: FloatArray, b: int, spacing: float, path: FloatArray) -> None:
    """Write the way ahead into ``path`` ``(P, 3)``: x, y, heading each ``PATH_STEP_M``, through the route's points."""
    x, y, yaw = ego[EgoRow.X, b], ego[EgoRow.Y, b], ego[EgoRow.YAW, b]
    piece = 0
    for k in range(path.shape[0]):
        ahead = k * PATH_STEP_M
        while ahead > (piece + 1) * spacing and piece + 1 < points.shape[1]:
            x, y, yaw = points[b, piece, 0], points[b, piece, 1], points[b, piece, 2]
            piece += 1
        u = ahead / spacing - piece
        _hermite(x, y, yaw, points[b, piece, 0], points[b, piece, 1], points[b, piece, 2], spacing, u, path, k)


@njit
def _hermite(
    x: float, y: float, yaw: float, x_to: float, y_to: float, yaw_to: float, length: float, u: float, path: FloatArray,
    k: int,
) -> None:  # fmt: skip
    """Write the point at share ``u`` of the cubic between two poses."""
    a, c = (1.0 + 2.0 * u) * (1.0 - u) ** 2, u * u * (3.0 - 2.0 * u)
    p, q = length * u * (1.0 - u) ** 2, -length * u * u * (1.0 - u)
    path[k, 0] = a * x + p * math.cos(yaw) + c * x_to + q * math.cos(yaw_to)
    path[k, 1] = a * y + p * math.sin(yaw) + c * y_to + q * math.sin(yaw_to)
    da, dp, dq = 6.0 * u * (u - 1.0), length * (1.0 - u) * (1.0 - 3.0 * u), length * u * (3.0 * u - 2.0)
    dx = da * (x - x_to) + dp * math.cos(yaw) + dq * math.cos(yaw_to)
    dy = da * (y - y_to) + dp * math.sin(yaw) + dq * math.sin(yaw_to)
    path[k, 2] = math.atan2(dy, dx)


@njit
def bend_speed(
    ego: FloatArray, points: FloatArray, b: int, spacing: float, curvature: float, lateral: float, brake: float
) -> float:
    """Return the speed (m/s) from which every bend ahead is still taken at ``lateral`` (m/s2), braking by ``brake``."""
    speed = math.sqrt(lateral / max(abs(curvature), 1e-4))
    heading = ego[EgoRow.YAW, b]
    for k in range(points.shape[1]):
        turn = abs(_wrap(points[b, k, 2] - heading))
        heading = points[b, k, 2]
        allowed = lateral * spacing / max(turn, 1e-3)
        speed = min(speed, math.sqrt(allowed + 2.0 * brake * max(k * spacing - 2.0, 0.0)))
    return speed


@njit
def leader_on_path(ego: FloatArray, actors: FloatArray, b: int, path: FloatArray, beside: float) -> tuple[float, float]:
    """Return (gap m, speed along the way m/s) of the nearest visible body within ``beside`` (m) of the ego's way."""
    nearest, speed = FREE_GAP, 0.0
    half_ego, half_width = 0.5 * ego[EgoRow.LENGTH, b], 0.5 * ego[EgoRow.WIDTH, b]
    for i in range(actors.shape[2]):
        if not _is_seen(actors, b, i):
            continue
        k, aside = _foot(actors[ActorRow.X, b, i], actors[ActorRow.Y, b, i], path)
        turn = _wrap(actors[ActorRow.YAW, b, i] - path[k, 2])
        along, across = abs(math.cos(turn)), abs(math.sin(turn))
        length, width = actors[ActorRow.LENGTH, b, i], actors[ActorRow.WIDTH, b, i]
        reach = 0.5 * (across * length + along * width) + half_width + beside
        if k == 0 or k == path.shape[0] - 1 or abs(aside) > reach:
            continue
        gap = k * PATH_STEP_M - 0.5 * (along * length + across * width) - half_ego
        if gap < nearest:
            nearest = gap
            heading = path[k, 2]
            speed = actors[ActorRow.VX, b, i] * math.cos(heading) + actors[ActorRow.VY, b, i] * math.sin(heading)
    return nearest, max(speed, 0.0)


@njit
def crossing_ahead(
    ego: FloatArray, actors: FloatArray, b: int, path: FloatArray, free_speed: float, apart_s: float
) -> float:
    """Return how far ahead of its front (m) somebody crosses the ego's way when it would be there, or ``FREE_GAP``.

    The ego pulls away to ``free_speed``; everybody else goes straight on as they move now, braking where they brake.
    ``apart_s`` seconds must lie between the two.
    """
    nearest = FREE_GAP
    half_ego = 0.5 * ego[EgoRow.LENGTH, b]
    for i in range(actors.shape[2]):
        if not _is_seen(actors, b, i) or actors[ActorRow.SPEED, b, i] < 0.3:
            continue
        for k in range(int(half_ego / PATH_STEP_M) + 1, path.shape[0]):
            ahead = k * PATH_STEP_M - half_ego
            if ahead >= nearest:
                break
            if _meets(ego, actors, b, i, path, k, free_speed, apart_s):
                nearest = ahead
                break
    return nearest


@njit
def _meets(
    ego: FloatArray, actors: FloatArray, b: int, i: int, path: FloatArray, k: int, free_speed: float, apart_s: float
) -> bool:
    """Whether actor ``i`` crosses sample ``k`` of the path at about the time when the ego is there."""
    walks = int(actors[ActorRow.KIND, b, i]) == ActorKind.PEDESTRIAN
    yaw, speed = actors[ActorRow.YAW, b, i], actors[ActorRow.SPEED, b, i]
    turn = abs(_wrap(yaw - path[k, 2]))
    if not walks and (turn < SAME_WAY_RAD or turn > math.pi - SAME_WAY_RAD):
        return False
    dx, dy = path[k, 0] - actors[ActorRow.X, b, i], path[k, 1] - actors[ActorRow.Y, b, i]
    ahead = dx * math.cos(yaw) + dy * math.sin(yaw)
    aside = dy * math.cos(yaw) - dx * math.sin(yaw)
    beside = PEDESTRIAN_BESIDE_M if walks else BESIDE_M
    if abs(aside) > 0.5 * (actors[ActorRow.WIDTH, b, i] + ego[EgoRow.WIDTH, b]) + beside:
        return False
    reach = 0.5 * (actors[ActorRow.LENGTH, b, i] + ego[EgoRow.WIDTH, b]) + beside
    first, last = _arrival(ego, b, k * PATH_STEP_M, free_speed)
    brakes = min(actors[ActorRow.ACCELERATION, b, i], 0.0)
    before = _driven(speed, brakes, max(first - apart_s, 0.0))
    after = _driven(speed, brakes, last + apart_s)
    return bool(before - reach < ahead < after + reach)


@njit
def _arrival(ego: FloatArray, b: int, ahead: float, free_speed: float) -> tuple[float, float]:
    """Return when the ego's front reaches a place ``ahead`` of its centre and when its rear has left it (s)."""
    half = 0.5 * ego[EgoRow.LENGTH, b]
    speed = max(ego[EgoRow.SPEED, b], 0.0)
    return _time_to(speed, max(ahead - half, 0.0), free_speed), _time_to(speed, ahead + half, free_speed)


@njit
def _time_to(speed: float, distance: float, free_speed: float) -> float:
    """Return the time (s) for ``distance``, from ``speed`` up to ``free_speed`` with ``PULL_AWAY``."""
    top = max(free_speed, speed, 1.0)
    ramp = (top * top - speed * speed) / (2.0 * PULL_AWAY)
    if distance <= ramp:
        return (math.sqrt(speed * speed + 2.0 * PULL_AWAY * distance) - speed) / PULL_AWAY
    return (top - speed) / PULL_AWAY + (distance - ramp) / top


@njit
def _driven(speed: float, acceleration: float, time_s: float) -> float:
    """Return the way (m) in ``time_s`` with a deceleration that ends at standstill."""
    if acceleration < -0.1:
        time_s = min(time_s, -speed / acceleration)
        return speed * time_s + 0.5 * acceleration * time_s * time_s
    return speed * time_s


@njit
def lane_is_taken(ego: FloatArray, actors: FloatArray, b: int, side: float) -> bool:
    """Whether somebody of the same direction is beside the ego, or about to be, on ``side`` (1 left, -1 right)."""
    cosine, sine, speed = math.cos(ego[EgoRow.YAW, b]), math.sin(ego[EgoRow.YAW, b]), ego[EgoRow.SPEED, b]
    for i in range(actors.shape[2]):
        if not _is_seen(actors, b, i) or abs(_wrap(actors[ActorRow.YAW, b, i] - ego[EgoRow.YAW, b])) > SAME_WAY_RAD:
            continue
        dx, dy = actors[ActorRow.X, b, i] - ego[EgoRow.X, b], actors[ActorRow.Y, b, i] - ego[EgoRow.Y, b]
        ahead, aside = dx * cosine + dy * sine, side * (dy * cosine - dx * sine)
        bodies = 0.5 * (actors[ActorRow.LENGTH, b, i] + ego[EgoRow.LENGTH, b])
        closing = actors[ActorRow.SPEED, b, i] - speed
        behind, before = bodies + 3.0 + 2.5 * max(closing, 0.0), bodies + 2.0 + 1.5 * max(-closing, 0.0)
        if 1.6 < aside < 5.2 and -behind < ahead < before:
            return True
    return False


@njit
def route_shift(road_offset: float, route: FloatArray, b: int) -> float:
    """Return how far left of the ego's lane the route's line runs (m), from the ego's offset in its lane."""
    return float(road_offset - route[RouteRow.LATERAL_OFFSET, b])


@njit
def _is_seen(actors: FloatArray, b: int, i: int) -> bool:
    return bool(actors[ActorRow.VALID, b, i] > 0.5 and actors[ActorRow.VISIBLE, b, i] > 0.5)


@njit
def _foot(x: float, y: float, path: FloatArray) -> tuple[int, float]:
    """Return the nearest sample of the path and how far left of it the point lies (m)."""
    best, nearest = 0, 1e18
    for k in range(path.shape[0]):
        squared = (x - path[k, 0]) ** 2 + (y - path[k, 1]) ** 2
        if squared < nearest:
            best, nearest = k, squared
    heading = path[best, 2]
    return best, (y - path[best, 1]) * math.cos(heading) - (x - path[best, 0]) * math.sin(heading)


@njit
def _wrap(angle: float) -> float:
    return float(angle - 2.0 * math.pi * math.floor((angle + math.pi) / (2.0 * math.pi)))
