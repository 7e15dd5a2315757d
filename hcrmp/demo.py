"""``hcrmp demo``: train a planner, compare it with the one in the box and with drivers that did not learn, watch it."""

from __future__ import annotations

import math
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from envs.recording import DriveLog
from hcrmp import crossed
from hcrmp.branch.drive_on import drive_on
from hcrmp.branch.planners import successor
from hcrmp.branch.worlds import origin_of
from hcrmp.bundled import BUNDLED_PLANNER, bundled_planner
from hcrmp.checkpoint import trained_steps
from hcrmp.config import load
from hcrmp.consoles import stderr_console, stdout_console
from hcrmp.demo_config import DemoConfig
from hcrmp.episode_record import EpisodeRecord
from hcrmp.errors import RunFolderError
from hcrmp.evaluate import evaluate, open_folder
from hcrmp.evaluate_config import EvaluateConfig
from hcrmp.metrics import cell_scores, succeeded
from hcrmp.results import Results, estimate_text, print_table
from hcrmp.run_folder import CONFIG_FILE, PROVENANCE_FILE, RunFolder
from hcrmp.statistics import Estimate
from hcrmp.train import train
from hcrmp.train_config import TrainConfig
from hcrmp.viewer import write_html, write_video

DRIVERS: dict[str, str] = {
    "planner": "trained",
    BUNDLED_PLANNER: "in the box",
    "untrained": "untrained",
    "keep_lane": "keep lane",
    "full_throttle": "full throttle",
}
"""Who is compared, with the names in the table."""

DENSITY_ORDER = ("high", "medium", "low")


def run(config: DemoConfig) -> int:
    """Train, evaluate, compare, replay; say where everything is and what to type next."""
    begun = time.monotonic()
    console, out = stderr_console(), stdout_console()
    bundled_planner()  # before the minutes of training, if this installation lacks it
    make_room(Path(config.runs_dir) / config.run, config.replace)
    console.print(f"1/3 training for {config.total_steps:,} decisions in the four conditions ...")
    folder = train(train_config(config), console)
    steps = trained_steps(folder.latest_checkpoint)
    console.print(f"2/3 evaluating {len(DRIVERS)} drivers, {config.episodes} episodes in each of the 12 cells ...")
    results, drives = compare(config, folder, console)
    out.print()
    print_table(comparison_table(results), out)
    for line in [*cut_short(steps, config), *comparison_lines(results, config.seed)]:
        out.print(line, soft_wrap=True, highlight=False)
    console.print("3/3 writing the replay ...")
    page, film = write_replay(folder, one_per_condition(drives), config.runs_dir)
    for line in closing_lines(folder, page, film, time.monotonic() - begun):
        out.print(line, soft_wrap=True, highlight=False)
    return 0


def make_room(path: Path, may_replace: bool) -> None:
    """Remove an earlier demo of this name, and nothing that is not a run."""
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    is_run = (path / CONFIG_FILE).is_file() and (path / PROVENANCE_FILE).is_file()
    if not may_replace or not is_run:
        reason = "exists already" if is_run else "is in the way and is no run"
        raise RunFolderError(f"{path} {reason}: choose another name, hcrmp demo run=NAME")
    # Moved first: were the removal cut short, no half of a run would stand under the name.
    aside = path.with_name(f".{path.name}.replaced")
    shutil.rmtree(aside, ignore_errors=True)
    path.rename(aside)
    shutil.rmtree(aside)


def train_config(config: DemoConfig) -> TrainConfig:
    """Return the demo's training: everything as usual, but short."""
    usual = load("train")
    assert isinstance(usual, TrainConfig)
    return replace(
        usual,
        run=config.run,
        runs_dir=config.runs_dir,
        seed=config.seed,
        total_steps=config.total_steps,
        worlds=config.worlds,
        time_limit_s=60.0 * config.minutes,
    )


def compare(config: DemoConfig, folder: RunFolder, console: Console) -> tuple[dict[str, Results], list[Path]]:
    """Return the results of every driver on the same episodes, and the recorded drives of the trained planner."""
    results: dict[str, Results] = {}
    drives: list[Path] = []
    for name in DRIVERS:
        asked = asked_of(name, config, folder)
        results[name], paths = evaluate(asked, open_folder(asked), console)
        drives += paths if name == "planner" else []
    return results, drives


def asked_of(name: str, config: DemoConfig, folder: RunFolder) -> EvaluateConfig:
    """Return the evaluation of one of ``DRIVERS``; that of the planner in the box goes where its others are."""
    usual = EvaluateConfig(run=str(folder.path), runs_dir=config.runs_dir, episodes=config.episodes, record=1)
    if name == BUNDLED_PLANNER:
        return replace(usual, run=name, record=0, label="demo")
    return replace(usual, driver=name, record=3 if name == "planner" else 1)  # type: ignore[arg-type]


def comparison_table(results: Mapping[str, Results]) -> Table:
    """Return one row a driver: how its episodes ended, and its successes in each condition, percent."""
    table = Table(title="share of episodes, % (95 % interval)", title_justify="left", pad_edge=False)
    families = list(dict.fromkeys(record.scenario for record in results["planner"].records))
    table.add_column("driver", no_wrap=True)
    for heading in ("success", "collision", "off road", "timeout"):
        table.add_column(heading, justify="right")
    for heading in (f"success {name.replace('_', ' ')}" for name in families):
        table.add_column(heading, justify="right")
    for name, words in DRIVERS.items():
        found = results[name]
        overall = [estimate_text(found.mean.metrics[key], 100.0) for key in ("SR", "CR", "off_road", "timeout")]
        table.add_row(words, *overall, *(f"{100 * _success(found.records, family):.0f}" for family in families))
    return table


def _success(records: Sequence[EpisodeRecord], family: str) -> float:
    ended = [record.outcome == "success" for record in records if record.scenario == family]
    return float(np.mean(ended))


def cut_short(steps: int, config: DemoConfig) -> list[str]:
    """Return what is to be said of a training that its time ended after ``steps``."""
    if steps >= config.total_steps:
        return []
    return [
        f"\nThe training was ended by its {config.minutes:g} minutes after {steps:,} of {config.total_steps:,} "
        "decisions: this machine is slow, or busy. One that goes on is better: "
        f"minutes={math.ceil(2 * config.minutes)}."
    ]


def comparison_lines(results: Mapping[str, Results], seed: int) -> list[str]:
    """Return in words by how much the trained planner is better than each other driver."""
    rng = np.random.default_rng(seed)
    ours = results["planner"]
    lines = [f"\nThe trained planner reaches its goal in {100 * ours.mean.metrics['SR'].value:.0f} % of the episodes:"]
    for name, words in DRIVERS.items():
        if name != "planner":
            gain = success_gain(ours.records, results[name].records, rng)
            other = "the planner in the box" if name == BUNDLED_PLANNER else words
            lines.append(f"  {_points(gain)} than {other}, on the same episodes.")
    return lines


def success_gain(ours: Sequence[EpisodeRecord], theirs: Sequence[EpisodeRecord], rng: np.random.Generator) -> Estimate:
    """Return the difference of the success rates on the same episodes, every cell weighing the same."""
    pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if "infrastructure" not in (a.outcome, b.outcome)]
    assert all((a.cell, a.seed) == (b.cell, b.seed) for a, b in pairs)
    scores, others = (cell_scores([pair[side] for pair in pairs], succeeded) for side in (0, 1))
    return crossed.difference_of_shares(scores, others, rng)


def _points(gain: Estimate) -> str:
    value, low, high = (100 * number for number in (gain.value, gain.low, gain.high))
    side = "more" if value >= 0.0 else "fewer"
    return f"{abs(value):.0f} points {side} (95 % interval {low:+.0f} to {high:+.0f})"


def write_replay(folder: RunFolder, drives: Sequence[Path], runs_dir: str) -> tuple[Path, Path]:
    """Write a page with ``drives``, each with what the planner in the box makes of its episode; a GIF of the last.

    Return their paths.
    """
    own = [DriveLog.read(path) for path in drives]
    box = [driven_by_bundled(path, runs_dir) for path in drives]
    place = folder.path / "replay"
    page = write_html([drive for pair in zip(own, box, strict=True) for drive in pair], place / "demo.html")
    return page, write_video(own[-1], place / "demo.gif")


def driven_by_bundled(path: Path, runs_dir: str) -> DriveLog:
    """Return the episode of a recorded drive as the planner in the box drives it from its beginning."""
    origin = origin_of(path)
    (branch,) = drive_on(origin, successor(BUNDLED_PLANNER, origin, None, runs_dir), [0])
    return branch.drive


def one_per_condition(drives: Sequence[Path]) -> list[Path]:
    """Return for each condition the drive most worth watching: a success in the densest traffic."""
    told = {path: DriveLog.read_meta(path) for path in drives}

    def order(path: Path) -> tuple[bool, int]:
        return told[path].outcome != "success", DENSITY_ORDER.index(told[path].density)

    families = dict.fromkeys(meta.scenario for meta in told.values())
    return [min((path for path in drives if told[path].scenario == name), key=order) for name in families]


def closing_lines(folder: RunFolder, page: Path, film: Path, seconds: float) -> list[str]:
    """Return where everything is and what to do next."""
    run_path = folder.path
    # Started by make, the command is in the virtual environment and not on the user's path.
    started = Path(sys.argv[0])
    hcrmp = os.path.relpath(started) if started.name == "hcrmp" and not shutil.which("hcrmp") else "hcrmp"
    return [
        f"\nDone in {seconds / 60:.1f} minutes. Watch it drive, with its hints, weights and values:",
        f"  {page.resolve()}   (open it in a browser)",
        f"  {film.resolve()}",
        "Next:",
        f"  {hcrmp} evaluate run={run_path} episodes=100          the full table with intervals",
        f"  {hcrmp} evaluate run={run_path} hints=faulty          the same planner, 42 % of its hints wrong",
        f"  {hcrmp} evaluate planner=bundled scenario=route        the planner in the box through a town",
        f"  {hcrmp} report {run_path}                              all of it on one page, failures with their moments",
        f"  {hcrmp} replay run={run_path} episode=worst           its worst drive",
        f"  tensorboard --logdir {folder.tensorboard}",
        f"  {hcrmp} train run=mine scenario=merging density=high    a planner of your own",
    ]
