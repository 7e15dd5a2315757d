"""From scenario and seed to a case: the same always, within its ranges, with room between all bodies."""

from __future__ import annotations

import dataclasses
import math
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.roads.projection import pose_at
from envs.scenarios.catalogue import ScenarioSet, UnknownScenarioError, scenario_set
from envs.scenarios.families import CONDITIONS, DENSITIES
from envs.scenarios.layout import ScenarioError, walk
from envs.scenarios.maps import MapLibrary, generated_maps
from envs.scenarios.placement import find_placements
from envs.scenarios.sampling import EGO_SIZE_M, sample_scenario
from envs.scenarios.scenario import (
    ActorSpec,
    ConcreteScenario,
    LaneAnchor,
    Range,
    RoadSpec,
    Scenario,
    Script,
    exactly,
)
from envs.scene import ActorKind
from envs.traffic.agents import ActionKind, AgentMode, AgentRow, ScriptRow, TriggerKind
from tests.envs.traffic.worlds import corners, graph, maps, overlap_area

BORROWED = {"trilemma": "left", "occluded_pedestrian": "oncoming"}
CELLS = range(len(CONDITIONS) * len(DENSITIES))


def sample(scenario: Scenario, seed: int, maps: MapLibrary) -> ConcreteScenario:
    return sample_scenario(scenario, find_placements(scenario.road, maps), seed, 0, maps)


@lru_cache(maxsize=1)
def paper() -> ScenarioSet:
    return scenario_set("paper")


seeds = st.integers(0, 2**63 - 1)


def arrays(case: ConcreteScenario) -> list[np.ndarray]:
    return [np.asarray(getattr(case, field.name)) for field in dataclasses.fields(case)]


@given(seed=seeds, cell=st.sampled_from(CELLS), other=seeds)
def test_a_seed_gives_one_case_whatever_else_is_sampled(seed: int, cell: int, other: int) -> None:
    first = paper().sample(cell, seed)
    paper().sample((cell + 1) % len(CELLS), other)
    again = scenario_set("paper").sample(cell, seed) if seed % 20 == 0 else paper().sample(cell, seed)
    for a, b in zip(arrays(first), arrays(again), strict=True):
        assert np.array_equal(a, b)
    assert (first.seed, first.cell) == (seed, cell)


def test_seeds_differ() -> None:
    cases = [paper().sample(4, seed) for seed in range(50)]
    assert len({case.ego_s for case in cases}) == 50
    assert {case.map_name for case in cases} == {f"on_ramp_{k}" for k in range(4)}


@given(seed=seeds, cell=st.sampled_from(CELLS))
def test_no_bodies_overlap_at_the_start(seed: int, cell: int) -> None:
    case = paper().sample(cell, seed)
    lanes = paper().maps.graph(case.map_name)
    boxes = [corners(*pose_at(lanes.samples, lanes.start, lanes.step, case.ego_lane, case.ego_s, 0.0), *EGO_SIZE_M)]
    for i in range(case.agents.shape[1]):
        if int(case.agents[AgentRow.MODE, i]) == AgentMode.UNUSED:
            continue
        place = (int(case.agents[AgentRow.LANE, i]), case.agents[AgentRow.S, i], case.agents[AgentRow.D, i])
        x, y, heading = pose_at(lanes.samples, lanes.start, lanes.step, *place)
        boxes.append(corners(x, y, heading + case.bodies[3, i], case.bodies[1, i], case.bodies[2, i]))
    for i, box in enumerate(boxes):
        assert all(overlap_area(box, other) == 0.0 for other in boxes[:i])


@given(seed=seeds, cell=st.sampled_from(CELLS))
def test_everybody_starts_on_its_lane_and_the_goal_is_on_the_route(seed: int, cell: int) -> None:
    case = paper().sample(cell, seed)
    lanes = paper().maps.graph(case.map_name)
    length = sum(float(lanes.length[lane]) for lane in case.route)
    assert case.ego_lane == case.route[0]
    assert 0.0 <= case.ego_s and case.ego_s + case.goal_m <= length
    used = case.agents[AgentRow.MODE] != AgentMode.UNUSED
    places = case.agents[AgentRow.S, used]
    assert np.all((places >= 0.0) & (places <= lanes.length[case.agents[AgentRow.LANE, used].astype(int)]))
    assert len(set(case.bodies[4])) == case.bodies.shape[1]


def vehicles_in(scenario: Scenario, *lanes: str) -> int:
    return sum(actor.lane in lanes and not actor.parked and actor.kinds != (ActorKind.PEDESTRIAN,)
               for actor in scenario.actors)  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "lanes", "counts"),
    [
        ("overtaking", ("left", "right"), (1, 2, 3)),
        ("merging", ("main_left", "main_right"), (2, 4, 8)),
        ("trilemma", ("left",), (2, 3, 4)),
        ("occluded_pedestrian", ("oncoming",), (2, 3, 4)),
    ],
)
def test_numbers_of_vehicles_are_the_papers(condition: str, lanes: tuple[str, ...], counts: tuple[int, ...]) -> None:
    """The paper's conditions and densities."""
    for density, count in zip(DENSITIES, counts, strict=True):
        scenario = CONDITIONS[condition](density)
        assert (scenario.name, scenario.density) == (condition, density)
        assert vehicles_in(scenario, *lanes) == count
        walks = (ActorKind.PEDESTRIAN,)
        assert all(actor.probability == 1.0 for actor in scenario.actors if actor.kinds != walks)


def test_both_lanes_beside_the_ramp_are_used() -> None:
    for density in DENSITIES:
        scenario = CONDITIONS["merging"](density)
        assert vehicles_in(scenario, "main_left") >= 1 and vehicles_in(scenario, "main_right") >= 1


def test_pedestrians_step_out_by_a_script_and_nobody_can_count_on_one() -> None:
    for density in DENSITIES:
        walkers = [a for a in CONDITIONS["occluded_pedestrian"](density).actors if a.kinds == (ActorKind.PEDESTRIAN,)]
        assert len(walkers) == 2 and len({walker.after for walker in walkers}) == 2
        for walker in walkers:
            assert 0.0 < walker.probability < 1.0
            assert [(s.trigger, s.action) for s in walker.scripts] == [(TriggerKind.EGO_ARRIVAL, ActionKind.WALK)]


def test_every_number_is_drawn_from_its_range() -> None:
    scenario = CONDITIONS["trilemma"]("high")
    for seed in range(60):
        case = sample(scenario, seed, paper().maps)
        assert scenario.ego_speed.low <= case.ego_speed <= scenario.ego_speed.high
        for i, actor in enumerate(scenario.actors):
            row = case.agents[:, i]
            assert actor.speed.low <= row[AgentRow.SPEED] <= actor.speed.high
            for name in ("headway", "min_gap", "max_acceleration", "comfort_brake", "hardest_brake", "politeness"):
                drawn: Range = getattr(actor.driver, name)
                assert drawn.low <= row[AgentRow[name.upper()]] <= drawn.high
            for k, script in enumerate(actor.scripts):
                allowed = {script.trigger} if script.probability == 1.0 else {script.trigger, TriggerKind.NONE}
                assert case.scripts[i, k, ScriptRow.TRIGGER] in allowed
                assert script.value.low <= case.scripts[i, k, ScriptRow.VALUE] <= script.value.high


# Small scenarios on a straight road: numbers by hand.


def scenario_of(*actors: ActorSpec, ego_lane: str = "right") -> Scenario:
    return Scenario(
        name="small", density="low",
        road=RoadSpec(("multi_lane_0",), {"left": LaneAnchor(1, -1), "right": LaneAnchor(1, -2)}),
        ego_lane=ego_lane, ego_at=exactly(100.0), ego_speed=exactly(8.0), route=(ego_lane,), goal=exactly(200.0),
        time_limit=exactly(30.0), actors=actors,
    )  # fmt: skip


def sampled(*actors: ActorSpec, seed: int = 0) -> ConcreteScenario:
    return sample(scenario_of(*actors), seed, maps())


def test_distances_count_from_the_named_participant() -> None:
    case = sampled(
        ActorSpec("a", "left", exactly(20.0)),
        ActorSpec("b", "right", exactly(-15.0)),
        ActorSpec("c", "left", exactly(12.0), after="a"),
    )
    assert case.agents[AgentRow.S].tolist() == pytest.approx([120.0, 85.0, 132.0])


def test_oncoming_distances_count_along_the_egos_road() -> None:
    scenario = dataclasses.replace(
        scenario_of(ActorSpec("facing", "oncoming", exactly(60.0))),
        road=RoadSpec(("street_0",), {"right": LaneAnchor(1, -1), "oncoming": LaneAnchor(1, 1)}),
    )
    case = sample(scenario, 0, maps())
    # 60 m ahead of the ego's 100 m; lane 1 runs back from 340 m.
    assert case.agents[AgentRow.S, 0] == pytest.approx(340.0 - 160.0)


def test_walk_goes_on_into_the_neighbours_in_a_row() -> None:
    lanes = graph("on_ramp_0")
    for before, s_before, after, s_after in (
        ((1, -2), 230.0, (2, -2), 10.0),
        ((2, -2), -10.0, (1, -2), 210.0),
        ((4, -1), -5.0, (4, -1), -5.0),  # the ramp begins there: nothing behind it
    ):
        lane, s = walk(lanes, lanes.find(*before), s_before)
        assert lane == lanes.find(*after)
        assert s == pytest.approx(s_after)


def test_an_actor_that_may_be_absent_sometimes_is() -> None:
    maybe = ActorSpec("maybe", "left", exactly(20.0), probability=0.5)
    modes = [int(sampled(maybe, seed=seed).agents[AgentRow.MODE, 0]) for seed in range(200)]
    assert set(modes) == {AgentMode.UNUSED, AgentMode.VEHICLE}
    # 200 fair coins: outside 70..130 with a probability of 2e-5.
    assert 70 <= modes.count(AgentMode.VEHICLE) <= 130


def test_a_script_that_an_actor_may_lack() -> None:
    def armed(probability: float) -> int:
        script = Script(TriggerKind.TIME, exactly(3.0), ActionKind.SPEED, exactly(5.0), probability=probability)
        cases = [sampled(ActorSpec("a", "left", exactly(20.0), scripts=(script,)), seed=seed) for seed in range(200)]
        return sum(case.scripts[0, 0, ScriptRow.TRIGGER] == TriggerKind.TIME for case in cases)

    assert (armed(0.0), armed(1.0)) == (0, 200)
    # 200 coins: outside 30..90 of 60 expected with a probability of 5e-6.
    assert 30 <= armed(0.3) <= 90


def test_yaw_and_offset() -> None:
    walker = ActorSpec("walker", "right", exactly(30.0), kinds=(ActorKind.PEDESTRIAN,), lateral=exactly(-3.0),
                       yaw=exactly(0.5 * math.pi))  # fmt: skip
    case = sampled(walker)
    assert (int(case.agents[AgentRow.MODE, 0]), case.agents[AgentRow.D, 0]) == (AgentMode.WALKER, -3.0)
    assert case.bodies[:, 0].tolist() == pytest.approx([ActorKind.PEDESTRIAN, 0.5, 0.5, 0.5 * math.pi, 1.0])


def test_bodies_that_cannot_but_overlap() -> None:
    with pytest.raises(ScenarioError, match=r"small \(low\) with seed 7: bodies overlap.*widen the distances"):
        sampled(ActorSpec("on_top", "right", exactly(2.0)), seed=7)


def test_an_actor_placed_after_nobody() -> None:
    with pytest.raises(ScenarioError, match="'a' is placed after 'ghost'"):
        sampled(ActorSpec("a", "left", exactly(20.0), after="ghost"))


def test_a_lane_that_the_map_has_not() -> None:
    scenario = dataclasses.replace(scenario_of(), road=RoadSpec(("multi_lane_0",), {"right": LaneAnchor(1, -7)}))
    with pytest.raises(ScenarioError, match=r"no driving lane -7 .*has -1.*multi_lane_0"):
        sample(scenario, 0, maps())


def test_a_range_upside_down() -> None:
    with pytest.raises(ValueError, match=r"Range\(2.0, 1.0\)"):
        Range(2.0, 1.0)


# The catalogue.


def test_the_paper_set() -> None:
    cells = [paper().label(cell) for cell in range(len(paper()))]
    assert cells == [f"{condition}/{density}" for condition in CONDITIONS for density in DENSITIES]
    assert scenario_set("all").scenarios[: len(paper())] == paper().scenarios
    assert paper().most_actors == max(len(CONDITIONS[name](level).actors) for name in CONDITIONS for level in DENSITIES)


def test_chosen_conditions_and_densities() -> None:
    chosen = scenario_set(["trilemma", "merging"], "high")
    assert [chosen.label(cell) for cell in range(len(chosen))] == ["trilemma/high", "merging/high"]
    assert set(chosen.maps.names) == {f"{road}_{k}" for road in ("three_lane", "on_ramp") for k in range(4)}


@pytest.mark.parametrize(
    ("conditions", "densities", "words"),
    [
        ("merge", "low", r"unknown scenario 'merge'; did you mean 'merging'\? \(allowed: overtaking, "),
        ("merging", "hihg", r"unknown density 'hihg'; did you mean 'high'\? \(allowed: low, medium, high, all\)"),
        ("zzz", "low", r"unknown scenario 'zzz' \(allowed"),
        ([], "low", "no scenario given"),
    ],
)
def test_unknown_names(conditions: str | list[str], densities: str, words: str) -> None:
    with pytest.raises(UnknownScenarioError, match=words):
        scenario_set(conditions, densities)


def test_the_generated_maps_are_named_after_road_and_variant() -> None:
    roads = ("multi_lane", "on_ramp", "three_lane", "street")
    assert set(generated_maps()) == {f"{road}_{k}" for road in roads for k in range(4)} | {"town", "large_town"}
