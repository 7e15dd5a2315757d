"""Episodes of a scripted driver, one world for each seed, without an environment around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from envs.action import ActionConfig, to_control
from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.scenarios.catalogue import ScenarioSet
from envs.scene import FloatArray, IntArray, SceneBatch
from envs.termination import Outcome, judge


class ScriptedDriver(Protocol):
    def act(self, scene: SceneBatch) -> FloatArray: ...


class Episodes(NamedTuple):
    """``outcome`` an ``Outcome``, ``time_s`` at the end; each ``(seeds,)``."""

    outcome: IntArray
    time_s: FloatArray

    def rate(self, outcome: Outcome) -> float:
        return float(np.mean(self.outcome == outcome))

    @property
    def success_time_s(self) -> float:
        return float(self.time_s[self.outcome == Outcome.SUCCESS].mean())


def drive(
    make_driver: Callable[[EmbeddedSimulator], ScriptedDriver],
    scenarios: ScenarioSet,
    cell: int,
    seeds: Sequence[int],
    visit: Callable[[SceneBatch], None] | None = None,
) -> Episodes:
    """Drive ``cell`` with every seed until all episodes have ended; ``visit`` is shown every scene."""
    simulator = EmbeddedSimulator(len(seeds), scenarios.maps, EmbeddedConfig(actors=scenarios.most_actors))
    driver, config = make_driver(simulator), ActionConfig()
    scene = simulator.reset([scenarios.sample(cell, seed) for seed in seeds])
    outcome, time_s = np.zeros(len(seeds), np.int64), np.zeros(len(seeds))
    command = np.zeros((len(seeds), 2))
    while not outcome.all():
        control, command = to_control(driver.act(scene), scene, command, config)
        scene = simulator.step(control)
        if visit is not None:
            visit(scene)
        verdict = judge(scene)
        new = (outcome == Outcome.RUNNING) & verdict.ended
        outcome[new], time_s[new] = verdict.outcome[new], scene.time_s[new]
    return Episodes(outcome, time_s)
