"""All measures of one drive by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from envs.errors import InvalidConfigError
from envs.metrics.drive import measure_drive
from envs.metrics.encroachment import actor_encroachment
from envs.metrics.rss import RssParameters
from envs.risk import TTC_HORIZON_S
from envs.scene import ActorRow, EgoRow, EventRow, RouteRow, SceneBatch
from tests.envs.builders import make_actor, make_scene

TICKS, PERIOD_S = 21, 0.1
PLAIN = RssParameters(response_s=1.0, acceleration=2.0, brake_min=4.0, brake_min_correct=3.0, brake_max=8.0)


def closing_in() -> SceneBatch:
    """At 10 m/s towards a car 34 m ahead that stands: the gap goes from 30 m to 10 m in two seconds."""
    scenes = make_scene(TICKS, [make_actor(34.0, 0.0)], ego={EgoRow.SPEED: 10.0})
    scenes.time_s[:] = PERIOD_S * np.arange(TICKS)
    scenes.ego.block[EgoRow.X] = np.arange(TICKS)
    scenes.route.block[RouteRow.PROGRESS] = np.arange(TICKS)
    scenes.ego.block[EgoRow.ACCELERATION, 3] = -9.0
    scenes.ego.block[EgoRow.JERK, 3] = -12.0
    scenes.events.block[EventRow.RED_LIGHT, [4, 5, 9]] = 1.0
    scenes.events.block[EventRow.OFF_ROAD, [6, 7]] = 1.0
    return scenes


def test_by_hand() -> None:
    """The time to collision is 3.0, 2.9 ... 1.0 s: below 1.55 s for six ticks, short by 0.05 ... 0.55 s, 1.8 s in sum.
    RSS wants 11 + 144 / 8 = 29 m: the gaps of 28 ... 10 m (19 of 21) are too small."""
    found = measure_drive(closing_in(), PERIOD_S, critical_ttc_s=1.55, rss=PLAIN)
    assert found.min_ttc_s == pytest.approx(1.0)
    assert found.min_lane_ttc_s == pytest.approx(1.0)
    assert found.min_headway_s == pytest.approx(1.0)
    assert found.min_distance_m == pytest.approx(10.0)
    assert found.max_drac == pytest.approx(100.0 / 20.0)
    assert found.tet_s == pytest.approx(0.6)
    assert found.tit_s2 == pytest.approx(0.18)
    assert found.max_jerk == pytest.approx(12.0)
    assert found.smoothness == 0.0
    assert found.rss_violation == pytest.approx(19.0 / 21.0)
    assert found.red_lights == 2
    assert found.off_road_m == pytest.approx(2.0)
    assert found.completion == pytest.approx(0.2)


def test_a_collision_between_two_ticks_counts() -> None:
    scenes = closing_in()
    scenes.events.block[EventRow.COLLISION, 20] = 1.0
    found = measure_drive(scenes, PERIOD_S)
    assert (found.min_distance_m, found.min_ttc_s) == (0.0, 0.0)


def test_a_drive_alone_and_its_json() -> None:
    scenes = make_scene(TICKS, ego={EgoRow.SPEED: 10.0})
    found = measure_drive(scenes, PERIOD_S)
    assert (found.min_ttc_s, found.min_lane_ttc_s, found.min_headway_s) == (TTC_HORIZON_S, math.inf, math.inf)
    assert (found.min_distance_m, found.max_drac, found.rss_violation, found.smoothness) == (math.inf, 0.0, 0.0, 1.0)
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert (plain["min_headway_s"], plain["min_ttc_s"]) == (None, TTC_HORIZON_S)


def test_too_short_a_drive_and_too_long_a_threshold_are_refused() -> None:
    with pytest.raises(InvalidConfigError, match="2 ticks was given"):
        measure_drive(closing_in().rows([0, 1]), PERIOD_S)
    with pytest.raises(InvalidConfigError, match="keep it below"):
        measure_drive(closing_in(), PERIOD_S, critical_ttc_s=TTC_HORIZON_S)


def test_encroachment_with_every_road_user_of_a_drive() -> None:
    """The ego leaves the area (x = 2 m) with its rear after (10 + 4) / 10 = 1.4 s. Car 7 waits until 3.0 s 10 m south,
    and needs 6 m at 10 m/s to enter: 3.6 s. Car 8 never comes; car 9 turns up inside at 2.5 s, in car 8's slot."""
    ticks = 60
    scenes = make_scene(ticks, [make_actor(0.0, -10.0, yaw=math.pi / 2, actor_id=7), make_actor(90.0, 0.0, actor_id=8)])
    times = PERIOD_S * np.arange(ticks)
    scenes.time_s[:] = times
    scenes.ego.block[EgoRow.X] = -10.0 + 10.0 * times
    scenes.actors.block[ActorRow.Y, :, 0] = -10.0 + 10.0 * np.maximum(times - 3.0, 0.0)
    scenes.actors.block[ActorRow.VALID, 20:25, 1] = 0.0
    scenes.actors.block[ActorRow.ID, 25:, 1] = 9.0
    scenes.actors.block[ActorRow.X, 25:, 1] = 1.0
    area = np.array([[-2.0, -2.0], [2.0, -2.0], [2.0, 2.0], [-2.0, 2.0]])
    found = actor_encroachment(scenes, area)
    assert found == {7: pytest.approx(2.2), 8: math.inf, 9: pytest.approx(1.1, abs=1e-4)}
