"""Slow, hanging and failing providers beside a driving environment: no step waits, no run depends on wall time."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch as th

from envs.scene import IntArray, SceneBatch
from hcrmp.algorithm import MultiCriticPPO
from hcrmp.build import build_algorithm, build_driving
from hcrmp.hinted_env import HintedVecEnv
from llm_hints.counters import HintCounters
from llm_hints.hint import HintSource
from llm_hints.providers.base import HintAnswers, HintProviderError
from llm_hints.providers.rules import RulesProvider
from llm_hints.service import HintService
from llm_hints.service_config import HintServiceConfig
from tests.hcrmp.tiny import ROLLOUT, WORLDS, tiny_config

PATIENCE_S = 120.0
"""Longest that a test waits for a thread; a failing test ends, a passing one does not wait."""


class Blocked(RulesProvider):
    """Answers a batch when ``gate`` opens; ``asked`` is set when a question has come, ``answered`` when it is over."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.asked, self.answered = threading.Event(), threading.Event(), threading.Event()

    def ask(self, scene: SceneBatch, rows: IntArray) -> HintAnswers:
        self.asked.set()
        assert self.gate.wait(PATIENCE_S)
        answers = super().ask(scene, rows)
        self.answered.set()
        return answers


class Slow(RulesProvider):
    """Takes ``wall_s`` of wall time, and the same simulated time whatever that is."""

    def __init__(self, wall_s: float) -> None:
        super().__init__()
        self._wall_s = wall_s

    def ask(self, scene: SceneBatch, rows: IntArray) -> HintAnswers:
        threading.Event().wait(self._wall_s)
        return super().ask(scene, rows)


class Refusing(RulesProvider):
    """Never answers; ``refused`` is set when it has said so."""

    def __init__(self) -> None:
        super().__init__()
        self.refused = threading.Event()

    def ask(self, scene: SceneBatch, rows: IntArray) -> HintAnswers:
        self.refused.set()
        raise HintProviderError("no connection")


def env_of(service: HintService) -> HintedVecEnv:
    return HintedVecEnv(build_driving(tiny_config(Path("runs")), WORLDS), service)


def steps(env: HintedVecEnv, count: int) -> int:
    """Drive straight on for ``count`` steps; return how many came back."""
    return sum(len(env.step(np.full((WORLDS, 2), (0.3, 0.0), np.float32))) == 4 for _ in range(count))


@pytest.mark.parametrize("policy", ["fallback", "cache_first"])
def test_no_step_waits_for_a_provider_that_thinks(policy: str) -> None:
    """It thinks until 30 steps, three simulated seconds, have come back; then its hint is shown."""
    provider = Blocked()
    config = HintServiceConfig(mode="realtime", policy=policy)  # type: ignore[arg-type]
    env = env_of(HintService(provider, config, WORLDS))
    env.reset()
    assert provider.asked.wait(PATIENCE_S)
    assert steps(env, 30) == 30 and not provider.answered.is_set()
    counters = env.service.counters
    assert counters.answered == 0 and counters.busy > 0 and counters.stale > 0
    provider.gate.set()
    assert provider.answered.wait(PATIENCE_S)
    while not (shown := env.service.hints.source == HintSource.MODEL).any():
        steps(env, 1)  # the answer of three seconds ago is late; the next question's is on its way
    assert shown.any()
    env.close()


def trained(provider: RulesProvider, policy: str) -> tuple[MultiCriticPPO, HintCounters, HintedVecEnv]:
    config = tiny_config(Path("runs"))
    hints = HintServiceConfig(policy=policy, on_event="ask", latency_s=0.3, latency_jitter_s=1.0)  # type: ignore[arg-type]
    env = env_of(HintService(provider, hints, WORLDS, np.random.default_rng(4)))
    model = build_algorithm(config, env)
    assert isinstance(model, MultiCriticPPO)
    model.learn(3 * ROLLOUT)
    return model, env.service.counters, env


@pytest.mark.parametrize("policy", ["fallback", "cache_first"])
def test_in_lockstep_the_wall_time_of_a_provider_changes_nothing(policy: str) -> None:
    runs = [trained(Slow(wall_s), policy) for wall_s in (0.0, 0.01)]
    (quick, counted, env), (slow, as_counted, slow_env) = runs
    assert counted == as_counted and counted.answered > 0 and counted.late > 0 and counted.hits > 0
    assert slow_env.service.latency.batch_p50_ms > env.service.latency.batch_p50_ms
    ours, theirs = quick.policy.state_dict(), slow.policy.state_dict()
    assert all(th.equal(ours[name], theirs[name]) for name in ours)
    left, right = (each.driving.scene for each in (env, slow_env))
    for mine, other in ((left.ego.block, right.ego.block), (left.actors.block, right.actors.block)):
        np.testing.assert_array_equal(mine, other)
    held, also_held = ({**each.service.state(), "latencies": None} for each in (env, slow_env))
    np.testing.assert_equal(held, also_held)


def test_closing_leaves_a_provider_behind_that_hangs() -> None:
    provider = Blocked()
    env = env_of(HintService(provider, HintServiceConfig(mode="realtime"), WORLDS))
    env.reset()
    assert provider.asked.wait(PATIENCE_S)
    env.service.close(timeout_s=0.01)
    assert not provider.answered.is_set(), "it came back although the provider did not"
    provider.gate.set()
    env.close()


HANGING = """
import threading
import numpy as np
from llm_hints.providers.rules import RulesProvider
from llm_hints.service import HintService
from llm_hints.service_config import HintServiceConfig
from envs.scene import SceneBatch

asked = threading.Event()

class Hanging(RulesProvider):
    def ask(self, scene, rows):
        asked.set()
        threading.Event().wait()

service = HintService(Hanging(), HintServiceConfig(mode="realtime"))
service.reset(None, SceneBatch.empty(1, 1))
assert asked.wait()
service.close(timeout_s=0.01)
print("the end")
"""


def test_a_process_ends_although_its_provider_hangs() -> None:
    done = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0 and done.stdout == "the end\n", done.stderr


@pytest.mark.parametrize("mode", ["lockstep", "realtime"])
def test_a_provider_that_refuses_is_counted_told_once_and_in_nobodys_way(
    mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    provider = Refusing()
    env = env_of(HintService(provider, HintServiceConfig(mode=mode), WORLDS))  # type: ignore[arg-type]
    env.reset()
    while env.service.counters.errors < 3 * WORLDS:
        assert steps(env, 1) == 1 and provider.refused.wait(PATIENCE_S)
    counters = env.service.counters
    assert counters.missing == counters.errors and counters.answered == 0
    assert [record.getMessage() for record in caplog.records if record.name == "llm_hints.asking"] == [
        "hint provider rules: no connection (counted as missing; told once)"
    ]
    env.close()


def test_a_fault_of_the_program_surfaces_in_a_step() -> None:
    class Broken(RulesProvider):
        def ask(self, scene: SceneBatch, rows: IntArray) -> HintAnswers:
            raise ZeroDivisionError("a fault")

    env = env_of(HintService(Broken(), HintServiceConfig(mode="realtime"), WORLDS))
    env.reset()
    with pytest.raises(ZeroDivisionError, match="a fault"):
        while True:
            steps(env, 1)
    env.close()


def test_an_ended_episode_tells_what_happened_to_its_hints() -> None:
    """The counters of the episodes that ended, and of those that run, are those of the service."""
    config = replace(HintServiceConfig(), policy="cache_first")
    env = env_of(HintService(RulesProvider(), config, WORLDS))
    env.reset()
    ended: list[dict[str, float]] = []
    while len(ended) < 2 * WORLDS:
        *_, infos = env.step(np.full((WORLDS, 2), (1.0, 0.0), np.float32))
        ended += [info["hints"] for info in infos if "hints" in info]
    running = [env.service.episode_counters(world).told() for world in range(WORLDS)]
    total = env.service.counters.told()
    for name in ("due", "asked", "answered", "calls", "hits", "misses"):
        assert sum(told[name] for told in (*ended, *running)) == total[name]
    assert total["hits"] > 0
    env.close()
