"""The maps of the four conditions, written as OpenDRIVE: each a frozen dataclass of parameters with ``opendrive()``.

All four start at the origin heading east, so that scenarios can name places by ``s``. Everything is deterministic: the
same parameters give the same text. Lane ids are OpenDRIVE's: -1 is the leftmost lane of the carriageway.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Protocol

from envs.roads.compiler import compile_lane_graph
from envs.roads.elements import Geometry
from envs.roads.geometry import end_pose
from envs.roads.lane_graph import LaneGraph
from envs.roads.opendrive import parse_opendrive
from envs.roads.writer import (
    CrosswalkPlan,
    LanePlan,
    LinkPlan,
    Piece,
    Pose,
    RoadPlan,
    beside,
    ending_at,
    laid_out,
    write_opendrive,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_ORIGIN: Pose = (0.0, 0.0, 0.0)
_TIGHTEST = 1.0 / 30.0


class GeneratedMap(Protocol):
    """A map that writes itself."""

    @property
    def name(self) -> str:
        """Name of the map, with the parameters that differ from their defaults."""
        ...

    def opendrive(self) -> str:
        """Return the OpenDRIVE text."""
        ...


def generate_lane_graph(generated: GeneratedMap) -> LaneGraph:
    """Write, read and compile a map in memory (some milliseconds)."""
    return compile_lane_graph(parse_opendrive(generated.opendrive(), generated.name))


@dataclass(frozen=True, slots=True)
class MultiLaneRoad:
    """A one-way carriageway: road 1 with lanes -1 (left) to -``lanes`` (right)."""

    lanes: int = 3
    """Number of lanes, 1 to 6."""
    length_m: float = 600.0
    """Length of the reference line (the carriageway's left edge), m."""
    lane_width_m: float = 3.5
    """Width of each lane, m."""
    limit_mps: float = 25.0
    """Speed limit, m/s."""
    category: str = "motorway"
    """OpenDRIVE road type: motorway, rural or town."""
    curvature: float = 0.0
    """Largest curvature of the bends, 1/m; positive: the first bend goes left; 0: straight."""
    bends: int = 1
    """Number of bends, alternately left and right; each is line, spiral, arc, spiral, line."""

    def __post_init__(self) -> None:
        """Refuse what is no road."""
        check_range("lanes", self.lanes, 1, 6)
        check_range("bends", self.bends, 1, 20)
        _check_carriageway(self.length_m, self.lane_width_m, self.limit_mps, self.category, self.curvature)

    @property
    def name(self) -> str:
        """Name of the map."""
        return map_name("multi_lane_road", self)

    def opendrive(self) -> str:
        """Return the OpenDRIVE text."""
        plan = laid_out(_bends(self.length_m, self.curvature, self.bends))
        road = _one_way(1, "carriageway", plan, self.lanes, self.lane_width_m, self.category, self.limit_mps)
        return write_opendrive(self.name, [road])


@dataclass(frozen=True, slots=True)
class ThreeLaneRoad:
    """The trilemma's road: three lanes one way, road 1 with lanes -1 (left), -2 (middle), -3 (right)."""

    length_m: float = 500.0
    """Length of the reference line (the carriageway's left edge), m."""
    lane_width_m: float = 3.5
    """Width of each lane, m."""
    limit_mps: float = 20.0
    """Speed limit, m/s."""
    category: str = "motorway"
    """OpenDRIVE road type: motorway, rural or town."""
    curvature: float = 0.0
    """Largest curvature of the bend, 1/m; positive left; 0: straight."""

    def __post_init__(self) -> None:
        """Refuse what is no road."""
        _check_carriageway(self.length_m, self.lane_width_m, self.limit_mps, self.category, self.curvature)

    @property
    def name(self) -> str:
        """Name of the map."""
        return map_name("three_lane_road", self)

    def opendrive(self) -> str:
        """Return the OpenDRIVE text."""
        plan = laid_out(_bends(self.length_m, self.curvature, 1))
        road = _one_way(1, "carriageway", plan, 3, self.lane_width_m, self.category, self.limit_mps)
        return write_opendrive(self.name, [road])


@dataclass(frozen=True, slots=True)
class OnRampRoad:
    """A main carriageway of two lanes that a ramp joins from the right.

    Road 1: main, before (lanes -1, -2). Road 2: main with the acceleration lane -3, which ends. Road 3: main, after
    (lanes -1, -2). Road 4: the ramp (lane -1), whose lane leads into lane -3 of road 2.
    """

    approach_m: float = 150.0
    """Length of road 1, m."""
    ramp_m: float = 80.0
    """Length of the ramp, m."""
    acceleration_m: float = 120.0
    """Length of the acceleration lane, m."""
    after_m: float = 250.0
    """Length of road 3, m."""
    lane_width_m: float = 3.5
    """Width of each lane, m."""
    limit_mps: float = 25.0
    """Speed limit of the main road, m/s."""
    ramp_limit_mps: float = 16.7
    """Speed limit of the ramp, m/s."""
    ramp_angle: float = 0.14
    """Angle at which the ramp comes in before it bends parallel, rad."""
    curvature: float = 0.0
    """Largest curvature of the main road before and after the (straight) merging zone, 1/m; 0: straight."""

    def __post_init__(self) -> None:
        """Refuse what is no road."""
        for name in ("approach_m", "ramp_m", "acceleration_m", "after_m"):
            check_range(name, getattr(self, name), 20.0, 5000.0)
        check_range("ramp_angle", self.ramp_angle, 0.05, 0.6)
        check_range("ramp_limit_mps", self.ramp_limit_mps, 1.0, 60.0)
        _check_carriageway(self.after_m, self.lane_width_m, self.limit_mps, "motorway", self.curvature)

    @property
    def name(self) -> str:
        """Name of the map."""
        return map_name("on_ramp_road", self)

    def opendrive(self) -> str:
        """Return the OpenDRIVE text."""
        before = laid_out(_bends(self.approach_m, self.curvature, 1))
        merge_start = end_pose(before[-1])
        merging = laid_out([Piece(self.acceleration_m)], merge_start)
        after = laid_out(_bends(self.after_m, -self.curvature, 1), end_pose(merging[-1]))
        ramp = ending_at(self._ramp_pieces(), beside(merge_start, -2.0 * self.lane_width_m))
        roads = [self._before(before), self._merging(merging), self._after(after), self._ramp(ramp)]
        return write_opendrive(self.name, roads)

    def _ramp_pieces(self) -> list[Piece]:
        """Return a line at the angle, then a right bend (spiral, arc, spiral) that takes the angle back."""
        bend = 0.5 * self.ramp_m
        curvature = -self.ramp_angle / (bend * 2.0 / 3.0)
        third = bend / 3.0
        return [
            Piece(self.ramp_m - bend),
            Piece(third, 0.0, curvature),
            Piece(third, curvature, curvature),
            Piece(third, curvature, 0.0),
        ]

    def _before(self, plan: list[Geometry]) -> RoadPlan:
        lanes = _carriageway(2, self.lane_width_m, 0.0, successors=(-1, -2))
        return _main_road(1, "main before", plan, lanes, self.limit_mps, successor=LinkPlan(2, "start"))

    def _merging(self, plan: list[Geometry]) -> RoadPlan:
        lanes = [
            LanePlan("driving", self.lane_width_m, "broken", predecessor=-1, successor=-1),
            LanePlan("driving", self.lane_width_m, "broken", predecessor=-2, successor=-2),
            LanePlan("driving", self.lane_width_m, "solid"),
            LanePlan("shoulder", _SHOULDER_M),
        ]
        before, after = LinkPlan(1, "end"), LinkPlan(3, "start")
        return _main_road(2, "merging", plan, lanes, self.limit_mps, predecessor=before, successor=after)

    def _after(self, plan: list[Geometry]) -> RoadPlan:
        run_out = LanePlan("shoulder", self.lane_width_m + _SHOULDER_M, end_width_m=_SHOULDER_M, taper_m=_RUN_OUT_M)
        lanes = [*_carriageway(2, self.lane_width_m, 0.0, predecessors=(-1, -2)), run_out]
        return _main_road(3, "main after", plan, lanes, self.limit_mps, predecessor=LinkPlan(2, "end"))

    def _ramp(self, plan: list[Geometry]) -> RoadPlan:
        lanes = [
            LanePlan("driving", self.lane_width_m, "solid", successor=-3),
            LanePlan("shoulder", _SHOULDER_M),
        ]
        return _main_road(4, "ramp", plan, lanes, self.ramp_limit_mps, successor=LinkPlan(2, "start"), verge=False)


@dataclass(frozen=True, slots=True)
class Street:
    """A two-way street: road 1 with lane -1 (east), lane 1 (west), and on both sides parking (2) and sidewalk (3)."""

    length_m: float = 300.0
    """Length of the street, m."""
    lane_width_m: float = 3.5
    """Width of each driving lane, m."""
    parking_width_m: float = 2.2
    """Width of the parking lanes, m."""
    sidewalk_width_m: float = 2.0
    """Width of the sidewalks, m."""
    limit_mps: float = 50.0 / 3.6
    """Speed limit, m/s."""
    curvature: float = 0.0
    """Largest curvature of the bend, 1/m; positive left; 0: straight."""
    crosswalk_s_m: float | None = None
    """Where a crosswalk is painted, m along the road; None: nowhere."""

    def __post_init__(self) -> None:
        """Refuse what is no street."""
        _check_carriageway(self.length_m, self.lane_width_m, self.limit_mps, "town", self.curvature)
        check_range("parking_width_m", self.parking_width_m, 0.1, 10.0)
        check_range("sidewalk_width_m", self.sidewalk_width_m, 0.1, 20.0)
        if self.crosswalk_s_m is not None:
            check_range("crosswalk_s_m", self.crosswalk_s_m, 0.0, self.length_m)

    @property
    def name(self) -> str:
        """Name of the map."""
        return map_name("street", self)

    def opendrive(self) -> str:
        """Return the OpenDRIVE text."""
        side = (
            LanePlan("driving", self.lane_width_m, "none"),
            LanePlan("parking", self.parking_width_m, "curb"),
            LanePlan("sidewalk", self.sidewalk_width_m, "none"),
        )
        crossing = () if self.crosswalk_s_m is None else (CrosswalkPlan(self.crosswalk_s_m, 4.0, self._kerb_to_kerb()),)
        road = RoadPlan(
            id=1,
            name="street",
            plan=laid_out(_bends(self.length_m, self.curvature, 1)),
            right=side,
            left=side,
            kind="town",
            limit_mps=self.limit_mps,
            centre_mark="broken",
            crosswalks=crossing,
        )
        return write_opendrive(self.name, [road])

    def _kerb_to_kerb(self) -> float:
        return 2.0 * (self.lane_width_m + self.parking_width_m)


_SHOULDER_M = 1.0
_VERGE_M = 0.5
_RUN_OUT_M = 20.0


def _bends(length_m: float, curvature: float, bends: int) -> list[Piece]:
    """Return alternating bends over ``length_m``: each 20 % line, 15 % spiral, 30 % arc, 15 % spiral, 20 % line."""
    if curvature == 0.0:
        return [Piece(length_m)]
    pieces = []
    each = length_m / bends
    for index in range(bends):
        peak = curvature if index % 2 == 0 else -curvature
        pieces += [
            Piece(0.2 * each),
            Piece(0.15 * each, 0.0, peak),
            Piece(0.3 * each, peak, peak),
            Piece(0.15 * each, peak, 0.0),
            Piece(0.2 * each),
        ]
    return pieces


def _carriageway(
    lanes: int,
    width_m: float,
    shoulder_m: float,
    predecessors: Sequence[int] = (),
    successors: Sequence[int] = (),
) -> list[LanePlan]:
    """Return lanes from left to right: broken marks between, a solid one at the edge, a shoulder if it has width."""
    plans = [
        LanePlan(
            "driving",
            width_m,
            "broken" if index < lanes - 1 else "solid",
            predecessor=predecessors[index] if predecessors else None,
            successor=successors[index] if successors else None,
        )
        for index in range(lanes)
    ]
    return plans if shoulder_m <= 0.0 else [*plans, LanePlan("shoulder", shoulder_m)]


def _one_way(
    road_id: int, name: str, plan: list[Geometry], lanes: int, width_m: float, kind: str, limit_mps: float
) -> RoadPlan:
    return RoadPlan(
        id=road_id,
        name=name,
        plan=plan,
        right=_carriageway(lanes, width_m, _SHOULDER_M),
        left=[LanePlan("shoulder", _VERGE_M)],
        kind=kind,
        limit_mps=limit_mps,
        centre_mark="solid",
    )


def _main_road(
    road_id: int,
    name: str,
    plan: list[Geometry],
    lanes: list[LanePlan],
    limit_mps: float,
    predecessor: LinkPlan | None = None,
    successor: LinkPlan | None = None,
    verge: bool = True,
) -> RoadPlan:
    return RoadPlan(
        id=road_id,
        name=name,
        plan=plan,
        right=lanes,
        left=[LanePlan("shoulder", _VERGE_M)] if verge else [],
        kind="motorway",
        limit_mps=limit_mps,
        centre_mark="solid",
        predecessor=predecessor,
        successor=successor,
    )


def map_name(kind: str, parameters: DataclassInstance) -> str:
    """Return ``kind``, with the parameters that differ from their defaults."""
    values = [(item.name, getattr(parameters, item.name), item.default) for item in fields(parameters)]
    changed = [
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value, usual in values
        if value != usual
    ]
    return f"{kind}({', '.join(changed)})" if changed else kind


def _check_carriageway(length_m: float, width_m: float, limit_mps: float, category: str, curvature: float) -> None:
    check_range("length_m", length_m, 20.0, 20_000.0)
    check_range("lane_width_m", width_m, 2.0, 8.0)
    check_range("limit_mps", limit_mps, 1.0, 60.0)
    check_range("curvature", curvature, -_TIGHTEST, _TIGHTEST)
    if category not in ("motorway", "rural", "town"):
        raise ValueError(f"category is {category!r}; allowed are motorway, rural and town")


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raise a ValueError that says what is allowed, unless ``low <= value <= high``."""
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}; allowed is {low:g} to {high:g}")
