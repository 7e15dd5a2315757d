"""Journal of a process that records: what a kill leaves of the drives that were under way.

A journal is a hidden folder beside the drives: the files of the raw ticks (``envs.recording.tick_store``), and
``drives.jsonl``, a line for each start, told hint, end and written file of a drive. What was handed to the operating
system survives the process, so nothing is synced to the disk. A lock tells whether the process still lives.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

from envs.recording.tick_store import TickStore, blocks_of_a_file
from envs.recording.ticks import TickLayout

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # no POSIX: journals count as those of living processes, and are left alone
    fcntl = None

JOURNAL_MAJOR = 3
"""Raised when an older reader would misunderstand a journal; such a one is refused."""

PREFIX = ".journal-"
MADE_PREFIX = ".making-journal-"
EVENTS_FILE, HEADER_FILE, LOCK_FILE = "drives.jsonl", "header.json", "lock"


class Journal:
    """Writes a journal in ``folder``; made by the process whose drives it holds, whose ``ticks`` it keeps."""

    def __init__(self, folder: Path, layout: TickLayout, worlds: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # It gets its name when it is locked: whoever looks for journals of killed processes must not find it before.
        made = Path(tempfile.mkdtemp(prefix=MADE_PREFIX, dir=folder))
        self._lock = open(made / LOCK_FILE, "w")
        if fcntl is not None:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        blocks = blocks_of_a_file(layout, worlds)
        header = {"format": [JOURNAL_MAJOR, 0], "layout": asdict(layout), "blocks": blocks}
        (made / HEADER_FILE).write_text(json.dumps(header), "utf-8")
        self.path = made.rename(folder / f"{PREFIX}{made.name.removeprefix(MADE_PREFIX)}")
        self._events = os.open(self.path / EVENTS_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            self.ticks = TickStore(self.path, layout, worlds)
        except OSError:
            self.close()
            raise

    def tell(self, event: Mapping[str, Any]) -> None:
        """Append a line."""
        os.write(self._events, json.dumps(event).encode() + b"\n")

    def close(self, *, keep: bool = False) -> None:
        """Let go of the journal, and remove it: its drives are all in files; unless it is to be kept."""
        os.close(self._events)
        if not keep:
            shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


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
