"""What a file of a few bytes says that it holds is known before it is made."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from envs.recording import reading
from envs.recording.message_size import decompressed_bytes
from envs.recording.reading import ARROW_MAGIC
from envs.recording.schema import DriveLogError
from tests.envs.drive_builder import make_drive


def file_of(batch: pa.RecordBatch, codec: str | None) -> bytes:
    out = pa.BufferOutputStream()
    with pa.ipc.new_file(out, batch.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
        writer.write_batch(batch)
    return bytes(out.getvalue())


def size_of(content: bytes) -> int:
    return decompressed_bytes(pa.py_buffer(content).slice(len(ARROW_MAGIC)))


@pytest.mark.parametrize("codec", ["lz4", "zstd", None])
def test_the_size_is_that_of_the_table(codec: str | None) -> None:
    columns = [pa.array(np.zeros(5000)), pa.array(["ab", None] * 2500), pa.array(["x"] * 5000).dictionary_encode()]
    batch = pa.RecordBatch.from_arrays(columns, names=["numbers", "words", "codes"])
    content = file_of(batch, codec)
    assert size_of(content) == pytest.approx(batch.nbytes, abs=64)
    assert codec is None or len(content) < batch.nbytes / 3


def test_a_length_that_is_a_lie_is_seen_before_anything_is_made() -> None:
    content = file_of(pa.RecordBatch.from_arrays([pa.array(np.zeros(1000))], names=["numbers"]), "zstd")
    honest = struct.pack("<q", 8000)
    assert content.count(honest) == 1
    assert size_of(content.replace(honest, struct.pack("<q", 2**50))) >= 2**50
    with pytest.raises(ValueError, match="-7 bytes"):
        size_of(content.replace(honest, struct.pack("<q", -7)))


def test_a_drive_that_would_fill_the_memory_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_drive(ticks=5).save(tmp_path / "drive.arrow")
    reading.read_drive(path)
    monkeypatch.setattr(reading, "LARGEST_BYTES", 1000)
    with pytest.raises(DriveLogError, match=r"drive.arrow is a damaged drive \(a table of \d+ bytes\)"):
        reading.read_drive(path)
