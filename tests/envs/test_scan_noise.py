"""A worse scan: how wrong its rays are, and that they are wrong alike whenever the same episode is driven."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from envs.driving_env import DrivingConfig
from envs.errors import InvalidConfigError
from envs.factory import make_vector_env
from envs.observation import ObservationConfig, Observer
from envs.observations.scan_noise import ScanNoise
from envs.scene import EgoRow, SceneBatch
from tests.envs.builders import make_actor, make_scene

Numbers = np.ndarray[Any, Any]
AHEAD = 36  # of 72 rays
WORSE = ScanNoise(range_m=1.5, closing_mps=0.8, missed=0.3)


def first_frames(noise: ScanNoise, scene: SceneBatch, seeds: Numbers) -> Numbers:
    """Return the rays ``(B, 72, 2)`` at the beginning of the episodes of ``seeds``."""
    observer = Observer(ObservationConfig(frames=1, noise=noise), len(seeds))
    out = np.zeros((len(seeds), observer.layout.size), np.float32)
    observer.restart(scene, np.zeros((len(seeds), 2)), np.ones(len(seeds), bool), out, seeds)
    return out[:, observer.layout.slices["scan"]].reshape(len(seeds), 72, 2).astype(np.float64)


def ahead_of(worlds: int) -> SceneBatch:
    """Return worlds in which a car stands 30 m ahead of an ego that comes nearer with 8 m/s."""
    return make_scene(worlds, [make_actor(32.0, 0.0, speed=0.0, length=4.0)], ego={EgoRow.SPEED: 8.0})


def test_the_errors_are_normal_of_the_size_that_is_asked_for() -> None:
    worlds = 4000
    rays = first_frames(ScanNoise(range_m=2.0, closing_mps=1.0), ahead_of(worlds), np.arange(worlds))[:, AHEAD]
    ranges, closing = 60.0 * (1.0 - rays[:, 0]), 20.0 * rays[:, 1]
    bound = 4.0 / np.sqrt(worlds)  # four standard errors
    for values, mean, deviation in ((ranges, 30.0, 2.0), (closing, 8.0, 1.0)):
        assert values.mean() == pytest.approx(mean, abs=bound * deviation)
        assert values.std() == pytest.approx(deviation, rel=bound)
        assert np.abs((values - mean) / deviation < -1.0).mean() == pytest.approx(0.1587, abs=bound)
    assert abs(np.corrcoef(ranges, closing)[0, 1]) < bound


def test_the_share_that_is_asked_for_is_missed_and_the_rest_is_exact() -> None:
    worlds = 4000
    rays = first_frames(ScanNoise(missed=0.3), ahead_of(worlds), np.arange(worlds))[:, AHEAD]
    lost = rays[:, 0] == 0.0
    assert lost.mean() == pytest.approx(0.3, abs=4.0 * np.sqrt(0.21 / worlds))
    assert np.all(rays[lost] == 0.0) and rays[~lost] == pytest.approx(np.array([[0.5, 0.4]] * (~lost).sum()), abs=1e-6)
    assert not first_frames(ScanNoise(missed=1.0), ahead_of(3), np.arange(3)).any()


def test_nobody_is_seen_where_nobody_is() -> None:
    clear, noisy = (first_frames(noise, ahead_of(200), np.arange(200)) for noise in (ScanNoise(), WORSE))
    assert np.all(noisy[clear[:, :, 0] == 0.0] == 0.0)
    assert not np.array_equal(clear, noisy)
    # A car at the end of the range is lost where it is measured beyond it.
    far = make_scene(500, [make_actor(61.5, 0.0, length=4.0)])
    rays = first_frames(ScanNoise(range_m=3.0), far, np.arange(500))[:, AHEAD]
    assert np.all(rays[rays[:, 0] <= 0.0] == 0.0) and 0.3 < (rays[:, 0] == 0.0).mean() < 0.6


def test_a_planner_fits_whatever_the_noise() -> None:
    assert Observer(ObservationConfig(noise=WORSE), 1).layout == Observer(ObservationConfig(), 1).layout


def test_rays_steps_and_episodes_err_on_their_own() -> None:
    beside = make_scene(2, [make_actor(8.0, 0.0, length=4.0, width=8.0)])
    rays = first_frames(ScanNoise(range_m=1.0), beside, np.array([5, 6]))
    met = rays[0, :, 0] > 0.0
    errors = rays[:, met, 0] - first_frames(ScanNoise(), beside, np.array([5, 6]))[:, met, 0]
    assert len(np.unique(errors)) == errors.size >= 10
    beside.step[:] = 1
    later = first_frames(ScanNoise(range_m=1.0), beside, np.array([5, 6]))
    assert not np.any(later[:, met, 0] == rays[:, met, 0])


def env_of(worlds: int) -> Any:
    return make_vector_env(
        worlds, "overtaking", "high", config=DrivingConfig(observation=ObservationConfig(noise=WORSE))
    )


def drive(env: Any, steps: int) -> Numbers:
    return np.stack([env.step(np.full((env.num_envs, 2), 0.1))[0].copy() for _ in range(steps)])


def test_an_episode_is_mismeasured_alike_whoever_is_beside_it() -> None:
    alone, beside = env_of(1), env_of(3)
    alone.reset(seed=0, options={"episode_seeds": [11], "cells": [0]})
    beside.reset(seed=0, options={"episode_seeds": [3, 11, 11], "cells": [0, 0, 0]})
    one, three = drive(alone, 12), drive(beside, 12)
    assert np.array_equal(one[:, 0], three[:, 1]) and np.array_equal(one[:, 0], three[:, 2])
    assert not np.array_equal(one[:, 0], three[:, 0])


def test_a_restored_state_errs_on_as_it_would_have() -> None:
    env, other = env_of(2), env_of(2)
    env.reset(seed=4)
    drive(env, 5)
    other.reset(seed=9)
    other.set_state(env.state())
    assert np.array_equal(drive(env, 10), drive(other, 10))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"range_m": -1.0}, "noise.range_m must be at least 0, got -1.0"),
        ({"closing_mps": float("nan")}, "noise.closing_mps must be at least 0, got nan"),
        ({"missed": 1.1}, "noise.missed must be 0 to 1, got 1.1"),
    ],
)
def test_what_is_no_noise_is_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        ScanNoise(**settings)


def test_noise_is_of_the_scan_alone() -> None:
    with pytest.raises(InvalidConfigError, match="noise is of the scan's rays, got perception=agents"):
        ObservationConfig(perception="agents", noise=WORSE)
