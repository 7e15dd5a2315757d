"""Recordings: what a client's vehicles did is what our reader of CARLA's recordings finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from envs.carla_log import read_carla_log
from envs.carla_server.payloads import Description, Settings, VehicleControl
from envs.carla_server.server import call_table
from envs.carla_server.simulation import Simulation
from envs.carla_server.streams import StreamServer
from envs.carla_server.town import TownLibrary
from envs.carla_server.world import WorldError

STEP = Settings(synchronous=True, fixed_delta_s=0.05)


def recorded(folder: Path) -> tuple[Simulation, list[list[float]], Path]:
    """Drive a vehicle for twenty steps; return its poses (x, y, yaw) after each."""
    simulation = Simulation(TownLibrary(), "street_0", StreamServer(), STEP, folder)
    world = simulation.world
    actor = world.spawn(Description("vehicle.tesla.model3", ()), world.town.spawn_points[0])
    path = simulation.recorder.start("drive", world)
    world.vehicles.control(actor.id, VehicleControl(throttle=0.75, steer=0.25))
    poses = []
    for _ in range(20):
        simulation.tick()
        poses.append(world.table.pose(actor)[[0, 1, 5]].tolist())
    simulation.recorder.stop()
    return simulation, poses, path


def test_our_reader_finds_what_was_driven(tmp_path: Path) -> None:
    _, poses, path = recorded(tmp_path)
    log = read_carla_log(path)
    (track,) = log.vehicles.values()
    assert (log.map_name, track.type_id) == ("street_0", "vehicle.tesla.model3")
    assert log.frame_time_s == pytest.approx(0.05 * np.arange(21))
    assert np.stack([track.x, track.y], axis=1)[1:] == pytest.approx(np.array(poses)[:, :2], abs=1e-4)
    assert np.cos(track.yaw[1:] - np.array(poses)[:, 2]) == pytest.approx(np.ones(20), abs=1e-9)
    assert track.throttle[1:].tolist() == [0.75] * 20 and track.steer[1:].tolist() == [0.25] * 20
    assert track.attributes["number_of_wheels"] == "4"


def test_the_same_drive_is_the_same_file(tmp_path: Path) -> None:
    first, second = recorded(tmp_path / "a")[2], recorded(tmp_path / "b")[2]
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", ["", "../drive", "/tmp/drive", "a/b", ".hidden", "a\0b", "\ud800", "x" * 300])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    simulation = Simulation(TownLibrary(), "street_0", StreamServer(), STEP, tmp_path / "recordings")
    with pytest.raises(WorldError, match="plain file name"):
        simulation.recorder.start(name, simulation.world)
    assert not any(tmp_path.iterdir())


def test_the_calls_start_stop_and_tell(tmp_path: Path) -> None:
    simulation, _, _ = recorded(tmp_path)
    table = call_table(simulation)
    ((ok, path),) = table.dispatch("start_recorder", [[False], "again", False])
    assert ok == 1 and path == str(tmp_path / "again.log")
    simulation.tick()
    assert table.dispatch("stop_recorder", [[False]]) == [[False]]
    ((ok, told),) = table.dispatch("show_recorder_file_info", [[False], "again.log", False])
    assert ok == 1 and "Map: street_0" in told and "Frames: 2" in told and "vehicle.tesla.model3" in told
    ((ok, (message,)),) = table.dispatch("show_recorder_file_info", [[False], "never", False])
    assert ok == 0 and "no recording" in message
