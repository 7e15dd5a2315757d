"""Scenes from the simulator: families driven by several drivers, a moment now and then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from envs.action import ActionConfig
from envs.drivers.law_abiding import LawAbidingDriver
from envs.drivers.naive import CruiseDriver, FullThrottleDriver, KeepLaneDriver
from envs.factory import make_vector_env
from envs.scene import FloatArray, SceneBatch

TAUGHT = (
    "overtaking", "merging", "trilemma", "occluded_pedestrian", "straight_obstacle", "turning_obstacle",
    "lane_changing", "red_light_running", "cut_out", "deceleration", "route",
)  # fmt: skip
"""Families whose scenes the bundled model is taught with."""

UNSEEN = (
    "vehicle_passing", "unprotected_left_turn", "right_turn", "crossing_negotiation", "cut_in", "road_works",
    "lane_closure",
)  # fmt: skip
"""Families that it never sees in training: it is tested with them."""

WORLDS = 32
"""Worlds driven together."""


def driven_scenes(families: Sequence[str], each: int, seed: int, every: int = 8) -> Iterator[tuple[str, SceneBatch]]:
    """Yield, family by family, copies of scenes, at least ``each`` of a family in all.

    A world tells a moment every ``every`` decisions. Its driver is one of several, careful and careless, some with a
    restless hand, so that safe and dangerous moments both are seen. ``seed`` decides the episodes and the drivers.
    """
    for number, family in enumerate(families):
        yield from ((family, scene) for scene in _of_family(family, each, seed + 1000 * number, every))


def _of_family(family: str, each: int, seed: int, every: int) -> Iterator[SceneBatch]:
    rng = np.random.default_rng(seed)
    env = make_vector_env(WORLDS, family, "all" if family != "route" else "medium")
    drive, phase, got = _drivers(env.config.action, rng), rng.integers(0, every, WORLDS), 0
    env.reset(seed=seed)
    while got < each:
        env.step(drive(env.scene))
        rows = np.flatnonzero((env.scene.step + phase) % every == 0)
        got += len(rows)
        if len(rows):
            yield env.scene.rows(rows)
    env.close()


def _drivers(action: ActionConfig, rng: np.random.Generator) -> Callable[[SceneBatch], FloatArray]:
    """Return who drives the worlds: four drivers in turn, every other world with noise that lasts about a second."""
    careful = LawAbidingDriver(WORLDS, action), KeepLaneDriver(action)
    drivers = *careful, CruiseDriver(action), FullThrottleDriver(action)
    worlds = np.arange(WORLDS)
    noise = np.zeros((WORLDS, 2))
    restless = (worlds // len(drivers) % 2 == 1)[:, None]

    def drive(scene: SceneBatch) -> FloatArray:
        noise[:] = 0.9 * noise + rng.normal(0.0, 0.25, noise.shape)
        actions = np.stack([driver.act(scene) for driver in drivers])[worlds % len(drivers), worlds]
        return np.asarray(np.clip(actions + restless * noise, -1.0, 1.0))

    return drive
