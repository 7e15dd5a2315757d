"""The results table: every method, several training seeds, one planner over all twelve cells, 100 episodes a cell.

    python -m tests.benchmarks.table --steps 4000000 --seeds 3

Hours of work, in ``--jobs`` processes at a time. It can be stopped and started again: what is finished is not done
again, and a training that was cut off goes on from its last checkpoint. Writes ``table.md`` and ``table.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hcrmp import statistics
from hcrmp.checkpoint import META
from hcrmp.metrics import EpisodeRecord, by_cell
from hcrmp.results import estimate_text, read_records
from hcrmp.run_folder import RunFolder, provenance, read_json, write_json, write_text
from hcrmp.statistics import Estimate, FloatArray

METHODS: dict[str, tuple[str, ...]] = {
    "hcrmp": ("observation=scan", "algo=hcrmp"),
    "ppo": ("observation=scan", "algo=ppo"),
    "hcrmp_no_asr": ("observation=scan", "algo=hcrmp_no_asr"),
    "hcrmp_equal": ("observation=scan", "algo=hcrmp_equal"),
    "hcrmp_mean": ("observation=scan", "algo=hcrmp_mean"),
    "hcrmp_anchored": ("observation=scan", "algo=hcrmp_anchored"),
    "hcrmp_agents": ("observation=agents", "algo=hcrmp"),
    "ppo_agents": ("observation=agents", "algo=ppo"),
}
"""Overrides of ``hcrmp train`` for each method."""

REFERENCES = {"_agents": "hcrmp_agents", "": "hcrmp"}
"""What a method is compared with, by the end of its name."""

Measure = Callable[[EpisodeRecord], float]
OUTCOMES = {"SR %": "success", "CR %": "collision", "off road %": "off_road", "timeout %": "timeout"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is trained and how it is measured."""

    methods: tuple[str, ...]
    seeds: int
    steps: int
    episodes: int
    runs_dir: Path
    jobs: int

    def folder(self, method: str, seed: int) -> RunFolder:
        """Return the run of a method and a training seed."""
        return RunFolder(self.runs_dir / f"{method}-seed{seed}")

    def result(self, method: str, seed: int) -> Path:
        """Return where its evaluation is written."""
        return self.folder(method, seed).evaluation / f"table-{self.steps}-{self.episodes}.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and evaluate what is missing, then write the table."""
    plan = _plan(arguments)
    pairs = [(method, seed) for seed in range(plan.seeds) for method in plan.methods]
    with ThreadPoolExecutor(plan.jobs) as pool:
        done = list(pool.map(lambda pair: make(plan, *pair), pairs))
    failed = [f"{method} seed {seed}" for (method, seed), good in zip(pairs, done, strict=True) if not good]
    if failed:
        print(f"failed: {', '.join(failed)} (their .log files in {plan.runs_dir} say why)", file=sys.stderr)
        return 1
    write_table(plan)
    return 0


def _plan(arguments: Sequence[str] | None) -> Plan:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--seeds", type=int, default=3, help="training seeds of each method")
    parser.add_argument("--steps", type=int, default=4_000_000, help="decisions of each training")
    parser.add_argument("--episodes", type=int, default=100, help="episodes of each of the 12 cells")
    parser.add_argument("--runs-dir", type=Path, default=Path("runs/table"))
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    found = parser.parse_args(arguments)
    return Plan(tuple(found.methods), found.seeds, found.steps, found.episodes, found.runs_dir, found.jobs)


# ---- trainings and evaluations, each a process of its own


def make(plan: Plan, method: str, seed: int) -> bool:
    """Train and evaluate one planner where that is not done yet; return whether it is there now."""
    folder, result = plan.folder(method, seed), plan.result(method, seed)
    if result.is_file():
        return True
    if steps_done(folder) < plan.steps and not train(plan, method, seed):
        return False
    evaluation = [f"run={folder.path}", f"episodes={plan.episodes}", "record=1", f"label={result.stem}"]
    return run_job(folder, ["evaluate", *evaluation])


def train(plan: Plan, method: str, seed: int) -> bool:
    """Train one planner, or go on with it, and note the wall time."""
    folder = plan.folder(method, seed)
    words = [f"run={folder.name}", f"runs_dir={plan.runs_dir}", f"seed={seed}", f"total_steps={plan.steps}"]
    words += [*METHODS[method], f"resume={str(folder.has_checkpoint()).lower()}"]
    begun = time.monotonic()
    good = run_job(folder, ["train", *words])
    seconds = time.monotonic() - begun
    print(f"{method} seed {seed}: {'trained' if good else 'FAILED'} in {seconds / 60:.1f} minutes", flush=True)
    if good:
        path = folder.path / "wall_time.json"
        earlier = read_json(path)["train_s"] if path.is_file() else 0.0
        write_json(path, {"train_s": earlier + seconds})
    return good


def run_job(folder: RunFolder, words: Sequence[str]) -> bool:
    """Run a job of the ``hcrmp`` command; what it prints goes to a log beside the run."""
    folder.path.parent.mkdir(parents=True, exist_ok=True)
    with (folder.path.parent / f"{folder.name}.log").open("a", encoding="utf-8") as log:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "hcrmp.cli", *words]
        return subprocess.run(command, stdout=log, stderr=log, env=environment, check=False).returncode == 0


def steps_done(folder: RunFolder) -> int:
    """Return for how many decisions a run was trained."""
    path = folder.latest_checkpoint / META
    if not path.is_file():
        return 0
    return int(json.loads(path.read_text(encoding="utf-8"))["state"]["model"]["counters"]["num_timesteps"])


# ---- the table


def write_table(plan: Plan) -> None:
    """Write Markdown and JSON from the evaluations."""
    records = {
        method: [record for seed in range(plan.seeds) for record in read_records(plan.result(method, seed))]
        for method in plan.methods
    }
    rng = np.random.default_rng(0)
    rows = {method: summary(method, records, rng) for method in plan.methods}
    minutes = {method: _minutes(plan, method) for method in plan.methods}
    text = markdown(plan, records, rows, minutes)
    write_text(plan.runs_dir / "table.md", text)
    plain = {method: {name: asdict(estimate) for name, estimate in row.items()} for method, row in rows.items()}
    about = {"steps": plan.steps, "seeds": plan.seeds, "episodes_per_cell": plan.episodes, "minutes": minutes}
    write_json(plan.runs_dir / "table.json", {**about, "methods": plain, "provenance": provenance(0)})
    print(text)


def summary(
    method: str, records: Mapping[str, Sequence[EpisodeRecord]], rng: np.random.Generator
) -> dict[str, Estimate]:
    """Return a method's estimates: over all cells, by condition, and against its reference on the same episodes."""
    ours = records[method]
    found = {name: estimate(ours, _ended(outcome), rng) for name, outcome in OUTCOMES.items()}
    found["AS m/s"] = estimate(ours, lambda record: record.mean_speed_mps, rng)
    found["jerk m/s3"] = estimate(ours, lambda record: record.mean_abs_jerk, rng)
    for family in dict.fromkeys(record.scenario for record in ours):
        rows = [record for record in ours if record.scenario == family]
        found[f"SR {family}"] = estimate(rows, _ended("success"), rng)
    reference = next(name for end, name in REFERENCES.items() if method.endswith(end))
    if method != reference and reference in records:
        found["SR difference"] = difference(ours, records[reference], rng)
    return found


def _ended(outcome: str) -> Measure:
    return lambda record: 100.0 * (record.outcome == outcome)


def estimate(records: Sequence[EpisodeRecord], measure: Measure, rng: np.random.Generator) -> Estimate:
    """Return the mean over training seeds and cells of ``measure``, resampling seeds and the episodes in a cell."""
    return statistics.hierarchical_strata(_strata(records, measure), rng)


def difference(ours: Sequence[EpisodeRecord], theirs: Sequence[EpisodeRecord], rng: np.random.Generator) -> Estimate:
    """Return the difference of the success rates, percent points, paired by training seed and episode."""
    other = {(record.planner_seed, record.cell, record.seed): record for record in theirs}

    def gain(record: EpisodeRecord) -> float:
        success = _ended("success")
        return success(record) - success(other[record.planner_seed, record.cell, record.seed])

    return estimate(ours, gain, rng)


def _strata(records: Sequence[EpisodeRecord], measure: Measure) -> list[list[FloatArray]]:
    planners = sorted({record.planner_seed for record in records})
    groups = [[record for record in records if record.planner_seed == planner] for planner in planners]
    return [[np.array([measure(record) for record in rows]) for rows in by_cell(group).values()] for group in groups]


def _minutes(plan: Plan, method: str) -> float:
    times = [read_json(plan.folder(method, seed).path / "wall_time.json")["train_s"] for seed in range(plan.seeds)]
    return float(np.mean(times)) / 60.0


def markdown(
    plan: Plan,
    records: Mapping[str, Sequence[EpisodeRecord]],
    rows: Mapping[str, Mapping[str, Estimate]],
    minutes: Mapping[str, float],
) -> str:
    """Return the two tables: methods by metric, and methods by cell."""
    command = (
        f"python -m tests.benchmarks.table --steps {plan.steps} --seeds {plan.seeds} --episodes {plan.episodes}"
        f" --methods {' '.join(plan.methods)}"
    )
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    lines = [f"`{command}`", "", *_table(["method", *names, "minutes"], _metric_rows(rows, names, minutes)), ""]
    cells = list(by_cell(records[plan.methods[0]]))
    shares = [[method, *(f"{_share(records[method], cell):.0f}" for cell in cells)] for method in plan.methods]
    lines += ["SR % by cell:", "", *_table(["method", *cells], shares)]
    return "\n".join(lines) + "\n"


def _metric_rows(
    rows: Mapping[str, Mapping[str, Estimate]], names: Sequence[str], minutes: Mapping[str, float]
) -> list[list[str]]:
    def cell(row: Mapping[str, Estimate], name: str) -> str:
        return estimate_text(row[name], 1.0, 1) if name in row else "-"

    return [[method, *(cell(row, name) for name in names), f"{minutes[method]:.1f}"] for method, row in rows.items()]


def _share(records: Sequence[EpisodeRecord], cell: str) -> float:
    return 100.0 * float(np.mean([record.outcome == "success" for record in records if record.cell == cell]))


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *body)]


if __name__ == "__main__":
    sys.exit(main())
