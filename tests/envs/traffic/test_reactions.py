"""Traffic reacts to the ego wherever it is and however it stands, and to people who cross."""

from __future__ import annotations

import math

import numpy as np
import pytest

from envs.embedded.collision import boxes_overlap
from envs.embedded.simulator import EmbeddedSimulator
from envs.scenarios.scenario import BODY_SIZES_M
from envs.scene import ActorKind, EventRow, SceneBatch
from envs.traffic.agents import ActionKind, TriggerKind
from envs.traffic.following import MOST_ASIDE, PASSING_CLEARANCE
from tests.envs.traffic.worlds import (
    Body,
    actor_corners,
    case,
    coast,
    ego_corners,
    hold,
    overlap_area,
    put_ego,
    script,
    start,
)

LEFT, RIGHT = (1, -1), (1, -2)
OWN, ONCOMING = (1, -1), (1, 1)
FREE_MPS2 = 1.5 * (1.0 - (10.0 / 12.0) ** 4)
"""Acceleration at 10 m/s of a test driver who wants 12 m/s and has nobody ahead."""


def cruiser(s: float, lane: tuple[int, int] = RIGHT) -> Body:
    return Body(lane, s, speed=10.0, desired_speed=12.0)


def assert_no_contact(world: EmbeddedSimulator, steps: int = 200) -> SceneBatch:
    for _ in range(steps):
        scene = hold(world)
        assert overlap_area(actor_corners(scene, 0, 0), ego_corners(scene, 0)) == 0.0
    return scene


def assert_stops_short(world: EmbeddedSimulator, steps: int = 200) -> None:
    scene = assert_no_contact(world, steps)
    assert scene.actors.speed[0, 0] < 0.3
    assert math.hypot(scene.actors.x[0, 0] - scene.ego.x[0], scene.actors.y[0, 0] - scene.ego.y[0]) < 15.0


@pytest.mark.parametrize("lane", [LEFT, RIGHT])
@pytest.mark.parametrize("yaw", [0.5 * math.pi, -0.5 * math.pi, 0.8, -2.0])
def test_stops_for_an_ego_that_stands_across_both_lanes(lane: tuple[int, int], yaw: float) -> None:
    world = start(case("multi_lane_0", (RIGHT, 200.0), bodies=[cruiser(110.0, lane)]))
    put_ego(world, 0, 200.0, -3.5, yaw)
    assert_stops_short(world)


@pytest.mark.parametrize("lane", [LEFT, RIGHT])
@pytest.mark.parametrize("yaw", [0.0, math.pi])
@pytest.mark.parametrize("y", np.linspace(-5.5, -1.5, 9))
def test_never_touches_an_ego_that_stands_anywhere_between(lane: tuple[int, int], y: float, yaw: float) -> None:
    """A driver stops behind it or, where the lane leaves room, passes beside it."""
    world = start(case("multi_lane_0", (RIGHT, 200.0), bodies=[cruiser(110.0, lane)]))
    put_ego(world, 0, 200.0, y, yaw)
    assert_no_contact(world)


def test_makes_room_for_an_oncoming_ego_that_sticks_out_into_its_lane() -> None:
    """Lane 1 runs west, so its left is south: the driver moves right, north, by what keeps the clearance."""
    world = start(case("street_0", (OWN, 100.0), bodies=[cruiser(200.0, ONCOMING)]))
    # The ego reaches to y = -0.5 + 1.065 = 0.565; the driver's side is at 1.75 - 0.95 = 0.8, so 0.235 m are free.
    put_ego(world, 0, 100.0, -0.5, 0.0)
    north = []
    for _ in range(40):
        scene = hold(world)
        assert overlap_area(actor_corners(scene, 0, 0), ego_corners(scene, 0)) == 0.0
        if abs(scene.actors.x[0, 0] - 100.0) < 5.0:
            north.append(float(scene.actors.y[0, 0]) - 1.75)
    expected = min(max(PASSING_CLEARANCE - 0.235, 0.0), MOST_ASIDE)
    assert north == pytest.approx([expected] * len(north), abs=0.05) and north


def test_stops_for_an_ego_that_stands_sideways_in_its_lane() -> None:
    world = start(case("multi_lane_0", (RIGHT, 200.0), bodies=[cruiser(110.0)]))
    put_ego(world, 0, 200.0, -5.25, 0.5 * math.pi)
    assert_stops_short(world)


def test_passes_an_ego_that_stands_in_the_other_lane() -> None:
    world = start(case("multi_lane_0", (LEFT, 200.0), bodies=[cruiser(150.0)]))
    for _ in range(100):
        scene = hold(world)
        assert scene.actors.acceleration[0, 0] >= 0.0
    assert scene.actors.x[0, 0] > 220.0


def test_oncoming_traffic_stops_for_an_ego_that_stands_in_its_lane() -> None:
    # Lane 1 runs west: s = 340 - x.
    world = start(case("street_0", (OWN, 100.0), bodies=[cruiser(140.0, ONCOMING)]))
    put_ego(world, 0, 100.0, 1.75, 0.0)
    assert_stops_short(world)


def test_oncoming_traffic_brakes_hard_for_an_ego_that_comes_at_it() -> None:
    world = start(case("street_0", (OWN, 100.0), bodies=[cruiser(180.0, ONCOMING)]))
    put_ego(world, 0, 100.0, 1.75, 0.0, 10.0)
    # 60 m apart, closing at 20 m/s: s* = 2 + 10 + 10 * 20 / (2 sqrt(1.5 * 2.5)) = 63.64, gap 60 - 2.3 - 2.45
    expected = 1.5 * (1.0 - (10.0 / 12.0) ** 4 - (63.640 / 55.25) ** 2)
    assert coast(world).actors.acceleration[0, 0] == pytest.approx(expected, abs=0.01)


def test_oncoming_traffic_passes_an_ego_that_keeps_to_its_lane() -> None:
    world = start(case("street_0", (OWN, 100.0), 10.0, [cruiser(200.0, ONCOMING)]))
    assert coast(world).actors.acceleration[0, 0] == pytest.approx(FREE_MPS2, abs=1e-6)


def test_brakes_for_an_ego_that_cuts_in() -> None:
    world = start(case("multi_lane_0", (LEFT, 120.0), bodies=[cruiser(100.0), Body(LEFT, 20.0, parked=True)]))
    put_ego(world, 0, 112.0, -2.6, 0.0, 8.0)
    assert coast(world).actors.acceleration[0, 0] == pytest.approx(FREE_MPS2, abs=1e-6)
    # The same place, but on its way over: 2.65 m beside, at 8 sin(0.2) = 1.6 m/s it is in the corridor within 0.6 s.
    world.reset([case("multi_lane_0", (LEFT, 120.0), bodies=[cruiser(100.0), Body(LEFT, 20.0, parked=True)])])
    put_ego(world, 0, 112.0, -2.6, -0.2, 8.0)
    assert coast(world).actors.acceleration[0, 0] < -2.0


def test_follows_the_ego_across_the_end_of_a_road() -> None:
    """The ego is on the next road already; the driver on the ramp, whose lane leads into the ego's, sees it."""
    world = start(case("on_ramp_0", ((2, -3), 4.0), bodies=[cruiser(70.0, (4, -1))]))
    assert_stops_short(world, 120)


def test_a_driver_on_the_main_road_ignores_the_ramp() -> None:
    world = start(case("on_ramp_0", ((4, -1), 60.0), bodies=[cruiser(150.0, (1, -2))]))
    assert hold(world).actors.acceleration[0, 0] == pytest.approx(FREE_MPS2, abs=1e-6)


@pytest.mark.parametrize("walk_speed", [0.8, 1.4, 2.2])
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_stops_for_a_pedestrian_who_crosses_and_then_drives_on(walk_speed: float, side: float) -> None:
    """Whoever steps out when there is room to stop (here 2.5 s at 10 m/s) is not run over."""
    step_out = script(TriggerKind.TIME, 0.5, ActionKind.WALK, walk_speed, 9.0)
    yaw = -side * 0.5 * math.pi
    walker = Body(OWN, 130.0, d=side * 4.0, kind=ActorKind.PEDESTRIAN, yaw=yaw, scripts=(step_out,))
    world = start(case("street_0", (OWN, 10.0), bodies=[cruiser(100.0, OWN), walker]))
    slowest = 10.0
    for _ in range(200):
        scene = hold(world)
        assert overlap_area(actor_corners(scene, 0, 0), actor_corners(scene, 0, 1)) == 0.0
        slowest = min(slowest, float(scene.actors.speed[0, 0]))
    assert slowest < 9.0
    assert scene.actors.x[0, 0] > 135.0


def test_a_walker_walks_its_way_and_stops() -> None:
    go = script(TriggerKind.TIME, 0.0, ActionKind.WALK, 1.3, 5.0)
    walker = Body(OWN, 150.0, d=-3.0, kind=ActorKind.PEDESTRIAN, yaw=0.5 * math.pi, scripts=(go,))
    world = start(case("street_0", (OWN, 10.0), bodies=[walker]))
    y = [float(hold(world).actors.y[0, 0]) for _ in range(60)]
    assert y[9] == pytest.approx(-1.75 - 3.0 + 1.3, abs=1e-9)
    assert y[-1] == pytest.approx(-1.75 - 3.0 + 5.0, abs=1e-9)
    assert world.scene.actors.speed[0, 0] == 0.0


def test_a_follower_at_the_models_distance_stops_in_time() -> None:
    """An ego that brakes as hard as it can is not run over by a driver who kept the model's distance."""
    # The model's standing distance of 2 m, a headway of 1 s, and 4.75 m of two half bodies.
    behind = [Body(RIGHT, 100.0 - 4.75 - 2.0 - v, speed=v, desired_speed=v + 1.0) for v in np.linspace(4.0, 13.0, 10)]
    world = start(*[case("multi_lane_0", (RIGHT, 100.0), body.speed, [body]) for body in behind])
    for _ in range(80):
        scene = hold(world)
        assert not scene.events.block[EventRow.COLLISION].any()


@pytest.mark.parametrize("kind", [ActorKind.CAR, ActorKind.BUS])
def test_a_walker_does_not_walk_into_the_side_of_who_passes(kind: ActorKind) -> None:
    """It starts when the vehicle's front is level with it, too late for any driver; it waits, then crosses."""
    step_out = script(TriggerKind.TIME, 0.5, ActionKind.WALK, 2.0, 9.0)
    walker = Body(OWN, 130.0, d=-2.4, kind=ActorKind.PEDESTRIAN, yaw=0.5 * math.pi, scripts=(step_out,))
    front = 0.5 * BODY_SIZES_M[kind][0]
    world = start(case("street_0", (OWN, 10.0), bodies=[Body(OWN, 130.0 - 4.0 - front, speed=8.0, kind=kind), walker]))
    waited = False
    for _ in range(80):
        scene = hold(world)
        block = np.stack([scene.actors.x, scene.actors.y, scene.actors.yaw, scene.actors.length / 2,
                          scene.actors.width / 2])[:, 0]  # fmt: skip
        assert not boxes_overlap(*block[:, 0], *block[:, 1])
        waited |= bool(scene.time_s[0] > 0.7 and scene.actors.speed[0, 1] == 0.0 and scene.actors.y[0, 1] < -3.0)
    assert waited
    assert scene.actors.y[0, 1] == pytest.approx(-1.75 - 2.4 + 9.0, abs=0.1)
