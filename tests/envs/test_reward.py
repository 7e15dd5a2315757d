"""The three reward terms, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from envs.errors import InvalidConfigError
from envs.reward import REWARD_TERMS, RewardConfig, RewardFunction, reward_terms
from envs.scene import EgoRow, RoadRow, RouteRow, SceneBatch
from envs.termination import Outcome
from tests.envs.builders import make_actor, make_scene


def terms(scene: SceneBatch, outcome: Outcome = Outcome.RUNNING, before: float = 0.0) -> dict[str, float]:
    values = reward_terms(scene, np.array([int(outcome)]), np.array([before]), RewardConfig())
    assert values.shape == (1, 3)
    return dict(zip(REWARD_TERMS, values[0].tolist(), strict=True))


def test_an_uneventful_moment_is_worth_nothing() -> None:
    assert terms(make_scene()) == {"safety": 0.0, "efficiency": 0.0, "comfort": 0.0}


@pytest.mark.parametrize("outcome", [Outcome.COLLISION, Outcome.OFF_ROAD, Outcome.VIOLATION])
def test_failures_cost_safety_and_the_time_that_had_passed(outcome: Outcome) -> None:
    """A fifth of the time had passed: no failure spares the planner what running out of time would have cost."""
    assert terms(make_scene(), outcome) == {"safety": -5.0, "efficiency": 0.0, "comfort": 0.0}
    late = make_scene(time_s=6.0, route={RouteRow.TIME_LIMIT: 30.0})
    assert terms(late, outcome) == {"safety": -5.0, "efficiency": -5.0 * 6.0 / 30.0, "comfort": 0.0}


def test_goal_and_timeout_are_efficiency() -> None:
    assert terms(make_scene(), Outcome.SUCCESS)["efficiency"] == 5.0
    late = make_scene(time_s=30.0, route={RouteRow.TIME_LIMIT: 30.0})
    assert terms(late, Outcome.TIMEOUT) == {"safety": 0.0, "efficiency": -5.0, "comfort": 0.0}
    assert terms(make_scene(), Outcome.INFRASTRUCTURE) == {"safety": 0.0, "efficiency": 0.0, "comfort": 0.0}


@pytest.mark.parametrize(("gap", "penalty"), [(30.0, 0.0), (15.0, 0.05), (10.0, 0.1 * 2 / 3), (40.0, 0.0)])
def test_a_short_time_to_collision_costs_safety(gap: float, penalty: float) -> None:
    """At 10 m/s towards a parked car: 15 m are 1.5 s, so 0.1 x (3 - 1.5) / 3."""
    scene = make_scene(actors=[make_actor(gap + 4.0, 0.0)], ego={EgoRow.SPEED: 10.0})
    assert terms(scene)["safety"] == pytest.approx(-penalty)


@pytest.mark.parametrize(("aside", "penalty"), [(0.0, 0.0), (1.0, 0.05 / 4.0), (-1.0, 0.05 / 4.0), (7.0, 0.05)])
def test_being_beside_the_route_s_line_costs_efficiency_where_it_is_asked_for(aside: float, penalty: float) -> None:
    """Half of the 2 m are a quarter of the penalty; beyond them there is no more."""
    scene = make_scene(route={RouteRow.LATERAL_OFFSET: aside})
    assert terms(scene)["efficiency"] == 0.0
    asked = reward_terms(scene, np.array([int(Outcome.RUNNING)]), np.zeros(1), RewardConfig(line_keeping=0.05))
    assert asked[0, 1] == pytest.approx(-penalty)


def test_a_collision_costs_the_failure_and_the_closeness() -> None:
    scene = make_scene(actors=[make_actor(3.0, 0.0)], ego={EgoRow.SPEED: 10.0})
    assert terms(scene, Outcome.COLLISION)["safety"] == pytest.approx(-5.1)


def test_progress_is_paid_by_its_share_of_the_route() -> None:
    scene = make_scene(route={RouteRow.PROGRESS: 30.0, RouteRow.LENGTH: 250.0})
    assert terms(scene, before=28.0)["efficiency"] == pytest.approx(20.0 * 2.0 / 250.0)


def test_a_whole_route_is_worth_the_same_however_it_is_cut() -> None:
    stops = np.sort(np.append(np.random.default_rng(0).uniform(0, 250, 40), [0.0, 250.0]))
    paid = 0.0
    for before, after in zip(stops[:-1], stops[1:], strict=True):
        scene = make_scene(route={RouteRow.PROGRESS: after, RouteRow.LENGTH: 250.0})
        paid += terms(scene, before=before)["efficiency"]
    assert paid == pytest.approx(20.0)


@pytest.mark.parametrize(("speed", "penalty"), [(9.0, 0.0), (10.0, 0.0), (12.5, 0.05), (20.0, 0.2), (25.0, 0.2)])
def test_speeding_costs_efficiency_up_to_a_bound(speed: float, penalty: float) -> None:
    """At a limit of 10 m/s the cost is full at 20 m/s, a quarter of it at 12.5."""
    scene = make_scene(ego={EgoRow.SPEED: speed}, road={RoadRow.SPEED_LIMIT: 10.0})
    assert terms(scene)["efficiency"] == pytest.approx(-penalty)


@pytest.mark.parametrize(
    ("row", "value", "share"),
    [
        (EgoRow.JERK, -5.0, 0.4 * 0.5),
        (EgoRow.JERK, 80.0, 0.4),
        (EgoRow.ACCELERATION, -2.0, 0.15 * 0.5),
        (EgoRow.LATERAL_ACCELERATION, 0.7, 0.2 * 0.2),
        (EgoRow.STEER_CHANGE, -0.006, 0.25 * 0.2),
    ],
)
def test_each_part_of_discomfort(row: EgoRow, value: float, share: float) -> None:
    found = terms(make_scene(ego={row: value}))
    assert found["comfort"] == pytest.approx(-0.05 * share)
    assert found["safety"] == found["efficiency"] == 0.0


def test_discomfort_has_a_bound() -> None:
    rows = (EgoRow.JERK, EgoRow.ACCELERATION, EgoRow.LATERAL_ACCELERATION, EgoRow.STEER_CHANGE)
    assert terms(make_scene(ego=dict.fromkeys(rows, 1e9)))["comfort"] == pytest.approx(-0.05)


def test_the_scalar_is_the_weighted_sum_of_every_world() -> None:
    scene = make_scene(
        2, [make_actor(14.0, 0.0)], ego={EgoRow.SPEED: 10.0, EgoRow.JERK: 10.0}, route={RouteRow.PROGRESS: 1.0}
    )
    outcome, out = np.array([Outcome.RUNNING, Outcome.SUCCESS], dtype=np.int64), np.empty((2, 3))
    total = RewardFunction(RewardConfig(reward_weights=(2.0, 0.5, 4.0)))(scene, outcome, np.zeros(2), out)
    safety, efficiency, comfort = -0.1 * 2 / 3, 20.0 / 100.0, -0.05 * 0.4
    np.testing.assert_allclose(out, [[safety, efficiency, comfort], [safety, efficiency + 5.0, comfort]])
    np.testing.assert_allclose(total, 2.0 * out[:, 0] + 0.5 * out[:, 1] + 4.0 * out[:, 2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"failure": -1.0}, "failure"),
        ({"jerk_scale_mps3": 0.0}, "jerk_scale"),
        ({"ttc_threshold_s": 0.0}, "ttc_threshold"),
        ({"goal": math.inf}, "goal"),
        ({"reward_weights": (1.0, 1.0)}, "three numbers"),
    ],
)
def test_impossible_rewards_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        RewardConfig(**change)  # type: ignore[arg-type]
