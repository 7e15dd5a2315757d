"""Heights: cubics by hand, lanes of both directions, and ways that do not meet because one leads over the other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envs.roads.compiler import compile_lane_graph
from envs.roads.conflicts import find_conflicts
from envs.roads.elements import OpenDriveError
from envs.roads.generate import Street
from envs.roads.lane_graph import BRIDGE_M
from envs.roads.opendrive import parse_opendrive
from envs.roads.town import Town

PROFILE = (
    '<elevationProfile><elevation s="100" a="6" b="0" c="-0.01" d="0"/>'
    '<elevation s="0" a="1" b="0.05" c="0" d="0"/></elevationProfile>'
)


def hilly(profile: str = PROFILE) -> str:
    text = Street(length_m=200.0).opendrive()
    return text.replace("<lanes>", f"{profile}<lanes>", 1)


def test_heights_are_those_of_the_cubics_in_driving_direction() -> None:
    graph = compile_lane_graph(parse_opendrive(hilly(), "hill"))
    east, west = graph.find(1, -1), graph.find(1, 1)
    along = np.arange(201.0)
    by_hand = np.where(along < 100.0, 1.0 + 0.05 * along, 6.0 - 0.01 * (along - 100.0) ** 2)
    assert graph.height[graph.start[east] : graph.start[east + 1]] == pytest.approx(by_hand)
    assert graph.height[graph.start[west] : graph.start[west + 1]] == pytest.approx(by_hand[::-1])


def test_a_map_without_elevation_is_flat() -> None:
    graph = compile_lane_graph(parse_opendrive(Street().opendrive(), "street"))
    assert graph.height.shape == (len(graph.samples),) and not graph.height.any()


def test_an_elevation_that_is_no_number_is_named() -> None:
    with pytest.raises(OpenDriveError, match="road 1: elevation: attribute 'b' is 'up', expected a finite number"):
        parse_opendrive(hilly('<elevationProfile><elevation s="0" a="0" b="up" c="0" d="0"/></elevationProfile>'), "x")


@pytest.mark.parametrize(("lifted_m", "meet"), [(0.9 * BRIDGE_M, True), (1.1 * BRIDGE_M, False)])
def test_ways_over_each_other_do_not_meet(lifted_m: float, meet: bool) -> None:
    graph = compile_lane_graph(parse_opendrive(Town().opendrive(), "town"))
    found = find_conflicts(graph)
    lane = int(np.flatnonzero(np.diff(found.start) > 2)[0])
    height = graph.height.copy()
    height[graph.start[lane] : graph.start[lane + 1]] += lifted_m
    for after in graph.successors[lane][graph.successors[lane] >= 0]:
        height[graph.start[after] : graph.start[after + 1]] += lifted_m
    lifted = find_conflicts(replace(graph, height=height))
    crossing = np.flatnonzero(found.kind[found.start[lane] : found.start[lane + 1]] == 0)
    assert len(crossing) > 0
    still = set(lifted.lane[lifted.start[lane] : lifted.start[lane + 1]].tolist())
    others = set(found.lane[found.start[lane] + crossing].tolist())
    assert (others <= still) is meet and bool(others & still) is meet


@pytest.mark.parametrize("town", ["Town04"], indirect=True)
def test_a_real_town_has_bridges(town: Path) -> None:
    graph = compile_lane_graph(parse_opendrive(town.read_bytes(), town.stem))
    assert np.ptp(graph.height) > 5.0
    for lane in range(graph.lane_count):
        for following in graph.successors[lane][graph.successors[lane] >= 0]:
            step = graph.height[graph.start[following]] - graph.height[graph.start[lane + 1] - 1]
            assert abs(step) < 0.5, graph.describe(lane)
