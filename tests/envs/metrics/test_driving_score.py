"""Driving scores by hand and against results that others published; infractions of a drive."""

from __future__ import annotations

import json
import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.errors import InvalidConfigError, UnknownChoiceError
from envs.metrics.driving_score import (
    bench2drive,
    leaderboard_2_0,
    leaderboard_2_1,
    mean_score,
)
from envs.metrics.infractions import ENDING, KINDS, SHARED, Infraction, Kind, infractions_of
from envs.scene import ActorKind, ActorRow, EgoRow, EventRow, RouteRow, SceneBatch
from tests.envs.builders import make_actor, make_scene


def some(*kinds: Kind) -> list[Infraction]:
    return [Infraction(kind) for kind in kinds]


def test_leaderboard_2_0_is_a_product() -> None:
    """80 % of the route, a car, a red light twice: 80 x 0.6 x 0.7 x 0.7."""
    score = leaderboard_2_0(0.8, some("collision_vehicle", "red_light", "red_light"))
    assert score.score == pytest.approx(80.0 * 0.6 * 0.49)
    assert (score.completion, score.penalty) == pytest.approx((0.8, 0.294))
    assert score.form == "leaderboard-2.0"


def test_leaderboard_2_1_is_a_sum() -> None:
    """80 % of the route, a car, a red light twice: 80 / (1 + 0.7 + 0.4 + 0.4)."""
    score = leaderboard_2_1(0.8, some("collision_vehicle", "red_light", "red_light"))
    assert score.score == pytest.approx(80.0 / 2.5)
    assert score.form == "leaderboard-2.1"


@pytest.mark.parametrize(
    ("kind", "product", "total"),
    [
        ("collision_pedestrian", 50.0, 50.0),
        ("collision_vehicle", 60.0, 100.0 / 1.7),
        ("collision_static", 65.0, 100.0 / 1.6),
        ("red_light", 70.0, 100.0 / 1.4),
        ("stop_sign", 80.0, 80.0),
        ("scenario_timeout", 70.0, 100.0 / 1.4),
        ("yield_emergency_vehicle", 70.0, 100.0 / 1.4),
        ("route_deviation", 100.0, 100.0),
        ("vehicle_blocked", 100.0, 100.0),
        ("route_timeout", 100.0, 100.0),
    ],
)
def test_one_infraction_of_each_kind(kind: Kind, product: float, total: float) -> None:
    assert leaderboard_2_0(1.0, some(kind)).score == pytest.approx(product)
    assert bench2drive(1.0, some(kind)).score == pytest.approx(product)
    assert leaderboard_2_1(1.0, some(kind)).score == pytest.approx(total)


@pytest.mark.parametrize(
    ("shares", "published"),
    [((0.8922, 0.7946), 90.803279), ((0.9906, 0.9906), 99.436795), ((0.9339, 0.1975), 74.419407)],
)
def test_minimum_speed_against_published_routes(shares: tuple[float, float], published: float) -> None:
    """Result files of PDM-lite by Leaderboard 2.0 (routes 1102, 1419 and 139 of a public data set of its drives)."""
    slow = [Infraction("min_speed", share=share) for share in shares]
    assert leaderboard_2_0(1.0, slow).score == pytest.approx(published, abs=1e-5)
    assert bench2drive(1.0, slow).score == 100.0
    total = sum(0.4 * (1.0 - share) for share in shares)
    assert leaderboard_2_1(1.0, slow).score == pytest.approx(100.0 / (1.0 + total))


def test_the_way_off_the_route_is_a_factor_in_both_forms() -> None:
    off = [Infraction("outside_route_lanes", share=0.25), *some("red_light")]
    assert leaderboard_2_0(1.0, off).score == pytest.approx(75.0 * 0.7)
    assert leaderboard_2_1(1.0, off).score == pytest.approx(75.0 / 1.4)


def test_success_forgives_the_minimum_speed_only() -> None:
    slow = Infraction("min_speed", share=0.5)
    assert bench2drive(1.0, [slow]).success
    assert not bench2drive(1.0, [slow, *some("stop_sign")]).success
    assert not bench2drive(0.99, []).success


any_infraction = st.sampled_from(KINDS).flatmap(
    lambda kind: st.builds(
        Infraction, st.just(kind), share=st.floats(0.0, 1.0) if kind in SHARED else st.none(), time_s=st.floats(0, 100)
    )
)


@given(st.floats(0.0, 1.0), st.lists(any_infraction, max_size=8), any_infraction, st.randoms())
def test_a_further_infraction_never_helps_and_order_does_not_matter(
    completion: float, infractions: list[Infraction], further: Infraction, random: Random
) -> None:
    shuffled = infractions.copy()
    random.shuffle(shuffled)
    for form in (leaderboard_2_0, bench2drive, leaderboard_2_1):
        score = form(completion, infractions)
        assert 0.0 <= score.score <= 100.0 * completion + 1e-9
        assert form(completion, [*infractions, further]).score <= score.score + 1e-9
        assert form(completion, shuffled).score == pytest.approx(score.score)
        if further.kind in ENDING:
            assert form(completion, [*infractions, further]).score == pytest.approx(score.score)


def test_a_mean_of_one_form_only() -> None:
    assert mean_score([leaderboard_2_0(1.0, []), leaderboard_2_0(0.5, [])]) == pytest.approx(75.0)
    with pytest.raises(InvalidConfigError, match="bench2drive, leaderboard-2.0"):
        mean_score([leaderboard_2_0(1.0, []), bench2drive(1.0, [])])
    with pytest.raises(InvalidConfigError, match="no route"):
        mean_score([])


def test_what_is_no_share_and_no_kind_is_refused() -> None:
    with pytest.raises(InvalidConfigError, match=r"must be a share in \[0, 1\]"):
        leaderboard_2_0(80.0, [])
    with pytest.raises(UnknownChoiceError, match="Did you mean 'red_light'"):
        Infraction("red_lights")  # type: ignore[arg-type]
    with pytest.raises(InvalidConfigError, match="share of a min_speed is None"):
        Infraction("min_speed")
    with pytest.raises(InvalidConfigError, match="share of a red_light is 0.5, it must be None"):
        Infraction("red_light", share=0.5)


def drive() -> SceneBatch:
    """Ten ticks of 0.1 s eastward at 10 m/s past a walker (slot 0) and a cyclist (slot 1)."""
    actors = [
        make_actor(5.0, 2.0, kind=ActorKind.PEDESTRIAN, actor_id=7),
        make_actor(8.0, 2.0, kind=ActorKind.CYCLIST, actor_id=9),
        make_actor(9.0, 2.0, kind=ActorKind.STATIC, actor_id=11),
    ]
    scenes = make_scene(10, actors)
    scenes.time_s[:] = 0.1 * np.arange(10)
    scenes.ego.block[EgoRow.X] = np.arange(10)
    scenes.events.block[EventRow.COLLISION_ACTOR] = -1.0
    return scenes


def collide(scenes: SceneBatch, ticks: list[int], slot: int) -> None:
    scenes.events.block[EventRow.COLLISION, ticks] = 1.0
    scenes.events.block[EventRow.COLLISION_ACTOR, ticks] = slot


def test_a_clean_drive_has_none() -> None:
    assert infractions_of(drive()) == []


def test_collisions_tell_with_whom_when_and_where() -> None:
    scenes = drive()
    collide(scenes, [3, 4], 0)
    collide(scenes, [5], 1)
    collide(scenes, [7], 2)
    collide(scenes, [9], -1)
    assert [
        (one.kind, round(one.time_s, 3), one.x, one.actor_id, one.actor_kind) for one in infractions_of(scenes)
    ] == [
        ("collision_pedestrian", 0.3, 3.0, 7, "pedestrian"),
        ("collision_vehicle", 0.5, 5.0, 9, "cyclist"),
        ("collision_static", 0.7, 7.0, 11, "static"),
        ("collision_static", 0.9, 9.0, -1, ""),
    ]


def test_rules_and_the_end_of_the_route() -> None:
    scenes = drive()
    scenes.events.block[EventRow.RED_LIGHT, [2, 3, 6]] = 1.0
    scenes.events.block[EventRow.STOP_SIGN, 4] = 1.0
    scenes.events.block[EventRow.ROUTE_DEVIATION, 8:] = 1.0
    scenes.events.block[EventRow.OFF_ROAD, [5, 6, 7]] = 1.0
    scenes.route.block[RouteRow.TIME_LIMIT] = 0.85
    found = infractions_of(scenes)
    assert [(one.kind, round(one.time_s, 3)) for one in found] == [
        ("red_light", 0.2),
        ("stop_sign", 0.4),
        ("outside_route_lanes", 0.5),
        ("red_light", 0.6),
        ("route_deviation", 0.8),
        ("route_timeout", 0.9),
    ]
    assert found[2].share == pytest.approx(3.0 / 9.0)
    assert leaderboard_2_0(1.0, found).penalty == pytest.approx(0.7 * 0.7 * 0.8 * 2.0 / 3.0)


def test_reaching_the_goal_at_the_time_limit_is_in_time() -> None:
    scenes = drive()
    scenes.route.block[RouteRow.TIME_LIMIT] = 0.85
    scenes.events.block[EventRow.GOAL_REACHED, 9] = 1.0
    assert infractions_of(scenes) == []


def test_a_record_is_plain_json() -> None:
    record = Infraction("red_light", 1.5, 2.0, 3.0)
    assert Infraction(**json.loads(json.dumps(record.to_dict()))) == record


def test_a_scene_without_actors_has_furniture_only() -> None:
    scenes = drive()
    scenes.actors.block[ActorRow.VALID] = 0.0
    collide(scenes, [2], -1)
    assert [one.kind for one in infractions_of(scenes)] == ["collision_static"]


@pytest.mark.parametrize(
    ("x", "y", "yaw", "side"),
    [
        (4.4, 0.4, 0.0, "front"),  # 4.5 m long each: bumper to bumper, a little aside
        (-4.4, -0.4, 0.0, "rear"),
        (1.0, 1.7, 0.0, "left"),  # 1.8 m wide each: door to door
        (-1.0, -1.7, math.pi, "right"),
        (3.1, 0.0, math.pi / 2, "front"),  # crossing: 2.25 + 0.9 m apart at most
        (0.5, -3.1, -math.pi / 2, "right"),  # it drove into the ego's door
    ],
)
@pytest.mark.parametrize("heading", [0.0, 2.0])
def test_the_side_that_was_struck_is_the_ego_s_own(x: float, y: float, yaw: float, side: str, heading: float) -> None:
    scenes = drive()
    collide(scenes, [3], 1)
    cos, sin = math.cos(heading), math.sin(heading)
    scenes.ego.block[[EgoRow.YAW, EgoRow.LENGTH, EgoRow.WIDTH], 3] = heading, 4.5, 1.8
    rows = [ActorRow.X, ActorRow.Y, ActorRow.YAW, ActorRow.LENGTH, ActorRow.WIDTH]
    place = scenes.ego.x[3] + x * cos - y * sin, scenes.ego.y[3] + x * sin + y * cos, heading + yaw
    scenes.actors.block[rows, 3, 1] = *place, 4.5, 1.8
    (found,) = infractions_of(scenes)
    assert (found.kind, found.side) == ("collision_vehicle", side)
