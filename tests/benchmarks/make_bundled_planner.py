"""The planner in the box, from a trained run: measured, shared into the package, told of by its card.

    hcrmp train run=everything scenario=everything total_steps=12_000_000 seed=0
    python -m tests.benchmarks.make_bundled_planner runs/everything

What was measured before with the same weights and as many episodes is not driven again.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from hcrmp.bundled import BUNDLED_FOLDER, BUNDLED_PLANNER
from hcrmp.checkpoint import parameters_checksum
from hcrmp.comparison.places import in_run
from hcrmp.config import load
from hcrmp.evaluate import evaluate
from hcrmp.evaluate_config import EvaluateConfig
from hcrmp.run_folder import RunFolder, read_json
from hcrmp.share.config import ShareConfig
from hcrmp.share.job import share

COURSES = ("everything", "paper", "route")
"""Options of ``scenario=``: all families at once, the paper's twelve cells, and routes that go on after a violation."""

LICENCE = "Apache-2.0"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the run, and write its planner into the package."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the trained run")
    parser.add_argument("--episodes", type=int, default=100, help="of each cell (default 100)")
    parser.add_argument("--output", type=Path, default=BUNDLED_FOLDER, help="folder (default: the package's)")
    options = parser.parse_args(arguments)
    folder = RunFolder.open(options.run)
    for course in COURSES:
        measure(folder, course, options.episodes)
    for path in share(
        ShareConfig(run=str(options.run), output=str(options.output), name=BUNDLED_PLANNER, licence=LICENCE)
    ):
        print(path)


def measure(folder: RunFolder, course: str, episodes: int) -> None:
    """Evaluate the run's planner, unless that is done."""
    usual = load("evaluate", [f"run={folder.path.resolve()}", f"scenario={course}", f"episodes={episodes}"])
    assert isinstance(usual, EvaluateConfig)
    config = replace(usual, record=0, label=course)
    if not is_done(in_run(config, folder).results, folder, episodes):
        evaluate(config, folder, Console(stderr=True))


def is_done(path: Path, folder: RunFolder, episodes: int) -> bool:
    """Return whether the results at ``path`` are of the run's present weights and of as many episodes."""
    if not path.is_file():
        return False
    found = read_json(path)
    (planner,) = found["planners"]
    (member,) = planner["members"]
    weights = parameters_checksum(folder.latest_checkpoint)
    return (member["checksum"], found["config"]["episodes"]) == (weights, episodes)


if __name__ == "__main__":
    main()
