"""How long a vehicle may be on a map: on a curve the corners of a long body reach into the lane beside.

A body is centred on its lane and points along it. On a curve of radius R its outer corners run at ``hypot(R + w / 2,
l / 2)`` from the curve's centre, its inner side at ``R - w / 2``; of two abreast the inner one's corners must not reach
the outer one's side.
"""

from __future__ import annotations

import numpy as np

from envs.roads.lane_graph import LaneGraph, SampleColumn
from envs.scene import BoolArray, FloatArray

WIDEST_M = 2.5
"""Width of the widest vehicles, trucks and buses (m)."""

BETWEEN_M = 0.2
"""Gap that two bodies keep that pass each other on a curve (m, ours)."""

LONGEST_M = 18.0
"""Longest vehicle of a single body or with a joint that is driven on roads (m): an articulated bus."""


def longest_body_m(graph: LaneGraph) -> float:
    """Return how long the vehicles may be that are put on the map (m): two of them pass each other on every lane."""
    return float(longest_bodies(graph).min())


def longest_bodies(graph: LaneGraph) -> FloatArray:
    """Return for each lane ``(L,)`` how long vehicles may be on it so as to pass each other in every curve (m).

    Lanes within junctions are left out (``LONGEST_M``): there a grant keeps away whoever a body's corners might touch.
    """
    longest = np.full(graph.lane_count, LONGEST_M)
    for lane in np.flatnonzero(graph.junction < 0).tolist():
        samples = graph.lane_samples(lane)
        for beside, side in ((graph.left[lane], 1.0), (graph.opposite[lane], 1.0), (graph.right[lane], -1.0)):
            if beside >= 0:
                other = graph.lane_samples(int(beside))
                other = other[::-1] if beside == graph.opposite[lane] else other
                apart = 0.5 * (samples[:, SampleColumn.WIDTH] + other[:, SampleColumn.WIDTH])
                longest[lane] = min(longest[lane], _longest(-side * samples[:, SampleColumn.CURVATURE], apart))
    return longest


def _longest(outward: FloatArray, apart: FloatArray) -> float:
    """Return the longest body (m) where the lane beside is ``apart`` ``(n,)`` (m) to the outer side of a curve.

    ``outward`` ``(n,)`` is the curvature (1/m), positive where the lane beside is on the outer side.
    """
    radius = 1.0 / np.maximum(outward, 1e-9)
    free = np.maximum(apart - WIDEST_M - BETWEEN_M, 0.0)
    # (R + w / 2 + free)2 - (R + w / 2)2, without the difference of two large numbers.
    half_squared = free * (2.0 * (radius + 0.5 * WIDEST_M) + free)
    return float(min(2.0 * np.sqrt(half_squared.min()), LONGEST_M))


def boxes_touch(
    first: FloatArray, first_half: tuple[float, float], second: FloatArray, second_half: tuple[float, float]
) -> BoolArray:
    """Return ``(n, m)``: which boxes at ``first`` ``(n, 3)`` (x, y, heading) touch which at ``second`` ``(m, 3)``.

    All of a side have the same half length and half width (m). Separating-axis theorem, all pairs at once.
    """
    dx = second[None, :, 0] - first[:, None, 0]
    dy = second[None, :, 1] - first[:, None, 1]
    turn = second[None, :, 2] - first[:, None, 2]
    along, across = np.abs(np.cos(turn)), np.abs(np.sin(turn))
    touching = np.ones(dx.shape, dtype=np.bool_)
    for heading, own, other in (
        (first[:, None, 2], first_half, second_half), (second[None, :, 2], second_half, first_half),
    ):  # fmt: skip
        ahead = np.abs(dx * np.cos(heading) + dy * np.sin(heading))
        aside = np.abs(dy * np.cos(heading) - dx * np.sin(heading))
        touching &= ahead <= own[0] + along * other[0] + across * other[1]
        touching &= aside <= own[1] + across * other[0] + along * other[1]
    return touching
