"""The gates hold for five simulated minutes of the generated town, and each of them can be missed."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from envs.roads.lane_graph import LaneGraph
from envs.scene import ActorKind, ActorRow, FloatArray
from envs.traffic.agents import AgentMode, AgentRow, WaitCause
from tests.gates.causes import has_cause
from tests.gates.population import GENERATED, KINDS, WITH_CYCLISTS, Worlds, load_map, populate
from tests.gates.report import Report, run_gates

MINUTES = 5.0
VEHICLES = 45


@lru_cache(maxsize=1)
def town() -> LaneGraph:
    return load_map(GENERATED)


def worlds(seeds: tuple[int, ...] = (1,), kinds: tuple[ActorKind, ...] = KINDS) -> Worlds:
    return populate(town(), VEHICLES, seeds, kinds)


@pytest.mark.parametrize("kinds", [KINDS, WITH_CYCLISTS])
def test_the_gates_hold_in_the_generated_town(kinds: tuple[ActorKind, ...]) -> None:
    report = run_gates(worlds((1, 2), kinds), MINUTES)
    assert report.hours == pytest.approx(1.0 / 6.0)
    assert (report.overlaps, report.causeless, report.red_runs) == (0, 0, 0), report.events
    assert report.holds
    # Traffic that stands still would hold every gate.
    assert report.lines > 100 and report.mean_speed > 4.0


def test_broken_down_vehicles_are_passed() -> None:
    report = run_gates(populate(town(), 35, (1, 2), WITH_CYCLISTS, parked=2), MINUTES)
    assert (report.overlaps, report.causeless, report.red_runs) == (0, 0, 0), report.events
    assert report.passes >= 20 and report.lines > 100


def test_the_same_seeds_drive_the_same_way() -> None:
    first, second = worlds(), worlds()
    assert _outcome(run_gates(first, 1.0)) == _outcome(run_gates(second, 1.0))
    assert np.array_equal(first.actors, second.actors)


def _outcome(report: Report) -> tuple[float, ...]:
    return report.overlap_ticks, report.lines, report.mean_speed


def test_overlaps_are_seen_where_nobody_minds_who_holds_a_way() -> None:
    lawless = worlds()
    none = lawless.roads._replace(conflict_start=np.zeros_like(lawless.roads.conflict_start))
    assert run_gates(lawless, 2.0, driven_by=none).overlaps > 0


def test_red_runs_are_seen_where_drivers_are_blind_to_signals() -> None:
    blind = worlds()
    dark = blind.roads._replace(group=np.full_like(blind.roads.group, -1))
    report = run_gates(blind, 2.0, driven_by=dark)
    assert report.red_runs > 0.2 * report.lines > 0


def test_standing_behind_a_parked_vehicle_has_no_cause() -> None:
    """Where the line is solid nobody passes whoever is parked: those behind it stand, and nothing will end it."""
    parked = worlds()
    solid = parked.roads._replace(opposite_change=np.zeros_like(parked.roads.opposite_change))
    parked.agents[AgentRow.MODE, 0, 0] = AgentMode.STATIC
    street = int(town().find(9, -1))
    parked.agents[AgentRow.LANE, 0, 0], parked.agents[AgentRow.S, 0, 0] = street, 0.5 * town().length[street]
    x, y, heading = town().lane_samples(street)[len(town().lane_samples(street)) // 2, :3]
    parked.actors[ActorRow.X, 0, 0], parked.actors[ActorRow.Y, 0, 0] = x, y
    parked.actors[ActorRow.YAW, 0, 0] = heading
    assert run_gates(parked, MINUTES, driven_by=solid).causeless > 0


def chain(*links: tuple[WaitCause, int]) -> FloatArray:
    """Return a world of vehicles that wait as ``links`` (cause, by whom) say."""
    agents = np.zeros((len(AgentRow), 1, len(links)))
    agents[AgentRow.MODE] = AgentMode.VEHICLE
    for i, (cause, by) in enumerate(links):
        agents[AgentRow.CAUSE, 0, i], agents[AgentRow.CAUSED_BY, 0, i] = cause, by
    return agents


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ([(WaitCause.SIGNAL, -1)], True),
        ([(WaitCause.LEADER, 1), (WaitCause.EXIT, 2), (WaitCause.SIGNAL, -1)], True),
        ([(WaitCause.LEADER, 1), (WaitCause.EXIT, 2), (WaitCause.EXIT, 0)], False),  # a circle
        ([(WaitCause.LEADER, 1), (WaitCause.EXIT, 2), (WaitCause.EXIT, 1)], False),  # a circle further on
        ([(WaitCause.LEADER, 1), (WaitCause.NONE, -1)], False),  # whoever is first could drive
        ([(WaitCause.LEADER, 2), (WaitCause.NONE, -1)], True),  # slot 2 of two vehicles is the ego
        ([(WaitCause.CROSSWALK, -1)], True),
        ([(WaitCause.EGO, -1)], True),
    ],
)
def test_what_is_a_cause(links: list[tuple[WaitCause, int]], expected: bool) -> None:
    assert has_cause(chain(*links), 0, 0) is expected


def test_waiting_for_a_pedestrian_is_a_cause() -> None:
    agents = chain((WaitCause.LEADER, 1), (WaitCause.NONE, -1))
    assert not has_cause(agents, 0, 0)
    agents[AgentRow.MODE, 0, 1] = AgentMode.WALKER
    assert has_cause(agents, 0, 0)


def test_too_many_vehicles_are_refused() -> None:
    with pytest.raises(ValueError, match=r"no room for 2000 vehicles on map town: \d+ found a place; take fewer"):
        populate(town(), 2000, (0,), (ActorKind.BUS,))
