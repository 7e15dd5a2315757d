"""Planning a junction: from its arms to connecting roads, priorities, signals, stop lines and crosswalks.

Every way through a junction is a connecting road of one driving lane whose reference line is the lane's left border.
The way that has a corner (or the closed side of a T) on its right also carries the sidewalk or shoulder there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np

from envs.roads.bends import bend, pose_at, turned
from envs.roads.geometry import evaluate_line
from envs.roads.junction_writer import (
    STOP_SIGN,
    TRAFFIC_LIGHT,
    YIELD_SIGN,
    ConnectionPlan,
    ControllerPlan,
    JunctionPlan,
    SignalPlan,
    StopLinePlan,
)
from envs.roads.writer import CrosswalkPlan, JunctionLink, LanePlan, LinkPlan, Pose, RoadPlan, beside
from envs.scene import FloatArray

_STRAIGHT_RAD = math.radians(30.0)
_CROSSWALK_M, _CROSSWALK_TO_END_M = 3.0, 2.5
_STOP_BEHIND_CROSSWALK_M, _STOP_TO_END_M = 5.0, 1.0
_SIGNAL_BESIDE_M = 1.0
_CONFLICT_STEP_M = 0.5


class Control(Enum):
    """What stands at an arm of a junction."""

    NONE = auto()
    PRIORITY = auto()
    SIGNAL = auto()
    STOP = auto()
    YIELD = auto()


@dataclass(frozen=True, slots=True)
class Arm:
    """The end ``contact`` ("start" or "end") of road ``road_id``; ``phase`` numbers the controller of a signal."""

    road_id: int
    contact: str
    control: Control = Control.NONE
    phase: int = 0
    crosswalk: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """A way from a lane of one arm to a lane of another."""

    entry: Arm
    lane_in: int
    exit: Arm
    lane_out: int


@dataclass(frozen=True, slots=True)
class Site:
    """A junction to plan; ``ways`` only where they are not those of ``usual_ways``.

    ``id`` is a multiple of 100: connecting roads, signals and controllers take the 99 numbers after it.
    """

    id: int
    name: str
    arms: Sequence[Arm]
    ways: Sequence[Way] = ()


def plan_junction(site: Site, roads: Mapping[int, RoadPlan]) -> tuple[JunctionPlan, dict[int, RoadPlan]]:
    """Return the junction and its roads: the arms' roads with links, signals and lines, and the connecting roads."""
    changed: dict[int, RoadPlan] = {}
    for index, arm in enumerate(site.arms):
        road = changed.get(arm.road_id, roads[arm.road_id])
        changed[arm.road_id] = _furnished(road, arm, site.id, site.id + 60 + index)
    connections, planned = [], []
    for index, way in enumerate(site.ways or usual_ways(site.arms, roads), start=1):
        road, links = _connecting_road(site, way, site.id + index, roads)
        changed[road.id] = road
        connections.append(ConnectionPlan(way.entry.road_id, road.id, links))
        planned.append((way, road))
    return JunctionPlan(site.id, site.name, connections, _priorities(planned), _controllers(site, roads)), changed


def usual_ways(arms: Sequence[Arm], roads: Mapping[int, RoadPlan]) -> list[Way]:
    """Return the ways from every arm to every other, each from the lanes that suit the turn.

    Left turns join leftmost lanes, right turns rightmost ones, and straight on goes as many lanes as both arms have,
    counted from the right.
    """
    ways = []
    for entry in arms:
        for exit_ in arms:
            lanes_in, lanes_out = lanes_of(roads, entry, True), lanes_of(roads, exit_, False)
            if exit_ == entry or not lanes_in or not lanes_out:
                continue
            angle = _turn(roads, entry, exit_)
            pairs = list(zip(lanes_in[::-1], lanes_out[::-1], strict=False))
            if angle > _STRAIGHT_RAD:
                pairs = [(lanes_in[0], lanes_out[0])]
            elif angle < -_STRAIGHT_RAD:
                pairs = pairs[:1]
            ways += [Way(entry, lane_in, exit_, lane_out) for lane_in, lane_out in pairs]
    return ways


def lanes_of(roads: Mapping[int, RoadPlan], arm: Arm, incoming: bool) -> list[int]:
    """Return the ids of an arm's driving lanes into (or out of) the junction, from left to right for their drivers."""
    right = (arm.contact == "end") == incoming
    road = roads[arm.road_id]
    lanes, sign = (road.right, -1) if right else (road.left, 1)
    return [sign * index for index, lane in enumerate(lanes, start=1) if lane.kind == "driving"]


def _pose(roads: Mapping[int, RoadPlan], arm: Arm) -> Pose:
    """Return the end of an arm's reference line, looking along s."""
    road = roads[arm.road_id]
    return pose_at(road.plan, road.length_m if arm.contact == "end" else 0.0)


def _outwards(roads: Mapping[int, RoadPlan], arm: Arm) -> float:
    pose = _pose(roads, arm)
    return turned(pose)[2] if arm.contact == "end" else pose[2]


def _turn(roads: Mapping[int, RoadPlan], entry: Arm, exit_: Arm) -> float:
    """Return the change of heading from arm to arm (rad, positive left)."""
    return math.remainder(_outwards(roads, exit_) - _outwards(roads, entry) - math.pi, 2.0 * math.pi)


def _lanes(road: RoadPlan, lane: int) -> Sequence[LanePlan]:
    return road.right if lane < 0 else road.left


def _left_border(roads: Mapping[int, RoadPlan], arm: Arm, lane: int) -> Pose:
    """Return the pose of a lane's left border at the junction, in its direction of driving."""
    inner = sum(_width(item, arm) for item in _lanes(roads[arm.road_id], lane)[: abs(lane) - 1])
    pose = beside(_pose(roads, arm), math.copysign(inner, lane))
    return pose if lane < 0 else turned(pose)


def _width(lane: LanePlan, arm: Arm) -> float:
    """Return a lane's width at the junction (m)."""
    return lane.width_m if arm.contact == "start" or lane.end_width_m is None else lane.end_width_m


def _connecting_road(
    site: Site, way: Way, road_id: int, roads: Mapping[int, RoadPlan]
) -> tuple[RoadPlan, list[tuple[int, int]]]:
    """Return the connecting road and the lane links that lead to it."""
    entry, exit_ = roads[way.entry.road_id], roads[way.exit.road_id]
    driving = _lanes(entry, way.lane_in)[abs(way.lane_in) - 1]
    lanes = [LanePlan("driving", _width(driving, way.entry), predecessor=way.lane_in, successor=way.lane_out)]
    links = [(way.lane_in, -1)]
    side = _side_lane(site, way, roads)
    if side is not None:
        lanes = [replace(lanes[0], mark="curb" if side.kind == "sidewalk" else "solid"), side]
        if side.predecessor is not None:
            links.append((side.predecessor, -2))
    plan = bend(_left_border(roads, way.entry, way.lane_in), _left_border(roads, way.exit, way.lane_out))
    if side is not None and side.end_width_m is not None:
        lanes[1] = replace(side, taper_m=plan[-1].s + plan[-1].length)
    road = RoadPlan(
        id=road_id,
        name=f"{site.name}: {entry.name} to {exit_.name}",
        plan=plan,
        right=lanes,
        kind=entry.kind,
        limit_mps=min(entry.limit_mps, exit_.limit_mps),
        predecessor=LinkPlan(way.entry.road_id, way.entry.contact),
        successor=LinkPlan(way.exit.road_id, way.exit.contact),
        junction=site.id,
    )
    return road, links


def _side_lane(site: Site, way: Way, roads: Mapping[int, RoadPlan]) -> LanePlan | None:
    """Return the lane right of a way along the junction's rim; it is as wide as the arms' outer lanes at its ends."""
    rim = way.lane_in == lanes_of(roads, way.entry, True)[-1] and way.lane_out == lanes_of(roads, way.exit, False)[-1]
    if not rim or _next_arm(site, way.entry, roads) != way.exit:
        return None
    before, after = (_outer(roads, arm, lane) for arm, lane in ((way.entry, way.lane_in), (way.exit, way.lane_out)))
    if before is None or after is None:
        return None
    both = before.kind == after.kind
    width, end_width = _width(before, way.entry), _width(after, way.exit)
    return LanePlan(
        before.kind if both else "shoulder",
        width,
        end_width_m=None if width == end_width else end_width,
        predecessor=_beyond(way.lane_in) if both else None,
        successor=_beyond(way.lane_out) if both else None,
    )


def _next_arm(site: Site, arm: Arm, roads: Mapping[int, RoadPlan]) -> Arm:
    """Return the arm on the right hand of the traffic that comes in (the next one counter-clockwise)."""
    own = _outwards(roads, arm)
    return min(
        (other for other in site.arms if other != arm),
        key=lambda other: (_outwards(roads, other) - own) % (2.0 * math.pi),
    )


def _beyond(lane: int) -> int:
    return lane + (1 if lane > 0 else -1)


def _outer(roads: Mapping[int, RoadPlan], arm: Arm, lane: int) -> LanePlan | None:
    lanes = _lanes(roads[arm.road_id], lane)
    return lanes[abs(lane)] if len(lanes) > abs(lane) else None


def _furnished(road: RoadPlan, arm: Arm, junction: int, signal_id: int) -> RoadPlan:
    """Return the arm's road with its link to the junction and what is painted and put up before it."""
    link = JunctionLink(junction)
    road = replace(road, successor=link) if arm.contact == "end" else replace(road, predecessor=link)
    if arm.crosswalk:
        s, width = _from_end(road, arm, _CROSSWALK_TO_END_M), 2.0 * _driving_width(road.right)
        road = replace(road, crosswalks=[*road.crosswalks, CrosswalkPlan(s, _CROSSWALK_M, width)])
    kind = {Control.SIGNAL: TRAFFIC_LIGHT, Control.STOP: STOP_SIGN, Control.YIELD: YIELD_SIGN}.get(arm.control)
    lanes = lanes_of({road.id: road}, arm, True)
    if kind is None or not lanes:
        return road
    s = _from_end(road, arm, _STOP_BEHIND_CROSSWALK_M if arm.crosswalk else _STOP_TO_END_M)
    side = math.copysign(1.0, lanes[0])
    width = _driving_width(_lanes(road, lanes[0]))
    signal = SignalPlan(signal_id, kind, s, side * (width + _SIGNAL_BESIDE_M), lanes)
    road = replace(road, signals=[*road.signals, signal])
    if arm.control is Control.YIELD:
        return road
    stop_line = StopLinePlan(s, side * 0.5 * width, width, forward=lanes[0] < 0)
    return replace(road, stop_lines=[*road.stop_lines, stop_line])


def _from_end(road: RoadPlan, arm: Arm, gap_m: float) -> float:
    return road.length_m - gap_m if arm.contact == "end" else gap_m


def _driving_width(lanes: Sequence[LanePlan]) -> float:
    return sum(lane.width_m for lane in lanes if lane.kind == "driving")


def _priorities(ways: Sequence[tuple[Way, RoadPlan]]) -> list[tuple[int, int]]:
    high = [road for way, road in ways if way.entry.control is Control.PRIORITY]
    low = [road for way, road in ways if way.entry.control in (Control.STOP, Control.YIELD)]
    return [(first.id, second.id) for first in high for second in low if _conflict(first, second)]


def _conflict(first: RoadPlan, second: RoadPlan) -> bool:
    """Say whether two ways cross or merge: somewhere their lanes' centres are nearer than half a lane."""
    apart = _centre(first)[:, None] - _centre(second)[None]
    return bool(np.hypot(apart[..., 0], apart[..., 1]).min() < 0.5 * first.right[0].width_m)


def _centre(road: RoadPlan) -> FloatArray:
    line = evaluate_line(road.plan, np.arange(0.0, road.length_m, _CONFLICT_STEP_M))
    half = 0.5 * road.right[0].width_m
    return np.stack([line.x + half * np.sin(line.heading), line.y - half * np.cos(line.heading)], axis=1)


def _controllers(site: Site, roads: Mapping[int, RoadPlan]) -> list[ControllerPlan]:
    phases: dict[int, list[int]] = {}
    for index, arm in enumerate(site.arms):
        if arm.control is Control.SIGNAL and lanes_of(roads, arm, True):
            phases.setdefault(arm.phase, []).append(site.id + 60 + index)
    return [
        ControllerPlan(site.id + 80 + phase, f"{site.name} phase {phase}", phase, signals)
        for phase, signals in sorted(phases.items())
    ]
