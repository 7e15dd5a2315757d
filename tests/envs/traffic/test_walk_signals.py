"""Which signals must be red while a crosswalk is walked, and for how long they are, at one small junction by hand.

Road 1 comes from the west (end at x = 100), road 3 goes on to the east (from x = 120), road 4 to the north (from
(120, 20)). Signal A holds what leaves road 1, straight on or to the left, B what comes back from road 3.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from envs.roads.compiler import compile_lane_graph
from envs.roads.controls import time_to_green
from envs.roads.elements import Crosswalk
from envs.roads.lane_graph import LaneGraph
from envs.roads.opendrive import parse_opendrive
from envs.roads.walk_graph import WalkGraph, compile_walk_graph
from envs.traffic.crowd import stop_before_crosswalks
from envs.traffic.lights import plan_offset
from envs.traffic.network import road_arrays
from envs.traffic.roaming import write_walk_seconds
from envs.traffic.walk_signals import walk_signals
from tests.envs.roads.crossing import signalised


def outline(x: float, y: float, length: float, width: float) -> Crosswalk:
    along, across = 0.5 * np.array([-length, length, length, -length]), 0.5 * np.array([-width, -width, width, width])
    return Crosswalk(np.stack([x + along, y + across], axis=1))


def crossed(*crosswalks: Crosswalk) -> tuple[LaneGraph, WalkGraph]:
    opendrive = parse_opendrive(signalised(), "crossing")
    graph = compile_lane_graph(opendrive)
    return graph, compile_walk_graph(opendrive, graph, crosswalks)


def heads(graph: LaneGraph, walk: WalkGraph, crosswalk: int) -> set[str]:
    """Return the names of the heads that must be red."""
    signals = walk_signals(walk, graph)
    groups = signals.group[signals.start[crosswalk] : signals.start[crosswalk + 1]]
    return {name for group in groups.tolist() for name in graph.controls.signal_ids[group]}


@pytest.mark.parametrize(
    ("crosswalk", "expected"),
    [
        (outline(96.0, 0.0, 3.0, 9.0), {"A", "B"}),  # A's cars wait before it, B's come straight over it
        (outline(125.0, 0.0, 3.0, 9.0), {"A", "B"}),  # the other arm of the same street
        (outline(120.0, 26.0, 9.0, 3.0), set()),  # A's cars turn in: they give way
        (outline(60.0, 0.0, 3.0, 9.0), set()),  # 38 m before the junction
    ],
)
def test_the_signals_of_a_crosswalk(crosswalk: Crosswalk, expected: set[str]) -> None:
    graph, walk = crossed(crosswalk)
    assert walk.crossing_count == 2
    assert heads(graph, walk, 0) == expected


@pytest.mark.parametrize("time_s", np.arange(0.0, 60.0, 3.7).tolist())
def test_it_is_walked_until_the_first_of_them_turns_green(time_s: float) -> None:
    graph, walk = crossed(outline(96.0, 0.0, 3.0, 9.0), outline(60.0, 0.0, 3.0, 9.0))
    roads, seconds = road_arrays(graph, [graph]), np.zeros((1, 2))
    write_walk_seconds(seconds, walk_signals(walk, graph), roads, time_s, 5, 0)
    programs = graph.controls.programs
    red = [time_to_green(programs, group, time_s, plan_offset(roads, group, 5)) for group in range(len(programs))]
    assert seconds[0].tolist() == [min(red), math.inf]


def test_there_are_times_to_walk_and_times_to_wait() -> None:
    graph, walk = crossed(outline(96.0, 0.0, 3.0, 9.0))
    roads, signals, seconds = road_arrays(graph, [graph]), walk_signals(walk, graph), np.zeros((1, 1))
    found = []
    for time_s in np.arange(0.0, 120.0, 0.5).tolist():
        write_walk_seconds(seconds, signals, roads, time_s, 5, 0)
        found.append(seconds[0, 0])
    assert min(found) == 0.0
    assert 0.0 < max(found) < 120.0


def test_stop_lines_move_back_before_a_crosswalk() -> None:
    """It begins at x = 94.5, so the line is at 93.5, 6.5 m before the end of road 1; road 3's line stays."""
    graph, walk = crossed(outline(96.0, 0.0, 3.0, 9.0))
    roads = road_arrays(graph, [graph])
    moved = stop_before_crosswalks(roads, walk).stop_gap
    inside = {name: graph.find(name, lane) for name, lane in ((21, -1), (22, -1), (23, 1))}
    assert moved[inside[21]] == moved[inside[22]] == pytest.approx(6.5, abs=0.1)
    untouched = np.setdiff1d(np.arange(graph.lane_count), [inside[21], inside[22]])
    assert np.array_equal(moved[untouched], roads.stop_gap[untouched])
