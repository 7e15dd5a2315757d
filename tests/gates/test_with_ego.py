"""The gates hold with pedestrians and with an awkward ego in the generated town, and each of them can be missed."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from envs.roads.lane_graph import LaneGraph
from envs.roads.walk_graph import WalkGraph
from envs.traffic.agents import AgentRow
from tests.gates.population import GENERATED, KINDS, WITH_CYCLISTS, Worlds, load_map, load_walk, populate
from tests.gates.report import run_gates
from tests.gates.with_ego import run_with_ego

MINUTES = 5.0


@lru_cache(maxsize=1)
def town() -> tuple[LaneGraph, WalkGraph]:
    graph = load_map(GENERATED)
    return graph, load_walk(GENERATED, graph)


def worlds(seeds: tuple[int, ...] = (1, 2)) -> Worlds:
    graph, walk = town()
    return populate(graph, 40, seeds, KINDS, walk, 30)


def test_the_gates_hold_with_pedestrians() -> None:
    report = run_gates(worlds(), MINUTES)
    assert report.holds, report.events
    assert report.crossings > 50 and report.mean_speed > 3.0


def test_who_stands_on_a_crosswalk_passes_the_broken_down_vehicle_behind_it() -> None:
    """A truck of seed 1 stood there for ever: the crosswalk under it was told to be the end of where it may pass."""
    graph, walk = town()
    report = run_gates(populate(graph, 40, (1,), WITH_CYCLISTS, walk, 20, 2), MINUTES)
    assert report.holds, report.events
    assert report.passes > 5


def test_pedestrians_who_are_run_over_are_seen_where_drivers_do_not_mind_them() -> None:
    """The drivers' rows of strips are emptied, and they can hardly brake for a body."""
    blind = worlds()
    blind.traffic.crowd.strip_start[:] = 0
    blind.agents[AgentRow.HARDEST_BRAKE] = 0.3
    assert run_gates(blind, MINUTES).run_over > 0


def test_the_gates_hold_with_an_awkward_ego() -> None:
    report, contacts, stories = run_with_ego(worlds(), town()[1], MINUTES, awkward=True)
    assert report.holds, report.events
    assert contacts.struck == contacts.rear_ended == 0, stories
    # An ego that was never there, or never moved, would hold every gate.
    assert contacts.hours > 0.1 and contacts.metres > 500.0


def test_an_ego_that_is_driven_into_is_seen_where_drivers_can_hardly_brake() -> None:
    weak = worlds()
    weak.agents[AgentRow.HARDEST_BRAKE] = 0.3
    _, contacts, stories = run_with_ego(weak, town()[1], 2.0 * MINUTES, awkward=True)
    assert contacts.struck + contacts.rear_ended > 0
    assert len(stories) == contacts.struck + contacts.rear_ended


def test_the_same_seeds_meet_the_same_ego() -> None:
    first = run_with_ego(worlds((3,)), town()[1], 1.0, awkward=True)
    second = run_with_ego(worlds((3,)), town()[1], 1.0, awkward=True)
    assert first[1:] == second[1:]
    assert np.isclose(first[0].mean_speed, second[0].mean_speed, rtol=0.0, atol=0.0)
