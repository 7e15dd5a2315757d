"""How long vehicles may be: by hand on a curve, and against two boxes that pass each other on it."""

from __future__ import annotations

import math

import pytest

from envs.embedded.collision import boxes_overlap
from envs.roads.compiler import compile_lane_graph
from envs.roads.generate import Street
from envs.roads.lane_graph import LaneGraph
from envs.roads.opendrive import parse_opendrive
from envs.roads.projection import pose_at
from envs.roads.swept_width import BETWEEN_M, LONGEST_M, WIDEST_M, longest_bodies, longest_body_m


def street(radius_m: float) -> LaneGraph:
    road = Street(curvature=1.0 / radius_m, lane_width_m=3.0)
    return compile_lane_graph(parse_opendrive(road.opendrive(), road.name))


def test_on_a_wide_curve_every_vehicle_may_drive() -> None:
    assert longest_body_m(street(1e4)) == LONGEST_M


@pytest.mark.parametrize("radius_m", [60.0, 80.0, 120.0])
def test_the_inner_of_two_lanes_limits_the_length(radius_m: float) -> None:
    """A left bend: the inner lane is the oncoming one, at R - 1.5 m; free are 3 m - 2.5 m - 0.2 m."""
    graph = street(radius_m)
    inner, free = radius_m - 1.5, 3.0 - WIDEST_M - BETWEEN_M
    by_hand = 2.0 * math.sqrt((inner + 0.5 * WIDEST_M + free) ** 2 - (inner + 0.5 * WIDEST_M) ** 2)
    assert longest_body_m(graph) == pytest.approx(min(by_hand, LONGEST_M), rel=1e-6)
    assert longest_bodies(graph)[graph.find(1, -1)] == LONGEST_M  # the outer lane's bodies reach outwards


@pytest.mark.parametrize(("gap", "touch"), [(0.5 * BETWEEN_M, False), (-0.5 * BETWEEN_M, True)])
def test_two_bodies_pass_each_other_or_touch(gap: float, touch: bool) -> None:
    """In the middle of the bend, with lengths that leave ``gap`` (m) between the two."""
    graph, radius_m = street(60.0), 60.0 - 1.5
    half = math.sqrt((radius_m + 0.5 * WIDEST_M + 0.5 - gap) ** 2 - (radius_m + 0.5 * WIDEST_M) ** 2)
    touched = False
    for s in range(140, 160):
        ours = pose_at(graph.samples, graph.start, graph.step, graph.find(1, 1), float(s), 0.0)
        for t in range(140, 160):
            theirs = pose_at(graph.samples, graph.start, graph.step, graph.find(1, -1), float(t), 0.0)
            touched |= boxes_overlap(*ours, half, 0.5 * WIDEST_M, *theirs, half, 0.5 * WIDEST_M)
    assert touched is touch
