"""The Intelligent Driver Model: numbers by hand, its closed-form equilibrium, and driving without contact."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.traffic.agents import ActionKind, AgentRow, TriggerKind
from envs.traffic.following import FREE_GAP, HARDEST_BRAKE, crosses_corridor, idm
from envs.traffic.path_view import VEHICLE_FORESIGHT, WALKER_FORESIGHT
from tests.envs.traffic.worlds import Body, actor_corners, agent_rows, case, hold, overlap_area, script, start

LEFT, RIGHT = (1, -1), (1, -2)
speeds = st.floats(0.0, 40.0)
drivers = st.fixed_dictionaries({
    "desired": st.floats(1.0, 40.0), "headway": st.floats(0.3, 2.5), "min_gap": st.floats(0.5, 4.0),
    "accelerate": st.floats(0.5, 3.0), "brake": st.floats(1.0, 4.0),
})  # fmt: skip


def model(driver: dict[str, float], speed: float, gap: float, leader: float) -> float:
    return idm(
        speed, driver["desired"], driver["headway"], driver["min_gap"], driver["accelerate"], driver["brake"],
        gap, leader,
    )  # fmt: skip


def test_idm_by_hand() -> None:
    # s* = 2 + 10 * 1 + 10 * (10 - 8) / (2 sqrt(1 * 2)) = 19.071; 1 - (10/15)^4 - (s*/20)^2 = 0.802469 - 0.909261
    assert idm(10.0, 15.0, 1.0, 2.0, 1.0, 2.0, 20.0, 8.0) == pytest.approx(-0.106794, abs=1e-5)


@pytest.mark.parametrize(("speed", "expected"), [(0.0, 1.5), (10.0, 1.5 * (1.0 - (2.0 / 3.0) ** 4)), (15.0, 0.0)])
def test_free_acceleration(speed: float, expected: float) -> None:
    assert idm(speed, 15.0, 1.0, 2.0, 1.5, 2.0, FREE_GAP, 0.0) == pytest.approx(expected, abs=1e-6)


def test_above_the_desired_speed_it_brakes_no_harder_than_it_accelerates() -> None:
    assert idm(30.0, 10.0, 1.0, 2.0, 1.5, 2.0, FREE_GAP, 0.0) == pytest.approx(-1.5, abs=1e-6)


@given(driver=drivers, share=st.floats(0.05, 0.95))
def test_equilibrium_gap_in_closed_form(driver: dict[str, float], share: float) -> None:
    """Treiber, Hennecke, Helbing 2000, eq. 12: s_e = (s0 + v T) / sqrt(1 - (v / v0)^4)."""
    speed = share * driver["desired"]
    gap = (driver["min_gap"] + speed * driver["headway"]) / math.sqrt(1.0 - share**4)
    assert model(driver, speed, gap, speed) == pytest.approx(0.0, abs=1e-9)


@given(driver=drivers, speed=speeds, leader=speeds, gap=st.floats(0.0, 300.0), more=st.floats(0.0, 50.0))
def test_bounded_and_braver_with_more_room_or_a_faster_leader(
    driver: dict[str, float], speed: float, leader: float, gap: float, more: float
) -> None:
    here = model(driver, speed, gap, leader)
    assert -HARDEST_BRAKE <= here <= driver["accelerate"]
    assert model(driver, speed, gap + more, leader) >= here - 1e-9
    assert model(driver, speed, gap, leader + more) >= here - 1e-9


@pytest.mark.parametrize(
    ("lateral", "lateral_speed", "walks", "expected"),
    [
        (1.9, 0.0, False, True),  # in the way already
        (2.1, 0.0, False, False),  # beside
        (3.0, -1.5, False, False),  # 0.6 s later at 2.1: not yet
        (3.0, -1.8, False, True),  # 0.6 s later at 1.92
        (3.0, -1.0, True, True),  # a walker is looked at 1.5 s ahead
        (3.0, 1.8, True, False),  # going away
        (3.0, -30.0, False, True),  # fast enough to be beyond it by then: it still crosses
    ],
)
def test_crosses_corridor(lateral: float, lateral_speed: float, walks: bool, expected: bool) -> None:
    drift = lateral_speed * (WALKER_FORESIGHT if walks else VEHICLE_FORESIGHT)
    assert crosses_corridor(lateral, drift, 2.0) is expected
    assert crosses_corridor(-lateral, -drift, 2.0) is expected


def test_follower_settles_at_the_equilibrium_gap() -> None:
    leader = Body(LEFT, 60.0, speed=8.0)
    follower = Body(LEFT, 20.0, speed=12.0, desired_speed=14.0, headway=1.2, min_gap=2.0)
    world = start(case("multi_lane_0", (RIGHT, 5.0), bodies=[leader, follower]))
    for _ in range(700):
        hold(world)
    s, v = agent_rows(world, AgentRow.S)[0], agent_rows(world, AgentRow.SPEED)[0]
    assert v[1] == pytest.approx(8.0, abs=1e-3)
    # 4.6 m of car between the centres
    assert s[0] - s[1] - 4.6 == pytest.approx((2.0 + 8.0 * 1.2) / math.sqrt(1.0 - (8.0 / 14.0) ** 4), abs=1e-2)


@settings(max_examples=20, deadline=None)
@given(speed=st.floats(5.0, 20.0), headway=st.floats(0.6, 2.0), min_gap=st.floats(1.0, 3.0), brake=st.floats(1.5, 4.0))
def test_stops_behind_a_standing_car_without_contact(
    speed: float, headway: float, min_gap: float, brake: float
) -> None:
    car = Body(LEFT, 20.0, speed=speed, headway=headway, min_gap=min_gap, comfort_brake=brake)
    world = start(case("multi_lane_0", (RIGHT, 5.0), bodies=[car, Body(LEFT, 120.0, parked=True)]))
    for _ in range(400):
        scene = hold(world)
        assert scene.actors.x[0, 0] + 2.3 < scene.actors.x[0, 1] - 2.3
    assert scene.actors.speed[0, 0] < 0.5
    assert scene.actors.x[0, 1] - scene.actors.x[0, 0] - 4.6 < 2.0 * min_gap + 3.0


def test_distance_of_a_full_stop_is_exact() -> None:
    """A scripted stop at 4 m/s2 from 10 m/s takes 12.5 m, although 10 / 4 s is no whole number of steps."""
    stop = script(TriggerKind.TIME, 0.0, ActionKind.SPEED, 0.0, 4.0)
    world = start(case("multi_lane_0", (RIGHT, 5.0), bodies=[Body(LEFT, 50.0, speed=10.0, scripts=(stop,))]))
    for _ in range(40):
        scene = hold(world)
    assert scene.actors.speed[0, 0] == pytest.approx(0.0, abs=0.2)
    assert scene.actors.x[0, 0] - 50.0 == pytest.approx(12.5, abs=0.05)


def test_a_column_starts_and_stops_without_contact() -> None:
    column = [Body(LEFT, 100.0 - 12.0 * i, speed=9.0, desired_speed=13.0, headway=0.8, min_gap=1.5) for i in range(4)]
    world = start(case("multi_lane_0", (RIGHT, 5.0), bodies=[*column, Body(LEFT, 250.0, parked=True)]))
    for _ in range(400):
        scene = hold(world)
        for i in range(4):
            ahead = 4 if i == 0 else i - 1
            assert overlap_area(actor_corners(scene, 0, i), actor_corners(scene, 0, ahead)) == 0.0
    assert np.all(scene.actors.speed[0, :4] < 0.5)
