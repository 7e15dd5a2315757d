"""Writing OpenDRIVE 1.4: plans of lines, arcs and spirals, cross sections, links, and the XML text.

Only what the generated maps need; ``opendrive.py`` reads it back, and so does CARLA. Junctions, signals and stop lines
are in ``junction_writer.py``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import quoteattr

from envs.roads.elements import Arc, Geometry, Line, Shape, Spiral
from envs.roads.geometry import end_pose
from envs.roads.junction_writer import (
    ControllerPlan,
    JunctionPlan,
    SignalPlan,
    StopLinePlan,
    controller_lines,
    junction_lines,
    number,
    signal_lines,
    stop_line_text,
)

_PROJECTION = "+proj=tmerc +lat_0=0 +lon_0=0 +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"

Pose = tuple[float, float, float]
"""x (m), y (m), heading (rad)."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a reference line: ``length_m`` and the curvature (1/m, positive left) at its start and end."""

    length_m: float
    curvature_start: float = 0.0
    curvature_end: float = 0.0

    def shape(self) -> Shape:
        """Return the OpenDRIVE shape; equal curvatures are an arc, never a spiral (CARLA cannot read those)."""
        if self.curvature_start != self.curvature_end:
            return Spiral(self.curvature_start, self.curvature_end)
        return Arc(self.curvature_start) if self.curvature_start else Line()


@dataclass(frozen=True, slots=True)
class LanePlan:
    """One lane: OpenDRIVE ``kind``, ``width_m``, the mark on its outer border, links.

    With ``end_width_m`` the width runs linearly to that over the first ``taper_m`` metres and stays there.
    """

    kind: str
    width_m: float
    mark: str = "none"
    color: str = "white"
    end_width_m: float | None = None
    taper_m: float = 0.0
    predecessor: int | None = None
    successor: int | None = None


@dataclass(frozen=True, slots=True)
class LinkPlan:
    """What a road's end is linked to: road ``road_id`` at its ``contact`` ("start" or "end")."""

    road_id: int
    contact: str


@dataclass(frozen=True, slots=True)
class JunctionLink:
    """A road's end is linked to junction ``junction_id``."""

    junction_id: int


@dataclass(frozen=True, slots=True)
class CrosswalkPlan:
    """A crosswalk straight across at ``s_m``: ``length_m`` along the road, ``width_m`` across it, centred on t = 0."""

    s_m: float
    length_m: float
    width_m: float


@dataclass(frozen=True, slots=True)
class RoadPlan:
    """A road of one lane section; ``left`` and ``right`` lanes from the centre outwards."""

    id: int
    name: str
    plan: Sequence[Geometry]
    right: Sequence[LanePlan]
    left: Sequence[LanePlan] = ()
    kind: str = "rural"
    limit_mps: float = 80.0 / 3.6
    centre_mark: str = "none"
    centre_color: str = "white"
    predecessor: LinkPlan | JunctionLink | None = None
    successor: LinkPlan | JunctionLink | None = None
    crosswalks: Sequence[CrosswalkPlan] = field(default_factory=tuple)
    stop_lines: Sequence[StopLinePlan] = ()
    signals: Sequence[SignalPlan] = ()
    junction: int = -1

    @property
    def length_m(self) -> float:
        """Length of the reference line (m)."""
        return self.plan[-1].s + self.plan[-1].length


def laid_out(pieces: Sequence[Piece], start: Pose = (0.0, 0.0, 0.0)) -> list[Geometry]:
    """Return the pieces one after the other from ``start`` on; pieces of no length are left out."""
    plan: list[Geometry] = []
    s, pose = 0.0, start
    for piece in pieces:
        if piece.length_m <= 0.0:
            continue
        plan.append(Geometry(s, *pose, piece.length_m, piece.shape()))
        s, pose = s + piece.length_m, end_pose(plan[-1])
    return plan


def ending_at(pieces: Sequence[Piece], end: Pose) -> list[Geometry]:
    """Return the pieces laid out so that the last one ends at ``end``."""
    x, y, heading = end_pose(laid_out(pieces)[-1])
    turn = end[2] - heading
    cos, sin = math.cos(turn), math.sin(turn)
    return laid_out(pieces, (end[0] - cos * x + sin * y, end[1] - sin * x - cos * y, turn))


def beside(pose: Pose, t: float) -> Pose:
    """Return the pose ``t`` metres to the left of ``pose``."""
    return pose[0] - t * math.sin(pose[2]), pose[1] + t * math.cos(pose[2]), pose[2]


def write_opendrive(
    name: str,
    roads: Sequence[RoadPlan],
    junctions: Sequence[JunctionPlan] = (),
    controllers: Sequence[ControllerPlan] = (),
) -> str:
    """Return the OpenDRIVE text of a map."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<OpenDRIVE>",
        f'  <header revMajor="1" revMinor="4" name={quoteattr(name)} version="1">',
        f"    <geoReference><![CDATA[{_PROJECTION}]]></geoReference>",
        "  </header>",
    ]
    for road in roads:
        lines += _road_lines(road)
    for controller in controllers:
        lines += controller_lines(controller)
    for junction in junctions:
        lines += junction_lines(junction)
    lines.append("</OpenDRIVE>")
    return "\n".join(lines) + "\n"


def _road_lines(road: RoadPlan) -> list[str]:
    title = f'name={quoteattr(road.name)} length="{number(road.length_m)}" id="{road.id}"'
    return [
        f'  <road {title} junction="{road.junction}">',
        "    <link>",
        *_link_lines("predecessor", road.predecessor),
        *_link_lines("successor", road.successor),
        "    </link>",
        f'    <type s="0.0" type="{road.kind}">{_speed_text(road.limit_mps)}</type>',
        "    <planView>",
        *(line for piece in road.plan for line in _geometry_lines(piece)),
        "    </planView>",
        '    <elevationProfile><elevation s="0.0" a="0.0" b="0.0" c="0.0" d="0.0"/></elevationProfile>',
        "    <lanes>",
        '      <laneOffset s="0.0" a="0.0" b="0.0" c="0.0" d="0.0"/>',
        '      <laneSection s="0.0">',
        *_side_lines("left", list(enumerate(road.left, start=1))[::-1]),
        *_centre_lines(road),
        *_side_lines("right", [(-index, lane) for index, lane in enumerate(road.right, start=1)]),
        "      </laneSection>",
        "    </lanes>",
        *_object_lines(road),
        *signal_lines(road.signals),
        "  </road>",
    ]


def _speed_text(limit_mps: float) -> str:
    """Return the limit in whole km/h where it is (the schema knows whole numbers only), else in m/s."""
    whole = round(3.6 * limit_mps)
    if abs(3.6 * limit_mps - whole) < 1e-9:
        return f'<speed max="{whole}" unit="km/h"/>'
    return f'<speed max="{number(limit_mps)}" unit="m/s"/>'


def _link_lines(tag: str, link: LinkPlan | JunctionLink | None) -> list[str]:
    if link is None:
        return []
    if isinstance(link, JunctionLink):
        return [f'      <{tag} elementType="junction" elementId="{link.junction_id}"/>']
    return [f'      <{tag} elementType="road" elementId="{link.road_id}" contactPoint="{link.contact}"/>']


def _geometry_lines(piece: Geometry) -> list[str]:
    where = " ".join(
        f'{key}="{number(value)}"'
        for key, value in zip(
            ("s", "x", "y", "hdg", "length"), (piece.s, piece.x, piece.y, piece.heading, piece.length), strict=True
        )
    )
    match piece.shape:
        case Line():
            shape = "<line/>"
        case Arc(curvature):
            shape = f'<arc curvature="{number(curvature)}"/>'
        case Spiral(start, end):
            shape = f'<spiral curvStart="{number(start)}" curvEnd="{number(end)}"/>'
        case other:
            raise TypeError(f"the writer knows Line, Arc and Spiral, got {other!r}")
    return [f"      <geometry {where}>{shape}</geometry>"]


def _centre_lines(road: RoadPlan) -> list[str]:
    mark = _mark_text(road.centre_mark, road.centre_color)
    return ["        <center>", f'          <lane id="0" type="none" level="false">{mark}</lane>', "        </center>"]


def _side_lines(side: str, lanes: list[tuple[int, LanePlan]]) -> list[str]:
    if not lanes:
        return []
    body = [f"          {_lane_text(lane_id, lane)}" for lane_id, lane in lanes]
    return [f"        <{side}>", *body, f"        </{side}>"]


def _lane_text(lane_id: int, lane: LanePlan) -> str:
    links = "".join(
        f'<{tag} id="{target}"/>'
        for tag, target in (("predecessor", lane.predecessor), ("successor", lane.successor))
        if target is not None
    )
    body = f"<link>{links}</link>{_width_text(lane)}{_mark_text(lane.mark, lane.color)}"
    return f'<lane id="{lane_id}" type="{lane.kind}" level="false">{body}</lane>'


def _width_text(lane: LanePlan) -> str:
    if lane.end_width_m is None:
        return _width_record(0.0, lane.width_m, 0.0)
    slope = (lane.end_width_m - lane.width_m) / lane.taper_m
    return _width_record(0.0, lane.width_m, slope) + _width_record(lane.taper_m, lane.end_width_m, 0.0)


def _width_record(offset: float, a: float, b: float) -> str:
    return f'<width sOffset="{number(offset)}" a="{number(a)}" b="{number(b)}" c="0.0" d="0.0"/>'


def _mark_text(mark: str, color: str) -> str:
    change = "both" if mark == "broken" else "none"
    return (
        f'<roadMark sOffset="0.0" type="{mark}" weight="standard" color="{color}" width="0.15" laneChange="{change}"/>'
    )


def _object_lines(road: RoadPlan) -> list[str]:
    bodies = [_crosswalk_text(crosswalk) for crosswalk in road.crosswalks]
    bodies += [stop_line_text(stop_line) for stop_line in road.stop_lines]
    if not bodies:
        return []
    first = road.id * 100  # an object's id is unique in the whole map
    return [
        "    <objects>",
        *(f'      <object id="{first + index}" {body}' for index, body in enumerate(bodies)),
        "    </objects>",
    ]


def _crosswalk_text(crosswalk: CrosswalkPlan) -> str:
    u, v = 0.5 * crosswalk.length_m, 0.5 * crosswalk.width_m
    corners = "".join(
        f'<cornerLocal u="{number(a)}" v="{number(b)}" z="0.0"/>'
        for a, b in ((-u, -v), (u, -v), (u, v), (-u, v), (-u, -v))
    )
    place = f's="{number(crosswalk.s_m)}" t="0.0" zOffset="0.0" hdg="0.0" orientation="none"'
    return f'name="crosswalk" type="crosswalk" {place}><outline>{corners}</outline></object>'
