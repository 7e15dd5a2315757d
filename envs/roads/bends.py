"""Curves between two poses, from lines, arcs and spirals: streets, ramps and the ways through a junction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from envs.roads.elements import Geometry, Spiral
from envs.roads.geometry import evaluate_line, evaluate_piece
from envs.roads.writer import Piece, Pose, laid_out

_STRAIGHT_RAD = 1e-9
_SHORTEST_M = 1e-6


def bend(start: Pose, end: Pose, radius_m: float = math.inf, spiral_share: float = 0.0) -> list[Geometry]:
    """Return line, spiral, arc, spiral, line from ``start`` to ``end``, as wide as fits, at most of ``radius_m``.

    ``spiral_share`` (0 to 0.5) is each spiral's share of the bend's length; 0: no spirals. A ValueError where the
    lines through the two poses do not meet between them.
    """
    turn = math.remainder(end[2] - start[2], 2.0 * math.pi)
    if abs(turn) < _STRAIGHT_RAD:
        return _straight(start, end)
    before, after = _tangents(start, end)
    unit = _unit_bend(turn, spiral_share)
    x, y, _ = pose_at(laid_out(unit), sum(piece.length_m for piece in unit))
    tangent = x - y / math.tan(turn)
    radius = min(radius_m, min(before, after) / tangent)
    pieces = [
        Piece(before - radius * tangent),
        *(Piece(radius * p.length_m, p.curvature_start / radius, p.curvature_end / radius) for p in unit),
        Piece(after - radius * tangent),
    ]
    return laid_out([piece for piece in pieces if piece.length_m > _SHORTEST_M], start)


def s_bend(start: Pose, end: Pose, spiral_share: float = 0.0) -> list[Geometry]:
    """Return two opposite bends that meet half-way; of equal arcs where the two headings are equal."""
    chord = math.atan2(end[1] - start[1], end[0] - start[0])
    first, last = (math.remainder(pose[2] - chord, 2.0 * math.pi) for pose in (start, end))
    middle = (0.5 * (start[0] + end[0]), 0.5 * (start[1] + end[1]), chord - 0.5 * (first + last))
    return joined(bend(start, middle, spiral_share=spiral_share), bend(middle, end, spiral_share=spiral_share))


def joined(*plans: Sequence[Geometry]) -> list[Geometry]:
    """Return plans, each of which starts where the one before ends, as one."""
    whole: list[Geometry] = []
    for plan in plans:
        offset = length(whole)
        whole += [replace(piece, s=piece.s + offset) for piece in plan]
    return whole


def portion(plan: Sequence[Geometry], s_from: float, s_to: float) -> list[Geometry]:
    """Return the part of ``plan`` between two values of s, counted from 0 again."""
    part = []
    for piece in plan:
        first, last = max(s_from, piece.s), min(s_to, piece.s + piece.length)
        if last - first > _SHORTEST_M:
            part.append(_cut(piece, first - piece.s, last - piece.s, first - s_from))
    return part


def pose_at(plan: Sequence[Geometry], s: float) -> Pose:
    """Return the pose at ``s``."""
    line = evaluate_line(plan, np.array([s]))
    return float(line.x[0]), float(line.y[0]), float(line.heading[0])


def length(plan: Sequence[Geometry]) -> float:
    """Return the length of a plan (m)."""
    return plan[-1].s + plan[-1].length if plan else 0.0


def turned(pose: Pose) -> Pose:
    """Return the pose that looks back."""
    return pose[0], pose[1], pose[2] + math.pi


def _straight(start: Pose, end: Pose) -> list[Geometry]:
    along = (end[0] - start[0]) * math.cos(start[2]) + (end[1] - start[1]) * math.sin(start[2])
    across = (end[1] - start[1]) * math.cos(start[2]) - (end[0] - start[0]) * math.sin(start[2])
    if along <= 0.0 or abs(across) > _SHORTEST_M:
        raise ValueError(f"no straight line from {start} to {end}: it lies {across:g} m aside; use s_bend")
    return laid_out([Piece(along)], start)


def _tangents(start: Pose, end: Pose) -> tuple[float, float]:
    """Return how far the lines' crossing is from the start and from the end (m)."""
    (ux, uy), (vx, vy) = ((math.cos(pose[2]), math.sin(pose[2])) for pose in (start, end))
    dx, dy = end[0] - start[0], end[1] - start[1]
    cross = ux * vy - uy * vx
    before, after = (dx * vy - dy * vx) / cross, (ux * dy - uy * dx) / cross
    if min(before, after) <= 0.0:
        raise ValueError(f"no single bend from {start} to {end}: their lines do not meet between them; use s_bend")
    return before, after


def _unit_bend(turn: float, share: float) -> list[Piece]:
    """Return a bend by ``turn`` (rad) whose tightest radius is 1 m."""
    total, side = abs(turn) / (1.0 - share), math.copysign(1.0, turn)
    spirals = [Piece(share * total, 0.0, side)], [Piece(share * total, side, 0.0)]
    arc = [Piece((1.0 - 2.0 * share) * total, side, side)]
    return [*spirals[0], *arc, *spirals[1]] if share > 0.0 else arc


def _cut(piece: Geometry, first: float, last: float, s: float) -> Geometry:
    x, y, heading, _, _ = evaluate_piece(piece, np.array([first]))[:, 0]
    shape = piece.shape
    if isinstance(shape, Spiral):
        rate = (shape.end - shape.start) / piece.length
        shape = Spiral(shape.start + rate * first, shape.start + rate * last)
    return Geometry(s, float(x), float(y), float(heading), last - first, shape)
