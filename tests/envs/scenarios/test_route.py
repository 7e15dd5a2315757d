"""Routes: drawn by seed, driven along successors, with room for everybody."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from envs.embedded.collision import boxes_overlap
from envs.roads.lane_graph import LaneGraph
from envs.roads.projection import pose_at
from envs.scenarios.maps import MapLibrary
from envs.scenarios.route import VEHICLES, RouteError, route, sample_route
from envs.scenarios.scenario import ConcreteScenario, Range
from envs.traffic.agents import AgentRow


@lru_cache(maxsize=1)
def town() -> MapLibrary:
    return MapLibrary(("town",))


def graph() -> LaneGraph:
    return town().graph("town")


def drawn(seed: int, density: str = "medium") -> ConcreteScenario:
    return sample_route(route(density), seed, 0, town())


@pytest.mark.parametrize("seed", range(20))
def test_a_route_follows_successors_and_is_as_long_as_it_says(seed: int) -> None:
    case = drawn(seed)
    lanes = case.route
    for lane, following in zip(lanes[:-1], lanes[1:], strict=True):
        assert following in graph().successors[lane]
    assert 150.0 <= case.goal_m <= 450.0
    before_last = graph().length[lanes[:-1]].sum() - case.ego_s
    assert before_last < case.goal_m < before_last + graph().length[lanes[-1]]
    assert case.ego_lane == lanes[0] and graph().junction[lanes[0]] < 0 and graph().junction[lanes[-1]] < 0
    assert case.time_limit_s == pytest.approx(case.goal_m / 4.0 + 40.0, abs=0.06)


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
