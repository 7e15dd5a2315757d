"""Training end to end: HCRMP and Stable-Baselines3's PPO, 64 worlds of all twelve cells, the same vector environment.

``OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_training`` prints a table in Markdown. The two take turns with one
rollout and its update each, so that a busy machine slows both; the ratio is the median over the rounds. Both see the
range scan and pay for the hints (PPO ignores them), and have the settings of ``algo=hcrmp`` and ``algo=ppo``.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch as th
from stable_baselines3.common.base_class import BaseAlgorithm

from hcrmp.build import build_algorithm, build_environment
from hcrmp.config import load
from tests.benchmarks.machine import machine

COMMAND = "OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_training"
METHODS = ("hcrmp", "ppo")
HORIZON = 3_000_000
"""Decisions that the learning-rate schedules count on; the benchmark stops long before."""


def planner(method: str, worlds: int) -> BaseAlgorithm:
    """Return the planner of ``algo=method`` on its own ``worlds`` worlds."""
    config = load("train", [f"algo={method}"])
    return build_algorithm(config, build_environment(config, worlds))


def seconds_of(model: BaseAlgorithm, steps: int) -> tuple[float, float]:
    """Train for ``steps`` decisions; return wall and processor time (s)."""
    wall, processor = time.perf_counter(), time.process_time()
    model.learn(steps, reset_num_timesteps=False)
    return time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    """Measure in rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--worlds", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    arguments = parser.parse_args()
    th.set_num_threads(arguments.threads)
    models = {method: planner(method, arguments.worlds) for method in METHODS}
    rollout = arguments.worlds * 128
    for model in models.values():
        # The first rollout warms up: compilation, allocations, the first episodes.
        model.learn(rollout)
    rounds = np.array([[seconds_of(model, rollout) for model in models.values()] for _ in range(arguments.rounds)])
    print(f"`{COMMAND}`\n\n{machine()}, torch {th.__version__} on {arguments.threads} thread(s)")
    print(f"{arguments.worlds} worlds, {arguments.rounds} rounds of a rollout of 128 steps and its update, medians\n")
    print("| algorithm | steps/s | range | steps per processor second |")
    print("|---|---|---|---|")
    for column, method in enumerate(METHODS):
        wall, processor = rollout / rounds[:, column, 0], rollout / rounds[:, column, 1]
        spread = f"{wall.min():,.0f}-{wall.max():,.0f}"
        print(f"| {method} | {np.median(wall):,.0f} | {spread} | {np.median(processor):,.0f} |")
    ratio, processor_ratio = np.median(rounds[:, 1] / rounds[:, 0], axis=0)
    print(f"\nhcrmp trains at {ratio:.2f} of the speed of SB3's PPO ({processor_ratio:.2f} in processor time).")


if __name__ == "__main__":
    main()
