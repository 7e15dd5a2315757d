"""How well served hints follow the expert's present one: asked once a second, and with the cache first.

``OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_served [PLANNER]`` prints a table in Markdown: where the planner
(that in the box by default; it samples its actions) stands, creeps and drives, the error (rms) of the safety weight
that is served and its correlation with the expert's of that very moment. The cache begins empty and is filled by the
expert itself, so that what differs is what the key could not tell apart.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from envs.scene import FloatArray, SceneBatch
from hcrmp.build import build_environment, build_service
from hcrmp.bundled import bundled_planner
from hcrmp.sections import HintsConfig
from hcrmp.share.opening import load_policy, shared_config
from llm_hints.cache import CacheConfig
from llm_hints.hint import HintSource
from llm_hints.service import HintService
from llm_hints.service_config import HintServiceConfig
from tests.benchmarks.machine import machine

COMMAND = "OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_served"
FAMILIES = ("occluded_pedestrian", "merging", "trilemma", "overtaking")
SPEEDS = (("stands", 0.0, 0.5), ("creeps", 0.5, 5.0), ("drives", 5.0, np.inf))
"""Name, and from and below which speed (m/s)."""

SAFETY = 0
SECOND = HintServiceConfig()
FIRST = HintServiceConfig(policy="cache_first", on_event="lookup")
PRESENT = HintServiceConfig(period_s=0.1, window_s=0.1)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("planner", nargs="?", type=Path, default=bundled_planner())
    parser.add_argument("--worlds", type=int, default=64)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--threshold", type=float, default=0.95)
    parser.add_argument("--families", nargs="+", default=FAMILIES)
    arguments = parser.parse_args()
    cache = CacheConfig(capacity=10_000, threshold=arguments.threshold)
    print(
        f"`{COMMAND}`\n\n{machine()}; {arguments.worlds} worlds, {arguments.steps} steps, hits from {cache.threshold}\n"
    )
    print("| where it | moments | error, each second | error, cache | correlation | with cache | asked |")
    print("|---|---|---|---|---|---|---|")
    for family in arguments.families:
        seen = np.concatenate(list(drive(arguments.planner, family, cache, arguments.worlds, arguments.steps)))
        for name, low, high in SPEEDS:
            part = seen[(seen[:, 0] >= low) & (seen[:, 0] < high)]
            if len(part) > 1:
                print(f"| {family}, {name} | {row(part)} |", flush=True)


def drive(planner: Path, family: str, cache: CacheConfig, worlds: int, steps: int) -> Iterator[FloatArray]:
    """Yield of every step ``(B, 5)``: speed, the safety weights of each second, the cache and now, who was asked."""
    config = shared_config(planner)
    config = replace(config, seed=0, scenario=replace(config.scenario, families=(family,)), map="")
    services = [
        build_service(replace(HintsConfig(), service=service, cache=cache), worlds, seed)
        for seed, service in enumerate((FIRST, PRESENT))
    ]
    env = build_environment(config, worlds, replace(HintsConfig(), service=SECOND))
    policy, observation = load_policy(planner, deterministic=False), env.reset()
    for service in services:
        service.reset(None, env.driving.scene)
    for _ in range(steps):
        made = env.advance(policy.act(observation))
        observation = env.observe(made.observation)
        for service in services:
            service.poll(env.driving.scene)
        yield told(env.driving.scene, env.service, *services)
        if made.any_ended:
            observation = env.restart(made.ended)
            for service in services:
                service.reset(made.ended, env.driving.scene)
    env.close()


def told(scene: SceneBatch, second: HintService, first: HintService, present: HintService) -> FloatArray:
    """Return what ``drive`` yields of one step."""
    weights = [service.hints.weights[:, SAFETY] for service in (second, first, present)]
    return np.column_stack([scene.ego.speed, *weights, first.hints.source == HintSource.MODEL])


def row(part: FloatArray) -> str:
    """Return the cells of some moments."""
    present = part[:, 3]
    errors = [f"{np.sqrt(((part[:, column] - present) ** 2).mean()):.3f}" for column in (1, 2)]
    alike = [
        f"{np.corrcoef(part[:, column], present)[0, 1]:.2f}"
        if min(np.ptp(part[:, column]), np.ptp(present)) > 0
        else "-"
        for column in (1, 2)
    ]
    return " | ".join([f"{len(part):,}", *errors, *alike, f"{100 * part[:, 4].mean():.1f} %"])


if __name__ == "__main__":
    main()
