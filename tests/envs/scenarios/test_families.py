"""The families: every place fits, whoever must meet the ego does, the light is as asked, nothing depends on the set."""

from __future__ import annotations

import dataclasses
from functools import lru_cache

import numpy as np
import pytest

from envs.drivers.naive import CruiseDriver
from envs.roads.controls import clock_offset, signal_state
from envs.roads.lane_graph import LaneGraph
from envs.roads.projection import pose_at
from envs.scenarios.catalogue import FAMILIES, GROUPS, ScenarioSet, scenario_set
from envs.scenarios.families import CONDITIONS, DENSITIES
from envs.scenarios.layout import ScenarioError, along_way
from envs.scenarios.maps import MapLibrary
from envs.scenarios.placement import find_placements
from envs.scenarios.scenario import ActorSpec, ConcreteScenario, Placement, PlaceSpec, exactly
from envs.scene import SceneBatch, SignalState
from envs.termination import Outcome
from envs.traffic.agents import ActionKind, AgentMode, AgentRow, ScriptRow
from tests.envs.scenarios.episodes import drive

NEW = [name for name in FAMILIES if name not in CONDITIONS]
AT_JUNCTIONS = ("turning_obstacle", "red_light_running", "unprotected_left_turn", "right_turn", "crossing_negotiation")


@lru_cache(maxsize=1)
def families() -> ScenarioSet:
    return scenario_set("all")


def cells_of(name: str) -> list[int]:
    return [cell for cell in range(len(families())) if families().label(cell).startswith(f"{name}/")]


def point(graph: LaneGraph, way: tuple[int, ...], s: float) -> tuple[float, float]:
    lane, there = along_way(graph, way, s)
    x, y, _ = pose_at(graph.samples, graph.start, graph.step, lane, there, 0.0)
    return x, y


@pytest.mark.parametrize("name", NEW)
def test_a_family_has_ten_places_at_least_and_their_ways_hang_together(name: str) -> None:
    places = families().placements(cells_of(name)[0])
    assert len(places) >= 10 and len({(p.map_name, tuple(p.ways.items())) for p in places}) == len(places)
    for place in places:
        graph = families().maps.graph(place.map_name)
        for way in place.ways.values():
            assert all(b in graph.successors[a] for a, b in zip(way[:-1], way[1:], strict=True))


@pytest.mark.parametrize("name", AT_JUNCTIONS)
def test_where_two_ways_meet_they_are_in_one_place_and_within_the_junction(name: str) -> None:
    for place in families().placements(cells_of(name)[0]):
        graph = families().maps.graph(place.map_name)
        assert 0.0 < place.marks["entry"] < place.marks["exit"]
        assert graph.junction[along_way(graph, place.ways["ego"], place.marks["entry"] + 1.0)[0]] >= 0
        assert graph.junction[along_way(graph, place.ways["ego"], place.marks["exit"] + 1.0)[0]] < 0
        for other, (mine, theirs) in place.meets.items():
            here, there = point(graph, place.ways["ego"], mine), point(graph, place.ways[other], theirs)
            apart = np.hypot(*np.subtract(here, there))
            assert place.marks["entry"] < mine and apart < 3.0, (place, other, apart)


@pytest.mark.parametrize("name", NEW)
def test_the_goal_lies_on_the_route_and_everybody_on_the_map(name: str) -> None:
    for cell in cells_of(name):
        for seed in range(40):
            case = families().sample(cell, seed)
            graph = families().maps.graph(case.map_name)
            assert case.route[0] == case.ego_lane and 0.0 <= case.ego_s
            assert case.ego_s + case.goal_m <= graph.length[case.route].sum()
            used = case.agents[AgentRow.MODE] != AgentMode.UNUSED
            lanes = case.agents[AgentRow.LANE, used].astype(int)
            assert (case.agents[AgentRow.S, used] >= -1.0).all()
            assert (case.agents[AgentRow.S, used] <= graph.length[lanes] + 1.0).all()


@pytest.mark.parametrize("name", NEW)
def test_a_case_depends_on_its_family_density_and_seed_alone(name: str) -> None:
    alone = scenario_set(name, "high")
    case, same = alone.sample(0, 77), families().sample(cells_of(name)[2], 77)
    for field in dataclasses.fields(ConcreteScenario):
        if field.name != "cell":
            np.testing.assert_array_equal(getattr(case, field.name), getattr(same, field.name), err_msg=field.name)


def test_density_adds_actors() -> None:
    for name in NEW:
        counts = [len(families().scenarios[cell].actors) for cell in cells_of(name)]  # type: ignore[union-attr]
        assert counts[0] <= counts[1] <= counts[2] and counts[0] < counts[2], name


@pytest.mark.parametrize("name", ["red_light_running", "unprotected_left_turn", "turning_obstacle"])
def test_the_ego_has_green_when_it_arrives(name: str) -> None:
    lit = 0
    for seed in range(60):
        case = families().sample(cells_of(name)[1], seed)
        controls = families().maps.graph(case.map_name).controls
        group = max(controls.group[case.route])
        if group < 0:
            continue
        lit += 1
        assert case.world_seed is not None
        offset = clock_offset(case.world_seed, int(controls.plan[group]), float(controls.programs[group, 0]))
        assert signal_state(controls.programs, int(group), 3.5, offset) == SignalState.GREEN
    assert lit >= 20


def test_who_runs_the_red_light_meets_an_ego_that_keeps_its_speed_and_drives_its_way_on_red() -> None:
    name, ran = "red_light_running", []

    def visit(scene: SceneBatch) -> None:
        ran.append(scene.actors.speed[:, 0].min())

    episodes = drive(lambda _: CruiseDriver(), families(), cells_of(name)[0], range(60), visit)
    assert episodes.rate(Outcome.COLLISION) >= 0.9
    assert min(ran) > 2.0  # nobody stops at its red light


def test_a_meeting_is_written_in_the_ego_s_and_the_actor_s_own_metres() -> None:
    case = families().sample(cells_of("red_light_running")[0], 5)
    graph = families().maps.graph(case.map_name)
    script = case.scripts[0, 0]
    assert script[ScriptRow.ACTION] == ActionKind.MEET
    mine = point(graph, tuple(case.route), case.ego_s + script[ScriptRow.EGO_AT])
    path = tuple(lane for lane in case.paths[0].tolist() if lane >= 0)
    theirs = point(graph, path, case.agents[AgentRow.S, 0] + script[ScriptRow.OWN_AT])
    assert np.hypot(*np.subtract(mine, theirs)) < 3.0


def test_groups_name_families_once() -> None:
    assert len(GROUPS["safebench"]) == 8 and len(GROUPS["r157"]) == 3
    both = scenario_set(["safebench", "right_turn", "r157"], "low")
    assert [both.label(c).split("/")[0] for c in range(len(both))] == [*GROUPS["safebench"], *GROUPS["r157"]]
    assert len(families()) == len(FAMILIES) * len(DENSITIES)


def test_a_place_that_there_is_not_is_told() -> None:
    maps = MapLibrary(["street_0"])
    with pytest.raises(ScenarioError, match=r"unknown kind of place 'roundabout' \(allowed: two_way_street"):
        find_placements(PlaceSpec(("street_0",), "roundabout"), maps)
    with pytest.raises(ScenarioError, match="no place of kind 'turn' with 30 m on the maps street_0"):
        find_placements(PlaceSpec(("street_0",), "turn", 30.0), maps)


def test_a_way_that_does_not_meet_the_ego_s_cannot_be_arrived_on() -> None:
    scenario = FAMILIES["vehicle_passing"]("low")
    late = ActorSpec("late", "oncoming", arrives=exactly(0.0))
    broken = dataclasses.replace(scenario, actors=(late,))
    with pytest.raises(ScenarioError, match="way 'oncoming' does not meet the ego's; give it a distance"):
        ScenarioSet((broken,), families().maps).sample(0, 0)


def test_the_first_place_of_a_street_is_its_two_lanes() -> None:
    maps = MapLibrary(["street_0"])
    graph = maps.graph("street_0")
    expected = Placement("street_0", {"ego": (graph.find(1, 1),), "oncoming": (graph.find(1, -1),)})
    assert expected in find_placements(PlaceSpec(("street_0",), "two_way_street", 100.0), maps)
