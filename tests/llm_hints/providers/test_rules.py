"""The expert's rules: numbers worked out by hand, and what must not matter."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from envs.scene import ActorKind, ActorRow, EgoRow, FloatArray, RoadCategory, RoadRow, SceneBatch, SignalState, StopLine
from llm_hints.hint import Density, Direction, Entity, Hint
from llm_hints.providers.base import HintProvider
from llm_hints.providers.rules import RulesConfig, RulesProvider
from tests.envs.builders import make_actor, make_scene
from tests.llm_hints.scenes import mirrored, random_scene, rotated

WALKER: dict[str, Any] = {"kind": ActorKind.PEDESTRIAN, "length": 0.5, "width": 0.5}


def hint(*actors: Any, speed: float = 8.0, road: dict[RoadRow, float] | None = None, **config: Any) -> Hint:
    """Return the expert's hint for an ego (4 x 2 m) at the origin with ``actors``."""
    answers = RulesProvider(RulesConfig(**config)).ask(scene(*actors, speed=speed, road=road), np.arange(1))
    return answers.hints.hint(0)


def risk(*actors: Any, speed: float = 8.0, road: dict[RoadRow, float] | None = None, **config: Any) -> float:
    """Return the expert's risk for the same."""
    return float(RulesProvider(RulesConfig(**config)).risk(scene(*actors, speed=speed, road=road))[0])


def scene(*actors: Any, speed: float, road: dict[RoadRow, float] | None = None) -> SceneBatch:
    return make_scene(1, actors, ego={EgoRow.SPEED: speed}, road=road)


def test_it_is_a_provider() -> None:
    assert isinstance(RulesProvider(), HintProvider)


def test_a_free_road() -> None:
    free = hint()
    assert free.category is RoadCategory.URBAN and free.density is Density.LOW and free.entities == ()
    assert free.weights == {"safety": 0.25, "efficiency": 0.6, "comfort": 0.15}


def test_a_standing_car_ahead() -> None:
    """Contact in (20 - 4) / 8 = 2 s: risk (5 - 2) / 3.5 = 0.857; weights 25 + 47.1, 60 - 42.9."""
    assert risk(make_actor(20, 0)) == pytest.approx(6 / 7)
    ahead = hint(make_actor(20, 0))
    assert ahead.weights == {"safety": 0.72, "efficiency": 0.17, "comfort": 0.11}
    assert ahead.entities == (Entity(ActorKind.CAR, Direction.FRONT),)


def test_a_near_pass_counts_half() -> None:
    """A car 2.7 m to the side leaves 0.7 m: no contact with 0.3 m margin, one with 1 m, after 2 s."""
    assert risk(make_actor(20, 2.7), blind_spot_risk=0) == pytest.approx(0.5 * 6 / 7)
    assert risk(make_actor(20, 3.1), blind_spot_risk=0) == 0


def test_who_waits_in_a_queue_is_not_told_to_wait_on() -> None:
    """Standing 0.5 m beside one and 2 m behind another; creeping at 1 m/s counts a third."""
    assert risk(make_actor(6, 0), make_actor(0, -2.5), speed=0) == 0
    assert risk(make_actor(5, 0, kind=ActorKind.STATIC), speed=1) == pytest.approx(1 / 3)


def test_a_braking_leader_is_already_closing() -> None:
    """Same speed, braking with 6 m/s2: taken as closing with 3 m/s, contact in (10 - 4) / 3 = 2 s."""
    leader = make_actor(10, 0, speed=8) | {ActorRow.ACCELERATION: -6.0}
    assert risk(leader) == pytest.approx(1 - (1 - 6 / 7))
    assert risk(make_actor(16, 0, speed=8)) == 0
    assert risk(make_actor(16, 0, speed=8) | {ActorRow.ACCELERATION: 3.0}) == 0


def test_driving_too_close() -> None:
    """A gap of 4.8 m at 8 m/s is 0.6 s: 0.5 * (1.2 - 0.6) / 1.2."""
    assert risk(make_actor(8.8, 0, speed=8)) == pytest.approx(0.25)


def test_oncoming_in_the_ego_s_path_is_seen_from_further_away() -> None:
    """Closing with 16 m/s over 80 m: 5 s, which is (7 - 5) / 5 where both move and nothing for a standing car."""
    assert risk(make_actor(84, 0, yaw=math.pi, speed=8)) == pytest.approx(0.4, abs=1e-9)
    assert risk(make_actor(84, 0), speed=16) == pytest.approx(risk(speed=16))


def test_oncoming_in_the_left_lane_warns_where_that_lane_is_oncoming() -> None:
    """64 m at 16 m/s is 4 s: 0.25 * (6 - 4) / 4."""
    car = make_actor(68, 3.5, yaw=math.pi, speed=8)
    assert risk(car) == 0
    assert risk(car, road={RoadRow.LEFT_IS_ONCOMING: 1.0}) == pytest.approx(0.125)


def test_a_walker_counts_by_where_the_ego_will_meet_it() -> None:
    """At 20 m ahead (17.75 m of gap, 2.2 s at 8 m/s), 4 m to the right."""
    away, still = (risk(make_actor(20, -4, yaw=yaw, speed=v, **WALKER)) for yaw, v in ((-math.pi / 2, 1.4), (0, 0)))
    towards = risk(make_actor(20, -4, yaw=math.pi / 2, speed=0.6, **WALKER))
    running = risk(make_actor(20, -4, yaw=math.pi / 2, speed=1.4, **WALKER))
    arrival = 17.75 / 8
    # 2.75 m beside the path now; a walker towards it is nearer by the time that the ego comes.
    assert still == pytest.approx(0.4 * (3 - 2.75) / 2.5 * (4.5 - arrival) / 3.5)
    assert away == 0
    assert towards == pytest.approx((3 - (2.75 - 0.6 * arrival)) / 2.5 * (4.5 - arrival) / 3.5)
    # At 1.4 m/s they meet: the contact rule, (5 - 2.2) / 3.5, is the larger.
    assert running == pytest.approx((5 - arrival) / 3.5)


def test_a_walker_is_worth_more_than_a_car_at_the_same_place() -> None:
    """Both 1.2 m beside the path and standing."""
    assert risk(make_actor(15, -2.45, **WALKER)) > risk(make_actor(15, -3.2), blind_spot_risk=0)
    assert risk(make_actor(-5, 0, **WALKER)) == 0


def test_the_blind_spot_of_a_parked_van() -> None:
    """Its rear is 14 m ahead, 1.2 m beside the path: 1.75 s at 8 m/s, speed 4 of the 5 m/s between 4 and 9."""
    van = make_actor(18, -3.2)
    assert risk(van) == pytest.approx(0.55 * (3.5 - 1.75) / 2.5 * 0.8)
    assert risk(van, speed=4) == 0
    assert risk(van, road={RoadRow.CATEGORY: float(int(RoadCategory.HIGHWAY))}) == 0
    assert risk(make_actor(18, -3.2, speed=8)) == 0
    assert risk(van, blind_spot_risk=0) == 0


def test_who_is_beside_matters_where_the_lane_ends() -> None:
    """Beside, with 3.5 m of side gap less 2 m of bodies, 75 m before the end: 0.8 * (120 - 75) / 90."""
    beside = make_actor(1, 3.5, speed=8)
    assert risk(beside) == 0
    assert risk(beside, road={RoadRow.DISTANCE_TO_LANE_END: 75.0}) == pytest.approx(0.4)
    # 26 m behind the own bumper closing with 8 m/s: 3.25 s, (4 - 3.25) / 2.5 of it.
    fast = make_actor(-30, 3.5, speed=16)
    assert risk(fast, road={RoadRow.DISTANCE_TO_LANE_END: 75.0}) == pytest.approx(0.4 * 0.3)
    assert risk(make_actor(-30, 3.5, speed=4), road={RoadRow.DISTANCE_TO_LANE_END: 75.0}) == 0


@pytest.mark.parametrize(
    ("road", "speed", "expected"),
    [
        ({RoadRow.SIGNAL: float(int(SignalState.RED)), RoadRow.DISTANCE_TO_STOP_LINE: 10.0}, 10.0, 1.0),
        ({RoadRow.SIGNAL: float(int(SignalState.GREEN)), RoadRow.DISTANCE_TO_STOP_LINE: 10.0}, 10.0, 0.0),
        ({RoadRow.STOP_LINE: float(StopLine.STOP_SIGN), RoadRow.DISTANCE_TO_STOP_LINE: 10.0}, 10.0, 1.0),
        (
            {RoadRow.STOP_LINE: float(StopLine.STOP_SIGN), RoadRow.STOOD: 1.0, RoadRow.DISTANCE_TO_STOP_LINE: 10.0},
            10.0,
            0.0,
        ),
        ({RoadRow.STOP_LINE: float(StopLine.YIELD_SIGN), RoadRow.DISTANCE_TO_STOP_LINE: 10.0}, 10.0, 0.0),
        ({RoadRow.DISTANCE_TO_LANE_END: 10.0}, 10.0, 0.6),
        ({RoadRow.EDGE_RIGHT: 1.2}, 8.0, 0.3),
        ({RoadRow.CURVATURE: -0.035}, 10.0, 0.3),
        ({RoadRow.SPEED_LIMIT: 10.0}, 13.5, 0.2),
    ],
)
def test_the_road_itself(road: dict[RoadRow, float], speed: float, expected: float) -> None:
    assert risk(speed=speed, road=road) == pytest.approx(expected)


def test_boxed_in() -> None:
    box = [make_actor(18, 0, speed=8), make_actor(0, 3.3, speed=8), make_actor(0, -3.3, speed=8)]
    assert risk(*box) == pytest.approx(0.35)
    parked = [make_actor(18, 0, speed=8), make_actor(0, 3.3, yaw=math.pi, speed=8), make_actor(0, -3.3)]
    assert risk(*parked) == 0
    assert risk(*box[:2]) == 0


def test_risks_of_several_combine() -> None:
    """1 - (1 - 6/7)(1 - r/2): the second counts half."""
    second = risk(make_actor(22, 2.7), blind_spot_risk=0)
    both = risk(make_actor(20, 0), make_actor(22, 2.7), blind_spot_risk=0)
    assert both == pytest.approx(1 - (1 - 6 / 7) * (1 - second / 2))


def test_the_three_most_critical_are_named_in_order() -> None:
    actors = [
        make_actor(-30, 3.5, speed=8, kind=ActorKind.BUS),
        make_actor(12, 3.5, speed=8, kind=ActorKind.TRUCK),
        make_actor(40, 0, kind=ActorKind.CAR),
        make_actor(15, -2, yaw=math.pi / 2, speed=1.4, **WALKER),
        make_actor(-14, -8, speed=8, kind=ActorKind.CYCLIST),
    ]
    assert [str(entity) for entity in hint(*actors).entities] == ["Pedestrian Front", "Car Front", "Truck Front"]


def test_a_static_obstacle_is_a_risk_but_no_entity_and_no_traffic() -> None:
    cone = hint(make_actor(20, 0, kind=ActorKind.STATIC), *(make_actor(30, 9, kind=ActorKind.STATIC),) * 5)
    assert cone.weights["safety"] == 0.72
    assert cone.entities == () and cone.density is Density.LOW


@pytest.mark.parametrize(("count", "density"), [(2, Density.LOW), (3, Density.MEDIUM), (6, Density.HIGH)])
def test_density_counts_visible_road_users_in_range(count: int, density: Density) -> None:
    near = [make_actor(30, 20 + 2 * i) for i in range(count)]
    assert hint(*near, make_actor(60, 20), make_actor(5, 20, visible=False)).density is density


def occluded(batch: SceneBatch, rng: np.random.Generator) -> SceneBatch:
    """Return the scene with every hidden or unused actor replaced by nonsense."""
    other = batch.copy()
    actors = other.actors.block
    hidden = (actors[ActorRow.VALID] < 0.5) | (actors[ActorRow.VISIBLE] < 0.5)
    for row in list(ActorRow)[2:]:
        actors[row][hidden] = rng.uniform(0, 5, hidden.sum())
    return other


def numbers(batch: SceneBatch) -> tuple[FloatArray, FloatArray]:
    answers = RulesProvider().ask(batch, np.arange(batch.batch_size))
    assert answers.valid.all() and not answers.latency_s.any()
    return answers.hints.state, answers.hints.weights


def test_nothing_occluded_reaches_a_hint() -> None:
    rng = np.random.default_rng(3)
    batch = random_scene(200, 8, rng)
    assert (batch.actors.valid & ~batch.actors.visible).any()
    for mine, other in zip(numbers(batch), numbers(occluded(batch, rng)), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_the_world_frame_does_not_matter() -> None:
    batch = random_scene(200, 8, np.random.default_rng(4))
    before, after = RulesProvider().risk(batch), RulesProvider().risk(rotated(batch, 2.1, (300.0, -70.0)))
    np.testing.assert_allclose(before, after, atol=1e-9)


def test_left_and_right_are_mirrored() -> None:
    batch = random_scene(200, 8, np.random.default_rng(5))
    batch.road.block[RoadRow.LEFT_IS_ONCOMING] = 0
    (state, weights), (mirror, mirror_weights) = numbers(batch), numbers(mirrored(batch))
    np.testing.assert_array_equal(weights, mirror_weights)
    mirror[:, [6, 9, 12]] *= -1
    np.testing.assert_allclose(state, mirror, atol=1e-12)


def test_a_world_is_answered_alike_alone_and_in_any_batch() -> None:
    batch = random_scene(40, 8, np.random.default_rng(6))
    state, weights = numbers(batch)
    rows = np.array([7, 3, 31])
    some = RulesProvider().ask(batch, rows).hints
    np.testing.assert_array_equal(some.state, state[rows])
    for row in rows:
        alone = numbers(batch.rows(np.array([row])))
        np.testing.assert_array_equal(alone[0][0], state[row])
        np.testing.assert_array_equal(alone[1][0], weights[row])


def test_every_hint_is_well_formed() -> None:
    batch = random_scene(500, 10, np.random.default_rng(7))
    state, weights = numbers(batch)
    hundredths = 100 * weights
    np.testing.assert_allclose(hundredths, np.rint(hundredths), atol=1e-9)
    assert (np.rint(hundredths).sum(axis=1) == 100).all()
    assert (weights >= 0.09).all() and np.ptp(weights[:, 0]) > 0.5
    assert (np.abs(state) <= 1).all() and (state[:, :3].sum(axis=1) == 1).all()
    for hint_of_row, row in zip(RulesProvider().ask(batch, np.arange(500)).hints.hints(), state, strict=True):
        np.testing.assert_allclose(hint_of_row.state(), row, atol=1e-15)


@pytest.mark.parametrize(
    "wrong",
    [
        {"range_m": 0},
        {"medium_from": 6, "high_from": 6},
        {"free_weights": (0.5, 0.5, 0.5)},
        {"blind_spot_risk": 1.5},
        {"entity_score": -0.1},
    ],
)
def test_settings_that_make_no_hint_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="came"):
        RulesConfig(**wrong)
