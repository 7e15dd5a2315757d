"""Where an evaluation of several planners leaves its files, and which of its drives it keeps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from envs.recording.names import DRIVE_SUFFIX, recorded_at
from hcrmp.comparison.analysis import MethodDrives, PlannerResult
from hcrmp.comparison.failures import Failure
from hcrmp.comparison.journal import Key
from hcrmp.comparison.protocol import OWN, Protocol
from hcrmp.config import EvaluateConfig
from hcrmp.evaluation import Driven, Episode


def output_folder(config: EvaluateConfig, protocol: Protocol) -> Path:
    """Return the folder of the results."""
    if config.output:
        return Path(config.output)
    from hcrmp.evaluate import label

    usual = label(replace(config, label="", driver="planner")).removeprefix("planner-")
    name = config.label or (usual if protocol.name == OWN else protocol.name)
    return Path("evaluations") / name


def drive_file(folder: Path, key: Key) -> Path:
    """Return the file of an episode's recording in the results' ``folder``: ``drives/MEMBER/CONDITION-DENSITY-N``."""
    member, cell, number, repetition = key
    again = f"-again{repetition}" if repetition else ""
    place = folder / "drives" / re.sub(r"[^\w.-]+", "_", member)
    return place / f"{cell.replace('/', '-')}-{number}{again}{DRIVE_SUFFIX}"


def keep_chosen(folder: Path, methods: Iterable[MethodDrives], per_cell: int) -> None:
    """Remove the recordings of all but ``per_cell`` episodes of each contestant in each cell and repetition."""
    for key in (key for one in methods for key in set(one.attempts) - _chosen(one, per_cell)):
        recorded_at(drive_file(folder, key)).unlink(missing_ok=True)


def _chosen(drives: MethodDrives, per_cell: int) -> set[Key]:
    from hcrmp.evaluate import choose_drives

    groups: dict[tuple[str, int], list[Driven]] = {}
    nothing = np.zeros((0, 2))
    for (member, _, number, repetition), tried in drives.attempts.items():
        record = tried[-1].record
        if record is not None:
            groups.setdefault((member, repetition), []).append(Driven(Episode(0, number, record.seed), record, nothing))
    return {
        (member, one.record.cell, one.episode.number, repetition)
        for (member, repetition), driven in groups.items()
        for one in choose_drives(driven, per_cell)
    }


def with_recordings(results: Sequence[PlannerResult], folder: Path) -> tuple[PlannerResult, ...]:
    """Return ``results`` whose failures name their recordings, from the results' ``folder``, where there are any."""
    return tuple(replace(one, failures=tuple(_recorded(failed, folder) for failed in one.failures)) for one in results)


def _recorded(failure: Failure, folder: Path) -> Failure:
    path = recorded_at(drive_file(folder, (failure.member, failure.cell, failure.number, failure.repetition)))
    return replace(failure, drive=path.relative_to(folder).as_posix()) if path.is_file() else failure
