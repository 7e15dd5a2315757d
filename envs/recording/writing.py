"""A drive as an Arrow IPC file (``.arrow``, also known as Feather 2) of format 3.

The file is self-contained: one record batch (``envs.recording.blocks``) whose buffers are compressed, a
fraction of the work of a Parquet file with a column for each number. In the schema's metadata stand, as JSON: under
``hcrmp.drive`` the format and the ``DriveMeta``; under ``hcrmp.road`` the road's drawing, under ``hcrmp.configuration``
what is needed to simulate the drive again, and under ``hcrmp.hints`` what a language model was asked and said, these
three packed (``envs.recording.packing``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from envs.recording.blocks import ROWS, WORDS, arrow_column, blocks_of, word_column
from envs.recording.packing import pack, packed_drawing, packed_values
from envs.recording.schema import FORMAT_MAJOR, FORMAT_MINOR, DriveMeta, HintTold, plain_meta
from envs.recording.whole_file import whole_file
from envs.roads.drawing import RoadDrawing

if TYPE_CHECKING:
    from envs.recording.drive_log import DriveLog

META_KEY, ROAD_KEY, CONFIGURATION_KEY, HINTS_KEY = (
    b"hcrmp.drive",
    b"hcrmp.road",
    b"hcrmp.configuration",
    b"hcrmp.hints",
)

LARGE_BYTES = 2**20
"""Tables from here on are compressed with zstd, to nine tenths of LZ4's size; below, LZ4's shorter time counts."""


def write_drive(log: DriveLog, target: Path) -> Path:
    """Write ``log`` to ``target``, whole or not at all."""
    return write_batch(drive_batch(log), target)


def write_batch(batch: pa.RecordBatch, target: Path) -> Path:
    """Write the table of a drive to ``target``, whole or not at all; hardly any of the time is Python's."""
    content = pa.BufferOutputStream()
    large = batch.get_total_buffer_size() >= LARGE_BYTES  # nbytes looks at every column: as long as a third of LZ4
    codec = pa.Codec("zstd", 1) if large else pa.Codec("lz4")
    options = pa.ipc.IpcWriteOptions(compression=codec, use_threads=False)
    with pa.ipc.new_file(content, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    with whole_file(target) as part:
        part.write_bytes(content.getvalue())
    return target


def drive_batch(log: DriveLog) -> pa.RecordBatch:
    """Return the Arrow table of a drive in one piece, its metadata included."""
    columns = {name: arrow_column(numbers) for name, numbers in blocks_of(log.scenes, log.trace)}
    for name in WORDS:
        words = getattr(log.trace, name)
        columns[name] = word_column(words, np.arange(len(words)))
    metadata = drive_metadata(
        log.meta,
        log.drawing,
        log.hints,
        slots=log.scenes.actor_slots,
        points=log.scenes.route.points.shape[1],
        observation=0 if log.trace.observation is None else log.trace.observation.shape[1],
        more=log.trace.more_critics,
    )
    return table_of(columns, metadata)


def table_of(columns: Mapping[str, pa.Array], metadata: Mapping[bytes, bytes]) -> pa.RecordBatch:
    """Return the table of a drive in one piece."""
    batch = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    return batch.replace_schema_metadata(metadata)


def drive_metadata(
    meta: DriveMeta,
    drawing: RoadDrawing,
    hints: Sequence[HintTold],
    *,
    slots: int,
    points: int,
    observation: int,
    more: Sequence[str],
) -> dict[bytes, bytes]:
    """Return what stands beside a drive's columns, the sizes that they are read by among it."""
    payload = {
        "format": [FORMAT_MAJOR, FORMAT_MINOR],
        "meta": plain_meta(meta),
        "actor_slots": slots,
        "route_points": points,
        "rows": ROWS,
        "observation": observation,
        "more_critics": list(more),
    }
    metadata = {META_KEY: json.dumps(payload, allow_nan=False).encode(), ROAD_KEY: packed_drawing(drawing)}
    if meta.configuration:
        metadata[CONFIGURATION_KEY] = packed_values(meta.configuration)
    if hints:
        metadata[HINTS_KEY] = pack([asdict(hint) for hint in hints])
    return metadata
