"""Maps: time to read, compile and load from the cache, and the memory of the arrays.

``python -m tests.benchmarks.bench_roads`` prints a table in Markdown. CARLA's towns are measured where they are in
../shared/data/carla_maps.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np

from envs.roads.cache import load_lane_graph
from envs.roads.compiler import compile_lane_graph
from envs.roads.generate import OnRampRoad
from envs.roads.lane_graph import LaneGraph
from envs.roads.opendrive import parse_opendrive
from envs.user_cache import CACHE_VARIABLE
from tests.benchmarks.machine import machine

COMMAND = "python -m tests.benchmarks.bench_roads"
MAPS = Path(__file__).parents[3] / "shared" / "data" / "carla_maps"


def median_seconds(job: Callable[[], object], rounds: int) -> float:
    """Return the median wall time of ``job``, after one call that is not counted (s)."""
    job()
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        job()
        times.append(time.perf_counter() - begin)
    return float(np.median(times))


def mebibytes(graph: LaneGraph) -> float:
    """Return the size of a graph's arrays (MiB), its drawing left out."""
    holders = (graph, graph.controls)
    arrays = [getattr(holder, item.name) for holder in holders for item in fields(holder)]
    return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray)) / 2**20


def row(path: Path, rounds: int) -> str:
    """Return the table's row of one map."""
    content = path.read_bytes()
    opendrive = parse_opendrive(content, path.stem)
    graph = compile_lane_graph(opendrive)
    read = median_seconds(lambda: parse_opendrive(content, path.stem), rounds)
    compiled = median_seconds(lambda: compile_lane_graph(opendrive), rounds)
    cached = median_seconds(lambda: load_lane_graph(path), rounds)
    sizes = f"{graph.lane_count} | {len(graph.samples)} | {mebibytes(graph):.1f}"
    return f"| {path.stem} | {sizes} | {read:.3f} | {compiled:.3f} | {1e3 * cached:.1f} |"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(f"`{COMMAND}`\n\n{machine()}; {arguments.rounds} rounds, medians\n")
    print("| map | lanes | samples | MiB | read (s) | compile (s) | load from the cache (ms) |\n" + 7 * "|---" + "|")
    with tempfile.TemporaryDirectory() as folder:
        os.environ[CACHE_VARIABLE] = folder
        ramp = Path(folder) / "on_ramp_road.xodr"
        ramp.write_text(OnRampRoad().opendrive())
        for path in (ramp, *sorted(MAPS.glob("*.xodr"))):
            print(row(path, arguments.rounds), flush=True)


if __name__ == "__main__":
    main()
