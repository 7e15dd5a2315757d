"""Reading of a drive's Parquet file, of format 2 and of the older ones; whatever is no drive is refused in one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from envs.recording.columns import ColumnSource, scenes_of
from envs.recording.packing import unpack
from envs.recording.schema import (
    FORMAT_MAJOR,
    MORE_TRACES,
    OPTIONAL_TRACES,
    TRACE_WIDTHS,
    DriveLogError,
    DriveMeta,
    HashArray,
    HintTold,
    PlannerTrace,
    checked_more,
)
from envs.recording.writing import CONFIGURATION_KEY, HINTS_KEY, META_KEY, ROAD_KEY
from envs.roads.drawing import RoadDrawing
from envs.scene import SceneBatch

OLDEST_MAJOR = 1
"""Formats from here to ``FORMAT_MAJOR`` are read."""

LARGEST_NUMBERS = 2**28
"""Numbers of one list column at most: a file's word is not enough to fill the memory."""

_ADDED_SINCE = {"road_stop_line": (1, 1), "road_stood": (1, 1), "event_lane_invasion": (1, 2)}
"""Columns that format 1.0 had not, by the version that added them; an older drive reads 0 in them."""

Parts = tuple[DriveMeta, RoadDrawing, SceneBatch, PlannerTrace, tuple[HintTold, ...], HashArray | None]
BAD_WORDS = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError)
"""What the words of a damaged file may raise where they are believed."""


def read_drive(source: Path) -> Parts:
    """Return the parts of the ``DriveLog`` at ``source``."""
    file, metadata, payload = _open(source)
    try:
        return _parts(_table(file, payload), metadata, payload)
    except (pa.ArrowException, OSError, MemoryError) as error:
        raise DriveLogError(_unreadable(source)) from error
    except BAD_WORDS as error:
        raise DriveLogError(f"{source} is a damaged drive ({one_line(error)}): record it again") from error
    finally:
        file.close()


def read_drive_meta(source: Path) -> DriveMeta:
    """Return the ``DriveMeta`` of the drive at ``source``."""
    file, metadata, payload = _open(source)
    file.close()
    try:
        return _meta(metadata, payload)
    except BAD_WORDS as error:
        raise DriveLogError(f"{source} is a damaged drive ({one_line(error)}): record it again") from error


def _open(source: Path) -> tuple[pq.ParquetFile, dict[bytes, bytes], dict[str, Any]]:
    """Return the open file, its metadata and what it says of the drive; refuse what is no drive or too new."""
    if not source.is_file():
        raise DriveLogError(f"there is no drive at {source}: give the .parquet file of a recorded drive")
    try:
        file = pq.ParquetFile(pa.py_buffer(source.read_bytes()))
        metadata: dict[bytes, bytes] = dict(file.schema_arrow.metadata or {})
    except (pa.ArrowException, OSError, MemoryError, ValueError) as error:
        raise DriveLogError(_unreadable(source)) from error
    try:
        return file, metadata, _payload(source, metadata)
    except DriveLogError:
        file.close()
        raise


def _payload(source: Path, metadata: Mapping[bytes, bytes]) -> dict[str, Any]:
    if META_KEY not in metadata:
        raise DriveLogError(f"{source} is a Parquet file but no recorded drive: give a drive written by hcrmp")
    try:
        payload: dict[str, Any] = json.loads(metadata[META_KEY])
        major, minor = map(int, payload["format"])
    except BAD_WORDS as error:
        raise DriveLogError(f"{source} is a damaged drive (its metadata): record it again") from error
    if not OLDEST_MAJOR <= major <= FORMAT_MAJOR:
        advice = "upgrade hcrmp to read it" if major > FORMAT_MAJOR else "record it again"
        known = f"{OLDEST_MAJOR}.x to {FORMAT_MAJOR}.x"
        raise DriveLogError(f"{source} has drive format {major}.{minor}; this version reads {known}: {advice}")
    return payload


def _table(file: pq.ParquetFile, payload: Mapping[str, Any]) -> pa.Table:
    """Return the table; refuse one whose numbers would not fit before anything is allocated for them."""
    widest = max(int(payload["actor_slots"]), 3 * int(payload["route_points"]), int(payload.get("observation", 0)), 13)
    if file.metadata.num_rows * widest > LARGEST_NUMBERS:
        raise ValueError(f"{file.metadata.num_rows} ticks of {widest} numbers")
    return file.read(use_threads=False)


def _parts(table: pa.Table, metadata: Mapping[bytes, bytes], payload: Mapping[str, Any]) -> Parts:
    table.validate(full=True)
    source = ColumnSource(table, _constants(payload))
    drawing = unpack(metadata[ROAD_KEY]) if ROAD_KEY in metadata else payload["drawing"]
    hints = unpack(metadata[HINTS_KEY]) if HINTS_KEY in metadata else ()
    return (
        _meta(metadata, payload),
        RoadDrawing.from_lists(drawing),
        scenes_of(source, int(payload["actor_slots"]), int(payload["route_points"])),
        _trace(source, int(payload.get("observation", 0)), len(hints), checked_more(payload.get("more_critics", []))),
        tuple(_hint(told) for told in hints),
        _hashes(source) if "state_hash" in source else None,
    )


def _constants(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that are kept once, with 0 in those that an older format had not."""
    version = tuple(map(int, payload["format"]))
    missing = {name: 0.0 for name, since in _ADDED_SINCE.items() if version < since}
    return missing | dict(payload.get("constants", {}))


def _meta(metadata: Mapping[bytes, bytes], payload: Mapping[str, Any]) -> DriveMeta:
    values = dict(payload["meta"])
    if CONFIGURATION_KEY in metadata:
        values["configuration"] = unpack(metadata[CONFIGURATION_KEY])
    return meta_from(values)


def meta_from(values: Mapping[str, Any]) -> DriveMeta:
    """Return the ``DriveMeta`` of plain values; fields that are unknown here are left out, wrong kinds refused."""
    known = {item.name: item for item in fields(DriveMeta)}
    values = {name: value for name, value in values.items() if name in known}
    for name, value in values.items():
        _check_kind(name, value, str(known[name].type))
    return DriveMeta(**values)


def _check_kind(name: str, value: Any, kind: str) -> None:
    """Refuse a value of the metadata that is of another kind than its field."""
    allowed = {"str": str, "int": int, "float": (int, float)}.get(kind, dict)
    if not isinstance(value, allowed) or isinstance(value, bool):  # type: ignore[arg-type]
        raise ValueError(f"{name} of its metadata is {type(value).__name__}")


def _trace(source: ColumnSource, observed: int, hints: int, more: tuple[str, ...]) -> PlannerTrace:
    names = [name for name in TRACE_WIDTHS if name not in OPTIONAL_TRACES or name in source]
    arrays: dict[str, Any] = dict.fromkeys(OPTIONAL_TRACES)
    arrays |= {name: source.lists(name, TRACE_WIDTHS[name]) for name in names}
    arrays |= {name: source.lists(name, len(more)) for name in MORE_TRACES if more and name in source}
    if "observation" in source:
        arrays["observation"] = source.lists("observation", observed, np.float32)
    if "hint_index" in source:
        arrays["hint_index"] = index = source.whole("hint_index")
        if index.min() < -1 or index.max() >= hints:
            raise ValueError("a tick points at a hint that is not there")
    return PlannerTrace(
        **arrays,
        hint_text=source.words("hint_text"),
        hint_source=source.words("hint_source"),
        hint_age_s=source.numbers("hint_age_s"),
        more_critics=more,
    )


def _hashes(source: ColumnSource) -> HashArray:
    hashes = source.numbers("state_hash")
    if hashes.dtype != np.uint64:
        raise ValueError("column state_hash holds no hashes")
    return hashes


def _hint(told: Mapping[str, Any]) -> HintTold:
    return HintTold(float(told["asked_at_s"]), str(told["prompt"]), str(told["answer"]), str(told["source"]))


def _unreadable(source: Path) -> str:
    return f"{source} is no complete Parquet file (truncated, or another kind of file): record the drive again"


def one_line(error: Exception) -> str:
    """Return the words of an error in one line of printable text."""
    words = " ".join(str(error.args[0] if error.args else error).split())[:200]
    return "".join(letter if letter.isprintable() else "?" for letter in words)
