"""Evaluation of reference lines: position, heading and curvature at any ``s``, vectorised over ``s``.

Formulas: ASAM OpenDRIVE 1.4, section 5.3.4 (line, spiral, arc, poly3, paramPoly3). A spiral is integrated with
Gauss-Legendre quadrature; equal start and end curvature is simply an arc.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from envs.roads.elements import Arc, Geometry, Line, OpenDriveError, ParamPoly3, Poly3, Spiral
from envs.scene import FloatArray

MAX_TURN_RAD = 100.0
"""Largest change of heading of one piece (rad); more is a typing error in a map, and would cost unbounded time."""

_PANEL_RAD = 1.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_TABLE_STEP_M = 0.05
_TABLE_MAX = 200_000


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Points of a curve; every array is ``(n,)``.

    ``x, y`` (m), ``heading`` (rad, not wrapped), ``curvature`` (1/m) and ``curvature_rate`` (its derivative by s,
    1/m2).
    """

    x: FloatArray
    y: FloatArray
    heading: FloatArray
    curvature: FloatArray
    curvature_rate: FloatArray


def evaluate_line(geometries: Sequence[Geometry], s: FloatArray) -> Curve:
    """Return the reference line at ``s`` ``(n,)`` (m, ascending or not); beyond the ends the end pieces go on."""
    starts = np.array([piece.s for piece in geometries])
    owner = np.clip(np.searchsorted(starts, s, side="right") - 1, 0, len(geometries) - 1)
    out = np.empty((5, len(s)))
    for index in np.unique(owner):
        rows = owner == index
        out[:, rows] = evaluate_piece(geometries[index], s[rows] - starts[index])
    return Curve(out[0], out[1], out[2], out[3], out[4])


def evaluate_piece(piece: Geometry, s: FloatArray) -> FloatArray:
    """Return ``(5, n)``: x, y, heading, curvature, curvature rate at ``s`` ``(n,)`` metres after the piece's start."""
    u, v, turn, curvature, rate = _local(piece, s)
    cos, sin = np.cos(piece.heading), np.sin(piece.heading)
    return np.stack([piece.x + cos * u - sin * v, piece.y + sin * u + cos * v, piece.heading + turn, curvature, rate])


def end_pose(piece: Geometry) -> tuple[float, float, float]:
    """Return (x, y, heading) at the piece's end."""
    x, y, heading, _, _ = evaluate_piece(piece, np.array([piece.length]))[:, 0]
    return float(x), float(y), float(heading)


def _local(piece: Geometry, s: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    zero = np.zeros_like(s)
    match piece.shape:
        case Line():
            return s, zero, zero, zero, zero
        case Arc(curvature):
            return _clothoid(s, curvature, 0.0)
        case Spiral(start, end):
            return _clothoid(s, start, (end - start) / piece.length)
        case Poly3(coefficients):
            return _parametric((0.0, 1.0, 0.0, 0.0), coefficients, _graph_parameter(coefficients, piece.length, s))
        case ParamPoly3(u, v, normalized):
            parameter = _normalized_parameter(u, v, piece.length, s) if normalized else s
            return _parametric(u, v, parameter)


def _clothoid(
    s: FloatArray, curvature: float, rate: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return u, v, turn, curvature, rate of a curve whose curvature is ``curvature + rate s``."""
    turn = curvature * s + 0.5 * rate * s * s
    reach = np.abs(curvature * s) + 0.5 * np.abs(rate) * s * s
    most = float(np.max(reach, initial=0.0))
    if not most <= MAX_TURN_RAD:
        raise OpenDriveError(f"a piece of the plan view turns by {most:.3g} rad, at most {MAX_TURN_RAD:g} is allowed")
    if rate == 0.0:  # the chord of an arc: length s sinc(turn / 2), direction turn / 2
        chord = s * np.sinc(turn / (2.0 * np.pi))
        return (
            chord * np.cos(0.5 * turn),
            chord * np.sin(0.5 * turn),
            turn,
            np.full_like(s, curvature),
            np.zeros_like(s),
        )
    u, v = np.zeros_like(s), np.zeros_like(s)
    panels = max(1, int(np.ceil(most / _PANEL_RAD)))
    for panel in range(panels):
        inner = s[:, None] * ((panel + 0.5 * (_NODES + 1.0)) / panels)
        angle = curvature * inner + 0.5 * rate * inner * inner
        u += np.cos(angle) @ _WEIGHTS
        v += np.sin(angle) @ _WEIGHTS
    scale = 0.5 * s / panels
    return scale * u, scale * v, turn, curvature + rate * s, np.full_like(s, rate)


def _cubic(coefficients: Sequence[float], p: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    a, b, c, d = coefficients
    return a + p * (b + p * (c + p * d)), b + p * (2 * c + p * 3 * d), 2 * c + 6 * d * p, np.full_like(p, 6 * d)


def _parametric(
    u: Sequence[float], v: Sequence[float], p: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return u, v, turn, curvature, curvature rate of two cubics at the parameters ``p``."""
    u0, u1, u2, u3 = _cubic(u, p)
    v0, v1, v2, v3 = _cubic(v, p)
    speed = np.sqrt(np.maximum(u1 * u1 + v1 * v1, 1e-18))
    cross = u1 * v2 - v1 * u2
    cross_rate = u1 * v3 - v1 * u3
    speed_rate = (u1 * u2 + v1 * v2) / speed
    rate = (cross_rate / speed**3 - 3.0 * cross * speed_rate / speed**4) / speed
    return u0, v0, np.arctan2(v1, u1), cross / speed**3, rate


def _graph_parameter(coefficients: Sequence[float], length: float, s: FloatArray) -> FloatArray:
    """Return ``u`` at arc length ``s`` of ``v(u)``: arc length is at least ``u``, so ``u <= length``."""
    u = np.linspace(0.0, length, _table_size(length))
    slope = _cubic(coefficients, u)[1]
    return _beyond(s, _arc_length(np.sqrt(1.0 + slope * slope), u), u)


def _normalized_parameter(u: Sequence[float], v: Sequence[float], length: float, s: FloatArray) -> FloatArray:
    """Return ``p`` in [0, 1] at ``s``; the curve's own arc length is scaled to the length that the file states."""
    p = np.linspace(0.0, 1.0, _table_size(length))
    arc = _arc_length(np.hypot(_cubic(u, p)[1], _cubic(v, p)[1]), p)
    if arc[-1] <= 0.0:
        return s / length
    return _beyond(s * (arc[-1] / length), arc, p)


def _table_size(length: float) -> int:
    return int(np.clip(length / _TABLE_STEP_M, 64, _TABLE_MAX)) + 1


def _arc_length(speed: FloatArray, p: FloatArray) -> FloatArray:
    arc: FloatArray = np.concatenate([[0.0], np.cumsum(0.5 * (speed[1:] + speed[:-1]) * np.diff(p))])
    return arc


def _beyond(s: FloatArray, arc: FloatArray, p: FloatArray) -> FloatArray:
    """Interpolate ``p`` over ``arc``; a little beyond the table's end (rounding) it goes on in a straight line."""
    inside = np.interp(s, arc, p)
    slope = (p[-1] - p[-2]) / max(arc[-1] - arc[-2], 1e-12)
    result: FloatArray = np.where(s > arc[-1], p[-1] + (s - arc[-1]) * slope, inside)
    return result
