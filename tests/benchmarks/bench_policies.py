"""What hints cost a training: none, the rules, and a provider that takes its time, by policy of the cache.

``OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_policies`` prints a table in Markdown: steps per second of the
hinted worlds of all twelve cells under random actions (each held for a second), and with ``--learn`` of training on
them (rollout and update). The provider gives the rules' hints and takes ``--ms`` of processor time for each, as a
language model on the same core does. The contestants take turns, each bank is warm from ``--warm-up`` steps, and the
ratio is that of processor times.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch as th

from envs.scene import IntArray, SceneBatch
from hcrmp.build import build_algorithm, build_driving
from hcrmp.config import load
from hcrmp.hinted_env import HintedVecEnv
from llm_hints.cache import CacheConfig, SemanticCache
from llm_hints.counters import HintCounters
from llm_hints.providers.base import HintAnswers, HintProvider
from llm_hints.providers.rules import RulesProvider
from llm_hints.providers.silent import SilentProvider
from llm_hints.service import HintService
from llm_hints.service_config import HintServiceConfig
from tests.benchmarks.machine import machine

COMMAND = "OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_policies"
CAPACITY = 10_000
FIRST = HintServiceConfig(policy="cache_first")
LOOKUP = HintServiceConfig(policy="cache_first", on_event="lookup")
ASK = HintServiceConfig(policy="cache_first", on_event="ask")


class Costly(RulesProvider):
    """The rules, at ``cost_s`` of processor time a hint."""

    def __init__(self, cost_s: float) -> None:
        super().__init__()
        self._cost_s = cost_s

    def ask(self, scene: SceneBatch, rows: IntArray) -> HintAnswers:
        """Return the expert's hints when their time is over."""
        end = time.process_time() + self._cost_s * len(rows)
        answers = super().ask(scene, rows)
        while time.process_time() < end:
            pass
        return answers


@dataclass
class Contestant:
    """One way of being hinted.

    ``run`` goes on for so many steps of each world; ``seconds`` wall and processor time of each round.
    """

    name: str
    env: HintedVecEnv
    run: Callable[[int], None]
    seconds: list[tuple[float, float]]
    warm: HintCounters


def contestant(name: str, provider: HintProvider, config: HintServiceConfig, worlds: int, learn: bool) -> Contestant:
    """Return worlds of their own that are hinted so."""
    trained = load("train", [])
    service = HintService(provider, config, worlds, cache=SemanticCache(CacheConfig(capacity=CAPACITY)))
    env = HintedVecEnv(build_driving(trained, worlds), service)
    return Contestant(name, env, learner(env) if learn else stepper(env), [], HintCounters())


def stepper(env: HintedVecEnv) -> Callable[[int], None]:
    """Return what steps ``env`` with random actions."""
    rng = np.random.default_rng(0)
    env.seed(0)
    env.reset()

    def run(steps: int) -> None:
        for step in range(steps):
            if step % 10 == 0:
                actions = rng.uniform((-0.2, -0.05), (0.9, 0.05), (env.num_envs, 2)).astype(np.float32)
            env.step(actions)

    return run


def learner(env: HintedVecEnv) -> Callable[[int], None]:
    """Return what trains HCRMP on ``env``."""
    model = build_algorithm(load("train", []), env)

    def run(steps: int) -> None:
        model.learn(steps * env.num_envs, reset_num_timesteps=False)

    return run


def contestants(worlds: int, ms: float, learn: bool) -> list[Contestant]:
    """Return all ways, the one without hints first."""
    costly = Costly(ms / 1000.0)
    ways: list[tuple[str, HintProvider, HintServiceConfig]] = [
        ("no hints", SilentProvider(), HintServiceConfig(cache=False)),
        ("rules", RulesProvider(), HintServiceConfig()),
        (f"{ms:g} ms a hint, fallback", costly, HintServiceConfig()),
        (f"{ms:g} ms a hint, cache first", costly, FIRST),
        (f"{ms:g} ms a hint, cache first, events looked up", costly, LOOKUP),
        (f"{ms:g} ms a hint, cache first, events asked", costly, ASK),
    ]
    return [contestant(*way, worlds, learn) for way in ways]


def measure(entries: list[Contestant], warm_up: int, rounds: int, steps: int) -> None:
    """Warm all up, then let them take turns."""
    for entry in entries:
        entry.run(warm_up)
        entry.warm = entry.env.service.counters
    for _ in range(rounds):
        for entry in entries:
            wall, processor = time.perf_counter(), time.process_time()
            entry.run(steps)
            entry.seconds.append((time.perf_counter() - wall, time.process_time() - processor))


def main() -> None:
    """Measure in rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=64)
    parser.add_argument("--ms", type=float, default=1.75, help="of processor time for each hint")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=128, help="of each world in a round (of a rollout, with --learn)")
    parser.add_argument("--warm-up", type=int, default=512, help="steps of each world beforehand")
    parser.add_argument("--learn", action="store_true", help="train, too")
    arguments = parser.parse_args()
    th.set_num_threads(1)
    entries = contestants(arguments.worlds, arguments.ms, arguments.learn)
    measure(entries, arguments.warm_up, arguments.rounds, arguments.steps)
    print(f"`{COMMAND}{' --learn' if arguments.learn else ''}`\n\n{machine()}")
    print(f"{arguments.worlds} worlds, {arguments.rounds} rounds of {arguments.steps} steps each, medians\n")
    print("| hints | steps/s | per processor s | of that without | asked, of the due | cached | since begun | bank |")
    print("|---|---|---|---|---|---|---|---|")
    steps = arguments.steps * arguments.worlds
    base = np.array(entries[0].seconds)
    for entry in entries:
        service, seconds = entry.env.service, np.array(entry.seconds)
        counters = service.counters.since(entry.warm)
        print(
            f"| {entry.name} | {np.median(steps / seconds[:, 0]):,.0f} | {np.median(steps / seconds[:, 1]):,.0f} "
            f"| {np.median(base[:, 1] / seconds[:, 1]):.2f} "
            f"| {counters.percent('asked'):.1f} % | {counters.cache_share_percent:.1f} % "
            f"| {service.counters.cache_share_percent:.1f} % | {0 if service.cache is None else len(service.cache)} |"
        )


if __name__ == "__main__":
    main()
