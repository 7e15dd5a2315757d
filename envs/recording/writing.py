"""A drive as a Parquet file of format 2.

The file is self-contained. In the schema's metadata stand, as JSON: under ``hcrmp.drive`` the format, the ``DriveMeta``
and the columns that are kept once; under ``hcrmp.road`` the road's drawing, under ``hcrmp.configuration`` what is
needed to simulate the drive again, and under ``hcrmp.hints`` what a language model was asked and said, these three
packed (``envs.recording.packing``).
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from envs.recording.columns import arrow_column, constant_rows, narrowed, scene_arrays
from envs.recording.packing import pack, packed_drawing, packed_values
from envs.recording.schema import FORMAT_MAJOR, FORMAT_MINOR, MORE_TRACES, TRACE_WIDTHS, PlannerTrace, plain_meta
from envs.recording.whole_file import whole_file

if TYPE_CHECKING:
    from envs.recording.drive_log import DriveLog

META_KEY, ROAD_KEY, CONFIGURATION_KEY, HINTS_KEY = (
    b"hcrmp.drive",
    b"hcrmp.road",
    b"hcrmp.configuration",
    b"hcrmp.hints",
)

LARGE_BYTES = 2**20
"""Tables from here on are compressed with zstd; below, setting it up for each column takes longer than lz4's work."""


def write_drive(log: DriveLog, target: Path) -> Path:
    """Write ``log`` to ``target``, whole or not at all."""
    content = encoded(drive_table(log))
    with whole_file(target) as part:
        # In one go: a Parquet writer asks for a hundred small ones.
        part.write_bytes(content)
    return target


def encoded(table: pa.Table) -> pa.Buffer:
    """Return the bytes of a Parquet file of ``table``."""
    content = pa.BufferOutputStream()
    with pq.ParquetWriter(
        content,
        table.schema.remove_metadata(),
        compression="zstd" if table.nbytes >= LARGE_BYTES else "lz4",
        use_dictionary=["hint_text", "hint_source"],
        write_statistics=False,
        store_schema=False,  # which would hold the metadata once more
    ) as writer:
        writer.write_table(table.replace_schema_metadata(None))
        writer.add_key_value_metadata(table.schema.metadata)
    return content.getvalue()


def drive_table(log: DriveLog) -> pa.Table:
    """Return the Arrow table of a drive, its metadata included."""
    columns: dict[str, pa.Array] = {}
    constants: dict[str, Any] = {}
    for names, numbers in (*scene_arrays(log.scenes), *_trace_arrays(log.trace)):
        for name, column, constant in zip(names, numbers, constant_rows(numbers), strict=True):
            # Without a changing column a table would not know its length.
            if constant and name != "time_s":
                constants[name] = column[0].tolist()
            else:
                columns[name] = arrow_column(column)
    for name in ("hint_text", "hint_source"):
        words = getattr(log.trace, name)
        if len(set(words)) == 1:
            constants[name] = words[0]
        else:
            columns[name] = pa.array(words, pa.string())
    if log.state_hash is not None:
        columns["state_hash"] = pa.array(log.state_hash)
    return pa.table(columns).replace_schema_metadata(_metadata(log, constants))


def _trace_arrays(trace: PlannerTrace) -> list[tuple[tuple[str], Any]]:
    names = (*TRACE_WIDTHS, *MORE_TRACES)
    arrays = {name: narrowed(given) for name in names if (given := getattr(trace, name)) is not None}
    if trace.observation is not None:
        arrays["observation"] = trace.observation
    if trace.hint_index is not None:
        arrays["hint_index"] = trace.hint_index.astype(np.int32)
    arrays["hint_age_s"] = trace.hint_age_s
    return [((name,), numbers[None]) for name, numbers in arrays.items()]


def _metadata(log: DriveLog, constants: dict[str, Any]) -> dict[bytes, bytes]:
    payload = {
        "format": [FORMAT_MAJOR, FORMAT_MINOR],
        "meta": plain_meta(log.meta),
        "actor_slots": log.scenes.actor_slots,
        "route_points": log.scenes.route.points.shape[1],
        "observation": 0 if log.trace.observation is None else log.trace.observation.shape[1],
        "more_critics": list(log.trace.more_critics),
        "constants": constants,
    }
    metadata = {META_KEY: json.dumps(payload, allow_nan=False).encode(), ROAD_KEY: packed_drawing(log.drawing)}
    if log.meta.configuration:
        metadata[CONFIGURATION_KEY] = packed_values(log.meta.configuration)
    if log.hints:
        metadata[HINTS_KEY] = pack([asdict(hint) for hint in log.hints])
    return metadata
