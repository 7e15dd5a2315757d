"""What the CARLA adapter costs, and what a second server brings, with the real client and our own servers.

``OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_carla_adapter`` prints two tables in Markdown. The adapter's own
cost is the time of a step less that of its two calls (batch, tick): the brain, the poses, reading back, deriving.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from envs.carla_backend.config import CarlaConfig, FarmConfig
from envs.carla_backend.farm import CarlaFarm
from envs.carla_backend.handles import ProcessWorker
from envs.embedded.simulator import EmbeddedConfig
from envs.scenarios.catalogue import ScenarioSet, scenario_set
from envs.scene import FloatArray
from tests.benchmarks.machine import machine
from tests.envs.carla_server.serving import served
from tests.ports import free_port

COMMAND = "OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_carla_adapter"
QUIET = 0.2
"""Cores that others may use in a round that counts as quiet."""

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


class Farm:
    """A farm of ``count`` launched servers to be measured; while it is not, it uses no CPU."""

    def __init__(self, scenarios: ScenarioSet, count: int) -> None:
        self._scenarios, self._count = scenarios, count
        config = FarmConfig(launch=LAUNCH, count=count, first_port=free_port())
        self._farm = CarlaFarm(scenarios.maps, slots_of(scenarios), config)
        self.close = self._farm.close

    def speed(self, number: int, steps: int) -> float:
        """Return decisions per second in the case of seed ``number``, by the clock from its first step on."""
        control = np.tile([0.2, 0.0, 0.0], (self._count, 1))
        self._farm.reset([self._scenarios.sample(0, number)] * self._count)
        begin = time.perf_counter()
        for _ in range(steps):
            self._farm.step(control)
        return self._count * steps / (time.perf_counter() - begin)

    def cpu_s(self) -> FloatArray:
        """Return the CPU time so far (s) of the servers, of their clients, and of this process."""
        sites = self._farm._sites
        servers = [site.server.group for site in sites if site.server]
        clients = [site._worker._process.pid for site in sites if isinstance(site._worker, ProcessWorker)]
        return np.array([sum(map(_cpu_s, pids)) for pids in (servers, clients, [os.getpid()])])


def _cpu_s(pid: int | None) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _busy_s() -> float:
    """Return the CPU time that all processes of the machine have used so far (s)."""
    user, nice, system, _idle, _waits, *interrupts = Path("/proc/stat").read_text("utf-8").split("\n")[0].split()[1:8]
    return sum(map(int, (user, nice, system, *interrupts))) / os.sysconf("SC_CLK_TCK")


@dataclass
class FarmSpeeds:
    """By round: decisions per second of one and of two servers, and the cores that others used meanwhile.

    ``cpu_ms`` of a decision of one of two worlds: server, client, parent.
    """

    alone: list[float] = field(default_factory=list)
    two: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    cpu_ms: FloatArray = field(default_factory=lambda: np.zeros(3))


def farm_speeds(rounds: int, steps: int) -> FarmSpeeds:
    """Measure one server and two in turn, so that both meet the same machine."""
    scenarios, found = scenario_set("overtaking", "medium"), FarmSpeeds()
    with closing(Farm(scenarios, 1)) as single, closing(Farm(scenarios, 2)) as pair:
        for number in range(rounds):
            begin, busy, own = time.perf_counter(), _busy_s(), single.cpu_s()[:2].sum() + pair.cpu_s().sum()
            found.alone.append(single.speed(number, steps))
            before = pair.cpu_s()
            found.two.append(pair.speed(number, steps))
            found.cpu_ms += 1e3 * (pair.cpu_s() - before) / (2 * steps * rounds)
            own = single.cpu_s()[:2].sum() + pair.cpu_s().sum() - own
            found.others.append((_busy_s() - busy - own) / (time.perf_counter() - begin))
    return found


def _print_ratio(farms: FarmSpeeds) -> None:
    """Print what two servers give times one, and what they could: the cores have room for so many decisions."""
    ratios = [two / one for one, two in zip(farms.alone, farms.two, strict=True)]
    quiet = [ratio for ratio, others in zip(ratios, farms.others, strict=True) if others < QUIET]
    server, client, parent = farms.cpu_ms
    most = 1e3 * (os.cpu_count() or 1) / farms.cpu_ms.sum() / statistics.median(farms.alone)
    print(f"\ntwo servers give {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}) times one, while "
          f"others used {statistics.median(farms.others):.1f} cores")  # fmt: skip
    if quiet:
        print(f"in the {len(quiet)} rounds with others below {QUIET} cores: {statistics.median(quiet):.2f} "
              f"({min(quiet):.2f}-{max(quiet):.2f})")  # fmt: skip
    print(f"CPU of a decision: server {server:.2f} ms, client {client:.2f} ms, parent {parent:.2f} ms: on "
          f"{os.cpu_count()} cores at most {most:.2f} times one server")  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--steps", type=int, default=600)
    options = parser.parse_args()
    bodies, own, whole = own_cost(options.rounds, options.steps)
    farms = farm_speeds(options.rounds, options.steps)
    print(f"`{COMMAND}`\n\n{machine()}; {options.rounds} rounds of {options.steps} steps, medians\n")
    print("| one world | ms a step | range |\n|---|---|---|")
    for name, numbers in ((f"adapter alone, {bodies} others", own), ("with our server's tick", whole)):
        print(f"| {name} | {statistics.median(numbers):.2f} | {min(numbers):.2f}-{max(numbers):.2f} |")
    print("\n| farm | decisions/s | range |\n|---|---|---|")
    for name, numbers in (("1 server", farms.alone), ("2 servers", farms.two)):
        print(f"| {name} | {statistics.median(numbers):,.0f} | {min(numbers):,.0f}-{max(numbers):,.0f} |")
    _print_ratio(farms)


if __name__ == "__main__":
    main()
