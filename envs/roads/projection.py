"""Kernels on lane polylines: lane coordinates (s, d) from a point, and poses from lane coordinates.

Arguments shared by all: ``samples (P, 7)``, ``start (L+1,)`` and ``step (L,)`` of a ``LaneGraph``. ``s`` is metres
along the lane's centre, ``d`` metres to its left. ``s`` may be negative or beyond the lane's length: the lane then goes
on straight. Between two samples the heading turns linearly, and ``project`` and ``pose_at`` use the same turning
normal, so that they are each other's inverse and ``s`` is continuous over the polyline's corners (a plain foot on the
chord jumps by ``d`` times the corner's angle there).
"""

from __future__ import annotations

from math import cos, pi, sin

from envs.compiled import njit
from envs.scene import FloatArray, IntArray

_X, _Y, _HEADING, _CURVATURE, _WIDTH, _EDGE_LEFT, _EDGE_RIGHT = range(7)


@njit
def wrap_angle(angle: float) -> float:
    """Return ``angle`` (rad, at most a few turns) in [-pi, pi)."""
    while angle >= pi:
        angle -= 2.0 * pi
    while angle < -pi:
        angle += 2.0 * pi
    return angle


@njit
def _foot(samples: FloatArray, row: int, x: float, y: float) -> tuple[float, float, float, float]:
    """Return (fraction, v, turn, length) of the point's foot on the segment that starts at ``row``.

    In the chord's frame the point is ``(u, v)`` and the normal at fraction f leans by ``(f - 1/2) turn``, hence
    ``u - f length + v (f - 1/2) turn = 0``.
    """
    ax = samples[row, _X]
    ay = samples[row, _Y]
    bx = samples[row + 1, _X] - ax
    by = samples[row + 1, _Y] - ay
    length2 = bx * bx + by * by
    if length2 < 1e-18:
        heading = samples[row, _HEADING]
        return 0.0, (y - ay) * cos(heading) - (x - ax) * sin(heading), 0.0, 0.0
    length = length2**0.5
    u = ((x - ax) * bx + (y - ay) * by) / length
    v = ((y - ay) * bx - (x - ax) * by) / length
    turn = wrap_angle(samples[row + 1, _HEADING] - samples[row, _HEADING])
    stretched = length - v * turn
    if stretched < 0.1 * length:  # beyond the centre of curvature: no unique foot, take the chord's
        return u / length, v, 0.0, length
    return (u - 0.5 * v * turn) / stretched, v, turn, length


@njit
def project(
    samples: FloatArray, start: IntArray, step: FloatArray, lane: int, guess_s: float, x: float, y: float
) -> tuple[float, float, float, float, float]:
    """Return (s, d, heading, curvature, width) of the point ``x, y`` (m) on ``lane``.

    Searches downhill from ``guess_s``; with a guess within some metres it looks at one or two segments.
    """
    first = start[lane]
    last = start[lane + 1] - first - 2
    index = min(max(int(guess_s / step[lane]), 0), last)
    fraction, v, turn, length = _foot(samples, first + index, x, y)
    direction = 0
    while True:
        if fraction > 1.0 and index < last and direction >= 0:
            direction = 1
        elif fraction < 0.0 and index > 0 and direction <= 0:
            direction = -1
        else:
            break
        index += direction
        fraction, v, turn, length = _foot(samples, first + index, x, y)
    if fraction < 0.0 or fraction > 1.0:
        fraction = _end_fraction(samples, first, index, last, fraction, v, turn, length, x, y)
    inside = min(max(fraction, 0.0), 1.0)
    lean = (inside - 0.5) * turn
    row = first + index
    heading = wrap_angle(samples[row, _HEADING] + inside * turn)
    curvature = samples[row, _CURVATURE] + inside * (samples[row + 1, _CURVATURE] - samples[row, _CURVATURE])
    width = samples[row, _WIDTH] + inside * (samples[row + 1, _WIDTH] - samples[row, _WIDTH])
    return (index + fraction) * step[lane], v * (1.0 + 0.5 * lean * lean), heading, curvature, width


@njit
def _end_fraction(
    samples: FloatArray,
    first: int,
    index: int,
    last: int,
    fraction: float,
    v: float,
    turn: float,
    length: float,
    x: float,
    y: float,
) -> float:
    """Return the fraction of a foot outside its segment: straight on at the lane's ends, else held at the corner."""
    if fraction < 0.0:
        if index > 0 or length == 0.0:
            return 0.0
        lean = -0.5 * turn
    else:
        if index < last or length == 0.0:
            return 1.0
        lean = 0.5 * turn
    ax = samples[first + index, _X]
    ay = samples[first + index, _Y]
    bx = samples[first + index + 1, _X] - ax
    by = samples[first + index + 1, _Y] - ay
    u = ((x - ax) * bx + (y - ay) * by) / length
    straight_on: float = (u + v * lean) / length
    return straight_on


@njit
def pose_at(
    samples: FloatArray, start: IntArray, step: FloatArray, lane: int, s: float, d: float
) -> tuple[float, float, float]:
    """Return (x, y, heading) of the point at ``s`` along ``lane`` and ``d`` to its left (m, m, rad)."""
    first = start[lane]
    position = s / step[lane]
    index = min(max(int(position), 0), start[lane + 1] - first - 2)
    fraction = position - index
    row = first + index
    inside = min(max(fraction, 0.0), 1.0)
    turn = wrap_angle(samples[row + 1, _HEADING] - samples[row, _HEADING])
    heading = wrap_angle(samples[row, _HEADING] + inside * turn)
    x = samples[row, _X] + fraction * (samples[row + 1, _X] - samples[row, _X])
    y = samples[row, _Y] + fraction * (samples[row + 1, _Y] - samples[row, _Y])
    if d == 0.0:
        return x, y, heading
    return x - d * sin(heading), y + d * cos(heading), heading


@njit
def poses_at(
    samples: FloatArray,
    start: IntArray,
    step: FloatArray,
    lanes: IntArray,
    s: FloatArray,
    d: FloatArray,
    poses: FloatArray,
) -> None:
    """Write ``pose_at`` of n points, at ``lanes``, ``s``, ``d`` ``(n,)``, into ``poses`` ``(3, n)``."""
    for i in range(len(lanes)):
        poses[0, i], poses[1, i], poses[2, i] = pose_at(samples, start, step, lanes[i], s[i], d[i])


@njit
def edges_at(samples: FloatArray, start: IntArray, step: FloatArray, lane: int, s: float) -> tuple[float, float]:
    """Return the distances (m) from the lane's centre to the left and right edge of the drivable surface at ``s``."""
    first = start[lane]
    position = s / step[lane]
    index = min(max(int(position), 0), start[lane + 1] - first - 2)
    fraction = min(max(position - index, 0.0), 1.0)
    row = first + index
    left = samples[row, _EDGE_LEFT] + fraction * (samples[row + 1, _EDGE_LEFT] - samples[row, _EDGE_LEFT])
    right = samples[row, _EDGE_RIGHT] + fraction * (samples[row + 1, _EDGE_RIGHT] - samples[row, _EDGE_RIGHT])
    return left, right


@njit
def curvature_at(samples: FloatArray, start: IntArray, step: FloatArray, lane: int, s: float) -> float:
    """Return the curvature (1/m, positive left) of the lane's centre at ``s``."""
    first = start[lane]
    position = s / step[lane]
    index = min(max(int(position), 0), start[lane + 1] - first - 2)
    fraction = min(max(position - index, 0.0), 1.0)
    row = first + index
    curvature: float = samples[row, _CURVATURE] + fraction * (samples[row + 1, _CURVATURE] - samples[row, _CURVATURE])
    return curvature
