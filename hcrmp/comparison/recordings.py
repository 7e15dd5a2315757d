"""Which recordings an evaluation keeps, which it lacks, and how its results name them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from envs.recording.names import recorded_at
from hcrmp.comparison.analysis import MethodDrives, PlannerResult
from hcrmp.comparison.failures import Failure
from hcrmp.comparison.journal import Key
from hcrmp.comparison.places import Places
from hcrmp.course import Episode
from hcrmp.episode_plan import Driven


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


def chosen(methods: Iterable[MethodDrives], record: str | int) -> list[Key]:
    """Return the episodes whose recordings are kept, of each contestant and repetition: ``record`` of each cell."""
    if record == "all":
        return [key for one in methods for key in one.attempts]
    return [key for one in methods for key in _chosen(one, int(record))]


def _chosen(drives: MethodDrives, per_cell: int) -> list[Key]:
    groups: dict[tuple[str, int], list[Driven]] = {}
    nothing = np.zeros((0, 2))
    for (member, _, number, repetition), tried in drives.attempts.items():
        record = tried[-1].record
        if record is not None:
            groups.setdefault((member, repetition), []).append(Driven(Episode(0, number, record.seed), record, nothing))
    return [
        (member, one.record.cell, one.episode.number, repetition)
        for (member, repetition), driven in groups.items()
        for one in choose_drives(driven, per_cell)
    ]


def recording(places: Places, key: Key) -> Path:
    """Return where an episode's recording is, or will be; perhaps there is one in an older format."""
    return recorded_at(places.drive_file(key))


def unrecorded(methods: Sequence[MethodDrives], places: Places, record: str | int) -> frozenset[Key]:
    """Return the episodes that were driven to their end and whose recordings are to be kept, and are not there."""
    ended = {key for one in methods for key, tried in one.attempts.items() if not tried[-1].lost}
    return frozenset(key for key in chosen(methods, record) if key in ended and not recording(places, key).is_file())


def keep_chosen(methods: Sequence[MethodDrives], places: Places, record: str | int) -> list[Key]:
    """Remove the recordings that are not chosen; return the episodes whose recordings are there."""
    kept = chosen(methods, record)
    # Where nothing is recorded, what lies there is none of this evaluation's business.
    for key in {key for one in methods for key in one.attempts if record != 0} - set(kept):
        recording(places, key).unlink(missing_ok=True)
    return [key for key in kept if recording(places, key).is_file()]


def with_recordings(results: Sequence[PlannerResult], places: Places, kept: Sequence[Key]) -> tuple[PlannerResult, ...]:
    """Return ``results`` whose failures name their recordings, from the results' folder, where they were ``kept``."""
    there = frozenset(kept)

    def named(failure: Failure) -> Failure:
        key = (failure.member, failure.cell, failure.number, failure.repetition)
        path = os.path.relpath(recording(places, key), places.results.parent).replace(os.sep, "/")
        return replace(failure, drive=path) if key in there else failure

    return tuple(replace(one, failures=tuple(map(named, one.failures))) for one in results)
