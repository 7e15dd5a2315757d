"""``hcrmp evaluate planners=[...]``: any set of planners through the same episodes, compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from rich.console import Console

from hcrmp.comparison.analysis import Cells, MethodDrives, planner_result
from hcrmp.comparison.contestants import Contestant, find_contestants
from hcrmp.comparison.drift import Drift, drift_between
from hcrmp.comparison.driving import seat_folder
from hcrmp.comparison.failures import Judged
from hcrmp.comparison.journal import FILE, Attempt, Journal, Key
from hcrmp.comparison.pairs import pairs_of
from hcrmp.comparison.places import keep_chosen, output_folder, with_recordings
from hcrmp.comparison.processes import drive_all
from hcrmp.comparison.progress import ComparisonProgress
from hcrmp.comparison.protocol import Protocol
from hcrmp.comparison.results_file import Comparison, write_comparison
from hcrmp.comparison.shards import absorb, drive_on_cluster
from hcrmp.comparison.tables import print_comparison
from hcrmp.comparison.tasks import TaskQueue
from hcrmp.config import EmbeddedOptions, EvaluateConfig
from hcrmp.evaluation import Course, course_of
from hcrmp.mapping import to_mapping
from hcrmp.metrics import EpisodeRecord
from hcrmp.results import RESULTS_FILE
from hcrmp.run_folder import provenance

JUDGE = "reference"
"""Driver whose collisions say which could not be avoided, where it is one of the planners."""


def run(config: EvaluateConfig) -> int:
    """Drive what is missing, print the tables, and say where the file is."""
    console = Console(stderr=True)
    comparison, path = compare(config, console)
    print_comparison(comparison, Console())
    console.print(f"results: {path}", soft_wrap=True, highlight=False)
    return 0


def compare(config: EvaluateConfig, console: Console) -> tuple[Comparison, Path]:
    """Drive what is missing, and write the results; return them and their file."""
    config = replace(config, simulator=config.simulator or EmbeddedOptions())
    protocol = Protocol.of(config)
    contestants = find_contestants(config, protocol)
    folder = output_folder(config, protocol)
    course = course_of(config, seat_folder(config, contestants[0]))
    checksums = {one.name: one.checksum for one in contestants}
    keys = episode_keys(contestants, course, protocol)
    with Journal.open(folder / FILE, protocol.to_dict(), checksums) as journal:
        if config.repeat:
            journal.begin_again(chain.from_iterable(keys.values()), config.retries)
        drive_missing(config, contestants, course, journal, console)
        comparison = analyse(contestants, course, protocol, journal)
    if config.record != "all":
        keep_chosen(folder, comparison.methods, config.record)
    comparison = replace(comparison, planners=with_recordings(comparison.planners, folder))
    about = {"label": folder.name, "config": to_mapping(config), "provenance": provenance(config.seed)}
    write_comparison(folder / RESULTS_FILE, comparison, about)
    return comparison, folder / RESULTS_FILE


def drive_missing(
    config: EvaluateConfig, contestants: Sequence[Contestant], course: Course, journal: Journal, console: Console
) -> None:
    """Drive what the journal does not hold yet, here or elsewhere."""
    absorb(journal)
    with ComparisonProgress(console, config.progress) as progress:
        queue = TaskQueue(journal, course.labels, config.retries, progress.attempted)
        # A planner that samples draws for a piece of work as a whole.
        queue.fill(contestants, config.repetitions, course.episodes, whole=not config.deterministic)
        progress.begin(len(queue), len(journal.attempts))
        if config.cluster != "none" and len(queue):
            drive_on_cluster(config, queue, journal, course.labels, progress.driven_elsewhere)
        else:
            drive_all(config, queue)


def episode_keys(contestants: Sequence[Contestant], course: Course, protocol: Protocol) -> dict[str, list[Key]]:
    """Return all episodes of each contestant, by its name, in the order of the results."""
    return {
        one.name: [
            (one.name, "/".join(course.labels[episode.cell]), episode.number, repetition)
            for repetition in range(protocol.repetitions)
            for episode in course.episodes
        ]
        for one in contestants
    }


def analyse(contestants: Sequence[Contestant], course: Course, protocol: Protocol, journal: Journal) -> Comparison:
    """Return what the journal's episodes of ``contestants`` tell."""
    keys = episode_keys(contestants, course, protocol)
    cells: dict[str, list[int]] = {"/".join(label): [] for label in course.labels}
    for episode in course.episodes:
        cells["/".join(course.labels[episode.cell])].append(episode.seed)
    planners = dict.fromkeys(one.planner for one in contestants)
    methods = [_drives(one, contestants, keys, cells, journal) for one in planners]
    judged = _judged(methods)
    results = tuple(planner_result(one, cells, judged, protocol.seed) for one in methods)
    pairs = pairs_of(methods, cells, protocol.seed)
    return Comparison(protocol, tuple(cells), tuple(methods), results, pairs, _drift(methods, journal))


def _drives(
    planner: str, contestants: Sequence[Contestant], keys: dict[str, list[Key]], cells: Cells, journal: Journal
) -> MethodDrives:
    members = tuple(one for one in contestants if one.planner == planner)
    attempts = {key: _told(journal.attempts[key], cells[key[1]]) for one in members for key in keys[one.name]}
    return MethodDrives(planner, members[0].kind, members, attempts)


def _told(tried: Sequence[Attempt], seeds: Sequence[int]) -> list[Attempt]:
    """Return the attempts at an episode, those that left no record with one that says so."""
    return [one if one.record else replace(one, record=_broken_off(one.key, seeds)) for one in tried]


def _broken_off(key: Key, seeds: Sequence[int]) -> EpisodeRecord:
    _, cell, number, _ = key
    scenario, density = cell.split("/")
    nothing = (0.0,) * 7
    return EpisodeRecord(scenario, density, seeds[number], "infrastructure", *nothing)


def _judged(methods: Sequence[MethodDrives]) -> Judged:
    """Return how the reference driver ended the episodes, by cell and seed; nothing where it did not drive."""
    records = [record for one in methods if one.planner == JUDGE for record in one.records]
    return {(one.cell, one.seed): one.outcome for one in records if one.outcome != "infrastructure"}


def _drift(methods: Sequence[MethodDrives], journal: Journal) -> Drift | None:
    if not journal.earlier:
        return None
    return drift_between(journal.earlier, {key: tried for one in methods for key, tried in one.attempts.items()})
