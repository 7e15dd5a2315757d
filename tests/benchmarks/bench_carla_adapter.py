"""What the CARLA adapter costs, and what a second server brings, with the real client and our own servers.

``OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_carla_adapter`` prints two tables in Markdown. The adapter's own
cost is the time of a step less that of its two calls (batch, tick): the brain, the poses, reading back, deriving.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from envs.carla_backend.config import CarlaConfig, FarmConfig
from envs.carla_backend.farm import CarlaFarm
from envs.embedded.simulator import EmbeddedConfig
from envs.scenarios.catalogue import ScenarioSet, scenario_set
from tests.benchmarks.machine import machine
from tests.envs.carla_server.serving import served
from tests.ports import free_port

COMMAND = "OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_carla_adapter"
LAUNCH = f"{sys.executable} -m hcrmp.cli serve --map street_0 --port {{port}}"


def slots_of(scenarios: ScenarioSet) -> EmbeddedConfig:
    """Return the slots that the scenarios need."""
    return EmbeddedConfig(actors=scenarios.most_actors, pedestrians=scenarios.most_pedestrians)


class Clock:
    """Adds up the time that the wrapped calls take."""

    def __init__(self) -> None:
        self.total_s = 0.0

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``call`` with its time counted."""

        def timed(*arguments: Any) -> Any:
            begin = time.perf_counter()
            try:
                return call(*arguments)
            finally:
                self.total_s += time.perf_counter() - begin

        return timed


def own_cost(rounds: int, steps: int) -> tuple[int, list[float], list[float]]:
    """Return bodies on the server, and the adapter's own and the whole milliseconds of a step, by round."""
    from envs.carla_backend.simulator import CarlaSimulator

    scenarios = scenario_set("route", "medium")
    own, whole = [], []
    with served("street_0") as port:
        simulator = CarlaSimulator(scenarios.maps, slots_of(scenarios), CarlaConfig(port=port))
        clock = Clock()
        for number in range(rounds):
            scene = simulator.reset([scenarios.sample(0, number)])
            session = simulator._session
            session.tick, session.send = clock.around(session.tick), clock.around(session.send)  # type: ignore[method-assign]
            clock.total_s, begin = 0.0, time.perf_counter()
            for _ in range(steps):
                simulator.step(np.array([[0.2, 0.0, 0.0]]))
            spent = time.perf_counter() - begin
            own.append(1e3 * (spent - clock.total_s) / steps)
            whole.append(1e3 * spent / steps)
            del session.tick, session.send
        bodies = int(scene.actors.valid[0].sum())
        simulator.close()
    return bodies, own, whole


def farm_speed(count: int, rounds: int, steps: int) -> list[float]:
    """Return decisions per second of a farm of ``count`` servers, by round."""
    scenarios = scenario_set("overtaking", "medium")
    config = FarmConfig(launch=LAUNCH, count=count, first_port=free_port())
    farm = CarlaFarm(scenarios.maps, slots_of(scenarios), config)
    speeds = []
    try:
        for number in range(rounds):
            farm.reset([scenarios.sample(0, number)] * count)
            begin = time.perf_counter()
            for _ in range(steps):
                farm.step(np.tile([0.2, 0.0, 0.0], (count, 1)))
            speeds.append(count * steps / (time.perf_counter() - begin))
    finally:
        farm.close()
    return speeds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=400)
    options = parser.parse_args()
    bodies, own, whole = own_cost(options.rounds, options.steps)
    alone, two = (farm_speed(count, options.rounds, options.steps) for count in (1, 2))
    print(f"`{COMMAND}`\n\n{machine()}; {options.rounds} rounds of {options.steps} steps, medians\n")
    print("| one world | ms a step | range |\n|---|---|---|")
    for name, numbers in ((f"adapter alone, {bodies} others", own), ("with our server's tick", whole)):
        print(f"| {name} | {statistics.median(numbers):.2f} | {min(numbers):.2f}-{max(numbers):.2f} |")
    print("\n| farm | decisions/s | range | times one server |\n|---|---|---|---|")
    for name, numbers in (("1 server", alone), ("2 servers", two)):
        ratio = statistics.median(numbers) / statistics.median(alone)
        print(f"| {name} | {statistics.median(numbers):,.0f} | {min(numbers):,.0f}-{max(numbers):,.0f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
