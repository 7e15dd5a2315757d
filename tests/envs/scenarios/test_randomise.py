"""Domain randomisation: what is asked for is what is drawn, what is not asked for stays, what is wrong is told."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from envs.factory import make_env
from envs.scenarios.catalogue import FAMILIES, ScenarioSet, scenario_set
from envs.scenarios.families import CONDITIONS, DENSITIES, overtaking
from envs.scenarios.placement import find_placements
from envs.scenarios.randomise import RandomiseError, flattened, randomisable, randomised, randomised_all
from envs.scenarios.route import RouteScenario, route
from envs.scenarios.sampling import sample_scenario
from envs.scenarios.scenario import ConcreteScenario, Range, Scenario
from envs.scene import ActorKind
from envs.traffic.agents import AgentRow, ScriptRow

SEEDS = range(25)


@lru_cache(maxsize=1)
def paper() -> ScenarioSet:
    return scenario_set("paper")


def sample(scenario: Scenario, seed: int) -> ConcreteScenario:
    return sample_scenario(scenario, find_placements(scenario.road, paper().maps), seed, 0, paper().maps)


def digest(chosen: ScenarioSet) -> str:
    """Return a hash of the first cases of every cell."""
    found = hashlib.sha256()
    for cell in range(len(chosen)):
        for seed in range(5):
            case = chosen.sample(cell, seed)
            for field in dataclasses.fields(case):
                found.update(repr(getattr(case, field.name)).encode())
            for block in (case.agents, case.bodies, case.scripts, case.pedestrians, case.paths):
                found.update(block.tobytes())
    return found.hexdigest()


class TestNothingAsked:
    def test_the_scenarios_are_the_very_ones(self) -> None:
        own = tuple(family(density) for family in FAMILIES.values() for density in DENSITIES)
        assert all(a is b for a, b in zip(own, randomised_all(own, {}), strict=True))

    def test_the_cases_are_those_without_it(self) -> None:
        assert digest(scenario_set("paper", "all", "", {})) == digest(paper())

    def test_the_cases_are_those_of_the_families_themselves(self) -> None:
        for cell, (name, density) in enumerate(itertools.product(CONDITIONS, DENSITIES)):
            case, own = paper().sample(cell, 7), sample(FAMILIES[name](density), 7)
            assert np.array_equal(case.agents, own.agents) and np.array_equal(case.scripts, own.scripts)
            assert (case.ego_lane, case.ego_s, case.ego_speed) == (own.ego_lane, own.ego_s, own.ego_speed)

    @pytest.mark.parametrize("family", FAMILIES)
    @pytest.mark.parametrize("density", DENSITIES)
    def test_what_a_scenario_holds_can_be_given_back_to_it(self, family: str, density: str) -> None:
        """Every path that is told to be one is one, and takes what stands there."""
        scenario = FAMILIES[family](density)
        held = randomisable(scenario)
        given = {path: _as_asked(value) for path, value in held.items() if value is not None}
        assert len(given) > 5 and randomised(scenario, given) == scenario


def _as_asked(value: Any) -> Any:
    """Return what a user would write for ``value``."""
    if isinstance(value, Range):
        return [value.low, value.high]
    return [kind.name.lower() for kind in value] if isinstance(value, tuple) else value


@given(
    seed=st.integers(0, 2**31 - 1),
    ego=st.tuples(st.floats(0.0, 20.0), st.floats(0.0, 10.0)),
    speed=st.tuples(st.floats(0.0, 8.0), st.floats(0.0, 8.0)),
    headway=st.tuples(st.floats(0.0, 2.0), st.floats(0.0, 2.0)),
    trigger=st.tuples(st.floats(-20.0, 20.0), st.floats(0.0, 20.0)),
    limit=st.floats(1.0, 100.0),
    density=st.sampled_from(DENSITIES),
)
def test_every_drawn_value_lies_in_the_asked_range(
    seed: int,
    ego: tuple[float, float],
    speed: tuple[float, float],
    headway: tuple[float, float],
    trigger: tuple[float, float],
    limit: float,
    density: str,
) -> None:
    ranges = {name: Range(low, low + width) for name, (low, width) in
              {"ego": ego, "speed": speed, "headway": headway, "trigger": trigger}.items()}  # fmt: skip
    asked = {
        "ego_speed": ranges["ego"],
        "time_limit": limit,
        "actors.*.driver.headway": ranges["headway"],
        "actors": {"first": {"speed": ranges["speed"], "scripts": {0: {"value": ranges["trigger"]}}}},
        "actors.*.kinds": ["motorcycle"],
    }
    case = sample(randomised(overtaking(density), asked), seed)
    drawn = {
        "ego": case.ego_speed,
        "speed": case.agents[AgentRow.SPEED, 0],
        "trigger": case.scripts[0, 0, ScriptRow.VALUE],
    }
    assert all(_within(value, ranges[name]) for name, value in drawn.items())
    assert all(_within(value, ranges["headway"]) for value in case.agents[AgentRow.HEADWAY])
    assert case.time_limit_s == limit and (case.bodies[0] == ActorKind.MOTORCYCLE).all()


def _within(value: float, interval: Range) -> bool:
    # low + (high - low) * u may round to a neighbour of the bound.
    return bool(np.nextafter(interval.low, -np.inf) <= value <= np.nextafter(interval.high, np.inf))


@given(seed=st.integers(0, 2**31 - 1), cell=st.integers(0, 11))
def test_what_is_not_asked_for_keeps_its_draws(seed: int, cell: int) -> None:
    scenario = paper().scenarios[cell]
    assert isinstance(scenario, Scenario)
    changed = sample(randomised(scenario, {"ego_speed": [0, 30], "actors.*.driver.headway": 9}), seed)
    plain = sample(scenario, seed)
    rows = [row for row in AgentRow if row is not AgentRow.HEADWAY]
    assert np.array_equal(changed.agents[rows], plain.agents[rows])
    assert np.array_equal(changed.bodies, plain.bodies) and np.array_equal(changed.scripts, plain.scripts)
    assert (changed.map_name, changed.ego_s, changed.goal_m) == (plain.map_name, plain.ego_s, plain.goal_m)
    assert (changed.agents[AgentRow.HEADWAY] == 9.0).all()
    # The same share of another range.
    own = scenario.ego_speed
    share = (plain.ego_speed - own.low) / (own.high - own.low)
    assert changed.ego_speed == pytest.approx(30.0 * share, abs=1e-9)


def test_stars_reach_every_participant_and_no_deeper() -> None:
    scenario = FAMILIES["merging"]("high")
    faster = randomised(scenario, {"actors.right*.speed": [1, 2]})
    names = [spec.name for spec in scenario.actors if spec.speed != Range(1, 2)]
    assert {spec.name for spec in faster.actors if spec.speed == Range(1.0, 2.0)} == {
        name for name in names if name.startswith("right")
    }
    assert all(a == b for a, b in zip(faster.actors, scenario.actors, strict=True) if a.name.startswith("left"))
    with pytest.raises(RandomiseError):
        randomised(scenario, {"actors.*.headway": 1})  # one star is one name: the headway is the driver's


def test_a_scenario_without_the_field_stays_as_it_is() -> None:
    merging, passing = FAMILIES["merging"]("low"), overtaking("low")
    both = randomised_all((merging, passing), {"actors.first.speed": 2})
    assert both[0] == merging and both[1].actors[0].speed == Range(2.0, 2.0)


def test_the_last_of_two_wishes_wins() -> None:
    changed = randomised(overtaking("high"), {"actors.*.speed": 2, "actors.first.speed": 5})
    assert [spec.speed.low for spec in changed.actors] == [5.0, 2.0, 2.0]
    assert list(flattened({"a": {"b": (1, 2)}, "c": Range(3, 4)}).items()) == [("a.b", [1, 2]), ("c", [3.0, 4.0])]


def test_an_open_speed_may_be_given_and_a_meeting_may_not() -> None:
    assert overtaking("low").actors[0].desired_speed is None
    assert randomised(overtaking("low"), {"actors.first.desired_speed": [5, 6]}).actors[0].desired_speed == Range(5, 6)
    with pytest.raises(RandomiseError, match="no chosen scenario has it"):
        randomised(overtaking("low"), {"actors.first.arrives": 1})


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("ego_sped", 1, "randomise.ego_sped: no chosen scenario has it; did you mean ego_speed?"),
        ("actors.frist.speed", 1, r"did you mean actors.first.speed\? \(fields within actors: first, second, third\)"),
        ("actors.*.hedway", 1, r"did you mean actors.\*.driver.headway\?"),
        ("actors.first.driver", 1, r"\(fields within actors.first.driver: headway, min_gap,"),
        ("actors.first.scripts.7.value", 1, r"\(fields within actors.first.scripts: 0, 1\)"),
        ("ego_speed.low", 1, "did you mean ego_speed?"),
        ("name", "x", "no chosen scenario has it"),
        ("road.maps", "x", "no chosen scenario has it"),
        ("ego_speed", [3, 1], r"ego_speed takes \[low, high\] with low not above high, got \[3, 1\]"),
        ("ego_speed", [1, 2, 3], r"takes a number or \[low, high\], got \[1, 2, 3\]"),
        ("ego_speed", "fast", r"takes a number or \[low, high\], got 'fast'"),
        ("ego_speed", True, r"takes a number or \[low, high\], got True"),
        ("ego_speed", None, r"takes a number or \[low, high\], got None"),
        ("ego_speed", [-1, 2], "takes finite numbers of at least 0, got -1"),
        ("ego_at", float("inf"), "takes finite numbers, got inf"),
        ("ego_at", float("nan"), "takes finite numbers, got nan"),
        ("time_limit", 0, "takes finite numbers of at least 0.1, got 0"),
        ("green", 1, "takes true or false, got 1"),
        ("wrong_way_limit_s", [1, 2], r"takes a number, got \[1, 2\]"),
        ("actors.*.probability", 1.5, "takes numbers from 0 to 1, got 1.5"),
        ("actors.first.kinds", ["lorry"], r"takes a list of car, truck, .*, got \['lorry'\]"),
        ("actors.first.kinds", [], "takes a list of car"),
    ],
)
def test_what_cannot_be_is_one_line(path: str, value: Any, told: str) -> None:
    with pytest.raises(RandomiseError, match=told) as error:
        randomised(overtaking("high"), {path: value})
    assert "\n" not in str(error.value)


class TestRoutes:
    def test_traffic_length_and_limit_are_the_asked_ones(self) -> None:
        asked = {"vehicles": 5, "cyclists": 2, "pedestrians": 3, "length": [150, 200], "driver.headway": [2, 3],
                 "kinds": ["bus"], "ego_speed": 4, "pace": 100, "grace": 1000}  # fmt: skip
        chosen = scenario_set("route", "medium", randomise=asked)
        assert (chosen.most_actors, chosen.most_pedestrians) == (5, 3)
        for seed in SEEDS:
            case = chosen.sample(0, seed)
            assert case.agents.shape[1] == 5 and case.pedestrians.shape[1] == 3 and case.ego_speed == 4.0
            assert [int(kind) for kind in case.bodies[0]] == [ActorKind.BUS] * 3 + [ActorKind.CYCLIST] * 2
            assert 150.0 <= case.goal_m <= 200.0 and case.time_limit_s > 1000.0
            assert all(2.0 <= headway <= 3.0 for headway in case.agents[AgentRow.HEADWAY, :3])

    @pytest.mark.parametrize(
        ("asked", "told"),
        [
            ({"vehicles": 3}, "vehicles=3 is fewer than cyclists=4 of route .medium., which are among them"),
            ({"vehicles": 3.5}, "takes a whole number, got 3.5"),
            ({"kinds": ["pedestrian"]}, "kinds of routes are of vehicles"),
            ({"vehicels": 3}, "did you mean vehicles?"),
        ],
    )
    def test_what_no_route_can_have(self, asked: dict[str, Any], told: str) -> None:
        with pytest.raises(RandomiseError, match=told):
            randomised(route("medium"), asked)

    def test_the_two_counts_may_be_given_in_either_order(self) -> None:
        few = RouteScenario("high", vehicles=3, cyclists=1, pedestrians=route("high").pedestrians)
        assert randomised(route("high"), {"vehicles": 3, "cyclists": 1}) == few
        assert randomised(route("high"), {"cyclists": 1, "vehicles": 3}) == few


def test_a_start_beyond_its_lane_is_refused_before_anything_runs() -> None:
    with pytest.raises(RandomiseError, match="the ego would start .* along a lane of .*; ask for less"):
        scenario_set("overtaking", "low", randomise={"ego_at": 5000})


def test_too_little_room_is_refused_before_anything_runs() -> None:
    with pytest.raises(RandomiseError, match=r"overtaking/high: bodies overlap at the start in \d+% of the draws"):
        scenario_set("overtaking", "high", randomise={"actors.*.distance": [-10, 10]})
    assert len(scenario_set("overtaking", "high", randomise={"actors.*.distance": [15, 40]})) == 1


def test_the_environments_take_it() -> None:
    env = make_env("overtaking", "low", randomise={"ego_speed": 7})
    chosen = env.vector.scenarios
    assert {chosen.sample(0, seed).ego_speed for seed in SEEDS} == {7.0}


@given(values=st.lists(st.floats(0.0, 30.0), min_size=2, max_size=2))
def test_a_range_is_taken_where_it_is_in_order_alone(values: list[float]) -> None:
    low, high = values
    assume(low != high)
    if low < high:
        assert randomised(overtaking("low"), {"ego_speed": values}).ego_speed == Range(low, high)
    else:
        with pytest.raises(RandomiseError):
            randomised(overtaking("low"), {"ego_speed": values})
