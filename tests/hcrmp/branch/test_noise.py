"""A drive with a noisy scan is simulated again, and driven on, with the very errors that it had."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from envs.observation import ObservationConfig
from envs.observations.scan_noise import ScanNoise
from hcrmp.branch.divergence import first_divergence
from hcrmp.branch.drive_on import drive_on
from hcrmp.branch.planners import successor
from hcrmp.branch.worlds import origin_of
from hcrmp.config import load
from tests.hcrmp.branch.drives import planner_drive
from tests.hcrmp.tiny import tiny_run

NOISE = ScanNoise(range_m=2.0, closing_mps=1.0, missed=0.2)


def test_the_errors_of_a_drive_come_again(tmp_path: Path) -> None:
    run = tiny_run(tmp_path, observation=ObservationConfig(noise=NOISE))
    origin = origin_of(planner_drive(run))
    for branch in drive_on(origin, successor("", origin, None, "runs"), [0, 7, 20]):
        assert first_divergence(origin.drive, branch.drive) is None, branch.tick
        assert np.array_equal(branch.drive.trace.observation, origin.drive.trace.observation)  # type: ignore[arg-type]


def test_it_is_asked_for_on_the_command_line() -> None:
    words = [f"observation.noise.{name}={getattr(NOISE, name)}" for name in ("range_m", "closing_mps", "missed")]
    assert load("train", words).observation.noise == NOISE
    assert load("train").observation.noise == ScanNoise()
