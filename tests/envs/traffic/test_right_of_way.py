"""Right of way, by hand at the junctions of the generated town."""

from __future__ import annotations

import numpy as np
import pytest

from envs.roads.conflicts import ConflictKind
from envs.roads.controls import GateKind
from envs.roads.lane_graph import SampleColumn
from envs.scene import SignalState
from envs.traffic.agents import AgentRow, WaitCause
from envs.traffic.lights import light, must_stop
from envs.traffic.right_of_way import REROUTE_S
from tests.envs.traffic.crossings import SEED, Driver, Parked, crossing, graph, roads, time_of, way

CENTRE, SOUTH, WEST, NORTH, CRESCENT_NORTH = 100, 300, 400, 500, 600


def conflict(first: int, second: int) -> int:
    """Return the row of the conflict of ``first`` with ``second``."""
    rows = range(roads().conflict_start[first], roads().conflict_start[first + 1])
    return next(z for z in rows if roads().conflict_lane[z] == second)


def heading(lane: int) -> float:
    return float(graph().lane_samples(lane)[0, SampleColumn.HEADING])


def test_without_signs_whoever_comes_from_the_right_goes_first() -> None:
    """Road 4 runs straight on into road 5; road 11 joins. Two cars that arrive together on crossing ways."""
    pairs = [(way(CRESCENT_NORTH, 11, 4), way(CRESCENT_NORTH, 4, 5)), (way(CRESCENT_NORTH, 11, 4), way(600, 5, 11))]
    checked = 0
    for first, second in pairs:
        turn = (heading(second) - heading(first) + np.pi) % (2.0 * np.pi) - np.pi
        if not 0.25 * np.pi < abs(turn) < 0.75 * np.pi:
            continue
        # Whoever drives to the left of one's own direction of driving has come from the right.
        favoured, other = (second, first) if turn > 0.0 else (first, second)
        both = crossing([Driver(other), Driver(favoured)])
        both.drive(20.0)
        assert both.entered[1] < both.entered[0]
        checked += 1
    assert checked > 0


@pytest.mark.parametrize("slots", [(0, 1), (1, 0)])
def test_a_left_turn_lets_the_oncoming_go(slots: tuple[int, int]) -> None:
    """West to north against east to west at the centre, both green; whoever is in which slot."""
    left, straight = _left_and_oncoming()
    cars = {slots[0]: Driver(left), slots[1]: Driver(straight)}
    both = crossing([cars[0], cars[1]], time_of(left, SignalState.GREEN))
    both.drive(1.0)
    assert both.held(slots[1]) == [straight] and both.held(slots[0]) == []
    both.drive(9.0)
    assert both.entered[slots[1]] < both.entered[slots[0]]
    alone = crossing([Driver(left)], time_of(left, SignalState.GREEN))
    alone.drive(10.0)
    assert alone.entered[0] < both.entered[slots[0]]


def _left_and_oncoming() -> tuple[int, int]:
    """Return a left turn at the centre and the oncoming way straight on that has green with it."""
    ways = np.flatnonzero(graph().junction == CENTRE).tolist()
    for left in ways:
        for z in range(roads().conflict_start[left], roads().conflict_start[left + 1]):
            other = int(roads().conflict_lane[z])
            opposed = abs(abs((heading(other) - heading(left) + np.pi) % (2.0 * np.pi) - np.pi) - np.pi) < 0.1
            straight = abs(graph().samples[graph().start[other + 1] - 1, SampleColumn.HEADING] - heading(other)) < 0.1
            if opposed and straight and roads().group[left] == roads().group[other]:
                if roads().conflict_priority[z] < 0:
                    return left, other
    raise LookupError("the centre has no left turn against oncoming traffic")


def test_a_yield_sign_gives_way_and_does_not_stop_on_an_empty_road() -> None:
    minor, major = way(NORTH, 7, 5), way(NORTH, 6, 5)
    assert roads().gate[minor] == GateKind.YIELD
    assert roads().conflict_priority[conflict(minor, major)] == -1
    both = crossing([Driver(minor), Driver(major, to_line=30.0)])
    both.drive(20.0)
    assert both.entered[1] < both.entered[0]
    alone = crossing([Driver(minor)])
    slowest = 10.0
    while 0 not in alone.entered:
        alone.drive(0.1)
        slowest = min(slowest, alone.row(AgentRow.SPEED)[0])
    assert slowest > 2.0


def test_everybody_stands_at_a_stop_sign() -> None:
    lane = way(SOUTH, 1, 2)
    assert roads().gate[lane] == GateKind.STOP
    alone = crossing([Driver(lane)])
    slowest = 10.0
    while 0 not in alone.entered:
        alone.drive(0.1)
        slowest = min(slowest, alone.row(AgentRow.SPEED)[0])
        assert alone.time_s < 20.0
    assert slowest < 0.5


def test_at_four_stop_signs_whoever_came_first_goes_first() -> None:
    first, second = way(WEST, 1, 6), way(WEST, 14, 10)
    both = crossing([Driver(second, to_line=40.0), Driver(first, to_line=8.0, speed=4.0)])
    both.drive(25.0)
    assert both.entered[1] < both.entered[0]


def test_red_holds_before_the_line_until_green() -> None:
    lane = _left_and_oncoming()[1]
    alone = crossing([Driver(lane)], time_of(lane, SignalState.RED))
    while light(roads(), lane, alone.time_s, SEED) == SignalState.RED:
        alone.drive(0.1)
        assert alone.to_line(0) > 0.0 and alone.held(0) == []
    assert alone.row(AgentRow.SPEED)[0] == pytest.approx(0.0, abs=0.05)
    assert alone.to_line(0) < 2.0
    alone.drive(6.0)
    assert 0 in alone.entered


@pytest.mark.parametrize(("to_line", "goes"), [(10.0, True), (20.0, False)])
def test_yellow_stops_whoever_can_stop(to_line: float, goes: bool) -> None:
    """At 8 m/s a stop takes 3.2 m/s2 from 10 m, and 1.6 from 20 m; drivers accept 2.5."""
    lane = _left_and_oncoming()[1]
    alone = crossing([Driver(lane, to_line=to_line)], time_of(lane, SignalState.YELLOW))
    alone.traffic.grants[0, 0, 0] = lane, to_line + roads().stop_gap[lane] + 2.3  # given while it was green
    alone.drive(3.5)
    assert (0 in alone.entered) is goes
    assert goes or (alone.held(0) == [] and alone.to_line(0) > 0.0)


@pytest.mark.parametrize(
    ("speed", "to_line", "left", "expected"),
    [
        (10.0, 25.0, 3.0, True),  # 2.0 m/s2
        (10.0, 15.0, 3.0, False),  # 3.3 m/s2, and over the line after 1.5 s
        (10.0, 15.0, 1.0, True),  # 3.3 m/s2, but red after 1 s
        (10.0, 5.0, 0.3, False),  # 10 m/s2: it cannot
        (1.0, 0.3, 0.5, True),  # 1.7 m/s2: rolling behind somebody
        (10.0, -0.5, 0.3, False),  # it has crossed the line
    ],
)
def test_who_must_stop_on_yellow(speed: float, to_line: float, left: float, expected: bool) -> None:
    lane = _left_and_oncoming()[1]
    now = time_of(lane, SignalState.YELLOW, left)
    assert light(roads(), lane, now, SEED) == SignalState.YELLOW
    assert must_stop(roads(), lane, now, SEED, speed, to_line) is expected
    assert not must_stop(roads(), lane, time_of(lane, SignalState.GREEN), SEED, speed, to_line)


def test_nobody_enters_without_room_behind_the_junction() -> None:
    lane = way(NORTH, 7, 5)
    after = int(graph().successors[lane, 0])
    room = 4.6 + 3.0 + float(roads().way_end[lane] - graph().length[lane])
    for gap, waits in ((room - 0.3, True), (room + 0.3, False)):
        both = crossing([Driver(lane, to_line=8.0), Parked(after, gap + 2.3)])
        both.drive(5.0)
        assert (int(both.row(AgentRow.CAUSE)[0]) == WaitCause.EXIT) is waits
        assert (0 in both.entered) is not waits
        if waits:
            assert both.row(AgentRow.CAUSED_BY)[0] == 1


def test_whoever_waits_for_room_turns_elsewhere() -> None:
    lane = way(NORTH, 7, 5)
    both = crossing([Driver(lane, to_line=3.0, speed=0.0), Parked(int(graph().successors[lane, 0]), 4.0)])
    both.drive(REROUTE_S + 40.0)
    road = int(graph().road[int(both.row(AgentRow.LANE)[0])])
    assert 0 not in both.entered and road not in (5, 7)
    # The path is one of lanes that follow each other, after turns have been drawn anew.
    path = both.traffic.paths[0, 0]
    for here, following in zip(path[:-1], path[1:], strict=True):
        assert following < 0 or following in graph().successors[here]


def test_a_grant_is_released_behind_the_vehicle() -> None:
    lane = way(NORTH, 6, 5)
    alone = crossing([Driver(lane)])
    while 0 not in alone.entered:
        alone.drive(0.1)
    assert alone.held(0) == [lane]
    alone.drive(8.0)
    assert lane not in alone.held(0)


def test_two_ways_that_meet_are_never_held_at_once() -> None:
    first, second = way(WEST, 1, 6), way(WEST, 14, 10)
    both = crossing([Driver(first), Driver(second)])
    for _ in range(200):
        both.drive(0.1)
        inside = [both.row(AgentRow.LANE)[i] == lane for i, lane in enumerate((first, second))]
        assert not all(inside)
    assert set(both.entered) == {0, 1}


def test_conflicts_mirror_each_other() -> None:
    """Over all conflicts of the town: the other lane knows the same, priorities are opposite, stretches in order."""
    arrays = roads()
    owner = np.repeat(np.arange(graph().lane_count), np.diff(arrays.conflict_start))
    assert len(owner) > 100
    for z, lane in enumerate(owner.tolist()):
        mirrored = conflict(int(arrays.conflict_lane[z]), lane)
        assert arrays.conflict_kind[z] == arrays.conflict_kind[mirrored]
        assert arrays.conflict_priority[z] == -arrays.conflict_priority[mirrored]
        assert arrays.conflict_own[z].tolist() == arrays.conflict_other[mirrored].tolist()
        assert 0.0 <= arrays.conflict_own[z, 0] < arrays.conflict_own[z, 1]
        assert graph().junction[lane] == graph().junction[arrays.conflict_lane[z]] >= 0
        if arrays.conflict_kind[z] == ConflictKind.DIVERGING:
            assert graph().predecessors[lane, 0] == graph().predecessors[arrays.conflict_lane[z], 0]
