"""Every moment that a person wants to jump to is found once, where it begins, and said in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from envs.recording import DriveLog
from envs.risk import time_to_collision
from envs.scene import ActorRow, EgoRow, EventRow, RoadRow
from hcrmp.viewer.bookmarks import bookmarks
from hcrmp.viewer.critical import Critical, critical
from tests.envs.drive_builder import CAR, PEDESTRIAN, TRUCK, make_drive

TICKS = 120
NOBODY = Critical(np.full(TICKS, 10.0), np.full(TICKS, -1))


@pytest.fixture
def calm() -> DriveLog:
    """A drive in which nothing happens, free to be changed."""
    drive = make_drive(TICKS)
    scenes = drive.scenes.copy()
    scenes.ego.block[EgoRow.ACCELERATION] = 0.0
    scenes.events.block[:] = 0.0
    return replace(drive, scenes=scenes, trace=replace(drive.trace, hint_text=("",) * TICKS))


def found(drive: DriveLog, risk: Critical = NOBODY) -> list[tuple[int, str, str]]:
    return [(mark["tick"], mark["kind"], mark["label"]) for mark in bookmarks(drive, risk)]


def test_where_nothing_happens_there_is_no_moment(calm: DriveLog) -> None:
    assert found(calm) == []


@pytest.mark.parametrize(
    ("row", "kind", "label"),
    [
        (EventRow.OFF_ROAD, "violation", "off road"),
        (EventRow.RED_LIGHT, "violation", "red light run"),
        (EventRow.STOP_SIGN, "violation", "stop sign run"),
        (EventRow.WRONG_WAY, "violation", "wrong way"),
        (EventRow.ROUTE_DEVIATION, "violation", "off the route"),
        (EventRow.LANE_INVASION, "lane", "over the lane's border"),
        (EventRow.GOAL_REACHED, "goal", "goal reached"),
    ],
)
def test_an_event_that_lasts_is_one_moment_at_its_beginning(
    calm: DriveLog, row: EventRow, kind: str, label: str
) -> None:
    calm.scenes.events.block[row, 40:60] = 1.0
    assert found(calm) == [(40, kind, label)]


def test_a_hard_brake_lasts_until_it_has_halved(calm: DriveLog) -> None:
    calm.scenes.ego.block[EgoRow.ACCELERATION, 30:34] = -4.5, -3.0, -4.5, -1.0
    calm.scenes.ego.block[EgoRow.ACCELERATION, 50:52] = -4.0, -6.25
    assert found(calm) == [(30, "brake", "hard brake: 4.5 m/s\u00b2"), (51, "brake", "hard brake: 6.2 m/s\u00b2")]


def test_a_light_that_changes_is_a_moment_and_one_that_comes_into_range_or_is_another_is_not(calm: DriveLog) -> None:
    road = calm.scenes.road.block
    road[RoadRow.SIGNAL], road[RoadRow.DISTANCE_TO_STOP_LINE] = 0.0, 200.0
    road[RoadRow.SIGNAL, 20:40], road[RoadRow.SIGNAL, 40:60], road[RoadRow.SIGNAL, 60:] = 1.0, 2.0, 3.0
    road[RoadRow.DISTANCE_TO_STOP_LINE, 20:60] = np.linspace(30.0, 1.0, 40)
    road[RoadRow.DISTANCE_TO_STOP_LINE, 60:] = 50.0
    assert found(calm) == [(40, "signal", "light turns yellow, 15 m ahead")]


def test_a_hint_s_moment_tells_what_changed(calm: DriveLog) -> None:
    before = "Urban road, low density; Car Front; safety 0.20, efficiency 0.60, comfort 0.20"
    after = "Urban road, low density; Car Front; safety 0.80, efficiency 0.10, comfort 0.10"
    texts = (before,) * 50 + (after,) * 30 + ("",) * 40
    assert found(replace(calm, trace=replace(calm.trace, hint_text=texts))) == [
        (50, "hint", "hint: safety 0.80, efficiency 0.10, comfort 0.10"),
        (80, "hint", "hint: none"),
    ]


def test_who_becomes_critical_is_a_moment_and_again_only_when_forgotten(calm: DriveLog) -> None:
    slot, ttc_s = np.full(TICKS, -1), np.full(TICKS, 10.0)
    for start, end, who in ((10, 15, CAR), (15, 20, TRUCK), (40, 42, CAR), (80, 82, CAR)):
        slot[start:end], ttc_s[start:end] = who, 3.0
    assert found(calm, Critical(ttc_s, slot)) == [
        (10, "critical", "critical: car 2, 3.0 s"),
        (15, "critical", "critical: truck 1, 3.0 s"),
        (80, "critical", "critical: car 2, 3.0 s"),
    ]


def test_the_critical_one_is_whose_time_to_collision_is_least() -> None:
    scenes = make_drive(TICKS).scenes.copy()
    actors = scenes.actors.block
    actors[ActorRow.VALID, :, :] = 0.0
    actors[ActorRow.VALID, :, [CAR, PEDESTRIAN]] = 1.0
    scenes.ego.block[[EgoRow.X, EgoRow.Y, EgoRow.YAW]] = 0.0
    scenes.ego.block[EgoRow.SPEED] = 10.0
    # The ego's front is at 2.45 m; the car's rear at 32.45 m, 3 s away; the pedestrian's at 52.45 m, 5 s away.
    for slot, x, length in ((CAR, 34.7, 4.5), (PEDESTRIAN, 52.75, 0.6)):
        actors[[ActorRow.X, ActorRow.Y, ActorRow.YAW, ActorRow.VX, ActorRow.VY], :, slot] = [
            [x],
            [0.0],
            [0.0],
            [0.0],
            [0.0],
        ]
        actors[ActorRow.LENGTH, :, slot] = length
    actors[ActorRow.VALID, 60:, CAR] = 0.0
    risk = critical(scenes)
    np.testing.assert_allclose(risk.ttc_s, np.where(np.arange(TICKS) < 60, 3.0, 5.0))
    np.testing.assert_array_equal(risk.slot, np.where(np.arange(TICKS) < 60, CAR, -1), "5 s is not critical")
    np.testing.assert_array_equal(risk.ttc_s, time_to_collision(scenes))


def test_moments_come_in_the_order_of_time(calm: DriveLog) -> None:
    calm.scenes.events.block[EventRow.LANE_INVASION, 90:] = 1.0
    calm.scenes.ego.block[EgoRow.ACCELERATION, 20] = -9.0
    marks: list[dict[str, Any]] = bookmarks(calm, NOBODY)
    assert [mark["tick"] for mark in marks] == [20, 90]
