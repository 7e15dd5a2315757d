"""Start-up: ``hcrmp --help``, and the first step of an environment with a warm and with an empty kernel cache.

``python -m tests.benchmarks.bench_startup`` prints a table in Markdown. Every measurement is a new process.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping

import numpy as np

from tests.benchmarks.machine import machine

COMMAND = "python -m tests.benchmarks.bench_startup"
HELP = "from hcrmp.cli import main; raise SystemExit(main(['--help']))"
FIRST_STEP = (
    "import gymnasium as gym, envs; env = gym.make('hcrmp/Merging-v0', density='high'); env.reset(seed=0); "
    "env.step(env.action_space.sample())"
)
FIRST_TRAINING_STEP = (
    "import numpy as np; from hcrmp.build import build_environment; from hcrmp.config import load; "
    "env = build_environment(load('train'), 64); env.reset(); env.step(np.zeros((64, 2), np.float32))"
)


def seconds_of(code: str, environment: Mapping[str, str]) -> float:
    """Return the wall time of a new interpreter that runs ``code`` (s)."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, env=dict(environment))
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(f"`{COMMAND}`\n\n{machine()}; {arguments.rounds} rounds, medians\n")
    print("| new process | seconds | range |\n|---|---|---|")
    jobs = {
        "`hcrmp --help`": HELP,
        "first step of `hcrmp/Merging-v0`, warm cache": FIRST_STEP,
        "first step of 64 hinted worlds over all cells (SB3, torch), warm cache": FIRST_TRAINING_STEP,
    }
    for name, code in jobs.items():
        seconds_of(code, os.environ)
        times = np.array([seconds_of(code, os.environ) for _ in range(arguments.rounds)])
        print(f"| {name} | {np.median(times):.2f} | {times.min():.2f}-{times.max():.2f} |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        cold = seconds_of(FIRST_STEP, {**os.environ, "HCRMP_CACHE": folder})
    print(f"| first step of `hcrmp/Merging-v0`, empty cache (once) | {cold:.1f} | |")


if __name__ == "__main__":
    main()
