"""Critics beside the three in a recorded drive: read as written, recovered, and refused where a file names nonsense."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from envs.recording import BatchRecorder, DriveLog, DriveLogError, TickLayout, read_journal, recover_drives
from envs.recording.schema import MORE_TRACES
from tests.envs.drive_builder import more_drive
from tests.envs.many_worlds import ACTORS, SEEN, SOURCES, WORLDS, Worlds, hint_words
from tests.envs.test_batch_recorder import start
from tests.envs.test_recording import read_table, rewrite, write_table

NAMES = ("pace", "distance")
LAYOUT = TickLayout(ACTORS, SEEN, ("weights", "values", "distribution", "more_weights", "more_values"), NAMES)


def test_they_are_read_as_they_were_written(tmp_path: Path) -> None:
    drive = more_drive()
    again = DriveLog.read(drive.save(tmp_path / "drive.arrow")).trace
    assert again.more_critics == drive.trace.more_critics == NAMES
    for name in MORE_TRACES:
        written, read = getattr(drive.trace, name), getattr(again, name)
        assert written.shape == (6, 2) and np.array_equal(read, written), name


def test_a_drive_of_format_3_0_has_none(tmp_path: Path) -> None:
    path = replace(more_drive(), trace=replace(more_drive().trace, more_critics=())).save(tmp_path / "drive.arrow")
    rewrite(path, format=[3, 0])
    table = read_table(path)
    payload = json.loads(table.schema.metadata[b"hcrmp.drive"])
    assert payload.pop("more_critics") == []
    metadata = {**table.schema.metadata, b"hcrmp.drive": json.dumps(payload).encode()}
    write_table(table.replace_schema_metadata(metadata).drop_columns(list(MORE_TRACES)), path)
    trace = DriveLog.read(path).trace
    assert trace.more_critics == () and all(getattr(trace, name) is None for name in MORE_TRACES)
    assert trace.values is not None


@pytest.mark.parametrize("names", [["pace"], ["pace", "pace"], ["safety", "x"], ["a b", "c"], "pace", 3, [1, 2],
                                   {"x": 1}, None, [f"c{k}" for k in range(99)], ["A" * 300, "b"]])  # fmt: skip
def test_names_that_do_not_fit_are_refused_in_one_line(tmp_path: Path, names: Any) -> None:
    path = more_drive().save(tmp_path / "drive.arrow")
    rewrite(path, more_critics=names)
    with pytest.raises(DriveLogError, match="is a damaged drive") as caught:
        DriveLog.read(path)
    assert len(str(caught.value).splitlines()) == 1 and len(str(caught.value)) < 400


def numbers_of(worlds: Worlds, tick: int) -> dict[str, npt.NDArray[Any]]:
    """Return the numbers of all worlds, those of further critics ``tick`` and the critic's number."""
    more = {name: np.full((WORLDS, 2), [tick, tick + 0.5]) for name in MORE_TRACES}
    return worlds.numbers() | more


def test_a_recorder_keeps_them_and_a_killed_one_leaves_them(tmp_path: Path) -> None:
    recorder = BatchRecorder(tmp_path, LAYOUT, WORLDS, words=hint_words, sources=SOURCES)
    worlds = Worlds(1)
    recorder.begin(np.arange(2), [start("ended"), start("left")])
    for tick in range(5):
        recorder.tick(worlds.scene, numbers_of(worlds, tick))
        worlds.step()
    recorder.end(0, "success", seen={})
    assert "success" in [drive.meta.outcome for _, drive in read_journal(recorder._journal.path)]
    left = shutil.copytree(recorder._journal.path, tmp_path / "elsewhere" / recorder._journal.path.name)
    recorder.close()
    ended = DriveLog.read(tmp_path / "ended.arrow").trace
    recovered = recover_drives(left.parent, hint_words, SOURCES)
    assert [path.stem for path in recovered] == ["ended", "left-cut"]
    for trace in (ended, *(DriveLog.read(path).trace for path in recovered)):
        expected = np.arange(5.0)[:, None] + [0.0, 0.5]
        assert trace.more_critics == NAMES and trace.reward_terms.shape == (5, 3)
        assert trace.more_values is not None and np.array_equal(trace.more_values, expected)
        assert trace.more_weights is not None and np.array_equal(trace.more_weights, expected)
        earned = trace.more_reward_terms  # nothing earned before the first scene
        assert earned is not None and not earned[0].any() and np.array_equal(earned[1:], expected[1:])


def test_a_layout_names_them_properly() -> None:
    with pytest.raises(ValueError, match="critics"):
        replace(LAYOUT, more=("safety",))
    assert replace(LAYOUT, more=()).bytes == LAYOUT.bytes - 8 * 3 * 2
