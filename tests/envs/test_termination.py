"""When an episode ends, and how."""

from __future__ import annotations

import numpy as np
import pytest

from envs.scene import EventRow, RouteRow
from envs.termination import Outcome, judge
from tests.envs.builders import make_scene

EVENTS = {
    EventRow.COLLISION: Outcome.COLLISION,
    EventRow.OFF_ROAD: Outcome.OFF_ROAD,
    EventRow.RED_LIGHT: Outcome.VIOLATION,
    EventRow.STOP_SIGN: Outcome.VIOLATION,
    EventRow.WRONG_WAY: Outcome.VIOLATION,
    EventRow.ROUTE_DEVIATION: Outcome.VIOLATION,
    EventRow.GOAL_REACHED: Outcome.SUCCESS,
}


def test_each_event_has_its_outcome_in_its_own_world() -> None:
    scene = make_scene(len(EVENTS) + 1)
    for b, event in enumerate(EVENTS):
        scene.events.block[event, b] = 1.0
    verdict = judge(scene)
    assert verdict.outcome.tolist() == [*EVENTS.values(), Outcome.RUNNING]
    assert verdict.terminated.tolist() == [True] * len(EVENTS) + [False]
    assert not verdict.truncated.any() and verdict.any_ended
    np.testing.assert_array_equal(verdict.ended, verdict.terminated)
    assert not judge(make_scene(2)).any_ended


def test_the_gravest_event_counts() -> None:
    scene = make_scene(1, time_s=99.0)
    order = [EventRow.GOAL_REACHED, EventRow.WRONG_WAY, EventRow.OFF_ROAD, EventRow.COLLISION]
    for event in order:
        scene.events.block[event] = 1.0
        assert judge(scene).outcome[0] == EVENTS[event]


def test_time_runs_out_at_the_limit_whatever_the_rounding() -> None:
    scene = make_scene(route={RouteRow.TIME_LIMIT: 30.0})
    scene.time_s[:] = sum([0.1] * 299)
    assert judge(scene).outcome[0] == Outcome.RUNNING
    scene.time_s[:] = sum([0.1] * 300)  # 30.00000000000016, or a hair under on another path
    assert judge(scene).outcome[0] == Outcome.TIMEOUT
    scene.time_s[:] = np.nextafter(30.0, 0.0)
    verdict = judge(scene)
    assert verdict.outcome[0] == Outcome.TIMEOUT and verdict.terminated[0] and not verdict.truncated[0]


def test_a_goal_at_the_last_moment_is_a_success() -> None:
    scene = make_scene(time_s=20.0)
    scene.events.block[EventRow.GOAL_REACHED] = 1.0
    assert judge(scene).outcome[0] == Outcome.SUCCESS


def test_a_broken_simulator_truncates_and_nothing_else_counts() -> None:
    scene = make_scene(2)
    scene.events.block[EventRow.COLLISION] = 1.0
    verdict = judge(scene, np.array([False, True]))
    assert verdict.outcome.tolist() == [Outcome.COLLISION, Outcome.INFRASTRUCTURE]
    assert verdict.terminated.tolist() == [True, False] and verdict.truncated.tolist() == [False, True]
    assert verdict.ended.all() and verdict.any_ended


@pytest.mark.parametrize("outcome", Outcome)
def test_outcomes_have_words(outcome: Outcome) -> None:
    assert outcome.word == outcome.word.lower() and Outcome[outcome.word.upper()] is outcome


@pytest.mark.parametrize(
    ("event", "outcome", "later"),
    [
        (EventRow.COLLISION, Outcome.COLLISION, Outcome.SUCCESS),
        (EventRow.OFF_ROAD, Outcome.RUNNING, Outcome.OFF_ROAD),
        (EventRow.RED_LIGHT, Outcome.RUNNING, Outcome.VIOLATION),
        (EventRow.STOP_SIGN, Outcome.RUNNING, Outcome.VIOLATION),
        (EventRow.WRONG_WAY, Outcome.RUNNING, Outcome.VIOLATION),
        (EventRow.ROUTE_DEVIATION, Outcome.VIOLATION, Outcome.SUCCESS),
    ],
)
def test_who_may_drive_on_is_told_of_it_at_the_goal(event: EventRow, outcome: Outcome, later: Outcome) -> None:
    broken, scene = np.zeros(1, np.int64), make_scene(1)
    scene.events.block[event] = 1.0
    assert judge(scene, broken=broken).outcome[0] == outcome
    scene = make_scene(1)
    assert judge(scene, broken=broken).outcome[0] == Outcome.RUNNING
    scene.events.block[EventRow.GOAL_REACHED] = 1.0
    assert judge(scene, broken=broken).outcome[0] == later


def test_off_road_is_graver_than_a_red_light_in_either_order() -> None:
    for order in ((EventRow.OFF_ROAD, EventRow.RED_LIGHT), (EventRow.RED_LIGHT, EventRow.OFF_ROAD)):
        broken = np.zeros(1, np.int64)
        for event in order:
            scene = make_scene(1)
            scene.events.block[event] = 1.0
            judge(scene, broken=broken)
        assert broken[0] == Outcome.OFF_ROAD
