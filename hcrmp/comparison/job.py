"""An evaluation: any set of planners through the same episodes, or one alone in its run."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from hcrmp.comparison.analysis import Cells, MethodDrives, planner_result
from hcrmp.comparison.contestants import Contestant, find_contestants
from hcrmp.comparison.drift import Drift, drift_between
from hcrmp.comparison.driving import course_for
from hcrmp.comparison.failures import Judged
from hcrmp.comparison.journal import Attempt, HintTimes, Journal, Key
from hcrmp.comparison.pairs import pairs_of
from hcrmp.comparison.places import Places, own_folder
from hcrmp.comparison.processes import drive_all
from hcrmp.comparison.progress import ComparisonProgress
from hcrmp.comparison.protocol import Protocol
from hcrmp.comparison.recordings import keep_chosen, recording, unrecorded, with_recordings
from hcrmp.comparison.results_file import Comparison, write_comparison
from hcrmp.comparison.shards import absorb, drive_on_cluster
from hcrmp.comparison.tables import print_comparison
from hcrmp.comparison.tasks import TaskQueue
from hcrmp.consoles import stderr_console, stdout_console
from hcrmp.course import Course
from hcrmp.episode_record import EpisodeRecord
from hcrmp.errors import RunFolderError
from hcrmp.evaluate_config import EvaluateConfig
from hcrmp.first_use import compilation_note
from hcrmp.mapping import to_mapping
from hcrmp.run_folder import provenance
from hcrmp.sections import EmbeddedOptions
from llm_hints.asking import REMEMBERED, Latency, percentiles

JUDGE = "reference"
"""Driver whose collisions say which could not be avoided, where it is one of the planners."""

DIRTY = "-dirty"
"""What git says of a checkout that is not as it was committed."""


@dataclass(frozen=True)
class Asked:
    """An evaluation as it is asked for.

    ``config`` names the simulator. One planner ``alone`` in its run is evaluated as it is now: what stands in
    ``places`` and is of other settings, of another program or of its parameters before more training gives way.
    ``elsewhere`` are all attempts of contestants that drove elsewhere, by their names: they need not be here.
    """

    config: EvaluateConfig
    contestants: list[Contestant]
    protocol: Protocol
    places: Places
    alone: bool = False
    elsewhere: Mapping[str, Sequence[Attempt]] = field(default_factory=dict)


def run(config: EvaluateConfig) -> int:
    """Drive what is missing, print the tables, and say where the file is."""
    console = stderr_console()
    comparison, path = compare(config, console)
    print_comparison(comparison, stdout_console())
    console.print(f"results: {path}", soft_wrap=True, highlight=False)
    return 0


def compare(config: EvaluateConfig, console: Console) -> tuple[Comparison, Path]:
    """Drive what is missing of several planners, and write the results; return them and their file."""
    config = replace(config, simulator=config.simulator or EmbeddedOptions())
    protocol = Protocol.of(config)
    asked = Asked(config, find_contestants(config, protocol), protocol, own_folder(config, protocol))
    comparison, _ = carry_out(asked, {"config": to_mapping(config)}, console)
    return comparison, asked.places.results


def carry_out(asked: Asked, about: dict[str, Any], console: Console) -> tuple[Comparison, list[Path]]:
    """Drive what is missing, and write the results with what is told ``about`` them; return them and the recordings."""
    config, places = asked.config, asked.places
    course = course_for(config, asked.contestants[0])
    made_by = provenance(config.seed)
    checksums = {one.name: one.checksum for one in asked.contestants}
    journal = Journal.open(
        places.journal, asked.protocol.to_dict(), checksums, code=_code(made_by), replace_other=asked.alone
    )
    with journal, ComparisonProgress(console, config.progress) as progress:
        begin_again(asked, course, journal, progress)
        if journal.go_on_with_other_code():
            progress.say("a part was driven by another state of the program: give another output=... to drive all anew")
        take_in(asked, course, journal)
        drive_missing(asked, course, journal, progress)
        methods, cells = drives_of(asked, course, journal)
        if config.record and (lacking := unrecorded(methods, places, config.record)):
            drive_missing(asked, course, journal, progress, lacking)
            methods, cells = drives_of(asked, course, journal)
        comparison = analyse(asked.protocol, methods, cells, journal)
    kept = keep_chosen(methods, places, config.record)
    comparison = replace(comparison, planners=with_recordings(comparison.planners, places, kept))
    recordings = [recording(places, key) for key in kept]
    about |= {"label": places.label, "provenance": made_by}
    about |= {"drives": [path.name for path in recordings]} if asked.alone else {}
    about |= {"programs": [json.loads(code) for code in journal.codes]} if len(journal.codes) > 1 else {}
    write_comparison(places.results, comparison, about)
    return comparison, recordings


def begin_again(asked: Asked, course: Course, journal: Journal, progress: ComparisonProgress) -> None:
    """Put aside what the journal holds where all of it is to be driven again."""
    if not journal.attempts and journal.put_aside:
        progress.say(f"begun anew: {journal.put_aside}")
    keys = list(chain.from_iterable(episode_keys(asked, course).values()))
    finished = all(journal.done(key, asked.config.retries) for key in keys)
    changed = _changed(journal) if asked.alone else ""
    if finished and (asked.config.repeat or changed):
        progress.say(f"driven again: {changed}" if changed else "")
        journal.begin_again()
    elif journal.attempts and not finished and journal.code != journal.head["code"] and asked.alone:
        journal.forget("the program has changed since it was begun")
        progress.say(f"begun anew: {journal.put_aside}")
    if not journal.attempts and asked.config.record:
        for key in keys:
            # What lies there was recorded of another evaluation.
            recording(asked.places, key).unlink(missing_ok=True)


def take_in(asked: Asked, course: Course, journal: Journal) -> None:
    """Keep in the journal what was driven elsewhere.

    Raises:
        RunFolderError: an episode of this evaluation is not among it.
    """
    wanted = episode_keys(asked, course)
    for name, attempts in asked.elsewhere.items():
        journal.add([one for one in attempts if one.key not in journal.attempts])
        lacking = [key for key in wanted[name] if not journal.done(key, asked.config.retries)]
        if lacking:
            raise RunFolderError(
                f"of {name}, which drove elsewhere, {len(lacking)} of {len(wanted[name])} episodes are missing: drive "
                "them where it is, or leave it out."
            )


def _changed(journal: Journal) -> str:
    """Return why what was driven may go otherwise now, in words; "" where the program is certainly the same."""
    if journal.code != journal.head["code"]:
        return "the program has changed since"
    return "the program runs from a changed checkout" if DIRTY in journal.code else ""


def _code(made_by: Mapping[str, Any]) -> str:
    """Return what program this is, of what a provenance tells."""
    return json.dumps({name: made_by[name] for name in ("commit", "python", "packages")}, sort_keys=True)


def drive_missing(
    asked: Asked, course: Course, journal: Journal, progress: ComparisonProgress, lacking: Collection[Key] = ()
) -> None:
    """Drive what the journal does not hold yet, here or elsewhere; also those that are ``lacking`` their recording."""
    config, places = asked.config, asked.places
    absorb(places, journal)
    queue = TaskQueue(journal, course.labels, config.retries, progress.attempted, lacking)
    # A planner that samples draws for a piece of work as a whole.
    queue.fill(asked.contestants, config.repetitions, course.episodes, whole=not config.deterministic)
    if lacking:
        progress.say(f"{len(lacking)} recordings are missing, their episodes are driven again")
    else:
        progress.begin(len(queue), len(journal.attempts))
    if len(queue):
        progress.say(compilation_note())
    if config.cluster != "none" and len(queue):
        drive_on_cluster(config, places, queue, journal, course.labels, progress.driven_elsewhere)
    else:
        drive_all(config, places, queue, {asked.contestants[0].name: course})


def episode_keys(asked: Asked, course: Course) -> dict[str, list[Key]]:
    """Return all episodes of each contestant, by its name, in the order of the results."""
    return {
        one.name: [
            (one.name, "/".join(course.labels[episode.cell]), episode.number, repetition)
            for repetition in range(asked.config.repetitions)
            for episode in course.episodes
        ]
        for one in asked.contestants
    }


def drives_of(asked: Asked, course: Course, journal: Journal) -> tuple[list[MethodDrives], dict[str, list[int]]]:
    """Return what the contestants drove, by their methods, and the episode seeds of each cell."""
    keys = episode_keys(asked, course)
    cells: dict[str, list[int]] = {"/".join(label): [] for label in course.labels}
    for episode in course.episodes:
        cells["/".join(course.labels[episode.cell])].append(episode.seed)
    planners = dict.fromkeys(one.planner for one in asked.contestants)
    return [_drives(one, asked.contestants, keys, cells, journal) for one in planners], cells


def analyse(protocol: Protocol, methods: Sequence[MethodDrives], cells: Cells, journal: Journal) -> Comparison:
    """Return what the drives of ``methods`` tell."""
    judged = _judged(methods)
    results = tuple(planner_result(one, cells, judged, protocol.seed) for one in methods)
    pairs = pairs_of(methods, cells, protocol.seed)
    members = [one.name for method in methods for one in method.members]
    latency = {name: _latency(journal, name) for name in members}
    return Comparison(protocol, tuple(cells), tuple(methods), results, pairs, _drift(methods, journal), latency)


def _latency(journal: Journal, member: str) -> Latency:
    """Return the percentiles of the hints' wall times while a member drove, of the last batches."""
    told = [one for one in journal.times if one.member == member]
    batch_s, hint_s = (np.array([x for one in told for x in times(one)][-REMEMBERED:]) for times in _TIMES)
    return percentiles(batch_s, hint_s)


_TIMES: tuple[Callable[[HintTimes], tuple[float, ...]], ...] = (lambda one: one.batch_s, lambda one: one.hint_s)


def _drives(
    planner: str, contestants: Sequence[Contestant], keys: dict[str, list[Key]], cells: Cells, journal: Journal
) -> MethodDrives:
    # In the order of their seeds, whoever was named or driven first: resamples are drawn by place.
    members = tuple(sorted((one for one in contestants if one.planner == planner), key=lambda one: one.planner_seed))
    attempts = {key: _told(journal.attempts[key], cells[key[1]], one) for one in members for key in keys[one.name]}
    return MethodDrives(planner, members[0].kind, members, attempts)


def _told(tried: Sequence[Attempt], seeds: Sequence[int], member: Contestant) -> list[Attempt]:
    """Return the attempts at an episode, those that left no record with one that says so."""
    return [one if one.record else replace(one, record=_broken_off(one.key, seeds, member)) for one in tried]


def _broken_off(key: Key, seeds: Sequence[int], member: Contestant) -> EpisodeRecord:
    _, cell, number, _ = key
    scenario, density = cell.split("/")
    nothing = (0.0,) * 7
    return EpisodeRecord(scenario, density, seeds[number], "infrastructure", *nothing, planner_seed=member.planner_seed)


def _judged(methods: Sequence[MethodDrives]) -> Judged:
    """Return how the reference driver ended the episodes, by cell and seed; nothing where it did not drive."""
    records = [record for one in methods if one.planner == JUDGE for record in one.records]
    return {(one.cell, one.seed): one.outcome for one in records if one.outcome != "infrastructure"}


def _drift(methods: Sequence[MethodDrives], journal: Journal) -> Drift | None:
    if not journal.earlier:
        return None
    return drift_between(journal.earlier, {key: tried for one in methods for key, tried in one.attempts.items()})
