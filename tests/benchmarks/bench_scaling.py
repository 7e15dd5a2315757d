"""The town's cost against the number of actors and of worlds, one core, as a table and a plot.

``OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_scaling --plot scaling.png`` measures Town02 (our generated town
where it is not there): an ego that stands, vehicles and pedestrians 3 to 2, scan observation, reward, autoreset. The
first line of the second table is the headline: one world, 30 vehicles and 20 pedestrians. Contestants take turns.
Processor time is what this process used, wall time what passed: on a machine with other jobs they differ.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from envs.driving_env import DrivingVectorEnv
from envs.scene import FloatArray
from tests.benchmarks.crowded_town import one_town, standing, town_env
from tests.benchmarks.machine import machine

COMMAND = "OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_scaling"
ACTORS = (10, 20, 40, 80, 120)
WORLDS = (1, 4, 16, 64, 256)
ACTORS_OF_WORLDS = 50

WARM_UP = 300
"""Steps before the first measurement: half a minute, in which the traffic settles."""


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """Seconds of one environment step of all worlds, ``wall`` and ``processor`` ``(rounds, sizes)``."""

    sizes: tuple[int, ...]
    wall: FloatArray
    processor: FloatArray

    @property
    def cost(self) -> FloatArray:
        """Median processor time of a step ``(sizes,)`` (s)."""
        median: FloatArray = np.median(self.processor, axis=0)
        return median

    @property
    def line(self) -> tuple[float, float, float]:
        """Slope (s) and constant (s) of the line with the least relative errors, and the largest of them."""
        sizes = np.array(self.sizes, dtype=float)
        slope, constant = np.polyfit(sizes, self.cost, 1, w=1.0 / self.cost)
        worst = float(np.abs((slope * sizes + constant) / self.cost - 1.0).max())
        return float(slope), float(constant), worst


def split(actors: int) -> tuple[int, int]:
    """Return vehicles and pedestrians, 3 to 2."""
    vehicles = round(0.6 * actors)
    return vehicles, actors - vehicles


def measure(sizes: tuple[int, ...], envs: list[DrivingVectorEnv], rounds: int, seconds: float) -> Scaling:
    """Measure the environments in turn."""
    for env in envs:
        _seconds_per_step(env, WARM_UP)
    steps = [max(int(seconds / _seconds_per_step(env, 20)[1]), 2) for env in envs]
    times = np.array(
        [[_seconds_per_step(env, count) for env, count in zip(envs, steps, strict=True)] for _ in range(rounds)]
    )
    return Scaling(sizes, times[..., 0], times[..., 1])


def _seconds_per_step(env: DrivingVectorEnv, steps: int) -> tuple[float, float]:
    """Return wall and processor time of a step (s)."""
    actions = standing(env.num_envs)
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(steps):
        env.step(actions)
    return (time.perf_counter() - wall) / steps, (time.process_time() - processor) / steps


def print_table(scaling: Scaling, what: str, worlds: list[int]) -> None:
    """Print one table; ``worlds`` of each size."""
    print(f"| {what} | us of a step, processor | world steps per processor s | per s of wall time |")
    print(4 * "|---" + "|")
    wall = np.median(scaling.wall, axis=0)
    for size, cost, passed, count in zip(scaling.sizes, scaling.cost, wall, worlds, strict=True):
        print(f"| {size} | {1e6 * cost:,.0f} | {count / cost:,.0f} | {count / passed:,.0f} |")
    slope, constant, worst = scaling.line
    print(f"\nThe line {1e6 * constant:.1f} us + {1e6 * slope:.2f} us each is off by at most {100 * worst:.0f} %.\n")


def plot(path: Path, title: str, drawn: list[tuple[str, Scaling]]) -> None:
    """Draw the costs and their lines into a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(drawn), figsize=(9.0, 3.6), constrained_layout=True)
    for panel, (what, scaling) in zip(panels, drawn, strict=True):
        slope, constant, _ = scaling.line
        sizes = np.array(scaling.sizes, dtype=float)
        panel.plot(sizes, 1e6 * (slope * sizes + constant), color="0.7", label="line")
        panel.plot(sizes, 1e6 * scaling.cost, "o", color="C0", label="measured, median")
        panel.set(xlabel=what, ylabel="processor time of a step (us)")
        if sizes[-1] / sizes[0] > 100.0:
            panel.set(xscale="log", yscale="log")
        else:
            panel.set(ylim=(0.0, None))
        panel.legend(frameon=False)
    figure.suptitle(title)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, print the tables and draw the plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5, help="of processor time, of each size in each round")
    parser.add_argument("--plot", type=Path, help="PNG to write (needs matplotlib, extra bench)")
    options = parser.parse_args()
    maps = one_town()
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"
    town = Path(maps.names[0]).stem
    print(f"`{COMMAND}`\n\n{machine()}; {load}; {town}, {options.rounds} rounds, medians\n", flush=True)
    crowds = [town_env(1, *split(actors), maps) for actors in ACTORS]
    by_actors = measure(ACTORS, crowds, options.rounds, options.seconds)
    print_table(by_actors, "actors, one world", [1] * len(ACTORS))
    batches = [town_env(worlds, *split(ACTORS_OF_WORLDS), maps) for worlds in WORLDS]
    by_worlds = measure(WORLDS, batches, options.rounds, options.seconds)
    print_table(by_worlds, f"worlds of {ACTORS_OF_WORLDS} actors", list(WORLDS))
    if options.plot:
        drawn = [("actors in one world", by_actors), (f"worlds of {ACTORS_OF_WORLDS} actors", by_worlds)]
        plot(options.plot, f"{town}: vehicles and pedestrians 3 to 2, scan observation, one core", drawn)


if __name__ == "__main__":
    main()
