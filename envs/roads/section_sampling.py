"""Where a lane section is sampled, so that linear interpolation between samples holds the lane's centre and heading.

Chords leave an arc by k h2 / 8 (curvature k, distance h): tight bends are sampled more finely. Where the curvature
jumps from k1 to k2 (a line meets an arc), a heading that is interpolated over the jump is wrong by up to
(k2 - k1) h / 4: a sample is laid on each such point. Between those points samples are uniform in s.
"""

from __future__ import annotations

import numpy as np

from envs.roads.cross_section import SectionFrame, check_frame, frame_at
from envs.roads.elements import LaneSection, OpenDriveError, Road
from envs.roads.road_rules import is_driving
from envs.scene import FloatArray, IntArray

MAX_SAGITTA_M = 0.002
"""Largest distance between a lane's centre and its chords that is aimed at (m); beside a kink up to 2.25 times that."""

FINEST_BEND_M, FINEST_M = 0.1, 0.04
"""Smallest distance of samples (m) in a bend (corners that a lane cannot follow are not worth more), and to tell close
kinks apart: CARLA's towns have lines of 5 cm before an arc."""

_MOST_FINE = 10_000
_UNEVEN = 0.3
_HEADING_RAD = 1e-3
_MERGED_M = 0.01
_PROBE_M = 1e-3


def sample_section(road: Road, index: int, spacing_m: float) -> SectionFrame:
    """Sample section ``index`` of a road at most about ``spacing_m`` apart in s, both ends included."""
    section = road.sections[index]
    span = section.s_end - section.s_start
    s = np.linspace(section.s_start, section.s_end, max(2, int(round(span / spacing_m)) + 1))
    try:
        with np.errstate(all="ignore"):
            frame = frame_at(road, section, s)
            check_frame(frame)
            finer = _stations(frame)
            if len(finer) != len(s) or np.any(finer != s):
                frame = frame_at(road, section, finer)
                check_frame(frame)
    except OpenDriveError as error:
        raise OpenDriveError(f"road {road.id}: laneSection at s={section.s_start:g}: {error}") from None
    return frame


def _stations(frame: SectionFrame) -> FloatArray:
    """Return the values of s ``(n,)`` to sample at, given the section sampled uniformly."""
    lanes = [lane for lane, item in frame.section.lanes.items() if lane != 0 and is_driving(item)]
    if not lanes:
        return frame.s
    start, end = frame.section.s_start, frame.section.s_end
    intervals = _intervals(frame, lanes)
    kinks = _kinks(frame, lanes, (end - start) / intervals)
    if not len(kinks) and intervals == len(frame.s) - 1:
        return frame.s
    knots = np.concatenate([[start], kinks, [end]])
    numbers = _rounded(knots, intervals)
    while _is_uneven(knots, numbers) and end - start > 2 * FINEST_M * numbers[-1] and 2 * numbers[-1] <= _MOST_FINE:
        numbers = _rounded(knots, 2 * int(numbers[-1]))
    first = np.concatenate([[True], np.diff(numbers) >= 1])  # kinks closer than the finest samples: the first
    first[-1] = True
    first[:-1] &= numbers[:-1] < numbers[-1]
    stations: FloatArray = np.interp(np.arange(numbers[-1] + 1), numbers[first], knots[first])
    return stations


def _is_uneven(knots: FloatArray, numbers: IntArray) -> bool:
    """Say whether between two knots there is no interval, or intervals there are much longer or shorter than others."""
    if np.any(np.diff(numbers) < 1):
        return True
    share = np.diff(knots) / np.diff(numbers) * (numbers[-1] / (knots[-1] - knots[0]))
    return bool(np.any(np.abs(np.log(share)) > _UNEVEN))


def _rounded(knots: FloatArray, intervals: int) -> IntArray:
    """Return the number of the sample ``(m,)`` nearest to each knot when so many intervals are uniform."""
    share = (knots - knots[0]) / (knots[-1] - knots[0])
    numbers: IntArray = np.rint(share * intervals).astype(np.int64)
    return numbers


def _intervals(frame: SectionFrame, lanes: list[int]) -> int:
    """Return how many intervals keep the sagitta of all lanes."""
    given = len(frame.s) - 1
    bend = 0.0
    for lane in lanes:
        centre = frame.centre(lane)
        bend = max(bend, float(np.max(np.abs(frame.path(centre)[:, 3]) * frame.stretch(centre) ** 2)))
    span = frame.section.s_end - frame.section.s_start
    spacing = max(FINEST_BEND_M, (8.0 * MAX_SAGITTA_M / bend) ** 0.5) if bend > 0.0 else span
    return max(given, min(int(np.ceil(span / spacing)), _MOST_FINE))


def _kinks(frame: SectionFrame, lanes: list[int], spacing: float) -> FloatArray:
    """Return where (s, ascending) interpolating the heading over ``spacing`` metres would be wrong by too much."""
    points = _record_starts(frame.road, frame.section)
    if not len(points):
        return points
    before = frame_at(frame.road, frame.section, points - _PROBE_M)
    after = frame_at(frame.road, frame.section, points + _PROBE_M)
    relevant = np.zeros(len(points), dtype=np.bool_)
    for lane in lanes:
        one, two = before.path(before.centre(lane)), after.path(after.centre(lane))
        turn = np.abs(np.remainder(two[:, 2] - one[:, 2] + np.pi, 2.0 * np.pi) - np.pi)  # pieces may differ by turns
        jump = np.abs(two[:, 3] - one[:, 3]) * after.stretch(after.centre(lane))
        relevant |= (turn > _HEADING_RAD) | (0.25 * spacing * jump > _HEADING_RAD)
    kinks: FloatArray = points[relevant]
    return kinks


def _record_starts(road: Road, section: LaneSection) -> FloatArray:
    """Return where within the section a record begins: geometry, lane offset, width or border; ascending, merged."""
    tables = [road.lane_offsets[:, 0], np.array([piece.s for piece in road.geometries])]
    for lane in section.lanes.values():
        tables += [lane.widths[:, 0] + section.s_start, lane.borders[:, 0] + section.s_start]
    points = np.unique(np.concatenate(tables))
    points = points[(points > section.s_start + _MERGED_M) & (points < section.s_end - _MERGED_M)]
    apart: FloatArray = points[np.diff(points, prepend=-np.inf) > _MERGED_M]
    return apart
