"""Time of a reset of one world of routes: 30 vehicles and 20 pedestrians, drawn anew and put into the simulator.

``OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_reset [MAP ...]`` prints a table in Markdown; a map is a generated
one or the path of an OpenDRIVE file. What a map needs once (its walk graph, the search from a start that is drawn for
the first time) is part of the mean, as in a training. The time of the processor is told beside that of the clock: on a
busy machine some resets wait for their turn, and a mean of the clock's times tells little else.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.scenarios.maps import MapLibrary
from envs.scenarios.route import TOWN, route, sample_route
from tests.benchmarks.machine import machine

VEHICLES, PEDESTRIANS = 30, 20
COMMAND = "OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_reset"


def reset_times(map_name: str, resets: int) -> Iterator[tuple[float, float]]:
    """Yield the seconds of each of ``resets`` resets, and those of the processor."""
    maps = MapLibrary([map_name])
    scenario = replace(route("high", map_name), vehicles=VEHICLES, pedestrians=PEDESTRIANS)
    simulator = EmbeddedSimulator(1, maps, EmbeddedConfig(VEHICLES, PEDESTRIANS))
    simulator.reset([sample_route(scenario, resets, 0, maps)])
    for seed in range(resets):
        begin, worked = time.perf_counter(), time.thread_time()
        simulator.reset([sample_route(scenario, seed, 0, maps)])
        yield time.perf_counter() - begin, time.thread_time() - worked


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("maps", nargs="*", default=[TOWN], metavar="MAP")
    parser.add_argument("--resets", type=int, default=500)
    arguments = parser.parse_args()
    print(f"`{COMMAND}`\n\n{machine()}")
    print(f"{VEHICLES} vehicles, {PEDESTRIANS} pedestrians, one world, {arguments.resets} resets\n")
    print("| map | mean ms | mean ms of the processor | median ms | 99 % within ms |")
    print("|---|---|---|---|---|")
    for name in arguments.maps:
        clock, processor = 1e3 * np.array(list(reset_times(name, arguments.resets))).T
        print(
            f"| {Path(name).stem} | {clock.mean():.2f} | {processor.mean():.2f} | {np.median(clock):.2f} "
            f"| {np.quantile(clock, 0.99):.2f} |"
        )


if __name__ == "__main__":
    main()
