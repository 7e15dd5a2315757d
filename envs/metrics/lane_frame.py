"""Places told along the ego's route, as the rules of the road mean them: on a bend, ahead is where the lane leads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.scene import FloatArray, SceneBatch

_SHORTEST_M = 0.1
"""Pieces of the route's line that are shorter have no direction: behind the goal its points are one."""


@dataclass(frozen=True, slots=True)
class RoutePlace:
    """Places along the routes of B worlds, each ``(B,)``.

    ``ahead`` of the ego along the route (m); ``aside`` of the route's line (m, positive left); ``heading`` of the route
    there (rad).
    """

    ahead: FloatArray
    aside: FloatArray
    heading: FloatArray


def along_route(scene: SceneBatch, x: FloatArray, y: FloatArray) -> RoutePlace:
    """Return where the places ``x``, ``y`` ``(B,)`` are along the routes.

    The line is that of the scene's route points, ``ROUTE_POINT_SPACING_M`` apart; beyond its ends it bends on as there.
    """
    nodes, headings = _line(scene)
    steps = np.diff(nodes, axis=1)
    lengths = np.hypot(steps[..., 0], steps[..., 1])
    starts = np.cumsum(lengths, axis=1) - lengths
    units = steps / np.maximum(lengths, _SHORTEST_M)[..., None]
    away = np.stack([x, y], axis=-1)[:, None] - nodes[:, :-1]
    share = (away * units).sum(axis=-1) / np.maximum(lengths, _SHORTEST_M)
    piece = _nearest(away, units, share, lengths)
    rows = np.arange(len(x))
    share, aside = share[rows, piece], _cross(units, away)[rows, piece]
    turn = np.diff(np.unwrap(headings, axis=1), axis=1)[rows, piece]
    first, last = piece == 0, piece == lengths.shape[1] - 1
    bent = np.clip(share, np.where(first, -np.inf, 0.0), np.where(last, np.inf, 1.0))
    # Between two points the line is an arc beside its chord, and that arc goes on beyond the two ends.
    bow = 0.5 * turn * lengths[rows, piece] * bent * (bent - 1.0)
    heading = headings[rows, piece] + turn * bent
    return RoutePlace(starts[rows, piece] + share * lengths[rows, piece], aside - bow, heading)


def _line(scene: SceneBatch) -> tuple[FloatArray, FloatArray]:
    """Return the line's nodes ``(B, N + 1, 2)``, the ego's place on it the first, and their headings ``(B, N + 1)``."""
    ego, route = scene.ego, scene.route
    heading = ego.yaw - route.heading_error
    first = np.stack(
        [ego.x + route.lateral_offset * np.sin(heading), ego.y - route.lateral_offset * np.cos(heading)], axis=-1
    )
    nodes = np.concatenate([first[:, None], route.points[..., :2]], axis=1)
    return nodes, np.concatenate([heading[:, None], route.points[..., 2]], axis=1)


def _nearest(away: FloatArray, units: FloatArray, share: FloatArray, lengths: FloatArray) -> FloatArray:
    """Return the piece ``(B,)`` of the line that each place is nearest to; the first and the last have no outer end."""
    low, high = np.zeros(lengths.shape[1]), np.ones(lengths.shape[1])
    low[0], high[-1] = -np.inf, np.inf
    there = np.clip(share, low, high) * lengths
    apart = np.hypot(*np.moveaxis(away - there[..., None] * units, -1, 0))
    return np.asarray(np.where(lengths < _SHORTEST_M, np.inf, apart).argmin(axis=1))


def _cross(units: FloatArray, away: FloatArray) -> FloatArray:
    return np.asarray(units[..., 0] * away[..., 1] - units[..., 1] * away[..., 0])
