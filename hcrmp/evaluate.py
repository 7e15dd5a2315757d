"""``hcrmp evaluate``: a driver through seeded episodes; a table with intervals, JSON, recorded drives."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch as th
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from envs.own_code import short_name
from envs.recording.names import DRIVE_SUFFIX
from envs.scenarios.catalogue import GROUPS
from hcrmp.checkpoint import parameters_checksum
from hcrmp.comparison.drift import Drift
from hcrmp.comparison.driving import trace_hash
from hcrmp.comparison.single import write_single
from hcrmp.config import EvaluateConfig
from hcrmp.drive_recorder import EvaluationRecorder
from hcrmp.drivers import Driver
from hcrmp.evaluation import Course, Driven, Episode, course_of, evaluate_driver, make_driver
from hcrmp.hinted_env import HintedVecEnv
from hcrmp.results import Results, print_results, summarise
from hcrmp.run_folder import CONFIG_FILE, RunFolder, provenance, read_json
from hcrmp.share.opening import hints_note, is_shared, results_place
from llm_hints.asking import Latency


def run(config: EvaluateConfig) -> int:
    """Evaluate one planner or compare several, print the tables, and say where the files are."""
    if config.planners:
        from hcrmp.comparison.job import run as run_comparison

        return run_comparison(config)
    console = Console(stderr=True)
    folder = open_folder(config)
    if config.hints is None and is_shared(config.run_path) and (note := hints_note(config.run_path)):
        console.print(note, soft_wrap=True, highlight=False)
    results, paths = evaluate(config, folder, console)
    print_results(results, Console())
    console.print(f"results: {result_path(folder, config)}", soft_wrap=True)
    if paths:
        console.print(
            f"drives:  {len(paths)} in {folder.drives}\nnext:    hcrmp replay run={folder.path}", soft_wrap=True
        )
    return 0


def evaluate(config: EvaluateConfig, folder: RunFolder, console: Console) -> tuple[Results, list[Path]]:
    """Drive, measure, record and write; return the results and the drives' files."""
    th.set_num_threads(1)
    course = course_of(config, folder, shared_file(config))
    made_by = provenance(config.seed)
    driven, latency = drive(config, course, folder, console, course.config.seed, made_by["commit"] or "")
    records, traces = [one.record for one in driven], [trace_hash(one) for one in driven]
    results = summarise(config.driver, records, config.seed, config.ending, latency, traces)
    paths = keep_chosen(folder, config, course, driven)
    drift = save(folder, config, results, paths, made_by)
    if drift is not None:
        console.print(drift.words(), soft_wrap=True, highlight=False)
    return results, paths


def open_folder(config: EvaluateConfig) -> RunFolder:
    """Return the run's folder; a scripted driver can do without a checkpoint, and without a run."""
    if is_shared(config.run_path):
        folder = RunFolder(results_place(config.run_path))
    elif config.driver == "planner":
        return RunFolder.open(config.run_path)
    else:
        folder = RunFolder(config.run_path)
    if config.run and not is_shared(config.run_path) and not (folder.path / CONFIG_FILE).is_file():
        return RunFolder.open(config.run_path)  # which says what is wrong with it
    for place in (folder.evaluation, folder.drives):
        place.mkdir(parents=True, exist_ok=True)
    return folder


def shared_file(config: EvaluateConfig) -> Path | None:
    """Return where the planner lies, if it was shared without its run."""
    return config.run_path if is_shared(config.run_path) else None


def drive(
    config: EvaluateConfig, course: Course, folder: RunFolder, console: Console, planner_seed: int, commit: str
) -> tuple[list[Driven], Latency]:
    """Return the episodes that were driven, and the hint provider's wall times; a progress bar meanwhile.

    All are recorded, unless none is to be.
    """
    env = course.environment(min(config.worlds, len(course.episodes)))
    try:
        file = shared_file(config) if config.driver == "planner" else None
        driver = make_driver(config.driver, course, env, folder, config.deterministic, file)
        with (
            EpisodeProgress(config.driver, len(course.episodes), console, config.progress) as progress,
            recording(config, course, folder, env, driver, commit) as recorder,
        ):
            driven = evaluate_driver(
                env, driver, course, planner_seed=planner_seed, on_end=progress.episode_ended, recorder=recorder
            )
    finally:
        env.close()
    return driven, env.service.latency


def recording(
    config: EvaluateConfig, course: Course, folder: RunFolder, env: HintedVecEnv, driver: Driver, commit: str
) -> AbstractContextManager[EvaluationRecorder | None]:
    """Return what records the drives while they happen."""
    if not config.record:
        return nullcontext()
    return EvaluationRecorder(
        env,
        driver,
        course,
        folder.drives,
        lambda episode: drive_path(folder, config, course, episode).stem,
        commit=commit,
        most=None if config.record == "all" else config.record,
        checkpoint=parameters_checksum(folder.latest_checkpoint) if config.driver == "planner" else "",
    )


def keep_chosen(folder: RunFolder, config: EvaluateConfig, course: Course, driven: Sequence[Driven]) -> list[Path]:
    """Return the drives of those that are to be kept; the others' are removed: which they are, the end told."""
    if not config.record:
        return []
    chosen = driven if config.record == "all" else choose_drives(driven, config.record)
    paths = [drive_path(folder, config, course, one.episode) for one in chosen]
    for one in driven if len(chosen) < len(driven) else ():
        path = drive_path(folder, config, course, one.episode)
        if path not in paths:
            path.unlink(missing_ok=True)
    return paths


def choose_drives(driven: Sequence[Driven], per_cell: int) -> list[Driven]:
    """Return up to ``per_cell`` drives of each cell: each kind of ending in turn, failures first."""
    cells: dict[str, list[Driven]] = {}
    for one in driven:
        cells.setdefault(one.record.cell, []).append(one)
    return [one for drives in cells.values() for one in _kinds_in_turn(drives)[:per_cell]]


def _kinds_in_turn(drives: Sequence[Driven]) -> list[Driven]:
    seen: dict[str, int] = {}
    order = []
    for one in drives:
        outcome = one.record.outcome
        order.append((seen.setdefault(outcome, 0), outcome == "success", one.episode.number, one))
        seen[outcome] += 1
    return [entry[-1] for entry in sorted(order, key=lambda entry: entry[:-1])]


def save(
    folder: RunFolder,
    config: EvaluateConfig,
    results: Results,
    drives: Sequence[Path],
    made_by: dict[str, Any],
) -> Drift | None:
    """Write the results; drives of an earlier evaluation of the same label that are no longer told of go.

    Return what went otherwise than in that one, if it was the same evaluation.
    """
    path = result_path(folder, config)
    earlier = read_json(path).get("drives", []) if path.is_file() else []
    names = [place.name for place in drives]
    about = {"label": label(config), "provenance": made_by, "drives": names}
    drift = write_single(path, config, folder, results, about)
    for name in set(map(str, earlier)) - set(names):
        (folder.drives / Path(name).name).unlink(missing_ok=True)
    return drift


def result_path(folder: RunFolder, config: EvaluateConfig) -> Path:
    """Return where the results of ``config`` are written."""
    return folder.evaluation / f"{label(config)}.json"


def label(config: EvaluateConfig) -> str:
    """Return the name of the result: as given, else what was chosen where it is not the usual."""
    if config.label:
        return config.label
    parts = [config.driver, _scenario_word(config.scenario.families)]
    parts += [config.density] if config.density != "all" else []
    parts += [Path(config.map).stem] if config.map else []
    parts += ["randomised"] if config.randomise else []
    parts += [f"ends-{config.ends_at}"] if config.ends_at != "auto" else []
    parts += [f"hints-{config.hints.words}"] if config.hints is not None else []
    parts += [f"seed{config.seed}"] if config.seed else []
    return "-".join(parts)


def _scenario_word(families: Sequence[str]) -> str:
    """Return the name of the group that the families are, else all their names."""
    names = "-".join(map(short_name, families))
    return next((name for name, members in GROUPS.items() if members == tuple(families)), names)


def drive_path(folder: RunFolder, config: EvaluateConfig, course: Course, episode: Episode) -> Path:
    """Return the file of a drive: condition, density and number, behind what sets it apart from the planner's own."""
    usual = replace(config, hints=None, seed=0, label="", randomise={})
    unusual = [part for part, given in ((config.label, config.label), (label(config), config != usual)) if given]
    name = "-".join([*course.labels[episode.cell], str(episode.number)])
    prefix = unusual[0] if unusual else ("" if config.driver == "planner" else config.driver)
    return folder.drives / f"{prefix}-{name}{DRIVE_SUFFIX}" if prefix else folder.drives / f"{name}{DRIVE_SUFFIX}"


class EpisodeProgress:
    """A bar with episodes per second, time left and successes so far; a line at the end where there is no terminal."""

    def __init__(self, what: str, total: int, console: Console, enabled: bool) -> None:
        self._console, self._enabled, self._what = console, enabled, what
        self._bar = Progress(
            TextColumn(f"{what:<14}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f} episodes  {task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[ends]}"),
            console=console,
            disable=not (enabled and console.is_terminal),
            transient=True,
        )
        self._task = self._bar.add_task("episodes", total=total, rate="", ends="")
        self._begun = time.monotonic()
        self._done, self._successes = 0, 0

    def __enter__(self) -> EpisodeProgress:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._bar.stop()
        if self._enabled and kind is None:
            self._console.print(f"{self._what}: {self._done} episodes, {self._words()}", highlight=False)

    def episode_ended(self, driven: Driven) -> None:
        """Count an episode."""
        self._done += 1
        self._successes += driven.record.outcome == "success"
        rate, _, ends = self._words().partition(", ")
        self._bar.update(self._task, completed=self._done, rate=rate, ends=ends)

    def _words(self) -> str:
        rate = self._done / max(time.monotonic() - self._begun, 1e-6)
        return f"{rate:.0f}/s, {self._successes / max(self._done, 1):.0%} successes"
