"""Lane borders of a section in the Frenet frame of the reference line, with derivatives, and points on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.roads.elements import Lane, LaneSection, OpenDriveError, Road
from envs.roads.geometry import Curve, evaluate_line
from envs.scene import FloatArray

MAX_COORDINATE_M = 1e7
"""Largest coordinate of a map (m); more is a typing error."""

_BEFORE = 1e-9
_MIN_STRETCH = 0.05


def elevation_at(road: Road, s: FloatArray) -> FloatArray:
    """Return the height ``(n,)`` of a road's reference line at ``s`` ``(n,)`` (m); 0 where the file gives none."""
    height: FloatArray = _cubics_at(road.elevation, s, s)[0]
    return height


@dataclass(frozen=True, slots=True, eq=False)
class SectionFrame:
    """A section sampled at n values of ``s`` ``(n,)`` (m).

    ``line`` the reference line there; ``inner`` and ``outer`` by lane id (0 left out): ``(3, n)`` rows t, dt/ds,
    d2t/ds2 of the lane's border next to the reference line and of the far one.
    """

    road: Road
    section: LaneSection
    s: FloatArray
    line: Curve
    inner: dict[int, FloatArray]
    outer: dict[int, FloatArray]

    def centre(self, lane: int) -> FloatArray:
        """Return ``(3, n)``: t, dt/ds, d2t/ds2 of a lane's centre."""
        middle: FloatArray = 0.5 * (self.inner[lane] + self.outer[lane])
        return middle

    def width(self, lane: int) -> FloatArray:
        """Return a lane's width ``(n,)`` (m)."""
        width: FloatArray = np.abs(self.outer[lane][0] - self.inner[lane][0])
        return width

    def points(self, t: FloatArray) -> FloatArray:
        """Return ``(n, 2)`` world points at lateral positions ``t`` ``(n,)`` (m)."""
        heading = self.line.heading
        return np.stack([self.line.x - t * np.sin(heading), self.line.y + t * np.cos(heading)], axis=1)

    def path(self, border: FloatArray) -> FloatArray:
        """Return ``(n, 4)``: x, y, heading (rad), curvature (1/m) of the curve t(s) given as ``(3, n)``.

        With T, N the reference line's tangent and normal and k its curvature, r' = (1 - k t) T + t' N and
        r'' = -(k' t + 2 k t') T + (k (1 - k t) + t'') N; curvature = r' x r'' / |r'|^3.
        """
        t, t1, t2 = border
        k = self.line.curvature
        # A lane's centre inside the centre of curvature would run backwards; maps have a few such corners.
        along = np.maximum(1.0 - k * t, _MIN_STRETCH)
        cross = along * (k * along + t2) + t1 * (self.line.curvature_rate * t + 2.0 * k * t1)
        curvature = cross / np.hypot(along, t1) ** 3
        heading = self.line.heading + np.arctan2(t1, along)
        return np.column_stack([self.points(t), heading, curvature])

    def stretch(self, border: FloatArray) -> FloatArray:
        """Return ``(n,)``: metres along the curve t(s), given as ``(3, n)``, per metre of s."""
        length: FloatArray = np.hypot(np.maximum(1.0 - self.line.curvature * border[0], _MIN_STRETCH), border[1])
        return length


def frame_at(road: Road, section: LaneSection, s: FloatArray) -> SectionFrame:
    """Return the section sampled at ``s`` ``(n,)`` (m), unchecked."""
    # Records that begin exactly at the section's end belong to the next section.
    owner = np.minimum(s, section.s_end - _BEFORE)
    offset = _cubics_at(road.lane_offsets, s, owner)
    inner: dict[int, FloatArray] = {}
    outer: dict[int, FloatArray] = {}
    for side in (1, -1):
        border = offset
        for lane_id in sorted((lane for lane in section.lanes if lane * side > 0), key=abs):
            inner[lane_id] = border
            border = _outer_border(section.lanes[lane_id], border, side, s - section.s_start, owner - section.s_start)
            outer[lane_id] = border
    return SectionFrame(road, section, s, evaluate_line(road.geometries, s), inner, outer)


def _outer_border(lane: Lane, inner: FloatArray, side: int, ds: FloatArray, owner: FloatArray) -> FloatArray:
    if len(lane.borders) and not len(lane.widths):
        return _cubics_at(lane.borders, ds, owner)
    width = _cubics_at(lane.widths, ds, owner)
    positive = np.where(width[0] > 0.0, width, 0.0)
    border: FloatArray = inner + side * positive
    return border


def _cubics_at(table: FloatArray, s: FloatArray, owner: FloatArray) -> FloatArray:
    """Return ``(3, n)``: value, first and second derivative of piecewise cubics ``(m, 5)``; 0 without records."""
    if not len(table):
        return np.zeros((3, len(s)))
    rows = np.clip(np.searchsorted(table[:, 0], owner, side="right") - 1, 0, len(table) - 1)
    first, a, b, c, d = table[rows].T
    p = np.maximum(s - first, 0.0)
    return np.stack([a + p * (b + p * (c + p * d)), b + p * (2 * c + p * 3 * d), 2 * c + 6 * d * p])


def check_frame(frame: SectionFrame) -> None:
    """Raise ``OpenDriveError`` where a border leaves the range of coordinates or is not a number."""
    for lane_id, border in frame.outer.items():
        reach = np.abs(np.stack([frame.line.x, frame.line.y, border[0], border[1], border[2]]))
        if not np.all(reach < MAX_COORDINATE_M):
            raise OpenDriveError(f"lane {lane_id}: leaves the range of {MAX_COORDINATE_M:g} m (not a usable geometry)")
