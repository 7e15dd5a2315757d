"""A recorded drive comes back bit for bit; whatever is no drive is refused in one line."""

from __future__ import annotations

import dataclasses
import json
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from envs.recording import DriveLog, DriveLogError, DriveMeta, DriveRecorder, Tick
from envs.risk import time_to_collision
from envs.scene import ActorStates, EgoRow, SceneBatch
from tests.envs.drive_builder import (
    PERIOD_S,
    SLOTS,
    ego_speed,
    full_drive,
    make_drive,
    make_recorder,
    make_scene,
    street,
)

DRIVE_1_2 = Path(__file__).parent / "data" / "drive_1_2.parquet"
"""``make_drive(12)`` as it was written by format 1.2."""

DRIVE_2_0 = DRIVE_1_2.with_name("drive_2_0.parquet")
"""``full_drive()`` as it was written by format 2.0, which kept a column that never changes once."""


@pytest.fixture(scope="module")
def drive() -> DriveLog:
    return make_drive(60)


@pytest.fixture()
def saved(drive: DriveLog, tmp_path: Path) -> Path:
    return drive.save(tmp_path / "drives" / "one.arrow")


def rounded(scenes: SceneBatch) -> SceneBatch:
    """Return the scenes as a file of format 2 keeps them: other road users in float32."""
    return dataclasses.replace(scenes, actors=ActorStates(scenes.actors.block.astype(np.float32).astype(np.float64)))


def same_scenes(one: SceneBatch, other: SceneBatch) -> bool:
    pairs = [
        (one.time_s, other.time_s),
        (one.step, other.step),
        (one.cell, other.cell),
        (one.seed, other.seed),
        (one.ego.block, other.ego.block),
        (one.actors.block, other.actors.block),
        (one.road.block, other.road.block),
        (one.route.block, other.route.block),
        (one.route.points, other.route.points),
        (one.events.block, other.events.block),
    ]
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)


def test_a_drive_is_read_back_bit_for_bit(drive: DriveLog, saved: Path) -> None:
    again = DriveLog.read(saved)
    assert same_scenes(again.scenes, drive.scenes)
    assert again.meta == drive.meta and np.array_equal(again.state_hash, drive.state_hash)  # type: ignore[arg-type]
    for name in ("action", "control", "reward_terms", "hint_state", "weights", "values", "hint_age_s"):
        assert np.array_equal(getattr(again.trace, name), getattr(drive.trace, name)), name
    assert again.trace.hint_text == drive.trace.hint_text
    assert again.trace.hint_source == drive.trace.hint_source


def test_the_road_travels_with_the_drive(drive: DriveLog, saved: Path) -> None:
    again = DriveLog.read(saved)
    assert [area.kind for area in again.drawing.areas] == [area.kind for area in drive.drawing.areas]
    for stroke, original in zip(again.drawing.strokes, drive.drawing.strokes, strict=True):
        assert (stroke.kind, stroke.color) == (original.kind, original.color)
        np.testing.assert_allclose(stroke.points, original.points, atol=1e-3)


def test_any_64_bit_seed_and_any_float_survive(tmp_path: Path) -> None:
    scene = SceneBatch.empty(1, 0)
    scene.seed[0] = 2**63 - 1
    scene.ego.block[EgoRow.X, 0] = np.nextafter(1.0, 2.0)
    recorder = DriveRecorder(DriveMeta("empty_road", seed=2**63 - 1), street())
    recorder.append(scene, 0)
    again = DriveLog.read(recorder.save(tmp_path / "one.arrow", "timeout"))
    assert again.scenes.seed[0] == again.meta.seed == 2**63 - 1
    assert again.scenes.ego.x[0] == np.nextafter(1.0, 2.0)
    assert again.scenes.actor_slots == 0
    assert again.trace.weights is None and again.trace.values is None and again.trace.hint_state is None


def test_the_recorder_copies_what_the_simulator_reuses() -> None:
    recorder = DriveRecorder(DriveMeta("overtaking"), street())
    scene, weights = make_scene(0, 5.0, 2), np.array([0.2, 0.3, 0.5])
    recorder.append(scene, 0, Tick(weights=weights))
    scene.ego.block[EgoRow.X, 0], weights[0] = 99.0, 99.0
    log = recorder.finish("running")
    assert log.scenes.ego.x[0] == 5.0
    assert log.trace.weights is not None and log.trace.weights[0].tolist() == [0.2, 0.3, 0.5]


def test_one_world_of_a_batch_is_recorded() -> None:
    batch = SceneBatch.empty(3, 2)
    batch.ego.block[EgoRow.X] = [10.0, 20.0, 30.0]
    recorder = DriveRecorder(DriveMeta("overtaking"), street())
    recorder.append(batch, 1)
    assert recorder.finish("running").scenes.ego.x.tolist() == [20.0]


def test_time_is_the_batch_axis(drive: DriveLog) -> None:
    assert len(drive) == drive.scenes.batch_size == 60
    assert drive.duration_s == pytest.approx(59 * PERIOD_S)
    scene = drive.scene(17)
    assert scene.batch_size == 1 and scene.actor_slots == SLOTS
    assert scene.ego.speed[0] == ego_speed(17)
    assert same_scenes(drive.scene(-1), drive.scene(59))
    whole = time_to_collision(drive.scenes)
    assert whole[33] == time_to_collision(drive.scene(33))[0]


def test_a_tick_is_found_by_its_time(drive: DriveLog) -> None:
    assert [drive.tick_at(t) for t in (-5.0, 0.0, 1.74, 1.76, 99.0)] == [0, 0, 17, 18, 59]


def test_a_tick_outside_the_drive_is_refused(drive: DriveLog) -> None:
    with pytest.raises(IndexError, match="ticks 0 to 59"):
        drive.scene(60)


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DriveLogError, match="there is no drive at .*nowhere.arrow"):
        DriveLog.read(tmp_path / "nowhere.arrow")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_one_clear_line(saved: Path, share: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    refused(saved, "no complete file of a drive")


def test_damage_in_the_middle_never_escapes_as_another_error(drive: DriveLog, tmp_path: Path) -> None:
    content = bytearray(drive.save(tmp_path / "one.arrow").read_bytes())
    for place in range(8, len(content), len(content) // 40):
        broken = bytearray(content)
        broken[place : place + 24] = bytes(24)
        (tmp_path / "broken.arrow").write_bytes(broken)
        try:
            DriveLog.read(tmp_path / "broken.arrow")
        except DriveLogError as error:
            assert "\n" not in str(error)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.arrow"
    path.write_text("not a drive at all")
    refused(path, "no complete file of a drive")


def test_a_table_that_is_no_drive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.arrow"
    write_table(pa.table({"a": [1, 2]}), path)
    refused(path, "no recorded drive")
    pq.write_table(pa.table({"a": [1, 2]}), path)
    refused(path, "no recorded drive")


def test_a_newer_format_is_named(saved: Path) -> None:
    rewrite(saved, format=[4, 1])
    refused(saved, r"format 4\.1.*reads 1\.x to 3\.x.*upgrade")


def test_a_newer_minor_format_is_read_without_what_is_unknown(drive: DriveLog, saved: Path) -> None:
    rewrite(saved, format=[3, 9], meta=dataclasses.asdict(drive.meta) | {"weather": "rain"})
    assert DriveLog.read(saved).meta == drive.meta


def test_a_drive_of_format_1_is_read(saved: Path) -> None:
    read, drive = DriveLog.read(DRIVE_1_2), make_drive(12)
    assert same_scenes(read.scenes, drive.scenes)  # which kept road users in float64
    assert read.meta == dataclasses.replace(drive.meta, trace_hash="")
    assert np.array_equal(read.trace.action, drive.trace.action)
    assert read.trace.hint_text == drive.trace.hint_text
    assert len(read.drawing.areas) == len(drive.drawing.areas)
    assert read.trace.observation is None and read.trace.distribution is None and read.state_hash is None
    assert read.hints == () and read.trace.hint_index is None


def test_a_drive_of_format_2_is_read() -> None:
    read, drive = DriveLog.read(DRIVE_2_0), full_drive()
    assert same_scenes(read.scenes, rounded(drive.scenes))
    assert (read.meta, read.hints, read.trace.hint_source) == (drive.meta, drive.hints, drive.trace.hint_source)
    assert DriveLog.read_meta(DRIVE_2_0) == drive.meta
    for name in ("action", "weights", "observation", "distribution", "hint_index", "hint_age_s"):
        assert np.array_equal(getattr(read.trace, name), getattr(drive.trace, name)), name
    assert np.array_equal(read.state_hash, drive.state_hash)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("minor", "without"),
    [(0, ["road_stop_line", "road_stood", "event_lane_invasion"]), (1, ["event_lane_invasion"])],
)
def test_an_older_format_reads_zero_where_it_had_no_column(tmp_path: Path, minor: int, without: list[str]) -> None:
    old = tmp_path / "old.parquet"
    table = pq.read_table(DRIVE_1_2)
    pq.write_table(table.drop_columns(without), old)
    refused(old, f"column {without[0]} is missing")
    rewrite(old, pq.read_table, pq.write_table, format=[1, minor])
    read = DriveLog.read(old)
    for name in without:
        group, _, attribute = name.partition("_")
        assert not getattr(read.scenes.events if group == "event" else read.scenes.road, attribute).any()
    np.testing.assert_array_equal(read.scenes.ego.block, make_drive(12).scenes.ego.block)


def test_a_missing_column_is_named(saved: Path) -> None:
    write_table(read_table(saved).drop_columns(["ego"]), saved)
    refused(saved, "column ego is missing")


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("ego", pa.nulls(30_000_000), "column ego holds other things than values of the type double"),
        ("hint_text", pa.nulls(30_000_000), "column hint_text holds other things than values of the type string"),
        ("ego", pa.array(np.zeros(2_000)), "column ego holds 2000 values, expected"),
        ("time_s", pa.nulls(2**23), "it has 8388608 ticks, a drive has 1 to 4194304"),
    ],
)
def test_what_takes_no_room_in_a_file_takes_none_here(saved: Path, name: str, values: pa.Array, told: str) -> None:
    table = read_table(saved)
    column = pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)
    write_table(table.set_column(table.column_names.index(name), name, column), saved)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(saved, told)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000, "kB"


def test_an_old_file_of_many_equal_numbers_is_refused_before_they_are_made(tmp_path: Path) -> None:
    old, table = tmp_path / "old.parquet", pq.read_table(DRIVE_1_2)
    many = pa.ListArray.from_arrays(
        pa.array([0, *[2**27] * len(table)], pa.int32()), pa.array(np.zeros(2**27, np.int8))
    )
    pq.write_table(table.append_column("more", many), old)
    refused(old, "columns of more numbers than a drive has")


def test_a_failed_save_leaves_the_old_file(drive: DriveLog, saved: Path) -> None:
    before = saved.read_bytes()
    bad = dataclasses.replace(drive, meta=dataclasses.replace(drive.meta, decision_period_s=float("nan")))
    with pytest.raises(ValueError):
        bad.save(saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_drive_without_ticks_is_refused() -> None:
    with pytest.raises(DriveLogError, match="no ticks"):
        DriveRecorder(DriveMeta("overtaking"), street()).finish("running")


def test_weights_at_some_ticks_only_are_refused() -> None:
    recorder = make_recorder(2)
    recorder.append(make_scene(2, 20.0, 3), 0, Tick())
    with pytest.raises(ValueError, match="2 of 3 ticks"):
        recorder.finish("running")


def test_a_whole_batch_in_place_of_one_world_is_refused() -> None:
    recorder = DriveRecorder(DriveMeta("overtaking"), street())
    with pytest.raises(ValueError, match=r"weights .* \(64, 3\); it must be \(3,\)"):
        recorder.append(make_scene(0, 0.0, 1), 0, Tick(weights=np.zeros((64, 3))))


def refused(path: Path, pattern: str) -> None:
    """Reading raises one line that matches and names the file."""
    with pytest.raises(DriveLogError, match=pattern) as caught:
        DriveLog.read(path)
    assert "\n" not in str(caught.value) and path.name in str(caught.value)


def read_table(path: Path) -> pa.Table:
    with pa.OSFile(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def write_table(table: pa.Table, path: Path) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def rewrite(
    path: Path,
    read: Callable[[Path], pa.Table] = read_table,
    write: Callable[[pa.Table, Path], None] = write_table,
    **changes: object,
) -> None:
    """Change parts of the metadata of a saved drive."""
    table = read(path)
    key = b"hcrmp.drive"
    payload = json.loads(table.schema.metadata[key]) | changes
    metadata = {**table.schema.metadata, key: json.dumps(payload).encode()}
    write(table.replace_schema_metadata(metadata), path)
