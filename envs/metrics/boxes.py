"""Oriented boxes: corners, overlap and the shortest distance between two bodies.

A box is ``(..., 5)``: x, y of the centre (m), yaw (rad, counter-clockwise from x), length, width (m). Leading axes
broadcast, so one ego ``(B, 1, 5)`` meets all actors ``(B, A, 5)`` in one call.
"""

from __future__ import annotations

import numpy as np

from envs.scene import BoolArray, FloatArray, SceneBatch

_CORNERS = np.array([[0.5, 0.5], [-0.5, 0.5], [-0.5, -0.5], [0.5, -0.5]])


def ego_boxes(scene: SceneBatch) -> FloatArray:
    """Return the ego's box ``(B, 5)``."""
    ego = scene.ego
    return np.stack([ego.x, ego.y, ego.yaw, ego.length, ego.width], axis=-1)


def actor_boxes(scene: SceneBatch) -> FloatArray:
    """Return the actors' boxes ``(B, A, 5)``; those of unused slots are all zero."""
    actors = scene.actors
    return np.stack([actors.x, actors.y, actors.yaw, actors.length, actors.width], axis=-1)


def corners(boxes: FloatArray) -> FloatArray:
    """Return the corners ``(..., 4, 2)`` of ``boxes`` ``(..., 5)``, counter-clockwise from the front left (m)."""
    offsets = _CORNERS * boxes[..., None, 3:5]
    return to_world(offsets, boxes)


def to_world(points: FloatArray, boxes: FloatArray) -> FloatArray:
    """Return ``points`` ``(..., P, 2)`` given in the frames of ``boxes`` ``(..., 5)`` in the world frame (m)."""
    c, s = np.cos(boxes[..., 2])[..., None], np.sin(boxes[..., 2])[..., None]
    x = c * points[..., 0] - s * points[..., 1]
    y = s * points[..., 0] + c * points[..., 1]
    return np.stack([x, y], axis=-1) + boxes[..., None, :2]


def to_box(points: FloatArray, boxes: FloatArray) -> FloatArray:
    """Return world ``points`` ``(..., P, 2)`` in the frames of ``boxes`` ``(..., 5)`` (x forward, y left, m)."""
    c, s = np.cos(boxes[..., 2])[..., None], np.sin(boxes[..., 2])[..., None]
    offset = points - boxes[..., None, :2]
    return np.stack([c * offset[..., 0] + s * offset[..., 1], c * offset[..., 1] - s * offset[..., 0]], axis=-1)


def separation(polygons: FloatArray, others: FloatArray) -> FloatArray:
    """Return the separation (m) ``(...)`` of convex polygons ``(..., P, 2)`` and ``(..., Q, 2)``.

    The largest gap between the projections on any edge's normal (separating-axis theorem): positive apart, negative
    overlapping, continuous as the bodies move. Where positive it is at most the distance between them.
    """
    return np.maximum(_largest_gap(polygons, others), _largest_gap(others, polygons))


def overlap(boxes: FloatArray, others: FloatArray) -> BoolArray:
    """Return whether two boxes ``(..., 5)`` overlap or touch, as booleans ``(...)``."""
    return separation(corners(boxes), corners(others)) <= 0.0


def distance(boxes: FloatArray, others: FloatArray) -> FloatArray:
    """Return the shortest distance ``(...)`` between two boxes ``(..., 5)`` (m); 0 where they overlap.

    Two convex bodies that are apart are nearest at a corner of one of them.
    """
    nearest = np.minimum(_corner_distance(boxes, others), _corner_distance(others, boxes))
    return np.where(overlap(boxes, others), 0.0, nearest)


def minimal_distance(scene: SceneBatch) -> FloatArray:
    """Return the shortest distance ``(B,)`` between the ego's body and any road user's (m); infinity where alone."""
    apart = distance(ego_boxes(scene)[:, None], actor_boxes(scene))
    smallest: FloatArray = np.where(scene.actors.valid, apart, np.inf).min(axis=1, initial=np.inf)
    return smallest


def _corner_distance(boxes: FloatArray, others: FloatArray) -> FloatArray:
    local = to_box(corners(others), boxes)
    outside = np.maximum(np.abs(local) - 0.5 * boxes[..., None, 3:5], 0.0)
    nearest: FloatArray = np.hypot(outside[..., 0], outside[..., 1]).min(axis=-1)
    return nearest


def _largest_gap(polygons: FloatArray, others: FloatArray) -> FloatArray:
    edges = np.roll(polygons, -1, axis=-2) - polygons
    normals = np.stack([edges[..., 1], -edges[..., 0]], axis=-1)
    # A box of no size has no normals; its gaps come out as 0.
    normals = normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
    own, other = _project(polygons, normals), _project(others, normals)
    gaps = np.maximum(other.min(axis=-1) - own.max(axis=-1), own.min(axis=-1) - other.max(axis=-1))
    largest: FloatArray = gaps.max(axis=-1)
    return largest


def _project(points: FloatArray, normals: FloatArray) -> FloatArray:
    """Return points ``(..., P, 2)`` along normals ``(..., N, 2)`` as ``(..., N, P)``."""
    return np.asarray(np.einsum("...nk,...pk->...np", normals, points))
