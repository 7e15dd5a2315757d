"""MOBIL: it changes when that pays and is safe, it must before the lane ends, and a yielding driver lets one in."""

from __future__ import annotations

import math

import numpy as np
import pytest

from envs.embedded.simulator import EmbeddedSimulator
from envs.traffic.agents import AgentRow
from envs.traffic.lane_change import YIELD_BRAKE, change_incentive, choose_lane
from envs.traffic.path_view import clear_lanes, sort_into_lanes
from tests.envs.traffic.worlds import (
    Body,
    actor_corners,
    case,
    coast,
    hold,
    lane_of,
    overlap_area,
    put_ego,
    start,
)

LEFT, RIGHT = (1, -1), (1, -2)
ACCELERATION, MAIN, MAIN_LEFT, BEFORE = (2, -3), (2, -2), (2, -1), (1, -2)
CAR_M = 4.6


def hurried(politeness: float = 0.2) -> Body:
    """A driver behind a slow one, who may change lane."""
    return Body(RIGHT, 60.0, speed=8.0, desired_speed=14.0, may_change=True, politeness=politeness)


def chosen(world: EmbeddedSimulator, i: int = 0) -> int:
    """Return the OpenDRIVE lane that agent ``i`` wants now."""
    hold(world)
    return wanted(world, i)


def wanted(world: EmbeddedSimulator, i: int = 0) -> int:
    """Return the OpenDRIVE lane that agent ``i`` wanted in the step that has just been."""
    traffic = world._kernel_arrays.traffic
    following = world._agents[AgentRow.FOLLOWING, 0, i]
    sort_into_lanes(traffic.objects, traffic.heads, traffic.links, 0)
    lane = choose_lane(world._agents, traffic, world._roads, 0, i, following)
    clear_lanes(traffic.objects, traffic.heads, 0)
    return int(world.atlas.lane[lane])


def idm_by_hand(v: float, v0: float, gap: float, leader: float, a: float = 1.5, b: float = 2.5) -> float:
    """IDM with the test bodies' headway of 1 s and least gap of 2 m."""
    wish = 2.0 + max(0.0, v * 1.0 + v * (v - leader) / (2.0 * math.sqrt(a * b)))
    return max(a * (max(1.0 - (v / v0) ** 4, -1.0) - (wish / gap) ** 2), -8.0)


def test_incentive_by_hand() -> None:
    """Kesting, Treiber, Helbing 2007, eq. 2: own gain less politeness times the new follower's loss."""
    slow = Body(RIGHT, 80.0, speed=4.0)
    follower = Body(LEFT, 35.0, speed=8.0, desired_speed=12.0)
    leader = Body(LEFT, 100.0, speed=10.0)
    bodies = [hurried(politeness=0.5), slow, follower, leader]
    world = start(case("multi_lane_0", (RIGHT, 5.0), bodies=bodies))
    hold(world)
    # The scratch block still holds what the drivers saw in that step; the agents go back to that moment.
    world.reset([case("multi_lane_0", (RIGHT, 5.0), bodies=bodies)])
    target = int(np.flatnonzero((world.atlas.road == 1) & (world.atlas.lane == -1))[0])
    traffic = world._kernel_arrays.traffic
    sort_into_lanes(traffic.objects, traffic.heads, traffic.links, 0)
    incentive = change_incentive(world._agents, traffic, world._roads, 0, 0, target, -0.25)
    clear_lanes(traffic.objects, traffic.heads, 0)
    new = idm_by_hand(8.0, 14.0, 40.0 - CAR_M, 10.0)
    loss = idm_by_hand(8.0, 12.0, 1e6, 8.0) - idm_by_hand(8.0, 12.0, 25.0 - CAR_M, 8.0)
    assert incentive == pytest.approx(new + 0.25 - 0.5 * loss, abs=1e-6)


def test_overtakes_a_slow_leader_and_ends_in_the_middle_of_the_other_lane() -> None:
    world = start(case("multi_lane_0", (RIGHT, 5.0), bodies=[hurried(), Body(RIGHT, 85.0, speed=3.0)]))
    for _ in range(120):
        scene = hold(world)
        assert overlap_area(actor_corners(scene, 0, 0), actor_corners(scene, 0, 1)) == 0.0
    assert lane_of(world, 0, 0) == LEFT
    assert scene.actors.y[0, 0] == pytest.approx(-1.75, abs=0.05)
    assert scene.actors.x[0, 0] > scene.actors.x[0, 1]


def test_a_lane_change_takes_seconds_and_never_jumps() -> None:
    world = start(case("multi_lane_0", (RIGHT, 5.0), bodies=[hurried(), Body(RIGHT, 85.0, speed=3.0)]))
    y = [float(hold(world).actors.y[0, 0]) for _ in range(100)]
    moved = np.abs(np.diff(y))
    assert moved.max() <= 0.16 + 1e-9  # 1.6 m/s
    assert np.count_nonzero(moved > 0.005) >= 25


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([Body(LEFT, 50.0, speed=14.0, desired_speed=14.0)], id="someone fast close behind"),
        pytest.param([Body(LEFT, 61.0, speed=8.0)], id="someone beside"),
        pytest.param([Body(LEFT, 64.0, speed=8.0)], id="someone half ahead"),
        pytest.param([Body(LEFT, 78.0, speed=2.0)], id="someone slower there"),
        pytest.param([Body(LEFT, 88.0, parked=True)], id="a parked car there"),
    ],
)
def test_stays_where_a_change_is_unsafe_or_does_not_pay(others: list[Body]) -> None:
    world = start(case("multi_lane_0", (RIGHT, 5.0), bodies=[hurried(), Body(RIGHT, 85.0, speed=3.0), *others]))
    assert chosen(world) == -2


def test_stays_where_it_may_not_change() -> None:
    bodies = [Body(RIGHT, 60.0, speed=8.0, desired_speed=14.0), Body(RIGHT, 85.0, speed=3.0)]
    world = start(case("multi_lane_0", (RIGHT, 5.0), bodies=bodies))
    for _ in range(60):
        hold(world)
        assert lane_of(world, 0, 0) == RIGHT


@pytest.mark.parametrize(("distance", "expected"), [(8.0, -2), (50.0, -1)])
def test_the_ego_counts_as_the_new_follower(distance: float, expected: int) -> None:
    world = start(case("multi_lane_0", (LEFT, 60.0 - distance), 13.0, [hurried(), Body(RIGHT, 85.0, speed=3.0)]))
    coast(world)
    assert wanted(world) == expected


def test_no_second_change_within_the_cooldown() -> None:
    bodies = [hurried(), Body(RIGHT, 85.0, speed=3.0), Body(LEFT, 130.0, speed=2.0)]
    world = start(case("multi_lane_0", (RIGHT, 5.0), bodies=bodies))
    lanes = [-2]
    for _ in range(200):
        hold(world)
        lanes.append(lane_of(world, 0, 0)[1])
    changes = np.flatnonzero(np.diff(lanes))
    assert len(changes) >= 2
    assert np.diff(changes).min() >= 40


def merging_world(main: list[Body]) -> EmbeddedSimulator:
    merger = Body(ACCELERATION, 20.0, speed=8.0, desired_speed=11.0, may_change=True)
    return start(case("on_ramp_0", ((1, -1), 5.0), bodies=[merger, *main]))


def test_merges_before_the_lane_ends() -> None:
    world = merging_world([])
    for _ in range(200):
        scene = hold(world)
        if lane_of(world, 0, 0) != ACCELERATION:
            break
    assert lane_of(world, 0, 0) == MAIN
    assert scene.actors.x[0, 0] < 220.0 + 90.0


def test_merges_even_where_it_does_not_pay() -> None:
    """The main road is slower than the free acceleration lane: only the end of the lane decides."""
    world = merging_world([Body(MAIN, 95.0, speed=6.0), Body(MAIN, 40.0, speed=6.0)])
    for _ in range(250):
        hold(world)
    assert lane_of(world, 0, 0)[1] in (-1, -2)


def test_waits_at_the_end_of_the_lane_for_a_gap() -> None:
    standing = [Body(MAIN, 42.0 + 12.0 * k, parked=True) for k in range(5)]
    world = merging_world(standing)
    for _ in range(300):
        scene = hold(world)
        assert scene.actors.x[0, 0] + 0.5 * CAR_M < 220.0 + 90.0
    assert scene.actors.speed[0, 0] < 0.3
    assert lane_of(world, 0, 0) == ACCELERATION


@pytest.mark.parametrize(("yields", "expected"), [(True, -YIELD_BRAKE), (False, 0.0)])
def test_a_yielding_driver_opens_a_gap_for_the_ego_in_the_acceleration_lane(yields: bool, expected: float) -> None:
    driver = Body(MAIN, 40.0, speed=10.0, desired_speed=10.0, yields=yields)
    world = start(case("on_ramp_0", (ACCELERATION, 50.0), 6.0, [driver]))
    scene = coast(world)
    assert scene.actors.acceleration[0, 0] == pytest.approx(expected, abs=1e-6)


def test_a_yielding_driver_ignores_who_is_far_from_the_end_or_behind() -> None:
    driver = Body(MAIN, 40.0, speed=10.0, desired_speed=10.0, yields=True)
    world = start(case("on_ramp_0", (ACCELERATION, 30.0), 6.0, [driver]))
    assert coast(world).actors.acceleration[0, 0] == pytest.approx(0.0, abs=1e-6)


def test_lane_changes_keep_off_the_ego_that_drives_between_two_lanes() -> None:
    world = start(case("multi_lane_0", (LEFT, 5.0), bodies=[hurried(), Body(RIGHT, 85.0, speed=3.0)]))
    put_ego(world, 0, 62.0, -2.6, 0.0, 8.0)
    coast(world)
    assert chosen(world) == -2
