"""Routes: drawn by seed, driven along successors, with room for everybody."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from envs.embedded.collision import boxes_overlap
from envs.errors import InvalidConfigError, UnknownChoiceError
from envs.factory import make_env
from envs.roads.elements import OpenDriveError
from envs.roads.lane_graph import LaneGraph
from envs.roads.projection import pose_at
from envs.roads.route_plan import is_change
from envs.roads.town import Town
from envs.scenarios.catalogue import scenario_set
from envs.scenarios.maps import MapLibrary
from envs.scenarios.route import BEFORE_JUNCTION_M, PEDESTRIANS, VEHICLES, RouteError, route, sample_route
from envs.scenarios.scenario import BODY_SIZES_M, ConcreteScenario, Range
from envs.scene import ActorKind
from envs.traffic.agents import AgentRow
from envs.traffic.walk_state import PedestrianPhase, PedestrianRow

MAPS = Path(__file__).parents[4] / "shared" / "data" / "carla_maps"
"""Where CARLA's towns are, if they are."""


@lru_cache(maxsize=1)
def town() -> MapLibrary:
    return MapLibrary(("town",))


def graph() -> LaneGraph:
    return town().graph("town")


def drawn(seed: int, density: str = "medium") -> ConcreteScenario:
    return sample_route(route(density), seed, 0, town())


@pytest.mark.parametrize("seed", range(20))
def test_a_route_follows_successors_and_lane_changes_and_is_as_long_as_it_says(seed: int) -> None:
    case = drawn(seed)
    lanes, spans = case.route, case.route_spans
    assert spans is not None
    for k, (lane, following) in enumerate(zip(lanes[:-1], lanes[1:], strict=True)):
        whole = spans[k, 1] == graph().length[lane]
        assert whole == (following in graph().successors[lane])
        assert whole or is_change(graph(), int(lane), int(following))
    assert 150.0 <= case.goal_m <= 450.0
    before_last = (spans[:-1, 1] - spans[:-1, 0]).sum() - case.ego_s
    assert before_last < case.goal_m < before_last + spans[-1, 1] - spans[-1, 0]
    assert case.ego_lane == lanes[0] and graph().junction[lanes[0]] < 0 and graph().junction[lanes[-1]] < 0
    controls = graph().controls
    cycles = sum(float(controls.programs[group, 0]) for group in controls.group[lanes] if group >= 0)
    assert case.time_limit_s == pytest.approx(case.goal_m / 4.0 + 40.0 + cycles, abs=0.06)
    if graph().junction[lanes[1]] >= 0:
        assert case.ego_s <= graph().length[lanes[0]] - BEFORE_JUNCTION_M


@pytest.mark.parametrize("density", VEHICLES)
def test_nobody_starts_in_another_or_near_the_ego(density: str) -> None:
    case = drawn(3, density)
    assert case.agents.shape[1] == VEHICLES[density]
    boxes = []
    for i in range(case.agents.shape[1]):
        lane, s = int(case.agents[AgentRow.LANE, i]), case.agents[AgentRow.S, i]
        assert graph().junction[lane] < 0
        x, y, heading = pose_at(graph().samples, graph().start, graph().step, lane, s, 0.0)
        boxes.append((x, y, heading, 0.5 * case.bodies[1, i], 0.5 * case.bodies[2, i]))
    assert not any(boxes_overlap(*boxes[i], *boxes[j]) for i in range(len(boxes)) for j in range(i))
    x, y, _ = pose_at(graph().samples, graph().start, graph().step, case.ego_lane, case.ego_s, 0.0)
    assert min(np.hypot(box[0] - x, box[1] - y) - box[3] for box in boxes) > 12.0


def test_a_seed_gives_one_case_and_another_seed_another() -> None:
    first, again, other = drawn(5), drawn(5), drawn(6)
    assert np.array_equal(first.agents, again.agents) and np.array_equal(first.route, again.route)
    assert not np.array_equal(first.agents, other.agents)


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(RouteError, match="no route of 9000 to 9500 m"):
        sample_route(replace(route("low"), length=Range(9000.0, 9500.0)), 0, 0, town())
    with pytest.raises(RouteError, match="no room for 900 vehicles"):
        sample_route(replace(route("low"), vehicles=900), 0, 0, town())


def test_lane_changes_are_part_of_some_routes() -> None:
    cases = [drawn(seed) for seed in range(30)]
    changing = [
        any(is_change(graph(), int(a), int(b)) for a, b in zip(case.route[:-1], case.route[1:], strict=True))
        for case in cases
    ]
    assert any(changing) and not all(changing)


@pytest.mark.parametrize("density", PEDESTRIANS)
def test_pedestrians_are_on_the_sidewalks(density: str) -> None:
    people = drawn(3, density).pedestrians
    assert people.shape[1] == PEDESTRIANS[density]
    assert (people[PedestrianRow.PHASE] == PedestrianPhase.WALKS).all()
    nodes = town().walk_graph("town").nodes
    places = people[[PedestrianRow.X, PedestrianRow.Y]].T
    assert (nodes.min(axis=0) - 1.0 < places).all() and (places < nodes.max(axis=0) + 1.0).all()


def test_pedestrians_are_slots_of_the_environment_and_actors_of_its_scene() -> None:
    env = make_env("route", "low")
    env.reset(seed=0)
    actors = env.scene.actors
    assert actors.valid.sum() == VEHICLES["low"] + PEDESTRIANS["low"]
    assert (actors.kind[actors.valid] == ActorKind.PEDESTRIAN).sum() == PEDESTRIANS["low"]


def test_a_map_without_sidewalks_has_no_pedestrians() -> None:
    scenario = replace(route("low", "on_ramp_0"), vehicles=2, length=Range(100.0, 400.0))
    assert sample_route(scenario, 0, 0, MapLibrary(["on_ramp_0"])).pedestrians.shape[1] == 0


def test_a_file_is_driven_like_the_generated_map_that_it_holds(tmp_path: Path) -> None:
    file = tmp_path / "town.xodr"
    file.write_text(Town().opendrive())
    here, there = scenario_set("route", "low"), scenario_set("route", "low", str(file))
    generated, read = here.sample(0, 7), there.sample(0, 7)
    assert np.array_equal(generated.route, read.route) and np.array_equal(generated.agents, read.agents)
    assert np.array_equal(generated.pedestrians, read.pedestrians) and read.map_name == str(file)


def test_a_map_that_is_no_map_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnknownChoiceError, match="unknown map 'twon'. Did you mean 'town'"):
        scenario_set("route", "low", "twon")
    with pytest.raises(OpenDriveError, match="cannot read the map"):
        scenario_set("route", "low", str(tmp_path / "none.xodr"))
    with pytest.raises(RouteError, match="no route of 150 to 450 m"):
        scenario_set("route", "low", "multi_lane_0")
    with pytest.raises(InvalidConfigError, match="for routes"):
        scenario_set("merging", "low", "town")


def test_vehicles_that_cannot_pass_each_other_in_a_curve_stay_away(monkeypatch: pytest.MonkeyPatch) -> None:
    maps = MapLibrary(["town"])
    lengths = set(sample_route(route("high"), 0, 0, maps).bodies[1].tolist())
    car, truck, bicycle = (BODY_SIZES_M[kind][0] for kind in (ActorKind.CAR, ActorKind.TRUCK, ActorKind.CYCLIST))
    assert lengths == {car, truck, bicycle}
    monkeypatch.setattr(maps.routes("town"), "longest_body_m", 8.0)
    assert set(sample_route(route("high"), 0, 0, maps).bodies[1].tolist()) == {car, bicycle}
    monkeypatch.setattr(maps.routes("town"), "longest_body_m", 4.0)
    with pytest.raises(RouteError, match="too narrow"):
        sample_route(route("high"), 0, 0, maps)


@pytest.mark.parametrize("name", ["Town01", "Town02", "Town04"])
def test_carlas_towns_have_routes(name: str) -> None:
    file = MAPS / f"{name}.xodr"
    if not file.is_file():
        pytest.skip(f"{file} is absent")
    for case in (scenario_set("route", "high", str(file)).sample(0, seed) for seed in range(5)):
        assert 150.0 <= case.goal_m <= 450.0 and case.pedestrians.shape[1] == PEDESTRIANS["high"]
