"""Ten thousand random points a town, against CARLA's own map. CARLA is left-handed: y and yaw change their sign.

A point lies on a random driving lane (by length), up to half its width beside the centre. ``get_waypoint`` then names
the nearest lane, as ``locate`` does. The two may differ, for counted reasons: a *tie* (another lane is as near within
``TIE_M``: lanes of a junction overlap, and points lie on the border of two lanes), another *level* (our worlds are
flat, CARLA's bridges are not), and a *farther* lane (CARLA's search names a lane that lies farther away than ours).
Position, heading and width are compared on the lane that CARLA names, for every point.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.roads.compiler import compile_lane_graph
from envs.roads.elements import OpenDrive
from envs.roads.lane_graph import LaneGraph, SampleColumn, locate
from envs.roads.opendrive import parse_opendrive
from envs.roads.projection import pose_at, project

TOWNS = pytest.mark.parametrize("town", ["Town01", "Town02", "Town04"], indirect=True)
POINTS = 10_000
TIE_M = 0.05
LEVEL_M = 1.0
MOST_OTHER = {"tie": 0.05, "level": 0.02, "farther": 0.002}
"""Largest shares of the points where the lanes may differ, by reason."""


@dataclass(frozen=True)
class Town:
    """One map, read by both."""

    opendrive: OpenDrive
    graph: LaneGraph
    oracle: Any

    def waypoint(self, lane: int, share: float) -> Any:
        """Return CARLA's waypoint at a share of the length of our lane."""
        graph = self.graph
        section = self.opendrive.roads[graph.road_ids[lane]].sections[graph.section[lane]]
        along = share if graph.lane[lane] < 0 else 1.0 - share
        s = section.s_start + along * (section.s_end - section.s_start)
        s = min(max(s, section.s_start + 1e-3), section.s_end - 1e-3)
        return self.oracle.get_waypoint_xodr(int(graph.road[lane]), int(graph.lane[lane]), s)

    def lane(self, waypoint: Any) -> int:
        """Return our lane of a waypoint."""
        return self.graph.find(waypoint.road_id, waypoint.lane_id, waypoint.section_id)

    def project(self, lane: int, x: float, y: float) -> tuple[float, float, float, float]:
        """Return (s, d, heading, width) of a point on a lane."""
        graph = self.graph
        near = graph.lane_samples(lane)[:, :2] - (x, y)
        guess = int(np.argmin(np.hypot(near[:, 0], near[:, 1]))) * graph.step[lane]
        s, d, heading, _, width = project(graph.samples, graph.start, graph.step, lane, guess, x, y)
        return s, d, heading, width

    def distance(self, lane: int, x: float, y: float) -> float:
        """Return how far a point is from the centre of a lane."""
        s, d, _, _ = self.project(lane, x, y)
        return math.hypot(d, max(-s, s - float(self.graph.length[lane]), 0.0))

    def points(self, count: int, rng: np.random.Generator) -> Iterator[tuple[float, float, float]]:
        """Yield x, y and CARLA's elevation of random points on the lanes."""
        graph = self.graph
        for lane in rng.choice(graph.lane_count, count, p=graph.length / graph.length.sum()).tolist():
            share, side = rng.uniform(), rng.uniform(-0.5, 0.5)
            place = share * float(graph.length[lane])
            width = graph.lane_samples(lane)[int(place / graph.step[lane]), SampleColumn.WIDTH]
            x, y, _ = pose_at(graph.samples, graph.start, graph.step, lane, place, side * width)
            yield x, y, self.waypoint(lane, share).transform.location.z


def read_by_both(path: Path) -> tuple[Any, Town]:
    carla = pytest.importorskip("carla")
    text = path.read_text()
    opendrive = parse_opendrive(text, path.stem)
    return carla, Town(opendrive, compile_lane_graph(opendrive), carla.Map(path.stem, text))


def why_other(town: Town, theirs: int, x: float, y: float, z: float) -> str:
    """Return why our nearest lane is not ``theirs``; "same" where it is."""
    ours, s, _ = locate(town.graph, x, y)
    if ours == theirs:
        return "same"
    if town.distance(theirs, x, y) - town.distance(ours, x, y) < TIE_M:
        return "tie"
    height = town.waypoint(ours, min(max(s / float(town.graph.length[ours]), 0.0), 1.0)).transform.location.z
    return "level" if abs(height - z) > LEVEL_M else "farther"


@TOWNS
def test_ten_thousand_points(town: Path) -> None:
    carla, both = read_by_both(town)
    reasons: Counter[str] = Counter()
    for x, y, z in both.points(POINTS, np.random.default_rng(20)):
        waypoint = both.oracle.get_waypoint(carla.Location(x=float(x), y=float(-y), z=z))
        lane = both.lane(waypoint)
        reasons[why_other(both, lane, x, y, z)] += 1
        place, yaw = waypoint.transform.location, math.radians(waypoint.transform.rotation.yaw)
        _, d, heading, width = both.project(lane, place.x, -place.y)
        where = f"{both.graph.describe(lane)} at {place.x:.2f}, {-place.y:.2f}"
        assert abs(d) < 0.01, where
        assert abs(math.remainder(-yaw - heading, math.tau)) < math.radians(0.1), where
        assert waypoint.lane_width == pytest.approx(width, abs=1e-3), where
    print(f"{town.stem}: {dict(reasons)}")
    for reason, most in MOST_OTHER.items():
        assert reasons[reason] <= most * POINTS, reasons


@TOWNS
def test_the_topology_is_carlas(town: Path) -> None:
    """Every pair of ``get_topology`` is one of our successions, and the other way round."""
    _, both = read_by_both(town)
    graph = both.graph
    ours = {(lane, int(after)) for lane in range(graph.lane_count) for after in graph.successors[lane] if after >= 0}
    theirs = {(both.lane(before), both.lane(after)) for before, after in both.oracle.get_topology()}
    assert ours == theirs


@TOWNS
def test_the_lights_of_every_way_on_are_carlas(town: Path) -> None:
    """CARLA's landmarks from just before a junction to within the ways on are exactly the heads of our gates there."""
    _, both = read_by_both(town)
    graph, controls = both.graph, both.graph.controls
    compared = 0
    for lane in np.flatnonzero(graph.junction < 0).tolist():
        ways = [way for way in graph.successors[lane].tolist() if way >= 0 and graph.junction[way] >= 0]
        if not ways:
            continue
        before = min(0.5, 0.5 * float(graph.length[lane]))
        reach = before + 0.9 * float(min(graph.length[ways]))
        waypoint = both.waypoint(lane, 1.0 - before / float(graph.length[lane]))
        theirs = {mark.id for mark in waypoint.get_landmarks_of_type(reach, "1000001", False)}
        groups = [int(controls.group[way]) for way in ways]
        assert {head for group in groups if group >= 0 for head in controls.signal_ids[group]} == theirs
        compared += 1
    assert compared > 0


@TOWNS
def test_speed_signs_are_carlas(town: Path) -> None:
    _, both = read_by_both(town)
    ours = Counter(
        (road.id, round(sign.s, 3), sign.value)
        for road in both.opendrive.roads.values()
        for sign in road.signals
        if sign.kind == "274"
    )
    marks = both.oracle.get_all_landmarks_of_type("274")
    assert ours == Counter((str(mark.road_id), round(mark.s, 3), mark.value) for mark in marks)
