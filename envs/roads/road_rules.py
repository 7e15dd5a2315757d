"""What OpenDRIVE's lane types, road types, speeds and road marks mean for driving."""

from __future__ import annotations

from envs.roads.elements import Lane, LaneSection, Road, RoadMark
from envs.scene import RoadCategory

DRIVING_KINDS = frozenset({
    "driving", "bidirectional", "entry", "exit", "onRamp", "offRamp", "connectingRamp", "slipLane", "mwyEntry",
    "mwyExit", "HOV", "taxi", "bus",
})  # fmt: skip
"""Lane types that are in the lane graph. A bidirectional lane is driven in the direction of its side only."""

DEFAULT_LIMIT_MPS = {
    RoadCategory.HIGHWAY: 120.0 / 3.6,
    RoadCategory.RURAL: 80.0 / 3.6,
    RoadCategory.URBAN: 50.0 / 3.6,
}
"""Speed limit where a map says none (ours: common European limits)."""

HIGHWAY_FROM_MPS = 22.5
"""A ``town`` road with a limit above this (81 km/h) counts as highway: some editors write ``town`` everywhere."""

_OPEN_MARKS = frozenset({"none", "broken", "botts dots"})


def is_driving(lane: Lane) -> bool:
    """Say whether vehicles drive on this lane."""
    return lane.kind in DRIVING_KINDS


def category_and_limit(road: Road, section: LaneSection, lane: Lane) -> tuple[int, float]:
    """Return (``RoadCategory``, limit in m/s) as the file says at the section's middle; -1 and 0 where unsaid."""
    middle = 0.5 * (section.s_start + section.s_end)
    kind, limit = "", 0.0
    for record in road.types:
        if record.s <= middle or not kind:
            kind, limit = record.kind, record.limit_mps or 0.0
    for speed in lane.speeds:
        if speed.s <= middle - section.s_start:
            limit = speed.limit_mps or limit
    return _category(kind, limit), limit


def _category(kind: str, limit: float) -> int:
    if not kind:
        return -1
    if kind == "motorway":
        return int(RoadCategory.HIGHWAY)
    if kind == "rural":
        return int(RoadCategory.RURAL)
    return int(RoadCategory.HIGHWAY if limit > HIGHWAY_FROM_MPS else RoadCategory.URBAN)


def may_cross(border: Lane, from_inside: bool, section: LaneSection) -> bool:
    """Say whether the mark on the outer border of ``border`` may be crossed.

    ``from_inside``: from the side of the reference line (for the centre lane: from its left side). Broken, none or no
    mark at all may be crossed. Of a double mark the line on the driver's side counts. One value for the whole section:
    that of the mark that covers most of it. An explicit ``laneChange`` of both, increase or decrease is obeyed; "none"
    is not, because common editors write it on every mark.
    """
    mark = _dominant_mark(border, section.s_end - section.s_start)
    if mark is None:
        return True
    if mark.lane_change in ("both", "increase", "decrease"):
        increases = from_inside == (border.id > 0)  # ids grow to the left
        return mark.lane_change == "both" or increases == (mark.lane_change == "increase")
    if mark.kind in _OPEN_MARKS:
        return True
    words = mark.kind.split()
    if len(words) == 2:
        return words[0 if from_inside else 1] == "broken"
    return False


def _dominant_mark(lane: Lane, length: float) -> RoadMark | None:
    ends = [*(mark.s_offset for mark in lane.marks[1:]), length]
    spans = [min(end, length) - mark.s_offset for mark, end in zip(lane.marks, ends, strict=True)] if lane.marks else []
    return lane.marks[spans.index(max(spans))] if spans else None
