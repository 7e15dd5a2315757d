"""Cost of hints: ``python -m tests.benchmarks.bench_hints`` prints medians in microseconds.

20 visible road users per world. "step" is a poll at which nobody is due, "asking" one at which somebody is;
with 64 worlds the episodes are out of step with each other, as in training, so about 6 are due at each step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from envs.scene import ActorRow, SceneBatch
from llm_hints.features import scene_keys
from llm_hints.providers.rules import RulesProvider
from llm_hints.service import HintService
from llm_hints.service_config import HintServiceConfig
from tests.llm_hints.scenes import random_scene

ACTORS = 20


def full_scene(batch: int) -> SceneBatch:
    """Return worlds in which every slot is a visible actor."""
    scene = random_scene(batch, ACTORS, np.random.default_rng(0))
    actors = scene.actors.block
    unused = actors[ActorRow.VALID] < 0.5
    for row, value in ((ActorRow.LENGTH, 4.6), (ActorRow.WIDTH, 1.9), (ActorRow.Y, -3.5), (ActorRow.X, 30.0)):
        actors[row][unused] = value
    actors[ActorRow.VALID] = actors[ActorRow.VISIBLE] = 1.0
    return scene


def median_us(call: Callable[[], object], repeats: int = 2000) -> float:
    """Return the median wall time of ``call``, microseconds."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return 1e6 * float(np.median(times[repeats // 10 :]))


def service_us(batch: int, cache: bool, steps: int = 2000) -> tuple[float, float, float]:
    """Return the median poll without and with questions, and the mean of all, microseconds."""
    scene = full_scene(batch)
    service = HintService(RulesProvider(), HintServiceConfig(cache=cache), batch)
    offset = np.random.default_rng(1).integers(0, 10, batch) if batch > 1 else np.zeros(1)
    quiet: list[float] = []
    asking: list[float] = []
    for step in range(steps):
        scene.time_s[:] = 0.1 * (step + offset)
        scene.actors.block[ActorRow.X] += np.sin(step)
        asked, begin = service.counters.asked, time.perf_counter()
        service.poll(scene)
        spent = time.perf_counter() - begin
        (asking if service.counters.asked > asked else quiet).append(spent)
    every = quiet + asking
    return 1e6 * float(np.median(quiet or [0.0])), 1e6 * float(np.median(asking)), 1e6 * float(np.mean(every))


def main() -> None:
    """Print the table."""
    print(f"{ACTORS} actors per world, medians in microseconds")
    for batch in (1, 64):
        scene, rows, rules = full_scene(batch), np.arange(batch), RulesProvider()
        print(f"  rules, B = {batch:2d}: {median_us(partial(rules.ask, scene, rows)):8.1f}")
        print(f"  keys,  B = {batch:2d}: {median_us(partial(scene_keys, scene, rows)):8.1f}")
        for cache in (False, True):
            quiet, asking, mean = service_us(batch, cache)
            name = f"service, B = {batch:2d}, cache {'on ' if cache else 'off'}"
            print(f"  {name}: step {quiet:6.2f}  asking {asking:7.1f}  mean per step {mean:6.1f}")


if __name__ == "__main__":
    main()
