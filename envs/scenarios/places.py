"""Where on a map a scenario can happen: every place of a kind, found in the lane graph of any map."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from envs.roads.conflicts import ConflictKind
from envs.roads.controls import GateKind
from envs.roads.lane_graph import LaneGraph
from envs.scenarios.junction_ways import JunctionWays, Way
from envs.scenarios.scenario import Placement

TURN_RAD = math.radians(60.0)
"""Change of heading from which a way through a junction counts as a turn here (ours)."""

STRAIGHT_RAD = math.radians(20.0)
"""Change of heading up to which it counts as straight on (ours)."""

EXIT_M = 30.0
"""Length that the lane behind a junction must have (m, ours): the goal lies on it."""


def two_way_streets(graph: LaneGraph, length: float) -> Iterator[Placement]:
    """Yield the streets of one lane a direction: ways "ego" and "oncoming"."""
    for lane in np.flatnonzero((graph.junction < 0) & (graph.length >= length)).tolist():
        alone = graph.left[lane] < 0 and graph.right[lane] < 0
        if alone and graph.opposite[lane] >= 0:
            yield Placement(graph.name, {"ego": (lane,), "oncoming": (int(graph.opposite[lane]),)})


def lanes_with_a_left_one(graph: LaneGraph, length: float) -> Iterator[Placement]:
    """Yield the lanes that may be left for a lane to their left: ways "ego" and "left"."""
    for lane in np.flatnonzero((graph.junction < 0) & (graph.length >= length) & graph.left_change).tolist():
        if graph.left[lane] >= 0:
            yield Placement(graph.name, {"ego": (lane,), "left": (int(graph.left[lane]),)})


def unprotected_left_turns(graph: LaneGraph, length: float) -> Iterator[Placement]:
    """Yield the left turns across a way that goes first, at the same signal or without one: "ego", "oncoming"."""
    ways = JunctionWays(graph)
    for ego in ways.of_length(length):
        if ego.turn < TURN_RAD or ego.gate == GateKind.STOP:
            continue
        for other, yields in ways.meeting(ego, ConflictKind.CROSSING):
            facing = math.cos(other.heading_in - ego.heading_in) < -0.7
            if facing and yields < 0 and other.group == ego.group and _fits(other, length):
                yield ways.placement(graph.name, {"ego": ego, "oncoming": other})


def right_turns(graph: LaneGraph, length: float) -> Iterator[Placement]:
    """Yield the right turns without a signal into a street on which others come from the left: "ego", "cross"."""
    ways = JunctionWays(graph)
    for ego in ways.of_length(length):
        if ego.turn > -TURN_RAD or ego.gate == GateKind.SIGNAL:
            continue
        for other, yields in ways.meeting(ego, ConflictKind.MERGING):
            from_left = math.sin(other.heading_in - ego.heading_in) < -0.7
            if from_left and yields <= 0 and _fits(other, length):
                yield ways.placement(graph.name, {"ego": ego, "cross": other})


def signalled_crossings(graph: LaneGraph, length: float) -> Iterator[Placement]:
    """Yield the straight ways at signals: "ego", "cross" from one side and "far" from the other, each way round."""
    return _crossings(graph, length, signalled=True)


def open_crossings(graph: LaneGraph, length: float) -> Iterator[Placement]:
    """Yield the straight ways through crossings without signals: "ego", "cross" and "far"."""
    return _crossings(graph, length, signalled=False)


def turns(graph: LaneGraph, length: float) -> Iterator[Placement]:
    """Yield every turn at a junction without a stop sign: way "ego"."""
    ways = JunctionWays(graph)
    for ego in ways.of_length(length):
        if ego.gate != GateKind.STOP and abs(ego.turn) > TURN_RAD and graph.length[ego.exit] >= EXIT_M:
            yield ways.placement(graph.name, {"ego": ego})


def _crossings(graph: LaneGraph, length: float, signalled: bool) -> Iterator[Placement]:
    ways = JunctionWays(graph)
    for ego in ways.of_length(length):
        if abs(ego.turn) > STRAIGHT_RAD or (ego.gate == GateKind.SIGNAL) != signalled:
            continue
        sides = [
            other
            for other, _ in ways.meeting(ego, ConflictKind.CROSSING)
            if abs(other.turn) <= STRAIGHT_RAD and abs(math.sin(other.heading_in - ego.heading_in)) > 0.7
        ]
        for other in sides:
            for opposite in sides:
                if opposite is not other and _fits(other, length):
                    yield ways.placement(graph.name, {"ego": ego, "cross": other, "far": opposite})


def _fits(other: Way, length: float) -> bool:
    """Return whether another road user has room to come from as far as the ego."""
    return other.approach_m >= length


PLACES: dict[str, Callable[[LaneGraph, float], Iterator[Placement]]] = {
    "two_way_street": two_way_streets,
    "left_lane": lanes_with_a_left_one,
    "unprotected_left_turn": unprotected_left_turns,
    "right_turn": right_turns,
    "signalled_crossing": signalled_crossings,
    "open_crossing": open_crossings,
    "turn": turns,
}
"""Kinds of places by name: from a lane graph and the length that the ego's lane must have to the placements."""
