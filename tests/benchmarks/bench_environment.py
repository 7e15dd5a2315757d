"""Steps per second of the environment, 20 vehicles, one core, everything on; and of highway-env in the same run.

``OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_environment`` prints a table in Markdown. The contestants take
turns, so that a busy machine slows all of them; numbers are medians over the rounds. A step of ours is a decision of
one world (0.1 s: physics at 20 ms, traffic, scan observation, reward terms, rules hints, autoreset with a newly
sampled scenario). highway-env is ``highway-v0`` with 20 vehicles (``pip install "hcrmp[bench]"``), its default
observation and reward, in two settings: its defaults (a decision of 1 s) and 10 decisions a second, one physics step
each, which is the nearest to ours and its cheapest.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

import numpy as np

from tests.benchmarks.crowded_road import VEHICLES, crowded_env
from tests.benchmarks.machine import machine

Runner = Callable[[float], float]
"""Runs for about so many seconds and returns decision steps per second."""

COMMAND = "OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_environment"


def ours(worlds: int) -> Runner:
    """Return the runner of ``worlds`` crowded roads."""
    env = crowded_env(worlds)
    env.seed(0)
    env.reset()
    # A constant action: what a policy costs is no part of the environment. It holds about the traffic's speed.
    actions = np.tile(np.array([0.0, 0.0], np.float32), (worlds, 1))

    def run(seconds: float) -> float:
        steps, begin = 0, time.perf_counter()
        while time.perf_counter() - begin < seconds:
            for _ in range(100):
                env.step(actions)
            steps += 100 * worlds
        return steps / (time.perf_counter() - begin)

    return run


def highway(settings: dict[str, int]) -> Runner:
    """Return the runner of highway-env's ``highway-v0`` with 20 vehicles, always idle, reset at the end of episodes."""
    import gymnasium as gym
    import highway_env

    gym.register_envs(highway_env)
    env = gym.make("highway-v0", config={"vehicles_count": VEHICLES, **settings})
    env.reset(seed=0)
    idle = 1

    def run(seconds: float) -> float:
        steps, begin = 0, time.perf_counter()
        while time.perf_counter() - begin < seconds:
            *_, terminated, truncated, _ = env.step(idle)
            steps += 1
            if terminated or truncated:
                env.reset()
        return steps / (time.perf_counter() - begin)

    return run


def contestants(with_highway: bool) -> Iterator[tuple[str, float, Runner]]:
    """Yield name, simulated seconds of a step, and runner of each."""
    yield "hcrmp, 1 world", 0.1, ours(1)
    yield "hcrmp, 64 worlds, one process", 0.1, ours(64)
    if with_highway:
        yield "highway-env, defaults (1 s a decision)", 1.0, highway({})
        tenth = {"policy_frequency": 10, "simulation_frequency": 10, "duration": 40}
        yield "highway-env, 0.1 s a decision, one physics step", 0.1, highway(tenth)


def main() -> None:
    """Measure in rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each contestant in each round")
    parser.add_argument("--no-highway", action="store_true", help="leave highway-env out")
    arguments = parser.parse_args()
    entries = list(contestants(not arguments.no_highway))
    for _, _, run in entries:
        run(0.3)
    rounds = np.array([[run(arguments.seconds) for _, _, run in entries] for _ in range(arguments.rounds)])
    print(f"`{COMMAND}`\n\n{machine()}")
    print(f"{VEHICLES} vehicles, {arguments.rounds} rounds of {arguments.seconds} s each, medians\n")
    print("| environment | steps/s | range | simulated s per s | times the first line's steps/s |")
    print("|---|---|---|---|---|")
    for column, (name, step_s, _) in enumerate(entries):
        speeds = rounds[:, column]
        ratio = np.median(rounds[:, column] / rounds[:, 0])
        print(
            f"| {name} | {np.median(speeds):,.0f} | {speeds.min():,.0f}-{speeds.max():,.0f} "
            f"| {step_s * np.median(speeds):,.0f} | {ratio:.4f} |"
        )
    for column in range(2, len(entries)):
        single, batch = (np.median(rounds[:, mine] / rounds[:, column]) for mine in (0, 1))
        print(f"\nAgainst {entries[column][0]}: {single:.0f} times the steps with 1 world, {batch:.0f} times with 64.")


if __name__ == "__main__":
    main()
