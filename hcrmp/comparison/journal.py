"""What has been driven, as it happens: one JSON line for each attempt at an episode, written before the next is told.

Whatever ends the program costs the episodes that were running, and what ends the machine those of the last second too:
a line that was cut short is dropped at the next start.
The first line says what is evaluated; a journal is never gone on with by anything else.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from hcrmp.comparison.journal_head import FORMAT, OtherEvaluationError, check_head, check_protocol
from hcrmp.episode_record import EpisodeRecord
from hcrmp.errors import RunFolderError
from hcrmp.run_folder import write_text

ON_DISK_EVERY_S = 1.0
"""Time after which what was written is brought to the disk (s)."""

Key = tuple[str, str, int, int]
"""An episode: name of the member that drives, cell, number in the cell, repetition."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at the episode ``key``: its ``record``, None where it was lost, with the ``error`` in words.

    ``trace_hash`` of all that happened in it; an ``EpisodeRecord`` that says "infrastructure" was lost as well.
    """

    key: Key
    record: EpisodeRecord | None
    trace_hash: str = ""
    error: str = ""

    @property
    def lost(self) -> bool:
        """Whether the infrastructure broke it off."""
        return self.record is None or self.record.outcome == "infrastructure"


@dataclass(frozen=True, slots=True)
class HintTimes:
    """Wall times (s) of the hint provider's last batches while ``member`` drove a piece, whole and by their hints."""

    member: str
    batch_s: tuple[float, ...]
    hint_s: tuple[float, ...]


@dataclass
class Journal:
    """The journal in ``path``, held by this process alone, with the ``attempts`` at each episode in their order."""

    path: Path
    attempts: dict[Key, list[Attempt]] = field(default_factory=dict)
    """The lost attempts at each episode, and the one that was driven to its end, where there is one."""
    earlier: dict[Key, list[Attempt]] = field(default_factory=dict)
    """What the evaluation drove that this one repeats."""
    times: list[HintTimes] = field(default_factory=list)
    code: str = ""
    """What program began the file."""
    codes: list[str] = field(default_factory=list)
    """What programs drove what the file holds, the first the one that began it."""
    absorbed: set[str] = field(default_factory=set)
    """Which journals of jobs it has taken in."""
    put_aside: str = ""
    """Why what the file held is no longer counted, in words; "" where nothing was put aside."""
    _file: IO[bytes] | None = None
    _on_disk_s: float = -math.inf
    _head: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        path: Path,
        protocol: Mapping[str, Any],
        members: Mapping[str, str],
        *,
        code: str = "",
        replace_other: bool = False,
    ) -> Journal:
        """Return the journal at ``path``, begun or gone on with.

        ``members`` are the checksums of all that are to drive, by name; some that are not in the journal may join.
        ``code`` says what program drives; ``replace_other``: one that was begun with something else is begun anew.

        Raises:
            RunFolderError: it is held by another process, is no journal, or was begun with something else.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        journal = cls(path, _file=path.open("a+b"))
        try:
            journal._lock()
            journal._head = {"journal": FORMAT, "protocol": dict(protocol), "members": dict(members), "code": code}
            if replace_other:
                journal._replace_other(protocol, members)
            journal._begin(journal._read(), protocol, members)
        except BaseException:
            journal.close()
            raise
        return journal

    @property
    def head(self) -> dict[str, Any]:
        """What is evaluated: ``protocol``, and ``members`` with their checksums."""
        return self._head

    def close(self) -> None:
        """Let others write."""
        if self._file is not None:
            self._sync()
            self._file.close()
            self._file = None

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin_again(self) -> None:
        """Keep what was driven as ``earlier`` and begin anew."""
        assert self._file is not None
        self._file.seek(0)
        write_text(self._path_of_earlier, self._file.read().decode())
        self.earlier = self.attempts
        self._empty()

    def forget(self, why: str) -> None:
        """Begin anew, as if nothing had been driven; ``why`` in words."""
        self._path_of_earlier.unlink(missing_ok=True)
        self.earlier, self.put_aside = {}, why
        self._empty()

    def _empty(self) -> None:
        assert self._file is not None
        self.attempts, self.times, self.code = {}, [], self._head["code"]
        self.codes, self.absorbed = [self.code], set()
        self._file.truncate(0)
        self._write([self._head])

    @property
    def _path_of_earlier(self) -> Path:
        return self.path.with_suffix(f".earlier{self.path.suffix}")

    def add(self, attempts: list[Attempt]) -> None:
        """Keep what has just ended; it outlives this program when this returns."""
        self._write([_to_line(one) for one in attempts])
        for one in attempts:
            _keep(self.attempts, one)

    def add_times(self, times: HintTimes) -> None:
        """Keep how long the hints of a piece of work took."""
        self._write([asdict(times)])
        self.times.append(times)

    def absorb(self, attempts: list[Attempt], times: list[HintTimes], mark: str) -> None:
        """Keep what a job's journal held, once, by its ``mark``; it is on the disk when this returns."""
        if mark not in self.absorbed:
            self._write([*map(_to_line, attempts), *map(asdict, times), {"absorbed": mark}])
            for one in attempts:
                _keep(self.attempts, one)
            self.times += times
            self.absorbed.add(mark)
        self._sync()

    def go_on_with_other_code(self) -> bool:
        """Note where from now on another program drives than until now; return whether several have driven."""
        if self._head["code"] != self.codes[-1]:
            self._write([{"code": self._head["code"]}])
            self.codes.append(self._head["code"])
        return len(self.codes) > 1

    def done(self, key: Key, retries: int) -> bool:
        """Whether nothing is left to do for an episode: it was driven to its end, or lost too often."""
        tried = self.attempts.get(key, [])
        return bool(tried) and (not tried[-1].lost or len(tried) > retries)

    def _lock(self) -> None:
        """Hold the file until it is closed, by whatever; where the system has no such locks, nothing holds it."""
        try:
            import fcntl
        except ImportError:
            return
        assert self._file is not None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunFolderError(
                f"{self.path} is being written by another evaluation: wait for it, or give another label=..."
            ) from None

    def _replace_other(self, protocol: Mapping[str, Any], members: Mapping[str, str]) -> None:
        """Forget what was begun with something else."""
        try:
            lines = self._read()
            if lines:
                check_head(self.path, lines, protocol, members)
        except OtherEvaluationError as error:
            self.forget(error.told)

    def _begin(self, lines: list[Any], protocol: Mapping[str, Any], members: Mapping[str, str]) -> None:
        """Take what the file holds, and write down what is new."""
        self.earlier = self._read_earlier(protocol)
        if not lines:
            self._empty()
            return
        known = check_head(self.path, lines, protocol, members)
        self.code = str(lines[0].get("code", ""))
        self.codes = [str(line["code"]) for line in lines if "code" in line] or [""]
        self.absorbed = {str(line["absorbed"]) for line in lines if "absorbed" in line}
        new = {name: checksum for name, checksum in members.items() if name not in known}
        if new:
            self._write([{"members": new}])
        self.attempts = _attempts(lines)
        self.times = [_times(line) for line in lines if "batch_s" in line]

    def _read_earlier(self, protocol: Mapping[str, Any]) -> dict[Key, list[Attempt]]:
        if not self._path_of_earlier.is_file():
            return {}
        lines = _parsed(self._path_of_earlier, self._path_of_earlier.read_bytes())
        check_protocol(self._path_of_earlier, lines[0], protocol)
        return _attempts(lines)

    def _write(self, lines: list[Any]) -> None:
        assert self._file is not None
        self._file.write(b"".join(json.dumps(line, allow_nan=False).encode() + b"\n" for line in lines))
        self._file.flush()
        # A disk may take longer for this than the simulator for an episode.
        if time.monotonic() >= self._on_disk_s + ON_DISK_EVERY_S:
            self._sync()

    def _sync(self) -> None:
        assert self._file is not None
        os.fsync(self._file.fileno())
        self._on_disk_s = time.monotonic()

    def _read(self) -> list[dict[str, Any]]:
        """Return the whole lines, and cut off one that was not finished."""
        assert self._file is not None
        self._file.seek(0)
        content = self._file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            self._file.truncate(whole)
        return _parsed(self.path, content[:whole])


def _parsed(path: Path, content: bytes) -> list[dict[str, Any]]:
    try:
        lines = [json.loads(line) for line in content.splitlines()]
    except ValueError as error:
        raise RunFolderError(f"{path} is no journal ({error}): give another label=...") from error
    if not all(isinstance(line, dict) for line in lines):
        raise RunFolderError(f"{path} is no journal: give another label=...")
    return lines


def _attempts(lines: Sequence[Mapping[str, Any]]) -> dict[Key, list[Attempt]]:
    found: dict[Key, list[Attempt]] = {}
    for one in (_from_line(line) for line in lines if "key" in line):
        _keep(found, one)
    return found


def _keep(found: dict[Key, list[Attempt]], one: Attempt) -> None:
    """Add an attempt; it stands in the place of one that had gone well, and was driven again for its recording.

    One that was lost takes nothing's place: what was measured stays measured.
    """
    tried = found.setdefault(one.key, [])
    if tried and not tried[-1].lost:
        if one.lost:
            return
        tried.pop()
    tried.append(one)


def _times(line: Mapping[str, Any]) -> HintTimes:
    return HintTimes(line["member"], tuple(line["batch_s"]), tuple(line["hint_s"]))


def _to_line(one: Attempt) -> dict[str, Any]:
    record = None if one.record is None else one.record.to_dict()
    return {"key": list(one.key), "record": record, "trace_hash": one.trace_hash, "error": one.error}


def _from_line(line: Mapping[str, Any]) -> Attempt:
    member, cell, number, repetition = line["key"]
    record = None if line["record"] is None else EpisodeRecord.from_dict(line["record"])
    return Attempt((member, cell, int(number), int(repetition)), record, line["trace_hash"], line["error"])
