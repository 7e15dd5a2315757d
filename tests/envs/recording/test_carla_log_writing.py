"""A drive written as a recording and read again is the drive, as far as the format holds it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.carla_recording import Packet, RecordedKind, read_recording
from envs.carla_server.payloads import Settings
from envs.carla_server.server import call_table
from envs.carla_server.simulation import Simulation
from envs.carla_server.streams import StreamServer
from envs.carla_server.town import TownLibrary
from envs.recording import DriveLog, DriveLogError
from envs.recording.carla_log import drive_of_carla_log, write_carla_log
from envs.scene import ActorKind, ActorRow, EgoRow, EventRow
from hcrmp.import_job import load_map
from tests.envs.drive_builder import CAR, make_drive

PLACE_M = 2e-3
"""A float32 of some hundred metres in centimetres."""

KEPT_EGO = (EgoRow.X, EgoRow.Y, EgoRow.SPEED, EgoRow.LATERAL_SPEED, EgoRow.YAW_RATE, EgoRow.LENGTH, EgoRow.WIDTH)
KEPT_ACTOR = (ActorRow.X, ActorRow.Y, ActorRow.SPEED, ActorRow.VX, ActorRow.VY, ActorRow.LENGTH, ActorRow.WIDTH)


def again(drive: DriveLog, folder: Path) -> DriveLog:
    return drive_of_carla_log(write_carla_log(drive, folder / "again.log"), lambda name: None)


def assert_alike(first: DriveLog, second: DriveLog) -> None:
    """Compare what the format holds; slots may be others."""
    assert second.scenes.time_s == pytest.approx(first.scenes.time_s - first.scenes.time_s[0], abs=1e-9)
    for row in KEPT_EGO:
        assert second.scenes.ego.block[row] == pytest.approx(first.scenes.ego.block[row], abs=PLACE_M), row
    turned = second.scenes.ego.yaw - first.scenes.ego.yaw
    assert np.abs(np.arctan2(np.sin(turned), np.cos(turned))).max() < 1e-6
    assert second.trace.control == pytest.approx(first.trace.control, abs=1e-6)
    assert (second.scenes.events.collision == first.scenes.events.collision).all()
    for tick in range(len(first)):
        one, two = by_id(first, tick), by_id(second, tick)
        assert one.keys() == two.keys()
        for actor_id, numbers in one.items():
            assert two[actor_id][list(KEPT_ACTOR)] == pytest.approx(numbers[list(KEPT_ACTOR)], abs=PLACE_M)
            assert two[actor_id][ActorRow.KIND] == numbers[ActorRow.KIND]


def by_id(drive: DriveLog, tick: int) -> dict[int, np.ndarray]:
    actors = drive.scenes.actors
    slots = np.flatnonzero(actors.valid[tick])
    return {int(actors.id[tick, slot]): actors.block[:, tick, slot] for slot in slots.tolist()}


def test_a_drive_comes_back(tmp_path: Path) -> None:
    drive = make_drive(60)
    back = again(drive, tmp_path)
    assert_alike(drive, back)
    assert back.meta.extra["velocities"] == back.meta.extra["sizes"] == "recorded"
    assert back.meta.map_name == "street" and back.meta.planner == "hero"


def test_a_second_time_it_is_the_same_file_but_for_rounding(tmp_path: Path) -> None:
    back = again(make_drive(20), tmp_path)
    assert_alike(back, again(back, tmp_path))
    assert again(back, tmp_path).meta.extra["ego"] == back.meta.extra["ego"]


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_motion_comes_back(data: st.DataObject) -> None:
    """Places up to a kilometre, any heading, bodies that come and go, collisions with and without another."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    drive = make_drive(6)
    scenes = drive.scenes
    for block, rows in ((scenes.ego.block, EgoRow), (scenes.actors.block, ActorRow)):
        for name, most in (("X", 1000.0), ("Y", 1000.0), ("YAW", np.pi)):
            block[rows[name]] = rng.uniform(-most, most, block[rows[name]].shape)
    scenes.ego.block[[EgoRow.SPEED, EgoRow.LATERAL_SPEED, EgoRow.YAW_RATE]] = rng.uniform(-30.0, 30.0, (3, 6))
    actors = scenes.actors
    kinds = rng.integers(len(ActorKind), size=scenes.actor_slots)
    actors.block[ActorRow.KIND], actors.block[ActorRow.ID] = kinds, np.arange(1, scenes.actor_slots + 1)
    actors.block[ActorRow.LENGTH], actors.block[ActorRow.WIDTH] = rng.uniform(0.3, 12.0, (2, 1, scenes.actor_slots))
    speed = np.where(kinds == ActorKind.STATIC, 0.0, rng.uniform(-20.0, 20.0, actors.speed.shape))
    velocity = speed * np.cos(actors.yaw), speed * np.sin(actors.yaw)
    actors.block[[ActorRow.SPEED, ActorRow.VX, ActorRow.VY]] = speed, *velocity
    actors.block[ActorRow.VALID] = rng.random(actors.speed.shape) < 0.7
    actors.block[ActorRow.VALID, 0] = 1.0
    # A prop that jumps about has the velocity of its jumps, and one far from the ego is left out: those stay put.
    props = kinds == ActorKind.STATIC
    for row in (ActorRow.X, ActorRow.Y):
        actors.block[row][:, props] = scenes.ego.block[EgoRow[row.name], :1]
    actors.block[:] *= actors.block[ActorRow.VALID]
    scenes.events.block[EventRow.COLLISION] = rng.random(6) < 0.5
    with TemporaryDirectory() as folder:
        assert_alike(drive, again(drive, Path(folder)))


def test_collisions_keep_the_other(tmp_path: Path) -> None:
    drive = make_drive(5)
    drive.scenes.events.block[EventRow.COLLISION, [1, 3]] = 1.0
    drive.scenes.events.block[EventRow.COLLISION_ACTOR, 1] = CAR
    back = again(drive, tmp_path)
    slot = int(back.scenes.events.collision_actor[1])
    assert back.scenes.actors.id[1, slot] == drive.scenes.actors.id[1, CAR]
    assert back.scenes.events.collision_actor[3] == -1 and back.meta.outcome == "collision"


def test_lights_and_heights_of_a_known_map_go_along(tmp_path: Path) -> None:
    known = load_map("town")
    known = replace(known, graph=replace(known.graph, height=np.full(len(known.graph.samples), 7.5)))
    drive = replace(make_drive(8), drawing=known.graph.drawing)
    recording = read_recording(write_carla_log(drive, tmp_path / "town.log", known))
    lights = [actor for actor in recording.frames[0].added() if actor.kind == RecordedKind.LIGHT]
    heads = [name for names in known.graph.controls.signal_ids for name in names]
    assert sorted(dict((n, v) for n, _, v in light.attributes)["sign_id"] for light in lights) == sorted(heads)
    places = recording.frames[3].table(Packet.POSITIONS)
    assert sorted(set(places["location_cm"][:, 2].tolist())) == [750.0, 843.0], "walkers' origin is in their middle"
    states = recording.frames[3].table(Packet.LIGHTS)
    assert len(states) == len(heads) and set(states["state"].tolist()) == {4}, (
        "a drive without stop lines tells of none"
    )


def test_our_server_tells_of_it_and_replays_it(tmp_path: Path) -> None:
    drive = make_drive(40)
    drive.scenes.events.block[EventRow.COLLISION, 30] = 1.0
    drive.scenes.events.block[EventRow.COLLISION_ACTOR, 30] = CAR
    drive = replace(drive, meta=replace(drive.meta, map_name="street_0"))
    write_carla_log(drive, tmp_path / "drive.log")
    step = Settings(synchronous=True, fixed_delta_s=0.1)
    simulation = Simulation(TownLibrary(), "street_0", StreamServer(), step, tmp_path)
    table = call_table(simulation)
    ((ok, told),) = table.dispatch("show_recorder_file_info", [[False], "drive", False])
    assert ok == 1 and "Map: street_0" in told and "Frames: 40" in told and "(hero)" in told
    ((ok, told),) = table.dispatch("replay_file", [[False], "drive", 0.0, 0.0, 0, False, [[0.0] * 3, [0.0] * 3]])
    assert ok == 1 and "left out" not in told
    ids = {int(actor_id) for actor_id in drive.scenes.actors.id[0][drive.scenes.actors.valid[0]]}
    for tick in range(1, 30):
        simulation.tick()
        assert ids <= set(simulation.world.table.by_id)
        pose = simulation.world.table.pose(simulation.world.table.by_id[max(drive.scenes.actors.id.max(), 0) + 1])
        assert pose[0] == pytest.approx(drive.scenes.ego.x[tick], abs=0.02)
        assert pose[1] == pytest.approx(drive.scenes.ego.y[tick], abs=0.02)


def test_what_it_cannot_hold_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    drive = make_drive(4)
    drive.scenes.actors.block[ActorRow.ID, :, 0] = 2.0**40
    target = tmp_path / "earlier.log"
    target.write_bytes(b"earlier")
    with pytest.raises(DriveLogError, match="ids below 2"):
        write_carla_log(drive, target)
    assert [path.name for path in tmp_path.iterdir()] == ["earlier.log"] and target.read_bytes() == b"earlier"


def test_a_write_that_fails_leaves_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from envs.recording.carla_log import writing

    def broken(*_: object) -> bytes:
        raise OSError("the disk is full")

    target = write_carla_log(make_drive(4), tmp_path / "earlier.log")
    before = target.read_bytes()
    monkeypatch.setattr(writing, "frame", broken)
    with pytest.raises(OSError, match="the disk is full"):
        write_carla_log(make_drive(6), target)
    assert [path.name for path in tmp_path.iterdir()] == ["earlier.log"] and target.read_bytes() == before
