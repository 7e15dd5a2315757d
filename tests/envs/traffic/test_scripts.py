"""Scripts: every trigger fires at its very step, once; every action does what it says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from envs.embedded.simulator import EmbeddedSimulator
from envs.scene import ActorKind
from envs.traffic.agents import ActionKind, AgentRow, ScriptRow, TriggerKind
from envs.traffic.scripts import SLOWEST_APPROACH
from tests.envs.traffic.worlds import Body, agent_rows, case, coast, hold, lane_of, put_ego, script, start

LEFT, RIGHT = (1, -1), (1, -2)


def fired(world: EmbeddedSimulator, i: int = 0, k: int = 0) -> bool:
    return bool(world.state()["scripts"][0, i, k, ScriptRow.FIRED] > 0.5)


def with_script(numbers: tuple[float, ...], ego_speed: float = 0.0, speed: float = 0.0) -> EmbeddedSimulator:
    body = Body(LEFT, 80.0, speed=speed, scripts=(numbers,))
    return start(case("multi_lane_0", (RIGHT, 20.0), ego_speed, [body]))


@pytest.mark.parametrize(("value", "step"), [(0.0, 1), (0.05, 2), (1.0, 11), (2.35, 25)])
def test_time_fires_in_the_step_that_starts_at_it(value: float, step: int) -> None:
    world = with_script(script(TriggerKind.TIME, value, ActionKind.SPEED, 5.0, 1.0))
    history = []
    for _ in range(30):
        hold(world)
        history.append(fired(world))
    assert history.index(True) == step - 1
    assert all(history[step - 1 :])


def test_distance_fires_in_the_first_step_that_starts_within_it() -> None:
    world = with_script(script(TriggerKind.EGO_DISTANCE, 30.0, ActionKind.SPEED, 5.0, 1.0), ego_speed=13.0)
    for _ in range(80):
        scene = world.scene
        dx, dy = scene.actors.x[0, 0] - scene.ego.x[0], scene.actors.y[0, 0] - scene.ego.y[0]
        near = bool(math.hypot(dx, dy) <= 30.0)
        world.step(np.array([[0.6, 0.0, 0.0]]))
        assert fired(world) == near
        if near:
            return
    pytest.fail("the ego never came near")


def test_arrival_fires_when_the_front_is_that_many_seconds_away() -> None:
    world = with_script(script(TriggerKind.EGO_ARRIVAL, 2.0, ActionKind.SPEED, 5.0, 1.0), ego_speed=12.0)
    for _ in range(80):
        scene = world.scene
        to_front = scene.actors.x[0, 0] - scene.ego.x[0] - 0.5 * scene.ego.length[0]
        due = bool(to_front <= 2.0 * scene.ego.speed[0])
        world.step(np.array([[0.6, 0.0, 0.0]]))
        assert fired(world) == due
        if due:
            return
    pytest.fail("the ego never arrived")


@pytest.mark.parametrize(
    ("ahead_m", "expected"),
    [(2.45 + 2.0 * SLOWEST_APPROACH - 0.01, True), (2.45 + 2.0 * SLOWEST_APPROACH + 0.01, False), (-3.0, False)],
)
def test_a_standing_ego_arrives_at_walking_pace_and_nobody_behind_it_waits(ahead_m: float, expected: bool) -> None:
    world = with_script(script(TriggerKind.EGO_ARRIVAL, 2.0, ActionKind.SPEED, 5.0, 1.0))
    put_ego(world, 0, 80.0 - ahead_m, -5.25, 0.0)
    hold(world)
    assert fired(world) is expected


def test_speed_down_brakes_as_told_and_then_holds_the_new_speed() -> None:
    world = with_script(script(TriggerKind.TIME, 0.2, ActionKind.SPEED, 4.0, 5.0), speed=12.0)
    speeds = [float(hold(world).actors.speed[0, 0]) for _ in range(60)]
    assert np.diff(speeds)[1:14] == pytest.approx(-0.5)
    assert speeds[-1] == pytest.approx(4.0, abs=0.05)
    assert min(speeds) > 3.4


def test_speed_up_takes_the_new_acceleration() -> None:
    world = with_script(script(TriggerKind.TIME, 0.0, ActionKind.SPEED, 14.0, 3.0), speed=7.0)
    first = float(hold(world).actors.acceleration[0, 0])
    assert first == pytest.approx(3.0 * (1.0 - (7.0 / 14.0) ** 4), abs=1e-6)
    for _ in range(120):
        hold(world)
    assert world.scene.actors.speed[0, 0] == pytest.approx(14.0, abs=0.1)


@pytest.mark.parametrize("occupied", [False, True])
def test_change_lane_goes_over_whoever_is_there(occupied: bool) -> None:
    swerve = script(TriggerKind.TIME, 0.0, ActionKind.CHANGE_LANE, 1.0)
    bodies = [Body(RIGHT, 80.0, speed=8.0, scripts=(swerve,))]
    if occupied:
        bodies.append(Body(LEFT, 84.0, speed=8.0))
    world = start(case("multi_lane_0", (RIGHT, 5.0), bodies=bodies))
    hold(world)
    assert lane_of(world, 0, 0) == LEFT
    assert agent_rows(world, AgentRow.D)[0, 0] == pytest.approx(-3.5, abs=0.03)
    for _ in range(80):
        scene = hold(world)
    assert scene.actors.y[0, 0] == pytest.approx(-1.75, abs=0.05)


@pytest.mark.parametrize(("lane", "side"), [(LEFT, 1.0), (RIGHT, -1.0)])
def test_change_lane_where_there_is_none_does_nothing(lane: tuple[int, int], side: float) -> None:
    swerve = script(TriggerKind.TIME, 0.0, ActionKind.CHANGE_LANE, side)
    world = start(case("multi_lane_0", (RIGHT, 5.0), bodies=[Body(lane, 80.0, speed=8.0, scripts=(swerve,))]))
    hold(world)
    assert fired(world) and lane_of(world, 0, 0) == lane


def test_a_script_fires_once() -> None:
    swerve = script(TriggerKind.TIME, 0.0, ActionKind.CHANGE_LANE, -1.0)
    world = start(case("three_lane_0", ((1, -3), 5.0), bodies=[Body((1, -1), 80.0, speed=8.0, scripts=(swerve,))]))
    for _ in range(20):
        hold(world)
    assert lane_of(world, 0, 0) == (1, -2)


def test_two_scripts_of_one_actor_fire_on_their_own() -> None:
    scripts = (
        script(TriggerKind.TIME, 0.3, ActionKind.SPEED, 5.0, 1.0),
        script(TriggerKind.TIME, 0.1, ActionKind.CHANGE_LANE, 1.0),
    )
    world = start(case("multi_lane_0", (RIGHT, 5.0), bodies=[Body(RIGHT, 80.0, speed=8.0, scripts=scripts)]))
    seen = []
    for _ in range(5):
        hold(world)
        seen.append((fired(world, 0, 0), fired(world, 0, 1)))
    assert seen == [(False, False), (False, True), (False, True), (True, True), (True, True)]


def test_walk_moves_walkers_only() -> None:
    go = script(TriggerKind.TIME, 0.0, ActionKind.WALK, 2.0, 3.0)
    bodies = [
        Body((1, -1), 150.0, d=-3.0, kind=ActorKind.PEDESTRIAN, yaw=0.5 * math.pi, scripts=(go,)),
        Body((1, -1), 200.0, parked=True, scripts=(go,)),
    ]
    world = start(case("street_0", ((1, -1), 10.0), bodies=bodies))
    scene = coast(world)
    assert scene.actors.speed[0].tolist()[:2] == [2.0, 0.0]
    assert (scene.actors.vx[0, 0], scene.actors.vy[0, 0]) == pytest.approx((0.0, 2.0), abs=1e-9)
