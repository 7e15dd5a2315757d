"""Recovery: the drives that a killed process left in its journal."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from envs.recording.assembly import Ending, HintWords, RecordedDrive, SourceWords, drive_table, no_words
from envs.recording.drive_log import DriveLog
from envs.recording.journal import EVENTS_FILE, HEADER_FILE, JOURNAL_MAJOR, PREFIX, claimed
from envs.recording.names import free_name
from envs.recording.packing import unpack
from envs.recording.reading import BAD_WORDS, meta_from, one_line, parts_of
from envs.recording.schema import DriveLogError, HintTold
from envs.recording.tick_store import Cut, TickFile, Track, cut, file_name, left_tracks
from envs.recording.ticks import TickLayout
from envs.roads.drawing import RoadDrawing

LOG = logging.getLogger(__name__)

NO_END = -1
"""Ticks of a drive under way."""

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
        header = _header(journal)
        layout = _layout(header)
        files = _files(journal, layout, int(header["blocks"]))
        tracks = left_tracks(files)
        for ending in _endings(_lines(journal / EVENTS_FILE)):
            track = tracks.get(ending.drive.number)
            if track is not None and track.ticks:
                yield (
                    ending.drive.name,
                    _drive_log(_as_far_as(ending, track), cut(track, files, layout), layout, words, sources),
                )
    except DriveLogError:
        raise
    except (pa.ArrowException, OSError, MemoryError, *BAD_WORDS) as error:
        raise DriveLogError(
            f"{journal} is a damaged journal of drives ({one_line(error)}): remove it, or keep it for another version"
        ) from error


def _header(journal: Path) -> dict[str, Any]:
    header: dict[str, Any] = json.loads((journal / HEADER_FILE).read_text("utf-8"))
    major, minor = map(int, header["format"])
    if major != JOURNAL_MAJOR:
        advice = "upgrade hcrmp to read it" if major > JOURNAL_MAJOR else "remove it, or read it by the older version"
        known = f"{JOURNAL_MAJOR}.x"
        raise DriveLogError(f"{journal} has journal format {major}.{minor}; this version reads {known}: {advice}")
    return header


def _layout(header: Mapping[str, Any]) -> TickLayout:
    told = header["layout"]
    more = tuple(told.get("more", ()))
    layout = TickLayout(told["actors"], told["observation"], tuple(told["planner"]), more)
    if layout.bytes > LARGEST_TICK:
        raise ValueError(f"a tick of {layout.bytes} bytes")
    return layout


def _files(journal: Path, layout: TickLayout, blocks: int) -> list[TickFile]:
    """Return a journal's files of ticks; one whose room was not reserved yet has none."""
    if blocks < 1:
        raise ValueError(f"files of {blocks} blocks")
    files: list[TickFile] = []
    while (path := journal / file_name(len(files))).is_file() and path.stat().st_size:
        files.append(TickFile(path, layout, blocks, new=False))
    return files


def _as_far_as(ending: Ending, track: Track) -> Ending:
    """Return how a drive ended, as far as its ticks are there."""
    return ending if ending.ticks == track.ticks else replace(ending, ticks=track.ticks, outcome="running")


def _drive_log(ending: Ending, ticks: Cut, layout: TickLayout, words: HintWords, sources: SourceWords) -> DriveLog:
    table = drive_table(ending, ticks, layout, words, sources)
    return DriveLog(*parts_of(pa.Table.from_batches([table])))


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
            left[drive.number] = Ending(drive, NO_END, "running")
        elif "done" in event:
            left.pop(event["drive"], None)
        elif "hint" in event:
            if event["drive"] in left:
                left[event["drive"]].drive.hints.append(_hint(event["hint"]))
        elif event["drive"] in left:
            drive = left[event["drive"]].drive
            left[drive.number] = Ending(drive, int(event["ticks"]), str(event["outcome"]), dict(event["extra"]))
    return list(left.values())


def _drive(
    event: Mapping[str, Any], roads: Mapping[int, RoadDrawing], configurations: Mapping[int, Any]
) -> RecordedDrive:
    values = dict(event["meta"]) | {"configuration": configurations[event["configuration"]]}
    name = str(event["name"])
    if Path(name).name != name or not name:
        raise ValueError(f"a drive of the name {name!r}")
    return RecordedDrive(int(event["drive"]), name, meta_from(values), roads[event["road"]])


def _hint(told: Mapping[str, Any]) -> HintTold:
    return HintTold(float(told["asked_at_s"]), str(told["prompt"]), str(told["answer"]), str(told["source"]))
