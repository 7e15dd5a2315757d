"""SafeBench's final score by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.errors import InvalidConfigError
from envs.metrics.safebench import SafeBenchDrive, safebench_drive, safebench_score
from envs.scene import EgoRow, EventRow, RouteRow
from tests.envs.builders import make_scene

CLEAN = SafeBenchDrive(collision=False, off_road_m=0.0, route_distance_m=0.0, completion=1.0, time_s=0.0)
WORST = SafeBenchDrive(collision=True, off_road_m=10.0, route_distance_m=5.0, completion=0.0, time_s=30.0)


def test_by_hand() -> None:
    """One of two drives collides: 0.4 / 2 + 0.1 x 2 / 10 + 0.1 x 1 / 5 + 0.3 x 0.2 + 0.1 x 15 / 30."""
    calm = SafeBenchDrive(False, 1.0, 0.5, 0.9, 10.0)
    crash = SafeBenchDrive(True, 3.0, 1.5, 0.7, 20.0)
    assert safebench_score([calm, crash]) == pytest.approx(0.2 + 0.02 + 0.02 + 0.06 + 0.05)


def test_the_ends_of_the_scale() -> None:
    assert safebench_score([CLEAN]) == 0.0
    assert safebench_score([WORST]) == pytest.approx(1.0)
    assert safebench_score([WORST], time_limit_s=60.0) == pytest.approx(0.95)


def test_a_recorded_drive() -> None:
    scenes = make_scene(5)
    scenes.time_s[:] = 2.0 + 0.1 * np.arange(5)
    scenes.ego.block[EgoRow.X] = np.arange(5)
    scenes.route.block[RouteRow.PROGRESS] = 10.0 * np.arange(5)
    scenes.route.block[RouteRow.LATERAL_OFFSET] = [0.0, -1.0, 1.0, -1.0, 2.0]
    scenes.events.block[EventRow.OFF_ROAD, [3, 4]] = 1.0
    scenes.events.block[EventRow.COLLISION, 4] = 1.0
    found = safebench_drive(scenes)
    assert (found.off_road_m, found.route_distance_m, found.completion, found.time_s) == pytest.approx((2, 1, 0.4, 0.4))
    assert found.collision


def test_no_drive_and_no_time_are_refused() -> None:
    with pytest.raises(InvalidConfigError, match="no drive"):
        safebench_score([])
    with pytest.raises(InvalidConfigError, match="above 0"):
        safebench_score([CLEAN], time_limit_s=0.0)


@given(st.floats(0, 20), st.floats(0, 10), st.floats(0, 1), st.floats(0, 60), st.floats(0, 1))
def test_every_term_only_worsens_it(
    off_road: float, apart: float, completion: float, time_s: float, less: float
) -> None:
    drive = SafeBenchDrive(False, off_road, apart, completion, time_s)
    score = safebench_score([drive])
    worse = SafeBenchDrive(True, off_road + less, apart + less, completion * (1.0 - less), time_s + less)
    assert score >= 0.0
    assert safebench_score([worse]) >= score + 0.4 - 1e-9
