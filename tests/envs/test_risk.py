"""Time to collision against numbers worked out by hand and against a brute-force sweep."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.risk import TTC_HORIZON_S, time_to_collision
from envs.scene import ActorKind, ActorRow, EgoRow, SceneBatch
from tests.envs.builders import make_actor, make_scene


def ttc(scene: SceneBatch, **kwargs: Any) -> float:
    return float(time_to_collision(scene, **kwargs)[0])


def test_a_slower_leader() -> None:
    """Bumper gap 30 - 4 = 26 m, closing at 15 - 5 = 10 m/s."""
    scene = make_scene(actors=[make_actor(30.0, 0.0, speed=5.0)], ego={EgoRow.SPEED: 15.0})
    assert ttc(scene) == pytest.approx(2.6)


@pytest.mark.parametrize("turn", [0.0, 0.7, math.pi / 2, 3.0])
def test_it_does_not_depend_on_where_north_is(turn: float) -> None:
    c, s = math.cos(turn), math.sin(turn)
    actor = make_actor(5.0 + 30.0 * c, -2.0 + 30.0 * s, yaw=turn, speed=5.0)
    ego = {EgoRow.SPEED: 15.0, EgoRow.X: 5.0, EgoRow.Y: -2.0, EgoRow.YAW: turn}
    assert ttc(make_scene(actors=[actor], ego=ego)) == pytest.approx(2.6)


@pytest.mark.parametrize("turn", [0.0, 1.0])
def test_a_sliding_ego_meets_what_is_beside_it(turn: float) -> None:
    """Sides 3 m apart, sliding left at 2 m/s."""
    actor = make_actor(-5.0 * math.sin(turn), 5.0 * math.cos(turn), yaw=turn)
    ego = {EgoRow.SPEED: 0.0, EgoRow.LATERAL_SPEED: 2.0, EgoRow.YAW: turn}
    assert ttc(make_scene(actors=[actor], ego=ego)) == pytest.approx(1.5)


def test_an_oncoming_car_in_the_next_lane_passes_by() -> None:
    scene = make_scene(actors=[make_actor(50.0, 3.5, yaw=math.pi, speed=15.0)], ego={EgoRow.SPEED: 15.0})
    assert ttc(scene) == TTC_HORIZON_S
    scene = make_scene(actors=[make_actor(50.0, 1.9, yaw=math.pi, speed=15.0)], ego={EgoRow.SPEED: 15.0})
    assert ttc(scene) == pytest.approx(46.0 / 30.0)


def test_a_pedestrian_that_crosses() -> None:
    """The pedestrian (0.5 m) starts 4 m beside the ego's line at 2 m/s; the ego's side is 1 m out, so it enters at
    (4 - 1.25) / 2 = 1.375 s and leaves at 2.625 s; the ego's front needs (20 - 2.25) / 10 = 1.775 s: contact."""
    walker = make_actor(20.0, -4.0, yaw=math.pi / 2, speed=2.0, kind=ActorKind.PEDESTRIAN, length=0.5, width=0.5)
    scene = make_scene(actors=[walker], ego={EgoRow.SPEED: 10.0})
    assert ttc(scene) == pytest.approx(1.775)
    scene.ego.speed[:] = 5.0  # 3.55 s to get there: the pedestrian has passed at 2.625 s
    assert ttc(scene) == TTC_HORIZON_S


def test_bodies_that_overlap_and_bodies_that_part() -> None:
    assert ttc(make_scene(actors=[make_actor(3.0, 0.5)])) == 0.0
    behind = make_scene(actors=[make_actor(-10.0, 0.0)], ego={EgoRow.SPEED: 10.0})
    assert ttc(behind) == TTC_HORIZON_S


def test_a_faster_follower_counts() -> None:
    scene = make_scene(actors=[make_actor(-16.0, 0.0, speed=14.0)], ego={EgoRow.SPEED: 10.0})
    assert ttc(scene) == pytest.approx(3.0)


def test_the_soonest_counts_and_unused_slots_do_not() -> None:
    actors = [make_actor(30.0, 0.0), make_actor(20.0, 0.0), make_actor(10.0, 0.0)]
    scene = make_scene(actors=actors, ego={EgoRow.SPEED: 8.0})
    scene.actors.block[ActorRow.VALID, :, 2] = 0.0
    assert ttc(scene) == pytest.approx(2.0)


def test_what_is_hidden_counts_unless_left_out() -> None:
    scene = make_scene(actors=[make_actor(20.0, 0.0, visible=False)], ego={EgoRow.SPEED: 8.0})
    assert ttc(scene) == pytest.approx(2.0)
    assert ttc(scene, visible_only=True) == TTC_HORIZON_S


def test_the_horizon_is_the_answer_where_there_is_no_collision_in_it() -> None:
    scene = make_scene(actors=[make_actor(30.0, 0.0)], ego={EgoRow.SPEED: 5.0})
    assert ttc(scene, horizon_s=3.0) == 3.0
    assert ttc(scene) == pytest.approx(26.0 / 5.0)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-25, 25),
    st.floats(-8, 8),
    st.floats(-math.pi, math.pi),
    st.floats(0, 20),
    st.floats(0, 20),
    st.floats(-math.pi, math.pi),
)
def test_it_agrees_with_a_sweep_in_small_steps(
    x: float, y: float, yaw: float, speed: float, ego_speed: float, ego_yaw: float
) -> None:
    actor = make_actor(x, y, yaw=yaw, speed=speed, length=5.0, width=1.8)
    scene = make_scene(actors=[actor], ego={EgoRow.SPEED: ego_speed, EgoRow.YAW: ego_yaw})
    found = ttc(scene, horizon_s=4.0)
    times = np.arange(0.0, 4.0, 0.01)
    touching = _touching(times, actor, ego_speed, ego_yaw, 0.0)
    nearly = _touching(times, actor, ego_speed, ego_yaw, 0.02)
    if touching.any():
        assert found <= times[touching][0] + 1e-9
    if found < 4.0 - 0.01:
        assert nearly[np.abs(times - found) < 0.0101].any()


def _touching(times: np.ndarray, actor: dict[ActorRow, float], speed: float, yaw: float, margin: float) -> np.ndarray:
    """Separating axes at each time, written the plain way."""
    forward = np.array([math.cos(yaw), math.sin(yaw)])
    other = np.array([math.cos(actor[ActorRow.YAW]), math.sin(actor[ActorRow.YAW])])
    velocity = np.array([actor[ActorRow.VX], actor[ActorRow.VY]]) - speed * forward
    offset = np.array([actor[ActorRow.X], actor[ActorRow.Y]]) + times[:, None] * velocity
    result = np.ones(len(times), bool)
    for axis in (forward, np.array([-forward[1], forward[0]]), other, np.array([-other[1], other[0]])):
        reach = 2.0 * abs(axis @ forward) + 1.0 * abs(axis @ [-forward[1], forward[0]])
        reach += 2.5 * abs(axis @ other) + 0.9 * abs(axis @ [-other[1], other[0]])
        result &= np.abs(offset @ axis) <= reach + margin
    return result
