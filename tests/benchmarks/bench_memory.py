"""Resident memory of a process with many worlds of a town, kernels, maps and observations included.

``OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_memory`` prints a table in Markdown; each line is a new process.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.machine import machine

COMMAND = "OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_memory"
VEHICLES, PEDESTRIANS, STEPS = 30, 20, 200


def run(worlds: int) -> None:
    """Step so many worlds in this process and print its resident memory, now and at most (MiB)."""
    import resource

    from tests.benchmarks.crowded_town import one_town, standing, town_env

    if worlds > 0:
        env = town_env(worlds, VEHICLES, PEDESTRIANS, one_town(), kept=worlds)
        for _ in range(STEPS):
            env.step(standing(worlds))
    status = Path("/proc/self/status").read_text()
    now = next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]
    print(int(now) / 1024.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, nargs="+", default=[0, 1, 64, 256])
    parser.add_argument("--child", type=int, help="measure so many worlds in this process")
    options = parser.parse_args()
    if options.child is not None:
        run(options.child)
        return
    if not Path("/proc/self/status").exists():
        print("resident memory is read from /proc, which is not there: nothing measured")
        return
    print(f"`{COMMAND}`\n\n{machine()}; {VEHICLES} vehicles, {PEDESTRIANS} pedestrians, after {STEPS} steps\n")
    print("| worlds | resident (MiB) | at most (MiB) |\n|---|---|---|")
    for worlds in options.worlds:
        command = [sys.executable, "-m", "tests.benchmarks.bench_memory", "--child", str(worlds)]
        made = subprocess.run(command, check=True, capture_output=True, text=True)
        now, most = (float(number) for number in made.stdout.split())
        print(f"| {worlds} | {now:.0f} | {most:.0f} |", flush=True)


if __name__ == "__main__":
    main()
