"""Crosswalks for maps that paint none: one over every street with sidewalks, where it meets a junction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from envs.roads.cross_section import SectionFrame
from envs.roads.elements import Crosswalk, OpenDrive
from envs.scene import FloatArray

LENGTH_M = 3.0
"""Length of the crosswalk along the road (m, ours)."""

SETBACK_M = 3.0
"""Distance of its middle from the road's end (m, ours): cars wait behind it without leaving their lane."""

SHORTEST_ROAD_M = 12.0
"""Shorter roads get none (m)."""


def junction_crosswalks(opendrive: OpenDrive, frames: Sequence[SectionFrame]) -> tuple[Crosswalk, ...]:
    """Return a crosswalk from kerb to kerb before every junction, for roads with a sidewalk on either hand.

    ``frames`` are all sections of the map (``walk_graph.section_frames``).
    """
    found = []
    for frame in frames:
        road = frame.road
        if road.junction != "-1" or road.length < SHORTEST_ROAD_M or road.id not in opendrive.roads:
            continue
        if road.predecessor is not None and road.predecessor.is_junction and frame.section is road.sections[0]:
            found.append(_across(frame, SETBACK_M))
        if road.successor is not None and road.successor.is_junction and frame.section is road.sections[-1]:
            found.append(_across(frame, road.length - SETBACK_M))
    return tuple(crosswalk for crosswalk in found if crosswalk is not None)


def _across(frame: SectionFrame, s: float) -> Crosswalk | None:
    """Return the crosswalk at ``s`` (m), or None where the section ends before it or has not both sidewalks."""
    if not frame.s[0] <= s - 0.5 * LENGTH_M <= s + 0.5 * LENGTH_M <= frame.s[-1]:
        return None
    left, right = _kerb(frame, 1), _kerb(frame, -1)
    if left is None or right is None:
        return None
    rows = [int(np.argmin(np.abs(frame.s - at))) for at in (s - 0.5 * LENGTH_M, s + 0.5 * LENGTH_M)]
    near_left, near_right = frame.points(left)[rows], frame.points(right)[rows]
    return Crosswalk(np.concatenate([near_right, near_left[::-1]]))


def _kerb(frame: SectionFrame, side: int) -> FloatArray | None:
    """Return t ``(n,)`` of the border between the road and the innermost sidewalk of one side."""
    lanes = [lane for lane in frame.section.lanes if lane * side > 0 and frame.section.lanes[lane].kind == "sidewalk"]
    if not lanes:
        return None
    kerb: FloatArray = frame.inner[min(lanes, key=abs)][0]
    return kerb
