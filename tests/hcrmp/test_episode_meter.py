"""The meter against sums worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from envs.risk import TTC_HORIZON_S
from envs.scene import ActorRow, EgoRow, EventRow, RouteRow, SceneBatch
from hcrmp.episode_meter import EpisodeMeter
from hcrmp.episode_record import EpisodeRecord

NOTHING = np.zeros((2, 3))


def scene(
    speed: tuple[float, float], acceleration: float = 0.0, jerk: float = 0.0, progress_m: float = 0.0
) -> SceneBatch:
    """Return two worlds with one unused actor slot each; only the speeds differ."""
    made = SceneBatch.empty(2, 1)
    made.ego.block[EgoRow.SPEED] = speed
    made.ego.block[EgoRow.ACCELERATION] = acceleration
    made.ego.block[EgoRow.JERK] = jerk
    made.ego.block[EgoRow.LENGTH], made.ego.block[EgoRow.WIDTH] = 4.0, 2.0
    made.route.block[RouteRow.PROGRESS], made.route.block[RouteRow.LENGTH] = progress_m, 200.0
    return made


def record(meter: EpisodeMeter, world: int, **changes: Any) -> EpisodeRecord:
    values: dict[str, Any] = {"scenario": "merging", "density": "low", "seed": 1, "outcome": "success"}
    return meter.record(world, **(values | changes))


def test_sums_of_three_steps_by_hand() -> None:
    meter = EpisodeMeter(2)
    for speed, acceleration, jerk, progress in ((2.0, 1.0, -3.0, 10.0), (4.0, -1.0, 0.0, 20.0), (6.0, 3.0, 6.0, 50.0)):
        meter.update(scene((speed, 1.0), acceleration, jerk, progress), np.array([[-1.0, 0.5, -0.1], [0.0, 1.0, 0.0]]))
    first, second = record(meter, 0), record(meter, 1)
    assert first.time_s == pytest.approx(0.3)
    assert first.mean_speed_mps == pytest.approx(4.0)
    assert first.distance_m == pytest.approx(0.1 * (2 + 4 + 6))
    assert first.speed_variance == pytest.approx((4 + 0 + 4) / 3)
    assert first.acceleration_variance == pytest.approx((0 + 4 + 4) / 3)
    assert first.mean_abs_jerk == pytest.approx(3.0)
    assert first.progress == pytest.approx(0.25)
    assert first.reward_terms == pytest.approx((-3.0, 1.5, -0.3))
    assert second.speed_variance == 0.0 and second.reward_terms == (0.0, 3.0, 0.0)


def test_a_new_episode_forgets_and_leaves_the_others_alone() -> None:
    meter = EpisodeMeter(2)
    meter.update(scene((2.0, 8.0)), NOTHING)
    meter.start([True, False])
    meter.update(scene((5.0, 8.0)), NOTHING)
    assert (record(meter, 0).mean_speed_mps, record(meter, 1).mean_speed_mps) == (5.0, 8.0)
    assert [record(meter, world).time_s for world in (0, 1)] == pytest.approx([0.1, 0.2])


def test_the_smallest_time_to_collision_is_kept() -> None:
    meter = EpisodeMeter(2)
    near = scene((10.0, 10.0))
    # World 0: a standing car 24 m ahead; 20 m between the bodies at 10 m/s are 2 s.
    for row, value in ((ActorRow.VALID, 1.0), (ActorRow.X, 24.0), (ActorRow.LENGTH, 4.0), (ActorRow.WIDTH, 2.0)):
        near.actors.block[row, 0, 0] = value
    meter.update(near, NOTHING)
    meter.update(scene((10.0, 10.0)), NOTHING)
    assert record(meter, 0).min_ttc_s == pytest.approx(2.0)
    assert record(meter, 1).min_ttc_s == TTC_HORIZON_S


def test_an_episode_that_never_moved_is_finite() -> None:
    meter = EpisodeMeter(1)
    stillborn = record(meter, 0, outcome="infrastructure")
    assert (stillborn.time_s, stillborn.distance_m, stillborn.mean_speed_mps) == (0.0, 0.0, 0.0)
    assert record(meter, 0, planner_seed=4, hints_due=9, cache_calls=2).hints_due == 9


def test_crossings_of_one_manoeuvre_are_one_lane_invasion() -> None:
    meter = EpisodeMeter(2)
    for step in range(60):
        now = scene((5.0, 5.0))
        # The first world changes lane at 0.3 s, with the other axle at 1.2 s, and back at 4 s.
        now.events.block[EventRow.LANE_INVASION, 0] = step in (3, 12, 40)
        meter.update(now, NOTHING)
    assert [record(meter, world).lane_invasions for world in (0, 1)] == [2, 0]
    meter.start([True, False])
    assert record(meter, 0).lane_invasions == 0


def test_a_collision_leaves_no_time_to_one() -> None:
    """The ego stops where it touches the other, which drives on to the end of the step: nothing overlaps then."""
    meter, touched = EpisodeMeter(2), scene((5.0, 5.0))
    touched.events.block[EventRow.COLLISION] = (True, False)
    meter.update(touched, NOTHING)
    assert (record(meter, 0).min_ttc_s, record(meter, 1).min_ttc_s) == (0.0, TTC_HORIZON_S)
