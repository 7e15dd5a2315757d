"""Recovery: the drives that a killed process left in its journal."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from envs.recording.assembly import Ending, HintWords, RecordedDrive, SourceWords, assemble, no_words
from envs.recording.drive_log import DriveLog
from envs.recording.journal import (
    EVENTS_FILE,
    HEADER_FILE,
    JOURNAL_MAJOR,
    PREFIX,
    Piece,
    claimed,
    tick_arrays,
    tick_schema,
)
from envs.recording.names import free_name
from envs.recording.packing import unpack
from envs.recording.reading import BAD_WORDS, meta_from, one_line
from envs.recording.schema import DriveLogError, HintTold
from envs.recording.ticks import TickLayout
from envs.roads.drawing import RoadDrawing

LOG = logging.getLogger(__name__)

LARGEST_TICK = 2**24
"""Bytes of a tick at most: a journal's word is not enough to fill the memory."""


def recover_drives(folder: Path, words: HintWords = no_words, sources: SourceWords = ()) -> list[Path]:
    """Write the drives that killed processes left in ``folder`` to files there; return the files.

    A drive that was under way gets the outcome ``running`` and ``-cut`` behind its name; one that had ended is written
    as it would have been. No file is overwritten. A journal goes when its drives are in files; those of processes that
    live are left alone, and so are damaged ones, with a warning.
    """
    paths = []
    for journal in sorted(folder.glob(f"{PREFIX}*")):
        if journal.is_dir():
            with claimed(journal) as ours:
                paths += _recovered(journal, words, sources) if ours else []
    return paths


def _recovered(journal: Path, words: HintWords, sources: SourceWords) -> list[Path]:
    try:
        drives = list(read_journal(journal, words, sources))
    except DriveLogError as error:
        LOG.warning("%s", error)
        return []
    paths = []
    for name, log in drives:
        path = free_name(journal.parent, name, running=log.meta.outcome == "running")
        if not path.exists():
            paths.append(log.save(path))
    shutil.rmtree(journal, ignore_errors=True)
    return paths


def read_journal(
    journal: Path, words: HintWords = no_words, sources: SourceWords = ()
) -> Iterator[tuple[str, DriveLog]]:
    """Yield name and drive of what a journal holds and no file does.

    Raises:
        DriveLogError: in one line, when it is damaged in other ways than by being cut short, or of a newer format.
    """
    try:
        layout = _layout(journal)
        endings = _endings(_lines(journal / EVENTS_FILE))
        pieces = list(_pieces(journal, layout))
        end = max((piece.end for piece in pieces), default=0)
        for ending in endings:
            whole = ending.last < end
            last = ending if whole else Ending(ending.drive, end - 1, "running", ending.extra)
            log = assemble(last, pieces, layout, words, sources)
            if log is not None:
                yield ending.drive.name, log
    except DriveLogError:
        raise
    except (pa.ArrowException, OSError, MemoryError, *BAD_WORDS) as error:
        raise DriveLogError(
            f"{journal} is a damaged journal of drives ({one_line(error)}): remove it, or keep it for another version"
        ) from error


def _layout(journal: Path) -> TickLayout:
    header: dict[str, Any] = json.loads((journal / HEADER_FILE).read_text("utf-8"))
    major, minor = map(int, header["format"])
    if major != JOURNAL_MAJOR:
        advice = "upgrade hcrmp to read it" if major > JOURNAL_MAJOR else "remove it, or read it by the older version"
        known = f"{JOURNAL_MAJOR}.x"
        raise DriveLogError(f"{journal} has journal format {major}.{minor}; this version reads {known}: {advice}")
    told = header["layout"]
    more = tuple(told.get("more", ()))
    layout = TickLayout(told["actors"], told["observation"], tuple(told["planner"]), more)
    if layout.bytes > LARGEST_TICK:
        raise ValueError(f"a tick of {layout.bytes} bytes")
    return layout


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the journal's lines; the last may have been cut short."""
    lines = path.read_text("utf-8", errors="replace").split("\n")
    for number, line in enumerate(lines):
        if not line:
            continue
        try:
            event = json.loads(line)
        except ValueError:
            if number == len(lines) - 1:
                return
            raise
        if not isinstance(event, dict):
            raise ValueError("a line that is no object")
        yield event


def _endings(events: Iterator[dict[str, Any]]) -> list[Ending]:
    """Return the drives that no file holds, with their ends; those under way end with the last tick that there is."""
    roads: dict[int, RoadDrawing] = {}
    configurations: dict[int, Any] = {}
    left: dict[int, Ending] = {}
    for event in events:
        if "packed" in event:
            if "road" in event:
                roads[event["road"]] = RoadDrawing.from_lists(unpack(event["packed"].encode()))
            else:
                configurations[event["configuration"]] = unpack(event["packed"].encode())
        elif "name" in event:
            drive = _drive(event, roads, configurations)
            left[drive.number] = Ending(drive, 2**62, "running")
        elif "done" in event:
            left.pop(event["drive"], None)
        elif "hint" in event:
            if event["drive"] in left:
                left[event["drive"]].drive.hints.append(_hint(event["hint"]))
        elif event["drive"] in left:
            drive = left[event["drive"]].drive
            left[drive.number] = Ending(drive, int(event["last"]), str(event["outcome"]), dict(event["extra"]))
    return list(left.values())


def _drive(
    event: Mapping[str, Any], roads: Mapping[int, RoadDrawing], configurations: Mapping[int, Any]
) -> RecordedDrive:
    values = dict(event["meta"]) | {"configuration": configurations[event["configuration"]]}
    name, first = str(event["name"]), int(event["first"])
    if first < 0:
        raise ValueError(f"a drive from row {first} on")
    if Path(name).name != name or not name:
        raise ValueError(f"a drive of the name {name!r}")
    return RecordedDrive(int(event["drive"]), name, first, meta_from(values), roads[event["road"]])


def _hint(told: Mapping[str, Any]) -> HintTold:
    return HintTold(float(told["asked_at_s"]), str(told["prompt"]), str(told["answer"]), str(told["source"]))


def _pieces(journal: Path, layout: TickLayout) -> Iterator[Piece]:
    """Yield the ticks of a journal's streams, as far as they were written."""
    for path in sorted(journal.glob("ticks-*.arrows")):
        first = int(path.stem.removeprefix("ticks-"))
        if not path.stat().st_size:
            continue
        with pa.memory_map(str(path)) as mapped:
            for batch in _batches(mapped, layout):
                yield Piece(first, tick_arrays(batch, layout))
                first += batch.num_rows


def _batches(mapped: pa.MemoryMappedFile, layout: TickLayout) -> Iterator[pa.RecordBatch]:
    try:
        stream = pa.ipc.open_stream(mapped)
    except (pa.ArrowInvalid, OSError):
        return  # killed before the stream's schema was whole
    if not stream.schema.equals(tick_schema(layout)):
        raise ValueError("a stream with other columns than its header says")
    while True:
        try:
            batch = stream.read_next_batch()
        except (StopIteration, pa.ArrowInvalid, OSError):
            return  # the end, or where the process was killed
        batch.validate(full=True)
        yield batch
