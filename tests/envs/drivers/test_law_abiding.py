"""The driver that obeys the rules: what it foresees, by hand, and that it obeys them, on routes."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from envs.drivers.law_abiding import LawAbidingDriver
from envs.drivers.route_path import PULL_AWAY, bend_speed, crossing_ahead, lane_is_taken, lay_path, leader_on_path
from envs.driving_env import DrivingConfig
from envs.factory import make_vector_env
from envs.metrics.infraction_log import InfractionLog
from envs.scene import ROUTE_POINT_SPACING_M, ActorKind, ActorRow, EgoRow, FloatArray, SceneBatch
from envs.termination import Outcome
from envs.traffic.following import FREE_GAP

SPACING = ROUTE_POINT_SPACING_M


def straight(speed: float = 5.0, actors: int = 1) -> SceneBatch:
    """Return an ego of 5 m x 2 m at the origin on a route straight east, and absent actors."""
    scene = SceneBatch.empty(1, actors)
    scene.ego.block[[EgoRow.LENGTH, EgoRow.WIDTH, EgoRow.SPEED], 0] = 5.0, 2.0, speed
    scene.route.points[0, :, 0] = SPACING * np.arange(1, 6)
    return scene


def put(scene: SceneBatch, x: float, y: float, yaw: float, speed: float, kind: ActorKind = ActorKind.CAR,
        size: tuple[float, float] = (4.0, 2.0)) -> SceneBatch:  # fmt: skip
    block = scene.actors.block[:, 0, 0]
    block[[ActorRow.VALID, ActorRow.VISIBLE, ActorRow.KIND]] = 1.0, 1.0, float(kind)
    block[[ActorRow.X, ActorRow.Y, ActorRow.YAW, ActorRow.SPEED]] = x, y, yaw, speed
    block[[ActorRow.VX, ActorRow.VY]] = speed * math.cos(yaw), speed * math.sin(yaw)
    block[[ActorRow.LENGTH, ActorRow.WIDTH]] = size
    return scene


def path_of(scene: SceneBatch) -> FloatArray:
    path = np.zeros((41, 3))
    lay_path(scene.ego.block, scene.route.points, 0, SPACING, path)
    return path


def crossing(scene: SceneBatch, apart_s: float = 1.0) -> float:
    return float(crossing_ahead(scene.ego.block, scene.actors.block, 0, path_of(scene), 5.0, apart_s))


def test_the_path_of_a_straight_route_is_straight() -> None:
    path = path_of(straight())
    assert path[:, 0] == pytest.approx(np.arange(41.0)) and np.abs(path[:, 1:]).max() < 1e-12


def test_the_path_of_an_arc_is_an_arc() -> None:
    scene, radius = straight(), 20.0
    turned = SPACING * np.arange(1, 6) / radius
    scene.route.points[0] = np.stack([radius * np.sin(turned), radius * (1 - np.cos(turned)), turned], axis=1)
    path, along = path_of(scene), np.arange(41.0) / radius
    assert path[:, 0] == pytest.approx(radius * np.sin(along), abs=0.02)
    assert path[:, 1] == pytest.approx(radius * (1 - np.cos(along)), abs=0.02)
    assert path[:, 2] == pytest.approx(along, abs=0.02)


def test_the_leader_on_the_path_is_the_nearest_body_on_it() -> None:
    scene = put(straight(), 20.0, 0.5, 0.0, 3.0)
    found = leader_on_path(scene.ego.block, scene.actors.block, 0, path_of(scene), 0.4)
    assert found == pytest.approx((20.0 - 2.0 - 2.5, 3.0))
    # 2 m of half widths and 0.4 m beside: at 2.5 m it is not in the way.
    beside = put(straight(), 20.0, 2.5, 0.0, 3.0)
    assert leader_on_path(beside.ego.block, beside.actors.block, 0, path_of(beside), 0.4)[0] == FREE_GAP
    hidden = put(straight(), 20.0, 0.5, 0.0, 3.0)
    hidden.actors.block[ActorRow.VISIBLE] = 0.0
    assert leader_on_path(hidden.ego.block, hidden.actors.block, 0, path_of(hidden), 0.4)[0] == FREE_GAP


def test_who_crosses_when_the_ego_would_be_there_is_seen() -> None:
    # The front is at x = 30 after 5.5 s at 5 m/s, the rear after 6.5 s: who comes from 60 m at 10 m/s is there at 6 s.
    meeting = crossing(put(straight(), 30.0, -60.0, math.pi / 2, 10.0))
    assert 30.0 - 2.5 - 1.0 - 1.0 - 1.0 <= meeting <= 30.0 - 2.5
    assert crossing(put(straight(), 30.0, -110.0, math.pi / 2, 10.0)) == FREE_GAP
    assert crossing(put(straight(), 30.0, -20.0, math.pi / 2, 10.0)) == FREE_GAP
    assert crossing(put(straight(), 30.0, -20.0, math.pi / 2, 10.0), apart_s=4.0) < 30.0


def test_who_brakes_to_a_standstill_before_the_path_does_not_cross_it() -> None:
    scene = put(straight(), 30.0, -60.0, math.pi / 2, 10.0)
    scene.actors.block[ActorRow.ACCELERATION] = -1.0  # stands after 50 m
    assert crossing(scene) == FREE_GAP


def test_who_comes_towards_the_ego_in_its_own_lane_does_not_cross() -> None:
    assert crossing(put(straight(), 35.0, 3.5, math.pi - 0.1, 10.0)) == FREE_GAP
    walker = put(straight(), 20.0, -4.0, math.pi / 2, 1.3, ActorKind.PEDESTRIAN, (0.5, 0.5))
    assert crossing(walker) < 20.0


def test_the_ego_that_stands_reckons_with_pulling_away() -> None:
    # From standstill the front is 8 m ahead, at x = 10.5, after sqrt(2 x 8 / PULL_AWAY) seconds.
    arrives = math.sqrt(2.0 * 8.0 / PULL_AWAY)
    assert crossing(put(straight(0.0), 11.5, -10.0 * arrives, math.pi / 2, 10.0), apart_s=0.1) < 11.5
    assert crossing(put(straight(0.0), 11.5, -10.0, math.pi / 2, 10.0), apart_s=0.1) == FREE_GAP


def test_a_bend_is_taken_at_the_lateral_acceleration() -> None:
    scene, radius = straight(), 10.0
    turned = SPACING * np.arange(1, 6) / radius
    scene.route.points[0] = np.stack([radius * np.sin(turned), radius * (1 - np.cos(turned)), turned], axis=1)
    speed = bend_speed(scene.ego.block, scene.route.points, 0, SPACING, 0.0, 2.0, 2.0)
    assert speed == pytest.approx(math.sqrt(2.0 * radius))
    later = straight()
    later.route.points[0, 3:, 2] = SPACING / radius  # the bend begins between the third and the fourth point
    speed = bend_speed(later.ego.block, later.route.points, 0, SPACING, 0.0, 2.0, 2.0)
    assert speed == pytest.approx(math.sqrt(2.0 * radius + 2.0 * 2.0 * (3 * SPACING - 2.0)))


@pytest.mark.parametrize(("x", "y", "taken"), [(0.0, 3.5, True), (-6.0, 3.5, True), (-30.0, 3.5, False),
                                               (0.0, -3.5, False), (0.0, 7.0, False)])  # fmt: skip
def test_a_lane_is_taken_by_whoever_is_beside_or_close_behind(x: float, y: float, taken: bool) -> None:
    scene = put(straight(), x, y, 0.0, 5.0)
    assert lane_is_taken(scene.ego.block, scene.actors.block, 0, 1.0) == taken


def test_it_obeys_and_arrives() -> None:
    worlds = 24
    env = make_vector_env(worlds, "route", "medium", config=DrivingConfig(ends_at="collision"))
    env.reset(seed=0, options={"episode_seeds": np.arange(worlds)})
    driver, log = LawAbidingDriver(worlds), InfractionLog(worlds)
    log.start(np.arange(worlds), env.scene)
    kinds, outcomes = Counter[str](), dict[int, int]()
    while len(outcomes) < worlds:
        made = env.advance(driver.act(env.scene))
        log.update(env.scene)
        for b in np.flatnonzero(made.ended).tolist():
            if b not in outcomes:
                outcomes[b] = int(made.outcome[b])
                kinds.update(one.kind for one in log.of(b))
        if made.any_ended:
            env.restart(made.ended)
            log.start(np.flatnonzero(made.ended), env.scene)
    assert kinds["red_light"] == kinds["stop_sign"] == kinds["wrong_way"] == kinds["route_deviation"] == 0
    assert sum(outcome == Outcome.SUCCESS for outcome in outcomes.values()) > 0.75 * worlds
