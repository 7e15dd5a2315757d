"""Journal of a process that records: what a kill leaves of the drives that were under way.

A journal is a hidden folder beside the drives: ``ticks-N.arrows``, Arrow IPC streams of the raw ticks
(``envs.recording.ticks``), and ``drives.jsonl``, a line for each start, told hint, end and written file of a drive.
What was handed to the operating system survives the process, so nothing is synced to the disk. A lock tells whether
the process still lives. The ticks on disk also are the recorder's memory: they are read back through a mapping.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from envs.recording.ticks import Arrays, TickLayout

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # no POSIX: journals count as those of living processes, and are left alone
    fcntl = None

JOURNAL_MAJOR = 2
"""Raised when an older reader would misunderstand a journal; such a one is refused."""

PREFIX = ".journal-"
MADE_PREFIX = ".making-journal-"
EVENTS_FILE, HEADER_FILE, LOCK_FILE = "drives.jsonl", "header.json", "lock"

SEGMENT_BYTES = 2**25
"""A stream that has grown to this is followed by a new one, so that old ticks can be removed."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive ticks, the first of which has the number ``first``: arrays ``(n, ...)`` by name."""

    first: int
    arrays: Arrays

    def __len__(self) -> int:
        """Return the number of ticks."""
        return len(self.arrays["drive"])

    @property
    def end(self) -> int:
        """Number of the row behind the last."""
        return self.first + len(self)


class Journal:
    """Writes a journal in ``folder``; made by the process whose drives it holds."""

    def __init__(self, folder: Path, layout: TickLayout) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # It gets its name when it is locked: whoever looks for journals of killed processes must not find it before.
        made = Path(tempfile.mkdtemp(prefix=MADE_PREFIX, dir=folder))
        self._lock = open(made / LOCK_FILE, "w")
        if fcntl is not None:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.layout = layout
        self._schema = tick_schema(layout)
        header = {"format": [JOURNAL_MAJOR, 0], "layout": asdict(layout)}
        (made / HEADER_FILE).write_text(json.dumps(header), "utf-8")
        self.path = made.rename(folder / f"{PREFIX}{made.name.removeprefix(MADE_PREFIX)}")
        self._events = os.open(self.path / EVENTS_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        self._segments: dict[Path, int] = {}  # and the number behind the last tick of each
        self.ticks = 0
        self._open_segment()

    def tell(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Append a line for each event."""
        text = "".join(json.dumps(event) + "\n" for event in events)
        if text:
            os.write(self._events, text.encode())

    def write(self, arrays: Arrays) -> Piece:
        """Append ticks; return them as they now lie on the disk."""
        count = len(arrays["drive"])
        begin = self._sink.tell()
        columns = [_column(arrays[name]) for name in self._schema.names]
        self._writer.write_batch(pa.record_batch(columns, schema=self._schema))
        mapped = pa.memory_map(str(self._segment))
        mapped.seek(begin)
        message = pa.ipc.read_message(mapped)
        if message.type == "schema":  # a stream begins with its first batch
            message = pa.ipc.read_message(mapped)
        piece = Piece(self.ticks, tick_arrays(pa.ipc.read_record_batch(message, self._schema), self.layout))
        self.ticks += count
        self._segments[self._segment] = self.ticks
        if self._sink.tell() >= SEGMENT_BYTES:
            self._close_segment()
            self._open_segment()
        return piece

    def forget(self, before: int) -> None:
        """Remove the streams that hold only ticks before the number ``before``."""
        for path, end in list(self._segments.items()):
            if end <= before and path != self._segment:
                path.unlink()
                del self._segments[path]

    def close(self, *, keep: bool = False) -> None:
        """Let go of the journal, and remove it: its drives are all in files; unless it is to be kept."""
        self._close_segment()
        os.close(self._events)
        if not keep:
            shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()

    def _open_segment(self) -> None:
        self._segment = self.path / f"ticks-{self.ticks:09d}.arrows"
        self._sink = pa.OSFile(str(self._segment), "wb")
        self._writer = pa.ipc.new_stream(self._sink, self._schema)
        self._segments[self._segment] = self.ticks

    def _close_segment(self) -> None:
        self._writer.close()
        self._sink.close()


def tick_schema(layout: TickLayout) -> pa.Schema:
    """Return the schema of a journal's streams: a row for each tick."""
    return pa.schema(
        [
            (name, pa.list_(pa.from_numpy_dtype(np.dtype(kind)), int(np.prod(shape))))
            for name, (shape, kind) in layout.fields().items()
            if np.prod(shape)
        ]
    )


def tick_arrays(batch: pa.RecordBatch, layout: TickLayout) -> Arrays:
    """Return the arrays of the ticks in a batch, without copying; raises ValueError where they do not fit."""
    arrays: Arrays = {}
    for name, (shape, kind) in layout.fields().items():
        if not np.prod(shape):
            arrays[name] = np.zeros((batch.num_rows, *shape), kind)
            continue
        values = batch.column(name).values.to_numpy(zero_copy_only=True)
        if values.dtype != np.dtype(kind) or values.size != batch.num_rows * int(np.prod(shape)):
            raise ValueError(f"{name} of a journal's ticks has other sizes than its header says")
        arrays[name] = values.reshape(batch.num_rows, *shape)
    return arrays


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Hold the journal at ``path`` meanwhile, and say whether it is ours to recover.

    It is not where a living process writes it, as far as can be told, or recovers it.
    """
    if fcntl is None:
        yield False
        return
    try:
        lock = open(path / LOCK_FILE)
    except FileNotFoundError:
        yield path.is_dir()
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        # Somebody else may have recovered and removed it before this lock was ours.
        yield (path / LOCK_FILE).is_file()


def _column(array: npt.NDArray[Any]) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(array.reshape(-1)), array.size // len(array))
