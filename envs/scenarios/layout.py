"""Where the participants of a scenario stand at one of its placements."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from envs.roads.lane_graph import LaneGraph
from envs.roads.projection import pose_at
from envs.scenarios.scenario import ActorSpec, Placement, Scenario

RECKONED = 1.1
"""Share of the limit that the ego is taken to drive on its way to a meeting (ours): others can slow down for a slower
one, and could not catch up with a faster one."""


NEAR_START_M = 3.0
"""Distance from the beginning of its way that the ego starts at least (m, ours)."""


class ScenarioError(ValueError):
    """A scenario that cannot be placed on its road."""


class Layout:
    """Where each participant stands along the road, counted in the ego's direction from the ego's start.

    ``ego`` (lane, s) of the ego's start; ``route`` its lanes; ``along`` (m ahead of the ego's start) of the ego, the
    marks of the place and everybody who has been placed.
    """

    def __init__(self, graph: LaneGraph, place: Placement, scenario: Scenario, ego_at: float) -> None:
        self.graph, self.place_, self._scenario = graph, place, scenario
        self.route = [lane for name in scenario.route for lane in place.ways[name]]
        # Where the way's first lane is short the ego starts at its beginning: before it there is no route.
        self._start = max(ego_at + place.marks[scenario.ego_after], NEAR_START_M) if scenario.ego_after else ego_at
        self.ego = along_way(graph, place.ways[scenario.ego_lane], self._start)
        self.along = {"ego": 0.0} | {name: at - self._start for name, at in place.marks.items()}
        self._levels: dict[int, float] = {}
        x, y, self.heading = pose_at(graph.samples, graph.start, graph.step, *self.ego, 0.0)
        self.origin = (x, y)

    @property
    def ego_speed(self) -> float:
        """The mean speed with which the ego's arrival is reckoned (m/s): about that of one that goes flat out."""
        return RECKONED * float(self.graph.speed_limit[self.ego[0]])

    def place(self, spec: ActorSpec, distance: float) -> tuple[int, float]:
        """Return (lane, s) for an actor ``distance`` metres from its reference."""
        if spec.after not in self.along:
            raise ScenarioError(f"actor {spec.name!r} is placed after {spec.after!r}, which is not placed before it")
        self.along[spec.name] = self.along[spec.after] + distance
        way = self._way(spec)
        if way == self.place_.ways[self._scenario.ego_lane] and len(way) > 1:
            return along_way(self.graph, way, self._start + self.along[spec.name])
        lane = way[0]
        if lane not in self._levels:
            self._levels[lane] = self._level_with_ego(lane)
        start = self._levels[lane]
        heading = pose_at(self.graph.samples, self.graph.start, self.graph.step, lane, max(start, 0.0), 0.0)[2]
        direction = 1.0 if math.cos(heading - self.heading) > 0.0 else -1.0
        return walk(self.graph, lane, start + direction * self.along[spec.name])

    def place_to_meet(self, spec: ActorSpec, later: float, speed: float) -> tuple[int, float]:
        """Return (lane, s) from where an actor of a ``speed`` (m/s) is at the meeting place ``later`` (s) than the ego.

        ``after`` another actor on the same way, it is later than that one.
        """
        mine, theirs = self._meets(spec)
        ego_s = (mine - self._start) / self.ego_speed
        arrival = later + (ego_s if spec.after == "ego" else self.along[spec.after])
        self.along[spec.name] = arrival
        return along_way(self.graph, self._way(spec), theirs - arrival * speed)

    def path(self, spec: ActorSpec, lane: int) -> Sequence[int]:
        """Return the lanes that the actor will drive from ``lane`` on, where its way has several."""
        way = self._way(spec)
        if len(way) == 1:
            return ()
        return way[way.index(lane) :] if lane in way else (*_between(self.graph, lane, way[0]), *way)

    def meeting(self, spec: ActorSpec, lane: int, s: float) -> tuple[float, float]:
        """Return where the actor's scripts meet the ego: (m on the ego's route, m from the actor's own place)."""
        if spec.lane not in self.place_.meets:
            return self.along[spec.name], 0.0
        mine, theirs = self._meets(spec)
        return mine - self._start, theirs - _position(self.graph, self._way(spec), lane, s)

    def _meets(self, spec: ActorSpec) -> tuple[float, float]:
        if spec.lane not in self.place_.meets:
            raise ScenarioError(f"actor {spec.name!r}: way {spec.lane!r} does not meet the ego's; give it a distance")
        return self.place_.meets[spec.lane]

    def _way(self, spec: ActorSpec) -> tuple[int, ...]:
        if spec.lane not in self.place_.ways:
            known = ", ".join(self.place_.ways)
            raise ScenarioError(f"actor {spec.name!r} is on {spec.lane!r}, which its road does not name (has {known})")
        return self.place_.ways[spec.lane]

    def _level_with_ego(self, lane: int) -> float:
        """Return the arc length of the point of ``lane`` nearest to the ego's start, beyond its ends on a tangent."""
        first, last = self.graph.start[lane], self.graph.start[lane + 1]
        points = self.graph.samples[first:last]
        dx, dy = self.origin[0] - points[:, 0], self.origin[1] - points[:, 1]
        nearest = int(np.argmin(dx * dx + dy * dy))
        heading = points[nearest, 2]
        tangent = dx[nearest] * math.cos(heading) + dy[nearest] * math.sin(heading)
        return float(nearest * self.graph.step[lane] + tangent)


def walk(graph: LaneGraph, lane: int, s: float) -> tuple[int, float]:
    """Return lane and arc length of the point ``s`` metres along ``lane``, going on into its neighbours in a row."""
    while s < 0.0 and graph.predecessors[lane, 0] >= 0:
        lane = int(graph.predecessors[lane, 0])
        s += float(graph.length[lane])
    while s > graph.length[lane] and graph.successors[lane, 0] >= 0:
        s -= float(graph.length[lane])
        lane = int(graph.successors[lane, 0])
    return lane, s


def along_way(graph: LaneGraph, way: Sequence[int], s: float) -> tuple[int, float]:
    """Return lane and arc length of the point ``s`` metres along a way; before and behind it the road goes on."""
    for lane in way[:-1]:
        if s <= graph.length[lane]:
            return walk(graph, lane, s)
        s -= float(graph.length[lane])
    return walk(graph, way[-1], s)


def _position(graph: LaneGraph, way: Sequence[int], lane: int, s: float) -> float:
    """Return how far along the way the point (lane, s) is (m, negative before it): the inverse of ``along_way``."""
    if lane in way:
        return float(graph.length[list(way[: way.index(lane)])].sum()) + s
    return s - float(graph.length[list(_between(graph, lane, way[0]))].sum())


def _between(graph: LaneGraph, lane: int, last: int) -> tuple[int, ...]:
    """Return ``lane`` and those that lead from it to ``last``, which is not among them, by the first predecessors."""
    before = [int(graph.predecessors[last, 0])]
    while before[0] != lane:
        before.insert(0, int(graph.predecessors[before[0], 0]))
    return tuple(before)
