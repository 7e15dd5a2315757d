"""Drives of many worlds recorded at once are those of each alone; a killed process leaves what it had recorded."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from envs.recording import (
    BatchRecorder,
    DriveLog,
    DriveLogError,
    DriveMeta,
    DriveRecorder,
    DriveStart,
    HintTold,
    Tick,
    TickLayout,
    batch_recorder,
    journal,
    read_journal,
    recover_drives,
    tick_store,
)
from envs.recording.assembly import TellLast
from envs.recording.ticks import PLANNER
from tests.envs.drive_builder import street
from tests.envs.many_worlds import ACTORS, SEEN, SOURCES, WORLDS, Worlds, hint_words

ROAD = street()
LAYOUT = TickLayout(ACTORS, SEEN, ("weights", "values", "distribution"))


def recorder_in(folder: Path, tell_last: TellLast | None = None) -> BatchRecorder:
    return BatchRecorder(folder, LAYOUT, WORLDS, words=hint_words, sources=SOURCES, tell_last=tell_last)


def start(name: str) -> DriveStart:
    return DriveStart(name, DriveMeta(name, seed=7, configuration={"ends_at": "violation", "n": [1, 2]}), ROAD)


def drive_all(recorder: BatchRecorder, worlds: Worlds, lengths: list[int]) -> dict[str, DriveLog]:
    """Drive an episode of each length, in as many worlds as there are; return what single recorders saw of them."""
    left = list(enumerate(lengths))
    told: dict[str, DriveLog] = {}
    under_way: dict[int, tuple[str, int, DriveRecorder]] = {}

    def begin(rows: list[int]) -> None:
        begun = [(row, *left.pop(0)) for row in rows if left]
        for row, number, length in begun:
            worlds.restart(row)
            under_way[row] = f"drive-{number}", length, DriveRecorder(start(f"drive-{number}").meta, ROAD)
        rows = [row for row, *_ in begun]
        recorder.begin(np.array(rows, dtype=np.int64), [start(under_way[row][0]) for row in rows])

    begin(list(range(WORLDS)))
    while under_way:
        recorder.tick(worlds.scene, worlds.numbers())
        for row, (_, _, single) in under_way.items():
            single.append(worlds.scene, row, worlds.tick(row, first=not len(single)))
        worlds.step()
        ended = [row for row, (_, length, single) in under_way.items() if len(single) == length - 1]
        recorder.last_tick(np.array(ended, dtype=np.int64), worlds.scene, worlds.numbers(ended))
        for row in ended:
            name, _, single = under_way.pop(row)
            single.append(worlds.scene, row, worlds.tick(row))
            recorder.end(row, "success", {"note": name})
            told[name] = single.finish("success")
        begin(ended)
    return told


def same(one: DriveLog, other: DriveLog) -> None:
    """Assert that two drives hold the same, bit for bit."""
    assert one.meta.trace_hash == other.meta.trace_hash != ""
    assert np.array_equal(one.state_hash, other.state_hash)  # type: ignore[arg-type]
    for group in ("ego", "actors", "road", "route", "events"):
        assert np.array_equal(getattr(one.scenes, group).block, getattr(other.scenes, group).block), group
    assert np.array_equal(one.scenes.route.points, other.scenes.route.points)
    for name in ("action", "control", "reward_terms", "hint_state", "hint_weights", "weights", "values",
                 "distribution", "observation", "hint_age_s"):  # fmt: skip
        assert np.array_equal(getattr(one.trace, name), getattr(other.trace, name)), name
    assert one.trace.observation is not None and one.trace.observation.dtype == np.float32
    assert one.trace.hint_text == other.trace.hint_text and one.trace.hint_source == other.trace.hint_source


@pytest.mark.parametrize(
    ("file_bytes", "many", "lengths"),
    [
        (tick_store.FILE_BYTES, 64, [5, 9, 3, 4, 12, 2, 7]),
        (0, 1, [33, 2, 70, 32, 31, 3, 64, 100, 65, 2, 40]),
        (0, 3, [90, 40, 130, 5, 64, 33, 97]),
    ],
)
def test_each_drive_is_that_of_its_world_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_bytes: int, many: int, lengths: list[int]
) -> None:
    """In one file or over several, in blocks of its own or in those that others have left."""
    monkeypatch.setattr(tick_store, "FILE_BYTES", file_bytes)
    monkeypatch.setattr(batch_recorder, "MANY", many)
    recorder = recorder_in(tmp_path)
    alone = drive_all(recorder, Worlds(3), lengths)
    recorder.close()
    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted(alone)
    for name, expected in alone.items():
        read = DriveLog.read(tmp_path / f"{name}.arrow")
        same(read, expected)
        assert read.meta.outcome == "success" and read.meta.extra == {"note": name}
        assert read.meta.configuration == {"ends_at": "violation", "n": [1, 2]}
        assert not read.trace.action[0].any() and not read.trace.reward_terms[0].any()


def test_a_language_models_words_are_kept_once_and_pointed_at(tmp_path: Path) -> None:
    recorder, worlds = recorder_in(tmp_path), Worlds(0)
    recorder.begin(np.array([1]), [start("one")])
    recorder.tick(worlds.scene, worlds.numbers())
    recorder.tell(1, HintTold(0.0, "What is ahead?", '{"road": ...}'))
    recorder.tell(0, HintTold(0.0, "of a world that is not recorded", ""))
    for tick in range(1, 6):
        worlds.step()
        if tick == 3:
            worlds.hint_issued_at_s[1] = worlds.scene.time_s[1]
            recorder.tell(1, HintTold(float(worlds.scene.time_s[1]), "And now?", "a truck"))
            recorder.tell(1, HintTold(0.1, "Too late?", "yes", "late"))
        worlds.hint_source[1] = SOURCES.index("cache") if tick == 5 else SOURCES.index("model")
        recorder.tick(worlds.scene, worlds.numbers())
    recorder.end(1, "timeout")
    recorder.close()
    read = DriveLog.read(tmp_path / "one.arrow")
    assert [hint.prompt for hint in read.hints] == ["What is ahead?", "And now?", "Too late?"]
    assert read.hints[0] == HintTold(0.0, "What is ahead?", '{"road": ...}', "model") and read.hints[2].source == "late"
    assert read.trace.hint_index is not None and read.trace.hint_index.tolist() == [0, 0, 0, 1, 1, -1]


def test_a_drive_is_in_its_file_when_it_has_ended(tmp_path: Path) -> None:
    """Where its planner has told of the end; the next drive may begin an hour later."""
    recorder, worlds = recorder_in(tmp_path), Worlds(0)
    recorder.begin(np.array([1]), [start("a")])
    recorder.tick(worlds.scene, worlds.numbers())
    recorder.end(1, "timeout")
    assert DriveLog.read(tmp_path / "a.arrow").meta.outcome == "timeout"
    assert list(read_journal(recorder._journal.path)) == []
    recorder.close()


def test_a_drive_that_is_dropped_leaves_no_file(tmp_path: Path) -> None:
    recorder, worlds = recorder_in(tmp_path), Worlds(0)
    recorder.begin(np.arange(2), [start("a"), start("b")])
    worlds.step()
    recorder.tick(worlds.scene, worlds.numbers())
    recorder.drop(np.array([0]))
    recorder.close()
    assert list(tmp_path.iterdir()) == []


def test_a_driver_that_tells_nothing_is_recorded(tmp_path: Path) -> None:
    """A scripted one has no critics and no distribution."""
    recorder, worlds = BatchRecorder(tmp_path, TickLayout(ACTORS, SEEN), WORLDS), Worlds(0)
    recorder.begin(np.array([1]), [start("a")])
    untold = {name: array for name, array in worlds.numbers().items() if name not in LAYOUT.planner}
    recorder.tick(worlds.scene, untold)
    recorder.end(1, "timeout")
    recorder.close()
    trace = DriveLog.read(tmp_path / "a.arrow").trace
    assert trace.weights is None and trace.values is None and trace.distribution is None
    assert trace.hint_state is not None and np.array_equal(trace.hint_state[0], worlds.numbers()["hint_state"][1])


def test_what_fails_leaves_the_drives_that_were_under_way(tmp_path: Path) -> None:
    (tmp_path / "a-cut.arrow").touch()
    recorder, worlds = recorder_in(tmp_path), Worlds(0)
    recorder.begin(np.array([0]), [start("a")])
    worlds.step()
    recorder.tick(worlds.scene, worlds.numbers())
    recorder.close(failed=True)
    assert DriveLog.read(tmp_path / "a-cut2.arrow").meta.outcome == "running"
    assert (tmp_path / "a-cut.arrow").stat().st_size == 0


def test_what_a_planner_saw_last_is_told_of_many_drives_at_once(tmp_path: Path) -> None:
    asked: list[int] = []

    def tell_last(seen: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
        asked.append(len(seen))
        rows = np.array([row["state"] for row in seen])
        widths = {"values": 3, "weights": 3, "distribution": 4}
        return {name: (-1.0 if name == "weights" else 1.0) * np.tile(rows, (1, n)) for name, n in widths.items()}

    recorder, worlds = recorder_in(tmp_path, tell_last), Worlds(0)
    recorder.begin(np.arange(3), [start(name) for name in "abc"])
    recorder.tick(worlds.scene, worlds.numbers())
    before = worlds.numbers()["values"].copy()
    worlds.step()
    known = worlds.numbers([0, 2])
    recorder.last_tick(np.array([0, 2]), worlds.scene, {name: known[name] for name in known if name not in PLANNER})
    recorder.last_tick(np.array([1]), worlds.scene, worlds.numbers([1]))
    for world, seen in ((0, 5.0), (2, 7.0)):
        recorder.end(world, "success", seen={"state": np.array([seen])})
    recorder.end(1, "timeout")
    recorder.close()
    drives = [DriveLog.read(tmp_path / f"{name}.arrow").trace for name in "abc"]
    assert asked == [2]
    assert [trace.values[-1].tolist() for trace in drives[::2]] == [[5.0] * 3, [7.0] * 3]  # type: ignore[index]
    assert drives[2].distribution is not None and drives[2].distribution[-1].tolist() == [7.0] * 4
    assert drives[0].weights is not None and drives[0].weights[-1].tolist() == [-5.0] * 3
    assert np.array_equal(drives[1].values[-1], worlds.numbers()["values"][1])  # type: ignore[index]
    assert all(np.array_equal(trace.values[0], before[k]) for k, trace in enumerate(drives))  # type: ignore[index]


def test_what_a_killed_process_had_not_told_yet_is_unknown(tmp_path: Path) -> None:
    recorder, worlds = recorder_in(tmp_path, lambda seen: pytest.fail("it was killed before")), Worlds(0)
    recorder.begin(np.array([0]), [start("a")])
    recorder.tick(worlds.scene, worlds.numbers())
    known = worlds.numbers([0])
    recorder.last_tick(np.array([0]), worlds.scene, {name: known[name] for name in known if name not in PLANNER})
    recorder.end(0, "success", seen={"state": np.zeros(1)})
    ((_, log),) = read_journal(recorder._journal.path, hint_words, SOURCES)
    assert log.meta.outcome == "success" and log.trace.values is not None
    assert np.isnan(log.trace.values[-1]).all() and np.isfinite(log.trace.values[0]).all()
    recorder._journal.close()


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DriveLogError, match="drives cannot be recorded in .*file"):
        recorder_in(tmp_path / "file")


def test_a_file_that_cannot_be_written_is_told_and_its_drive_is_kept(tmp_path: Path) -> None:
    recorder, worlds = recorder_in(tmp_path), Worlds(0)
    (tmp_path / "a.arrow").mkdir()
    recorder.begin(np.array([0]), [start("a")])
    recorder.tick(worlds.scene, worlds.numbers())
    with pytest.raises(DriveLogError, match="drives cannot be written to"):
        recorder.end(0, "success")
    ((name, log),) = read_journal(recorder._journal.path)
    assert (name, log.meta.outcome) == ("a", "success")
    recorder.close()
    assert list(tmp_path.glob(".journal-*"))


CHILD = """
import sys, time
from pathlib import Path
import numpy as np
from tests.envs.many_worlds import Worlds
from tests.envs.test_batch_recorder import recorder_in, start

folder, hangs = Path(sys.argv[1]), sys.argv[2] == "hangs"
recorder, worlds = recorder_in(folder), Worlds(3)
recorder.begin(np.arange(3), [start("a"), start("b"), start("c")])
recorder.tick(worlds.scene, worlds.numbers())
tick = 0
while True:
    worlds.step()
    recorder.tick(worlds.scene, worlds.numbers())
    tick += 1
    if tick == 4:
        recorder.end(2, "collision")
    print(tick, flush=True)
    if hangs and tick == 20:
        time.sleep(60)
    time.sleep(0.01)
"""


@pytest.mark.parametrize("hangs", [False, True])
def test_a_killed_process_loses_less_than_a_second(tmp_path: Path, hangs: bool) -> None:
    """Also where the simulator hung when it was killed. What it had finished is whole, the rest is cut short."""
    words = [sys.executable, "-c", CHILD, str(tmp_path), "hangs" if hangs else "drives"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            told: list[tuple[int, float]] = []
            while len(told) < (20 if hangs else 120):
                told.append((int(child.stdout.readline()), time.monotonic()))
            assert recover_drives(tmp_path) == [], "the process lives"
            if hangs:
                time.sleep(1.0)
            killed_at = time.monotonic()
        finally:
            os.kill(child.pid, signal.SIGKILL)
    old_enough = max(tick for tick, at in told if at <= killed_at - 1.0)
    before = {path.stem for path in tmp_path.glob("*.arrow")}
    written = recover_drives(tmp_path, hint_words, SOURCES)
    assert {path.stem for path in written} | before == {"a-cut", "b-cut", "c"}
    for name in ("a-cut", "b-cut"):
        log = DriveLog.read(tmp_path / f"{name}.arrow")
        assert log.meta.outcome == "running" and log.meta.trace_hash
        assert log.scenes.step[-1] >= old_enough
        assert log.scenes.step.tolist() == list(range(len(log)))
        assert log.meta.configuration["n"] == [1, 2] and len(log.drawing.areas) == len(ROAD.areas)
    whole = DriveLog.read(tmp_path / "c.arrow")
    assert whole.meta.outcome == "collision" and len(whole) == 5
    worlds = Worlds(3)
    for _ in range(4):
        worlds.step()
    assert np.array_equal(whole.scenes.ego.block[:, -1], worlds.scene.ego.block[:, 2])
    assert not list(tmp_path.glob(".journal-*"))
    assert recover_drives(tmp_path) == []


@pytest.fixture()
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A journal as a killed process leaves it."""
    monkeypatch.setattr(tick_store, "FILE_BYTES", 0)
    recorder, worlds = recorder_in(tmp_path), Worlds(1)
    recorder.begin(np.arange(3), [start("a"), start("b"), start("c")])
    recorder.tick(worlds.scene, worlds.numbers())
    for _ in range(39):
        worlds.step()
        recorder.tick(worlds.scene, worlds.numbers())
    kept = tmp_path / "kept"
    shutil.copytree(recorder._journal.path, kept / ".journal-x")
    recorder.close()
    return kept


def test_a_file_that_had_no_room_yet_has_no_ticks(left: Path) -> None:
    """The process was killed between making it and using it."""
    assert [len(log) for _, log in read_journal(left / ".journal-x")] == [40, 40, 40]
    (left / ".journal-x" / "ticks-2.blocks").touch()
    assert [len(log) for _, log in read_journal(left / ".journal-x")] == [40, 40, 40]


def test_a_block_that_was_given_and_has_no_tick_is_none(left: Path) -> None:
    file = tick_store.TickFile(left / ".journal-x" / "ticks-1.blocks", LAYOUT, WORLDS, new=False)
    content = bytearray((left / ".journal-x" / "ticks-1.blocks").read_bytes())
    used = np.frombuffer(content, np.int64, WORLDS, 2 * 8 * WORLDS)
    assert used.tolist() == file.head["used"].tolist() == [8, 8, 8]
    used[:] = 0
    (left / ".journal-x" / "ticks-1.blocks").write_bytes(content)
    assert [len(log) for _, log in read_journal(left / ".journal-x")] == [32, 32, 32]


class KilledAfterOne:
    """An array that takes one number, and then the process is killed."""

    def __init__(self, array: npt.NDArray[np.int64]) -> None:
        self.array, self.left = array, 1

    def __setitem__(self, place: int, value: int) -> None:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        self.array[place] = value


def test_a_kill_while_blocks_are_given_back_leaves_no_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tick_store.TickStore(tmp_path, LAYOUT, 1)
    file = store._files[0]
    file.head["drive"][:3], file.head["place"][:3], file.head["used"][:3] = 5, range(3), (32, 32, 8)
    whole = dict(file.head)
    monkeypatch.setitem(file.head, "drive", KilledAfterOne(whole["drive"]))  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        store.free(tick_store.Track(5, [(0, 0), (0, 1), (0, 2)], 72))
    monkeypatch.undo()
    assert tick_store.left_tracks([file])[5].ticks == 64


@pytest.mark.parametrize(
    ("number", "name", "value", "message"),
    [
        (1, "place", 7, "drive . lacks a block, or has one twice"),
        (1, "place", 0, "drive . lacks a block, or has one twice"),
        (0, "used", 31, "drive . has a gap"),
        (1, "used", 33, "a block of 33 ticks"),
        (1, "used", -1, "a block of -1 ticks"),
    ],
)
def test_blocks_that_do_not_fit_together_are_refused(
    left: Path, number: int, name: str, value: int, message: str
) -> None:
    path = left / ".journal-x" / tick_store.file_name(number)
    content = bytearray(path.read_bytes())
    heads = np.frombuffer(content, np.int64, 3 * WORLDS).reshape(3, WORLDS)
    heads[tick_store.HEAD.index(name), 0] = value
    path.write_bytes(content)
    with pytest.raises(DriveLogError, match=message):
        list(read_journal(left / ".journal-x"))


def test_a_file_of_another_size_is_refused(left: Path) -> None:
    path = left / ".journal-x" / "ticks-0.blocks"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DriveLogError, match=r"ticks-0\.blocks has \d+ bytes in place of \d+"):
        list(read_journal(left / ".journal-x"))


def test_a_line_that_was_cut_is_left_out(left: Path) -> None:
    lines = left / ".journal-x" / "drives.jsonl"
    lines.write_text(lines.read_text() + '{"drive": 0, "do')
    assert {name for name, _ in read_journal(left / ".journal-x")} == {"a", "b", "c"}


def test_of_two_that_recover_one_does(left: Path) -> None:
    """Processes that begin at the same time find the same journals."""
    with journal.claimed(left / ".journal-x") as first, journal.claimed(left / ".journal-x") as second:
        assert (first, second) == (True, False)
        assert recover_drives(left) == []
    assert {path.stem for path in recover_drives(left)} == {"a-cut", "b-cut", "c-cut"}
    assert not list(left.glob(".journal-*"))
    with journal.claimed(left / ".journal-x") as gone:
        assert not gone


def test_a_damaged_journal_is_left_alone_with_a_warning(left: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = left / ".journal-x" / "drives.jsonl"
    lines.write_text("nonsense\n" + lines.read_text())
    assert recover_drives(left) == []
    assert ".journal-x is a damaged journal of drives" in caplog.text
    assert lines.exists()


def test_a_newer_journal_is_named_and_left_alone(left: Path) -> None:
    header = left / ".journal-x" / "header.json"
    header.write_text(json.dumps(json.loads(header.read_text()) | {"format": [9, 1]}))
    with pytest.raises(DriveLogError, match=r"journal format 9\.1.*reads 3\.x.*upgrade"):
        list(read_journal(left / ".journal-x"))


def test_a_journals_drive_cannot_be_written_elsewhere(left: Path) -> None:
    lines = left / ".journal-x" / "drives.jsonl"
    lines.write_text(lines.read_text().replace('"name": "a"', '"name": "../../a"'))
    with pytest.raises(DriveLogError, match="a drive of the name"):
        list(read_journal(left / ".journal-x"))


def test_a_tick_of_the_wrong_width_is_refused() -> None:
    with pytest.raises(ValueError, match=r"distribution .* \(3,\); it must be \(4,\)"):
        DriveRecorder(DriveMeta("x"), ROAD).append(Worlds(0).scene, 0, Tick(distribution=(1.0, 2.0, 3.0)))
