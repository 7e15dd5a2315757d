"""Our traffic against SUMO's (libsumo), same town, same drivers, in one run: steps per second, and the flow.

``OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_sumo`` prints tables in Markdown. Both simulators step one world
of so many cars by 0.1 s in this process; contestants take turns. The flow is that of a closed system: one speed limit,
the same advised speeds in curves, right of way, signs and signals (``sumo_rules``), drivers drawn from the same ranges
(IDM in both), and SUMO's drive the very ways that ours drove (``sumo_routes``): how long one stands before junctions
depends on the ways more than on how anybody drives.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from envs.roads.lane_graph import LaneGraph
from envs.scene import FloatArray
from tests.benchmarks.machine import machine
from tests.benchmarks.sumo_routes import driven_lanes, write_drivers
from tests.benchmarks.sumo_town import SumoTown, has_sumo, start, sumo_flow, write_network
from tests.benchmarks.town_traffic import PERIOD_S, LaneKind, TownFlow, cars, drive, flow, opendrive_text, town_graph
from tests.gates.population import GENERATED, MAPS

COMMAND = "OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_sumo"

LIMIT_MPS = 40.0 / 3.6
"""The one speed limit (m/s)."""

MODELS = ("IDM", "Krauss")
"""SUMO's car-following models: ours, and its default."""

VALUES: dict[str, Callable[[TownFlow], float]] = {
    "mean speed (m/s)": lambda town: town.speed,
    "flow per lane (vehicles/h)": lambda town: float(town.per_lane.mean()),
    "share of time standing": lambda town: town.waiting,
    "stops per km": lambda town: town.stops_per_km,
}
"""What is compared of the flows."""

WARM_UP = 1200
"""Ticks before anything is counted: two minutes."""


def speeds(graph: LaneGraph, town: SumoTown, vehicles: int, rounds: int, seconds: float) -> dict[str, FloatArray]:
    """Return steps per second ``(rounds,)`` by contestant."""
    worlds, ticks = cars(graph, vehicles, 0), iter(range(10**9))
    driven = driven_lanes(cars(graph, vehicles, 0), WARM_UP)

    def ours() -> None:
        drive(worlds, next(ticks), 1)

    drive(worlds, 0, WARM_UP)
    measured: dict[str, list[float]] = {"ours, step by step": [], "ours, 100 steps a call": []}
    measured |= {f"SUMO {model}": [] for model in MODELS}
    for _ in range(rounds):
        measured["ours, step by step"].append(_rate(ours, seconds, 1))
        measured["ours, 100 steps a call"].append(_rate(lambda: drive(worlds, next(ticks), 100), seconds, 100))
        for model in MODELS:
            simulation = start(town.net, write_drivers(town, worlds, driven, 0, model), 0)
            for _ in range(WARM_UP):
                simulation.simulationStep()
            measured[f"SUMO {model}"].append(_rate(simulation.simulationStep, seconds, 1))
            simulation.close()
    return {name: np.array(rates) for name, rates in measured.items()}


def _rate(job: Callable[[], object], seconds: float, steps: int) -> float:
    """Return steps per second of a ``job`` that makes so many."""
    done, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        for _ in range(max(100 // steps, 1)):
            job()
        done += steps * max(100 // steps, 1)
    return done / (time.perf_counter() - begin)


def print_speeds(measured: dict[str, FloatArray]) -> None:
    """Print the table of steps per second."""
    sumo = measured[f"SUMO {MODELS[1]}"]
    print("| simulator, one world | steps/s | range | times SUMO's default model |\n" + 4 * "|---" + "|")
    for name, rates in measured.items():
        print(f"| {name} | {np.median(rates):,.0f} | {rates.min():,.0f}-{rates.max():,.0f} "
              f"| {np.median(rates / sumo):.2f} |")  # fmt: skip


Pairs = list[tuple[TownFlow, TownFlow]]


def flows(graph: LaneGraph, town: SumoTown, vehicles: int, seeds: int, minutes: float) -> Pairs:
    """Return the flow of ours and of SUMO's traffic for each seed."""
    ticks, pairs = round(60.0 * minutes / PERIOD_S), Pairs()
    for seed in range(seeds):
        driven = driven_lanes(cars(graph, vehicles, seed), WARM_UP + 2 * ticks)
        worlds = cars(graph, vehicles, seed)
        drivers = write_drivers(town, worlds, driven, seed, MODELS[0])
        ours = flow(worlds, WARM_UP, ticks)
        simulation = start(town.net, drivers, seed)
        pairs.append((ours, sumo_flow(simulation, town, graph, WARM_UP, ticks)))
        simulation.close()
    return pairs


def print_flows(pairs: Pairs) -> None:
    """Print the table of flows: means over the seeds, their ratio and its 95 % interval by the seeds' pairs."""
    print("| | ours | SUMO | ratio | 95 % interval |\n" + 5 * "|---" + "|")
    for name, value in VALUES.items():
        both = np.array([[value(town) for town in pair] for pair in pairs])
        low, high = _interval(both)
        ours, sumo = both.mean(axis=0)
        print(f"| {name} | {ours:.2f} | {sumo:.2f} | {ours / sumo:.3f} | {low:.3f}-{high:.3f} |")
    spread = [np.std(lanes) / np.mean(lanes) for k in (0, 1) for lanes in [np.mean([p[k].per_lane for p in pairs], 0)]]
    print(f"\nOver the {len(pairs[0][0].per_lane)} cross-sections the flow varies by {spread[0]:.2f} (ours) and "
          f"{spread[1]:.2f} (SUMO) of its mean.")  # fmt: skip


def print_kinds(pairs: Pairs) -> None:
    """Print the table of seconds per km by the kind of lane, and the share of the distance there."""
    print("\n| lanes before and in junctions | share of the way, ours | SUMO | s per km, ours | SUMO | ours / SUMO |")
    print(6 * "|---" + "|")
    metres = np.array([[town.metres for town in pair] for pair in pairs])
    seconds = np.array([[town.seconds for town in pair] for pair in pairs])
    for kind in LaneKind:
        way, taken = metres[..., kind], seconds[..., kind]
        if not way.any():
            continue
        share = way.sum(axis=0) / metres.sum(axis=(0, 2))
        ours, sumo = 1000.0 * taken.sum(axis=0) / way.sum(axis=0)
        print(f"| {kind.name.lower()} | {share[0]:.2f} | {share[1]:.2f} | {ours:.0f} | {sumo:.0f} "
              f"| {ours / sumo:.3f} |")  # fmt: skip


def _interval(both: FloatArray, draws: int = 10_000) -> FloatArray:
    """Return the 95 % bootstrap interval of the ratio of means of ``both`` ``(seeds, 2)``."""
    rng = np.random.default_rng(0)
    means = both[rng.integers(len(both), size=(draws, len(both)))].mean(axis=1)
    interval: FloatArray = np.percentile(means[:, 0] / means[:, 1], [2.5, 97.5])
    return interval


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maps", nargs="+", default=["Town02", GENERATED])
    parser.add_argument("--vehicles", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each contestant in each round")
    parser.add_argument("--seeds", type=int, default=6, help="worlds of each simulator for the flow; 0: no flow")
    parser.add_argument("--minutes", type=float, default=20.0, help="simulated minutes that are counted in each")
    options = parser.parse_args()
    if not has_sumo():
        print('SUMO is not there, nothing to compare with: pip install "hcrmp[bench]"')
        return
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"
    print(f"`{COMMAND}`\n\n{machine()}; {load}; {options.vehicles} cars, {options.rounds} rounds of "
          f"{options.seconds} s each, medians; flow: {options.seeds} seeds of {options.minutes:g} minutes")  # fmt: skip
    for name in options.maps:
        if name != GENERATED and not (MAPS / f"{name}.xodr").exists():
            print(f"\n{name}: the map is not there, skipped")
            continue
        graph = town_graph(name, LIMIT_MPS)
        with tempfile.TemporaryDirectory() as folder:
            town = write_network(opendrive_text(name), graph, cars(graph, 1, 0).roads, Path(folder))
            print(f"\n{name}: who of two goes first is as netconvert has it in {town.rules.guessed} of "
                  f"{town.rules.pairs} pairs\n", flush=True)  # fmt: skip
            if options.rounds > 0:
                print_speeds(speeds(graph, town, options.vehicles, options.rounds, options.seconds))
            if options.seeds > 0:
                print(flush=True)
                pairs = flows(graph, town, options.vehicles, options.seeds, options.minutes)
                print_flows(pairs)
                print_kinds(pairs)


if __name__ == "__main__":
    main()
