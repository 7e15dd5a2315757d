"""Time of an evaluation: 1,200 episodes of one planner, the paper's 12 cells with 100 each, journal and all.

``OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_evaluation [PLANNER ...]`` prints a table in Markdown; a planner is
a run's folder or a driver's name, ``law_abiding`` by default. Beside the clock's time stand the processors' seconds of
all processes: on a busy machine the clock tells of the others' work.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from hcrmp.comparison.job import compare
from hcrmp.comparison.processes import cores
from hcrmp.config import load
from tests.benchmarks.machine import machine

COMMAND = "OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_evaluation"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("planners", nargs="*", default=["law_abiding"], metavar="PLANNER")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, cores()])
    parser.add_argument("--episodes", type=int, default=100, help="episodes of each of the 12 cells")
    arguments = parser.parse_args()
    print(f"`{COMMAND}`\n\n{machine()}\n")
    print("| planner | processes | episodes | wall s | processors' s | mean episode s | SR % |")
    print("|---|---|---|---|---|---|---|")
    for planner in arguments.planners:
        for processes in dict.fromkeys(arguments.processes):
            print(f"| {Path(planner).name} | {measured(planner, processes, arguments.episodes)} |", flush=True)


def measured(planner: str, processes: int, episodes: int) -> str:
    """Return the cells of one row."""
    with TemporaryDirectory() as folder:
        words = [f"planners=['{planner}']", "scenario=paper", f"episodes={episodes}", f"output={folder}"]
        config = load("evaluate", [*words, f"processes={processes}", "progress=false"])
        begin, worked = time.perf_counter(), _processors_s()
        comparison, _ = compare(config, Console(quiet=True))
        wall, work = time.perf_counter() - begin, _processors_s() - worked
    records = comparison.methods[0].records
    simulated = sum(record.time_s for record in records) / len(records)
    rate = 100.0 * sum(record.outcome == "success" for record in records) / len(records)
    return f"{processes} | {len(records)} | {wall:.1f} | {work:.1f} | {simulated:.1f} | {rate:.0f}"


def _processors_s() -> float:
    """Return the processors' seconds of this process and of those that it has begun and ended."""
    told = os.times()
    return told.user + told.system + told.children_user + told.children_system


if __name__ == "__main__":
    main()
