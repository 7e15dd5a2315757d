r"""A generated town of about the size of CARLA's Town02: streets within a ring that has an exit and an on-ramp.

The core is a grid of three by three places, 2 ``block_m`` wide; x is east, y north, the origin the centre crossing C::

      +---------------------- ring ------------------------+
      |            +-------- N ----------- CN ----+        |      C, E, RS   traffic lights
    merge          |         |              |     |        |      W          stop signs on all arms
      | \          |         |              +--- CE        |      S          stop signs east and west
      |   I ------ W ------- C ------------------ E ----- RE      N, RE, I   yield signs, priority roads
      | /          |         |                    |        |      CN, CE     nothing: the crescent
    exit           +-------- S -------------------+        |
      +--------------------- RS ---------------------------+

Road ids: streets 1 to 14, ramps 15 and 16, ring 21 to 27 (clockwise from RS; 27 is from RE to RS). Junction 100 k has
its connecting roads, signals and controllers within 100 k + 1 ... 100 k + 99.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from envs.roads.bends import bend, joined, length, portion, pose_at, s_bend
from envs.roads.elements import Arc, Geometry
from envs.roads.generate import check_range, map_name
from envs.roads.junction_writer import JunctionPlan
from envs.roads.junctions import Arm, Control, Site, Way, plan_junction
from envs.roads.town_plan import EAST, NORTH, SHOULDER_M, SOUTH, WEST, CrossSections, Node
from envs.roads.writer import CrosswalkPlan, LanePlan, LinkPlan, RoadPlan, beside, write_opendrive

_SPIRAL = 0.15
_STREET_RADIUS_M = 30.0
_DIVERGING_M = 20.0
_RUN_M = 20.0
_RAMP_FROM_MIDDLE_M = 75.0
_ROUND_M = 5.0
EXIT_ROAD, ON_RAMP_ROAD = 15, 16
EXIT_JUNCTION = 1100


@dataclass(frozen=True, slots=True)
class Town:
    """Streets, four crossings and six T-junctions, and a ring of two lanes a direction with an exit and an on-ramp."""

    block_m: float = 100.0
    """Distance from the centre crossing to the outer streets, m."""
    lane_width_m: float = 3.5
    """Width of each driving lane, m."""
    sidewalk_m: float = 2.0
    """Width of the sidewalks, m."""
    street_limit_mps: float = 50.0 / 3.6
    """Speed limit of the outer streets, m/s."""
    inner_limit_mps: float = 40.0 / 3.6
    """Speed limit of the streets at the centre crossing, and of the ramps, m/s."""
    slow_limit_mps: float = 30.0 / 3.6
    """Speed limit of the crescent, m/s."""
    ring_limit_mps: float = 60.0 / 3.6
    """Speed limit of the ring, m/s."""
    ring_radius_m: float = 100.0
    """Radius of the ring's corners, m."""
    acceleration_m: float = 90.0
    """Length of the acceleration lane of the on-ramp, m."""
    exit_lane_m: float = 70.0
    """Length of the lane that leaves the ring, m."""

    def __post_init__(self) -> None:
        """Refuse what is no town."""
        check_range("block_m", self.block_m, 90.0, 130.0)
        check_range("lane_width_m", self.lane_width_m, 3.0, 3.75)
        check_range("sidewalk_m", self.sidewalk_m, 1.0, 3.0)
        check_range("ring_radius_m", self.ring_radius_m, 90.0, 105.0)
        check_range("acceleration_m", self.acceleration_m, 40.0, 120.0)
        check_range("exit_lane_m", self.exit_lane_m, 40.0, 80.0)
        for name in ("street_limit_mps", "inner_limit_mps", "slow_limit_mps", "ring_limit_mps"):
            check_range(name, getattr(self, name), 1.0, 30.0)

    @property
    def name(self) -> str:
        """Name of the map."""
        return map_name("town", self)

    def opendrive(self) -> str:
        """Return the OpenDRIVE text."""
        roads = {road.id: road for road in (*self._streets(), *self._ring(), *self._ramps())}
        junctions: list[JunctionPlan] = []
        for site in (*_core_sites(), *_edge_sites(), _exit_site()):
            junction, changed = plan_junction(site, roads)
            junctions.append(junction)
            roads.update(changed)
        controllers = [controller for junction in junctions for controller in junction.controllers]
        return write_opendrive(self.name, list(roads.values()), junctions, controllers)

    @property
    def _sections(self) -> CrossSections:
        return CrossSections(self.lane_width_m, self.sidewalk_m)

    def _node(self, name: str) -> Node:
        """Return the centre of a junction."""
        b = self.block_m
        ring = 6.0 + 2.0 * self.lane_width_m
        return {
            "C": Node(0.0, 0.0),
            "N": Node(-0.15 * b, b),
            "E": Node(b, 0.0),
            "S": Node(0.0, -b),
            "W": Node(-b, 0.0),
            "CN": Node(0.55 * b, b),
            "CE": Node(b, 0.55 * b),
            "I": Node(-b - 62.0, 0.0),
            "RS": Node(0.0, -b - 60.0, ring),
            "RE": Node(b + 60.0, 0.0, ring),
        }[name]

    def _streets(self) -> list[RoadPlan]:
        outer, inner = self.street_limit_mps, self.inner_limit_mps
        north_west = self._street(6, "N", WEST, "W", NORTH, outer)
        middle = CrosswalkPlan(0.75 * north_west.length_m, 4.0, 2.0 * self.lane_width_m)
        return [
            self._street(1, "W", SOUTH, "S", WEST, outer),
            self._street(2, "S", EAST, "E", SOUTH, outer),
            self._street(3, "E", NORTH, "CE", SOUTH, outer),
            self._street(4, "CE", NORTH, "CN", EAST, outer),
            self._street(5, "CN", WEST, "N", EAST, outer),
            _with_crosswalk(north_west, middle),
            self._street(7, "C", NORTH, "N", SOUTH, inner, aside=True),
            self._street(8, "C", EAST, "E", WEST, inner),
            self._street(9, "C", SOUTH, "S", NORTH, inner),
            self._street(10, "C", WEST, "W", EAST, inner),
            self._street(11, "CN", SOUTH, "CE", WEST, self.slow_limit_mps),
            self._street(12, "S", SOUTH, "RS", NORTH, outer),
            self._street(13, "E", EAST, "RE", WEST, outer),
            self._street(14, "W", WEST, "I", EAST, outer),
        ]

    def _street(
        self, road_id: int, first: str, out: float, last: str, arm: float, limit: float, aside: bool = False
    ) -> RoadPlan:
        """Return the street that leaves node ``first`` in direction ``out`` and comes to ``last`` by its ``arm``.

        ``aside``: it goes on in the same direction, but not in the same line.
        """
        start, end = self._node(first).leaving(out), self._node(last).entering(arm)
        plan = s_bend(start, end, _SPIRAL) if aside else bend(start, end, _STREET_RADIUS_M, _SPIRAL)
        return self._sections.street(road_id, f"{first} to {last}", plan, limit)

    def _ring(self) -> list[RoadPlan]:
        """Return the ring clockwise, so that its right lanes are those inside."""
        path, gore, merge = self._ring_path()
        end = length(path)
        opening, after = gore - self.exit_lane_m, merge + self.acceleration_m
        ring = partial(self._sections.ring, limit_mps=self.ring_limit_mps)
        wide = self.lane_width_m + SHOULDER_M
        run_in = [LanePlan("shoulder", SHOULDER_M, end_width_m=wide, taper_m=_RUN_M)]
        run_out = [LanePlan("shoulder", wide, end_width_m=SHOULDER_M, taper_m=_RUN_M)]
        leaving = [LanePlan("driving", self.lane_width_m, "solid"), LanePlan("shoulder", SHOULDER_M)]
        east, south = self._node("RE").leaving(SOUTH), self._node("RS").entering(EAST)
        return _chained(
            [
                ring(21, "ring south", portion(path, 0.0, opening - _RUN_M), linked=(False, True)),
                ring(22, "ring run-in", portion(path, opening - _RUN_M, opening), outside=run_in, linked=(True, True)),
                ring(23, "ring exit", portion(path, opening, gore), outside=leaving, linked=(True, False)),
                ring(24, "ring west", portion(path, gore + _DIVERGING_M, merge), outside=[], linked=(False, True)),
                ring(25, "ring merging", portion(path, merge, after), outside=leaving, linked=(True, True)),
                ring(26, "ring north", portion(path, after, end), outside=run_out, linked=(True, False)),
                ring(27, "ring east", bend(east, south, self.ring_radius_m, _SPIRAL)),
            ]
        )

    def _ring_path(self) -> tuple[list[Geometry], float, float]:
        """Return the way from RS to RE and the values of s at which the exit leaves and the on-ramp joins."""
        b, round_ = self.block_m, partial(bend, radius_m=self.ring_radius_m, spiral_share=_SPIRAL)
        west, north = (-b - 85.0, 0.0, NORTH), (0.0, b + 60.0, EAST)
        south_west = round_(self._node("RS").leaving(WEST), west)
        path = joined(south_west, round_(west, north), round_(north, self._node("RE").entering(NORTH)))
        # The lanes part on an arc, where the borders of all lanes are arcs too.
        arc = next(piece for piece in south_west if isinstance(piece.shape, Arc))
        gore = arc.s + arc.length - _ROUND_M - _DIVERGING_M
        return path, gore, length(south_west) + _RAMP_FROM_MIDDLE_M

    def _ramps(self) -> list[RoadPlan]:
        path, gore, merge = self._ring_path()
        leave, join = (beside(pose_at(path, s), -2.0 * self.lane_width_m) for s in (gore, merge))
        interchange, half = self._node("I"), 0.5 * self.lane_width_m
        into, out = beside(interchange.entering(SOUTH), half), beside(interchange.leaving(NORTH), half)
        exit_plan = s_bend(leave, into)
        exit_plan = portion(exit_plan, _DIVERGING_M, length(exit_plan))
        exit_ = self._sections.ramp(EXIT_ROAD, "exit ramp", exit_plan, self.inner_limit_mps)
        on_ramp = self._sections.ramp(ON_RAMP_ROAD, "on-ramp", s_bend(out, join), self.inner_limit_mps)
        return [exit_, _leading_to(on_ramp, LinkPlan(25, "start"), -3)]


def _with_crosswalk(road: RoadPlan, crosswalk: CrosswalkPlan) -> RoadPlan:
    return replace(road, crosswalks=[*road.crosswalks, crosswalk])


def _leading_to(road: RoadPlan, link: LinkPlan, lane: int) -> RoadPlan:
    return replace(road, successor=link, right=[replace(road.right[0], successor=lane), *road.right[1:]])


def _chained(ring: Sequence[RoadPlan]) -> list[RoadPlan]:
    """Return the pieces of the ring with the links of those that join directly."""
    chained = []
    for index, road in enumerate(ring):
        before = LinkPlan(ring[index - 1].id, "end") if road.right[0].predecessor else None
        after = LinkPlan(ring[index + 1].id, "start") if road.right[0].successor else None
        chained.append(replace(road, predecessor=before, successor=after))
    return chained


def _core_sites() -> list[Site]:
    signal, stop, priority = Control.SIGNAL, Control.STOP, Control.PRIORITY
    return [
        _site(100, "centre", [(7, "start", signal, 0), (9, "start", signal, 0), (8, "start", signal, 1),
                              (10, "start", signal, 1)]),
        _site(200, "east", [(3, "start", signal, 0), (2, "end", signal, 0), (8, "end", signal, 1),
                            (13, "start", signal, 1)]),
        _site(300, "south", [(9, "end", priority, 0), (12, "start", priority, 0), (1, "end", stop, 0),
                             (2, "start", stop, 0)]),
        _site(400, "west", [(1, "start", stop, 0), (6, "end", stop, 0), (10, "end", stop, 0), (14, "start", stop, 0)]),
        _site(500, "north", [(5, "end", priority, 0), (6, "start", priority, 0), (7, "end", Control.YIELD, 0)]),
    ]  # fmt: skip


def _edge_sites() -> list[Site]:
    signal, give_way, high, none = Control.SIGNAL, Control.YIELD, Control.PRIORITY, Control.NONE
    return [
        _site(600, "crescent north", [(4, "end", none, 0), (5, "start", none, 0), (11, "start", none, 0)], False),
        _site(700, "crescent east", [(3, "end", none, 0), (4, "start", none, 0), (11, "end", none, 0)], False),
        _site(800, "ring south", [(27, "end", signal, 0), (21, "start", signal, 0), (12, "end", signal, 1)], False),
        _site(900, "ring east", [(26, "end", high, 0), (27, "start", high, 0), (13, "end", give_way, 0)], False),
        _site(1000, "interchange", [(14, "end", high, 0), (EXIT_ROAD, "end", give_way, 0),
                                    (ON_RAMP_ROAD, "start", none, 0)], False),
    ]  # fmt: skip


def _site(id_: int, name: str, arms: Sequence[tuple[int, str, Control, int]], crosswalks: bool = True) -> Site:
    return Site(id_, name, [Arm(*arm, crosswalk=crosswalks) for arm in arms])


def _exit_site() -> Site:
    """Return where the exit leaves the ring; OpenDRIVE wants a junction wherever a lane has two ways to go on."""
    before, after, ramp = Arm(23, "end"), Arm(24, "start"), Arm(EXIT_ROAD, "start")
    ways = [Way(before, lane, after, lane) for lane in (-1, -2)] + [Way(after, lane, before, lane) for lane in (1, 2)]
    return Site(EXIT_JUNCTION, "exit", [before, after, ramp], [*ways, Way(before, -3, ramp, -1)])
