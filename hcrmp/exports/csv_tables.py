"""A drive as two tables: a row for each tick of the ego and its planner, and one for each other road user in it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from envs.recording import DriveLog
from envs.recording.whole_file import whole_file
from envs.scene import ActorKind
from hcrmp.exports.series import actor_rows, column_name, ego_columns, planner_columns


def actors_path(path: Path) -> Path:
    """Return the file of the others beside that of the ego."""
    return path.with_name(f"{path.stem}_actors{path.suffix}")


def write_csv(drive: DriveLog, path: Path) -> list[Path]:
    """Write both tables, each whole or not at all; numbers are written so that they are read back bit for bit."""
    columns = ego_columns(drive) | planner_columns(drive)
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    others = actors_path(path)
    with whole_file(path) as ego_part, whole_file(others) as others_part:
        _write(ego_part, tuple(columns), rows)
        _write(others_part, _actor_header(), _actors(drive))
    return [path, others]


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _actor_header() -> tuple[str, ...]:
    return ("time_s", "step", "id", "kind", "visible", *(column_name(row) for row in actor_rows()))


def _actors(drive: DriveLog) -> Iterator[tuple[Any, ...]]:
    scenes, actors = drive.scenes, drive.scenes.actors
    ticks, slots = np.nonzero(actors.valid)
    head = (scenes.time_s[ticks], scenes.step[ticks], actors.id[ticks, slots])
    kinds = (ActorKind(kind).name.lower() for kind in actors.kind[ticks, slots].tolist())
    numbers = (actors.block[row, ticks, slots].tolist() for row in actor_rows())
    visible = actors.visible[ticks, slots].astype(int).tolist()
    return zip(*(part.tolist() for part in head), kinds, visible, *numbers, strict=True)
