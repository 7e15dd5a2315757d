"""Leader, time to collision along the lane, headway and DRAC by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.metrics.following import (
    actor_time_to_collision,
    arc_coordinates,
    deceleration_to_avoid_crash,
    lane_time_to_collision,
    leader,
    time_headway,
)
from envs.risk import TTC_HORIZON_S, time_to_collision
from envs.scene import EgoRow, RoadRow, SceneBatch
from tests.envs.builders import make_actor, make_scene

INF = math.inf


def test_time_to_collision_along_the_lane() -> None:
    gap = np.array([20.0, 20.0, 20.0, 0.0, -1.0, INF])
    ego = np.array([15.0, 10.0, 5.0, 5.0, 5.0, 5.0])
    other = np.array([5.0, 10.0, 10.0, 5.0, 9.0, 0.0])
    assert lane_time_to_collision(gap, ego, other).tolist() == [2.0, INF, INF, 0.0, 0.0, INF]


def test_time_headway() -> None:
    gap, speed = np.array([20.0, 20.0, 0.0, INF]), np.array([10.0, 0.0, 10.0, 10.0])
    assert time_headway(gap, speed).tolist() == [2.0, INF, 0.0, INF]


def test_deceleration_to_avoid_a_crash() -> None:
    """Closing at 10 m/s over 20 m: 100 / 40 = 2.5 m/s2."""
    gap = np.array([20.0, 20.0, 20.0, 0.0, 0.0, INF])
    ego = np.array([15.0, 10.0, 5.0, 5.0, 5.0, 5.0])
    other = np.array([5.0, 10.0, 10.0, 4.0, 5.0, 0.0])
    assert deceleration_to_avoid_crash(gap, ego, other).tolist() == [2.5, 0.0, 0.0, INF, 0.0, 0.0]


@given(st.floats(0.1, 100), st.floats(0, 40), st.floats(0, 40), st.floats(0.0, 50.0))
def test_a_larger_gap_is_never_more_critical(gap: float, ego: float, other: float, more: float) -> None:
    near, far, a, b = np.array([gap]), np.array([gap + more]), np.array([ego]), np.array([other])
    assert lane_time_to_collision(far, a, b) >= lane_time_to_collision(near, a, b)
    assert time_headway(far, a) >= time_headway(near, a)
    assert deceleration_to_avoid_crash(far, a, b) <= deceleration_to_avoid_crash(near, a, b)


@given(st.floats(1.0, 100), st.floats(0, 40), st.floats(0, 40))
def test_braking_with_drac_stops_the_closing_just_at_contact(gap: float, ego: float, other: float) -> None:
    closing = ego - other
    drac = float(deceleration_to_avoid_crash(np.array([gap]), np.array([ego]), np.array([other]))[0])
    if closing > 0.1:
        assert closing * (closing / drac) - 0.5 * drac * (closing / drac) ** 2 == pytest.approx(gap)
    elif closing <= 0.0:
        assert drac == 0.0


def test_the_leader_is_the_nearest_ahead_in_the_lane() -> None:
    actors = [make_actor(-8.0, 0.0), make_actor(30.0, 3.5), make_actor(50.0, 0.5, speed=4.0), make_actor(60.0, 0.0)]
    found = leader(make_scene(2, actors, ego={EgoRow.SPEED: 10.0}))
    assert found.slot.tolist() == [2, 2]
    assert found.gap == pytest.approx([46.0, 46.0])
    assert found.ego_speed == pytest.approx([10.0, 10.0])
    assert found.speed == pytest.approx([4.0, 4.0])


def test_nobody_ahead() -> None:
    found = leader(make_scene(actors=[make_actor(-8.0, 0.0), make_actor(30.0, 3.5)], ego={EgoRow.SPEED: 10.0}))
    assert (found.slot.tolist(), found.gap.tolist(), found.speed.tolist()) == ([-1], [INF], [0.0])


def test_the_lane_counts_and_not_the_egos_heading() -> None:
    """The ego is 1 m to the left in a lane that runs north, heading 0.2 rad off it; the leader stands in its middle."""
    ego = {EgoRow.X: -1.0, EgoRow.YAW: math.pi / 2 + 0.2, EgoRow.SPEED: 10.0}
    road = {RoadRow.LANE_OFFSET: 1.0, RoadRow.HEADING_ERROR: 0.2}
    actors = [make_actor(0.0, 24.0, yaw=math.pi / 2, speed=3.0), make_actor(-2.2, 12.0)]
    found = leader(make_scene(actors=actors, ego=ego, road=road))
    assert (found.slot[0], found.gap[0], found.speed[0]) == pytest.approx((0, 20.0, 3.0))
    assert found.ego_speed[0] == pytest.approx(10.0 * math.cos(0.2))


def test_the_leader_round_a_bend() -> None:
    """A quarter of a left-hand circle of 20 m: the leader is at (20, 20), 10 pi m ahead, driving north."""
    road = {RoadRow.CURVATURE: 1 / 20}
    actors = [make_actor(20.0, 20.0, yaw=math.pi / 2, speed=6.0), make_actor(25.0, 0.0)]
    found = leader(make_scene(actors=actors, road=road, ego={EgoRow.SPEED: 8.0}))
    assert (found.slot[0], found.gap[0], found.speed[0]) == pytest.approx((0, 10.0 * math.pi - 4.0, 6.0))


@given(st.floats(-0.05, 0.05), st.floats(0.0, 25.0), st.floats(-4.0, 4.0))
def test_arc_coordinates_are_the_inverse_of_walking_the_arc(curvature: float, s: float, d: float) -> None:
    turn = curvature * s
    chord = s if abs(turn) < 1e-9 else 2.0 * math.sin(turn / 2) / curvature
    x = chord * math.cos(turn / 2) - d * math.sin(turn)
    y = chord * math.sin(turn / 2) + d * math.cos(turn)
    found = arc_coordinates(np.array([x]), np.array([y]), np.array([curvature]))
    assert [float(number[0]) for number in found] == pytest.approx([s, d, turn], abs=1e-5)


def scene_of_two(turn: float = 0.0, dx: float = 0.0, dy: float = 0.0) -> SceneBatch:
    c, s = math.cos(turn), math.sin(turn)

    def place(x: float, y: float) -> tuple[float, float]:
        return c * x - s * y + dx, s * x + c * y + dy

    actors = [
        make_actor(*place(30.0, 0.0), yaw=turn, speed=5.0),
        make_actor(*place(20.0, -4.0), yaw=turn + math.pi / 2, speed=2.0, length=0.5, width=0.5),
    ]
    x, y = place(0.0, 0.0)
    return make_scene(actors=actors, ego={EgoRow.X: x, EgoRow.Y: y, EgoRow.YAW: turn, EgoRow.SPEED: 10.0})


def test_each_actor_has_its_own_time_to_collision() -> None:
    """The leader: 26 m at 5 m/s; the pedestrian: the ego's front is there after (20 - 2.25) / 10 s."""
    times = actor_time_to_collision(scene_of_two())
    assert times == pytest.approx(np.array([[5.2, 1.775]]))
    assert actor_time_to_collision(scene_of_two(), horizon_s=3.0) == pytest.approx(np.array([[3.0, 1.775]]))
    assert times.min(axis=1) == pytest.approx(time_to_collision(scene_of_two()))
    parting = make_scene(actors=[make_actor(30.0, 0.0, speed=9.0)])
    assert actor_time_to_collision(parting).tolist() == [[TTC_HORIZON_S]]


@given(st.floats(-3.1, 3.1), st.floats(-100.0, 100.0), st.floats(-100.0, 100.0))
def test_time_to_collision_does_not_depend_on_the_place(turn: float, dx: float, dy: float) -> None:
    assert actor_time_to_collision(scene_of_two(turn, dx, dy)) == pytest.approx(np.array([[5.2, 1.775]]))
