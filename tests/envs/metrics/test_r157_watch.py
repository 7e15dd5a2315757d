"""The careful driver's verdict read off a drive: as the closed situations say, and on the scenarios themselves."""

from __future__ import annotations

import numpy as np
import pytest

from envs.metrics.r157 import Outcome
from envs.metrics.r157_watch import SITUATIONS, R157Watch
from envs.scene import ROUTE_POINT_SPACING_M, ROUTE_POINTS, SceneBatch

LANE_M = 3.5


def scene(
    ego_speed: float, gap: float, lateral: float, speed: float, across: float, braking: float = 0.0
) -> SceneBatch:
    """A straight road east: the ego, and an actor whose rear is ``gap`` ahead, its centre ``lateral`` to the left."""
    moment = SceneBatch.empty(1, 2)
    ego, actors = moment.ego, moment.actors
    ego.speed[0], ego.length[0], ego.width[0] = ego_speed, 4.0, 2.0
    actors.valid[0, 0], actors.length[0], actors.width[0] = True, 4.0, 2.0
    actors.x[0, 0], actors.y[0, 0] = gap + 4.0, lateral
    actors.speed[0, 0], actors.vx[0, 0], actors.vy[0, 0] = speed, speed, across
    actors.acceleration[0, 0] = -braking
    actors.x[0, 1] = 200.0
    moment.route.points[0, :, 0] = ROUTE_POINT_SPACING_M * np.arange(1, ROUTE_POINTS + 1)
    return moment


def before_a_bend(across: float) -> SceneBatch:
    """A lane to the left of the ego's that bends with it, 300 m wide; its driver leaves it with ``across``."""
    moment = scene(25.0, 30.0, LANE_M, 20.0, 0.0)
    angles = moment.route.points[0, :, 0] / 300.0
    moment.route.points[0] = np.stack([300.0 * np.sin(angles), 300.0 * (1.0 - np.cos(angles)), angles], axis=1)
    actors, angle = moment.actors, 34.0 / 300.0
    actors.x[0, 0], actors.y[0, 0] = (300.0 - LANE_M) * np.sin(angle), 300.0 - (300.0 - LANE_M) * np.cos(angle)
    actors.yaw[0, 0] = angle
    actors.vx[0, 0] = 20.0 * np.cos(angle) - across * np.sin(angle)
    actors.vy[0, 0] = 20.0 * np.sin(angle) + across * np.cos(angle)
    return moment


def watching(situation: str) -> R157Watch:
    watch = R157Watch(1)
    watch.start(np.array([0]), np.array([SITUATIONS.index(situation)]))
    return watch


@pytest.mark.parametrize(
    ("gap", "verdict"),
    # Closing at 8 m/s, perceived 0.375 / 1.2 + 0.4 s after its start, braking 0.75 s later: 11.7 m are used up before,
    # and 6.5 m while the brake sheds 8 m/s: 4.3 m in its ramp of 0.6 s, 2.2 m at 7.6 m/s2.
    [(40.0, Outcome.PREVENTABLE), (2.0, Outcome.UNAVOIDABLE)],
)
def test_a_cut_in_is_judged_by_its_gap(gap: float, verdict: Outcome) -> None:
    watch = watching("cut_in")
    watch.update(scene(13.0, gap, LANE_M, 5.0, 0.0))
    assert watch.verdict(0) is None
    watch.update(scene(13.0, gap, LANE_M, 5.0, -0.5))
    watch.update(scene(13.0, gap - 1.0, LANE_M - 0.1, 5.0, -1.2))
    assert watch.verdict(0) is verdict


def test_who_follows_the_bend_of_its_lane_cuts_nobody_in() -> None:
    watch = watching("cut_in")
    watch.update(before_a_bend(0.0))
    assert watch.verdict(0) is None, "its 2.3 m/s across the ego's direction are none across its lane"
    watch.update(before_a_bend(-1.0))
    assert watch.verdict(0) is Outcome.PREVENTABLE


def test_a_faster_vehicle_that_moves_in_is_no_conflict() -> None:
    watch = watching("cut_in")
    watch.update(scene(8.0, 5.0, LANE_M, 12.0, -1.0))
    assert watch.verdict(0) is Outcome.NO_CONFLICT


@pytest.mark.parametrize(("gap", "verdict"), [(26.0, Outcome.PREVENTABLE), (3.0, Outcome.UNAVOIDABLE)])
def test_a_braking_leader_is_judged_by_the_gap_when_it_begins(gap: float, verdict: Outcome) -> None:
    watch = watching("deceleration")
    watch.update(scene(13.0, gap, 0.0, 13.0, 0.0))
    assert watch.verdict(0) is None
    watch.update(scene(13.0, gap, 0.0, 12.5, 0.0, braking=7.0))
    watch.update(scene(12.0, gap - 8.0, 0.0, 6.0, 0.0, braking=7.0))
    assert watch.verdict(0) is verdict


@pytest.mark.parametrize(("obstacle", "verdict"), [(60.0, Outcome.PREVENTABLE), (1.0, Outcome.UNAVOIDABLE)])
def test_a_cut_out_is_judged_by_the_room_before_what_it_hid(obstacle: float, verdict: Outcome) -> None:
    watch, moment = watching("cut_out"), scene(13.0, 6.0, 0.0, 13.0, 1.0)
    moment.actors.x[0, 1] = moment.actors.x[0, 0] + 4.0 + obstacle
    watch.update(moment)
    assert watch.verdict(0) is verdict


def test_a_new_episode_forgets_the_old_one_and_others_are_not_watched() -> None:
    watch = watching("cut_in")
    watch.update(scene(13.0, 5.0, LANE_M, 5.0, -1.0))
    watch.start(np.array([0]), np.array([-1]))
    watch.update(scene(13.0, 5.0, LANE_M, 5.0, -1.0))
    assert watch.verdict(0) is None
