"""Reading of a drive's file: of format 3 (Arrow), and of the older ones (Parquet).

Whatever is no drive is refused in one line.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from envs.recording.blocks import BlockSource
from envs.recording.message_size import decompressed_bytes
from envs.recording.names import DRIVE_SUFFIX
from envs.recording.old_columns import ColumnSource
from envs.recording.packing import unpack
from envs.recording.schema import (
    FORMAT_MAJOR,
    DriveLogError,
    DriveMeta,
    HashArray,
    HintTold,
    PlannerTrace,
    checked_more,
)
from envs.recording.state_hash import trace_hash
from envs.recording.writing import CONFIGURATION_KEY, HINTS_KEY, META_KEY, ROAD_KEY
from envs.roads.drawing import RoadDrawing
from envs.scene import SceneBatch

OLDEST_MAJOR = 1
"""Formats from here to ``FORMAT_MAJOR`` are read."""

PARQUET_MAGIC = b"PAR1"

ARROW_MAGIC = b"ARROW1\0\0"

LARGEST_BYTES = 2**30
"""Of a table, decompressed; a drive of an hour among 30 others has a tenth."""

LARGEST_NUMBERS = 2**24
"""Numbers of one list column at most, ten hours among 46 others: a file's word is not enough to fill the memory."""

Parts = tuple[DriveMeta, RoadDrawing, SceneBatch, PlannerTrace, tuple[HintTold, ...], HashArray | None]
BAD_WORDS = (struct.error, KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError)
"""What the words of a damaged file may raise where they are believed."""


class _Source(Protocol):
    """The columns of a drive."""

    def scenes(self) -> SceneBatch: ...

    def trace(self, observed: int) -> PlannerTrace: ...

    def hashes(self, scenes: SceneBatch) -> HashArray | None: ...


class _File(Protocol):
    """The open file of a drive."""

    metadata: Mapping[bytes, bytes]

    def source(self, payload: Mapping[str, Any]) -> _Source:
        """Return the columns, by what the metadata say of them."""
        ...


class _ArrowFile:
    """Of format 3."""

    def __init__(self, content: pa.Buffer) -> None:
        # Its end is there, so it is whole.
        self.metadata: Mapping[bytes, bytes] = pa.ipc.open_file(content).schema.metadata or {}
        self._messages = content.slice(len(ARROW_MAGIC))

    def source(self, payload: Mapping[str, Any]) -> BlockSource:
        # What is measured is what is read: message by message, wherever the file's end says that they are.
        if (size := decompressed_bytes(self._messages)) > LARGEST_BYTES:
            raise ValueError(f"a table of {size} bytes")
        table = pa.ipc.open_stream(self._messages, options=pa.ipc.IpcReadOptions(use_threads=False)).read_all()
        table.validate(full=True)
        return _blocks(table, payload)


class _ParquetFile:
    """Of the formats before."""

    def __init__(self, content: pa.Buffer) -> None:
        self._file = pq.ParquetFile(content)
        self.metadata: Mapping[bytes, bytes] = self._file.schema_arrow.metadata or {}

    def source(self, payload: Mapping[str, Any]) -> ColumnSource:
        slots, points = int(payload["actor_slots"]), int(payload["route_points"])
        ticks, widest = self._file.metadata.num_rows, max(slots, 3 * points, int(payload.get("observation", 0)), 13)
        # Refused before anything is allocated for them.
        if ticks * widest > LARGEST_NUMBERS:
            raise ValueError(f"{ticks} ticks of {widest} numbers")
        if max(_sizes(self._file.metadata)) > LARGEST_BYTES:
            raise ValueError("columns of more numbers than a drive has")
        table = self._file.read(use_threads=False)
        table.validate(full=True)
        return ColumnSource(table, payload)


def _sizes(metadata: pq.FileMetaData) -> tuple[int, int]:
    """Return the bytes of all columns, as they are stored and as numbers: equal ones take no room in a file."""
    groups = (metadata.row_group(k) for k in range(metadata.num_row_groups))
    chunks = [group.column(k) for group in groups for k in range(metadata.num_columns)]
    return sum(one.total_uncompressed_size for one in chunks), 8 * sum(one.num_values for one in chunks)


def read_drive(source: Path) -> Parts:
    """Return the parts of the ``DriveLog`` at ``source``."""
    file, payload = _open(source)
    try:
        return _parts(file.source(payload), file.metadata, payload)
    except (pa.ArrowException, OSError, MemoryError) as error:
        raise DriveLogError(_unreadable(source)) from error
    except BAD_WORDS as error:
        raise DriveLogError(f"{source} is a damaged drive ({one_line(error)}): record it again") from error


def read_drive_meta(source: Path) -> DriveMeta:
    """Return the ``DriveMeta`` of the drive at ``source``."""
    file, payload = _open(source)
    try:
        return _meta(file.metadata, payload)
    except BAD_WORDS as error:
        raise DriveLogError(f"{source} is a damaged drive ({one_line(error)}): record it again") from error


def _open(source: Path) -> tuple[_File, dict[str, Any]]:
    """Return the open file and what it says of the drive; refuse what is no drive or too new."""
    if not source.is_file():
        raise DriveLogError(f"there is no drive at {source}: give the {DRIVE_SUFFIX} file of a recorded drive")
    try:
        content = source.read_bytes()
        kind = _ParquetFile if content.startswith(PARQUET_MAGIC) else _ArrowFile
        file: _File = kind(pa.py_buffer(content))
    except (pa.ArrowException, OSError, MemoryError, ValueError) as error:
        raise DriveLogError(_unreadable(source)) from error
    return file, _payload(source, file.metadata)


def _payload(source: Path, metadata: Mapping[bytes, bytes]) -> dict[str, Any]:
    if META_KEY not in metadata:
        raise DriveLogError(f"{source} is a table but no recorded drive: give a drive written by hcrmp")
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


def parts_of(table: pa.Table) -> Parts:
    """Return the parts of the ``DriveLog`` whose table this is; raises ``BAD_WORDS`` where it is none."""
    payload = json.loads(table.schema.metadata[META_KEY])
    return _parts(_blocks(table, payload), table.schema.metadata, payload)


def _blocks(table: pa.Table, payload: Mapping[str, Any]) -> BlockSource:
    more = checked_more(payload.get("more_critics", ()))
    return BlockSource(table, int(payload["actor_slots"]), int(payload["route_points"]), more)


def _parts(source: _Source, metadata: Mapping[bytes, bytes], payload: Mapping[str, Any]) -> Parts:
    drawing = unpack(metadata[ROAD_KEY]) if ROAD_KEY in metadata else payload["drawing"]
    hints = unpack(metadata[HINTS_KEY]) if HINTS_KEY in metadata else ()
    scenes, trace = source.scenes(), source.trace(int(payload.get("observation", 0)))
    if trace.hint_index is not None and not -1 <= trace.hint_index.min() <= trace.hint_index.max() < len(hints):
        raise ValueError("a tick points at a hint that is not there")
    hashes = source.hashes(scenes)
    meta = _meta(metadata, payload)
    return (
        meta if hashes is None else replace(meta, trace_hash=trace_hash(hashes)),
        RoadDrawing.from_lists(drawing),
        scenes,
        trace,
        tuple(_hint(told) for told in hints),
        hashes,
    )


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


def _hint(told: Mapping[str, Any]) -> HintTold:
    return HintTold(float(told["asked_at_s"]), str(told["prompt"]), str(told["answer"]), str(told["source"]))


def _unreadable(source: Path) -> str:
    return f"{source} is no complete file of a drive (truncated, or another kind of file): record the drive again"


def one_line(error: Exception) -> str:
    """Return the words of an error in one line of printable text."""
    words = " ".join(str(error.args[0] if error.args else error).split())[:200]
    return "".join(letter if letter.isprintable() else "?" for letter in words)
