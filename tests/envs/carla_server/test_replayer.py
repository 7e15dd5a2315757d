"""Replays: what was recorded happens again, in the same places, at any speed; and what recordings are told to hold."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.carla_log import read_carla_log
from envs.carla_recording import CarlaLogError, read_recording
from envs.carla_server.payloads import Description, Settings, VehicleControl
from envs.carla_server.replayer import ReplayOrder
from envs.carla_server.server import call_table
from envs.carla_server.simulation import Simulation
from envs.carla_server.streams import StreamServer
from envs.carla_server.town import TownLibrary
from envs.carla_server.walkers import WalkerControl
from envs.scene import FloatArray
from tests.envs.carla_server.serving import MAPS, answer
from tests.envs.carla_server.test_first_contact import BEGIN, END

STEP = Settings(synchronous=True, fixed_delta_s=0.05)
FRAMES = 60
RECORDING = MAPS.parent / "carla_recordings" / "Town01_two_vehicles.log"
needs_recording = pytest.mark.skipif(
    not (RECORDING.exists() and (MAPS / "Town01.xodr").exists()), reason="needs ../shared/data"
)
needs_client = pytest.mark.skipif(find_spec("carla") is None, reason="the carla client is not installed")


def simulation_in(folder: Path, name: str = "town") -> Simulation:
    return Simulation(TownLibrary(MAPS if MAPS.is_dir() else None), name, StreamServer(), STEP, folder)


def poses(simulation: Simulation) -> dict[int, FloatArray]:
    """Return the poses of vehicles and walkers by id."""
    table = simulation.world.table
    return {actor.id: table.pose(actor).copy() for actor in table.order if actor.type_id[:7] in ("vehicle", "walker.")}


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[int, FloatArray]], list[list[int]]]:
    """Record a hero that turns, a car that comes later and goes again, and a walker; return folder, poses, lights."""
    folder = tmp_path_factory.mktemp("recordings")
    simulation = simulation_in(folder)
    world, points = simulation.world, simulation.world.town.spawn_points
    hero = world.spawn(Description("vehicle.lincoln.mkz_2017", (("role_name", 4, "hero"),)), points[0])
    walker = world.spawn(Description("walker.pedestrian.0005", ()), points[5] + np.array([0, 0, 1.0, 0, 0, 0]))
    world.vehicles.control(hero.id, VehicleControl(throttle=0.8, steer=0.5))
    world.walkers.control(walker.id, WalkerControl(np.array([0.6, 0.8, 0.0]), 1.5))
    world.vehicles.lamps[hero.id] = 3
    simulation.recorder.start("drive", world)
    seen, lights, late = [poses(simulation)], [world.lights.states.tolist()], 0
    for frame in range(1, FRAMES):
        if frame == 20:
            late = world.spawn(Description("vehicle.tesla.model3", ()), points[9]).id
            world.vehicles.set_velocity(late, 8.0 * np.array([np.cos(points[9][5]), np.sin(points[9][5]), 0.0]))
        if frame == 40:
            world.destroy([late])
        simulation.tick()
        seen.append(poses(simulation))
        lights.append(world.lights.states.tolist())
    simulation.recorder.stop()
    return folder, seen, lights


def replayed(folder: Path, order: ReplayOrder, name: str = "town", factor: float = 1.0) -> Simulation:
    simulation = simulation_in(folder, name)
    simulation.replay_options.time_factor = factor
    simulation.start_replay(read_recording(folder / "drive.log"), order)
    return simulation


def assert_same(found: dict[int, FloatArray], recorded: dict[int, FloatArray]) -> None:
    assert found.keys() == recorded.keys()
    for actor_id, pose in recorded.items():
        assert found[actor_id][:3] == pytest.approx(pose[:3], abs=2e-4)
        assert np.cos(found[actor_id][3:] - pose[3:]) == pytest.approx(np.ones(3), abs=1e-9)


@pytest.mark.parametrize("name", ["town", "street_0"])
def test_what_was_recorded_happens_again_whatever_map_is_there(drive: Any, name: str) -> None:
    folder, seen, lights = drive
    simulation = replayed(folder, ReplayOrder(), name)
    assert simulation.world.town.name == "town"
    assert_same(poses(simulation), seen[0])
    for frame in range(1, FRAMES):
        simulation.tick()
        assert_same(poses(simulation), seen[frame])
        assert simulation.world.lights.states.tolist() == lights[frame]
        if frame == 10:
            hero = simulation.world.vehicles.actors[0]
            way = (seen[10][hero.id] - seen[9][hero.id])[:2] / 0.05
            assert simulation.world.table.motion[hero.row, 6:8] == pytest.approx(way, abs=0.05)
            assert simulation.world.vehicles.lamps[hero.id] == 3
            assert simulation.world.table.records["throttle"][hero.row] == pytest.approx(0.8)
    assert simulation.replay is None
    simulation.tick()
    assert_same(poses(simulation), seen[-1])  # they stand


def test_speed_start_and_end_are_as_ordered(drive: Any) -> None:
    folder, seen, _ = drive
    slow = replayed(folder, ReplayOrder(start_s=0.5, duration_s=0.1), factor=0.5)
    slow.tick()
    hero = slow.world.vehicles.actors[0].id
    assert poses(slow)[hero][:2] == pytest.approx(0.5 * (seen[10][hero] + seen[11][hero])[:2], abs=2e-4)
    for _ in range(3):
        slow.tick()
    assert slow.replay is None
    assert_same(poses(slow), seen[12])
    fast = replayed(folder, ReplayOrder(start_s=-1.0), factor=4.0)
    for frame in (FRAMES - 21, FRAMES - 17, FRAMES - 13):
        assert_same(poses(fast), seen[frame])
        fast.tick()


@pytest.mark.parametrize("keep", [True, False])
def test_a_replay_that_is_stopped_leaves_its_actors_or_takes_them_along(drive: Any, keep: bool) -> None:
    folder, seen, _ = drive
    simulation = replayed(folder, ReplayOrder())
    for _ in range(30):
        simulation.tick()
    assert call_table(simulation).dispatch("stop_replayer", [[False], keep]) == [[False]]
    simulation.tick()
    if keep:
        assert_same(poses(simulation), seen[30])
        hero = simulation.world.vehicles.actors[0]
        simulation.world.vehicles.control(hero.id, VehicleControl(throttle=1.0))
        for _ in range(20):
            simulation.tick()
        assert simulation.world.table.motion[hero.row, 6:8] @ np.ones(2) != 0.0  # it drives by itself again
    else:
        assert poses(simulation) == {}
    assert not simulation.world.lights.replayed


def test_actors_that_are_there_are_taken_and_the_hero_can_be_left_alone(drive: Any) -> None:
    folder, seen, _ = drive
    simulation = simulation_in(folder)
    simulation.replay_options.ignore_hero = True
    own = simulation.world.spawn(Description("vehicle.lincoln.mkz_2017", ()), simulation.world.town.spawn_points[30])
    here = simulation.world.table.pose(own).copy()
    simulation.start_replay(read_recording(folder / "drive.log"), ReplayOrder())
    simulation.tick()
    assert simulation.world.table.pose(own)[:2] == pytest.approx(here[:2])
    assert [actor.type_id for actor in simulation.world.vehicles.actors] == [own.type_id]
    simulation.replay_options.ignore_hero = False
    simulation.start_replay(read_recording(folder / "drive.log"), ReplayOrder(start_s=1.0))
    assert len(simulation.world.vehicles) == 2  # the hero's id and type are the own car's, the other car is new
    assert simulation.world.table.pose(own)[:2] == pytest.approx(seen[20][own.id][:2], abs=2e-4)


def test_the_spectator_follows_from_behind_and_above(drive: Any) -> None:
    folder, seen, _ = drive
    hero = min(seen[0])
    view = np.array([-10.0, 0.0, 5.0, 0.0, np.radians(25.0), 0.0])
    simulation = replayed(folder, ReplayOrder(follow_id=hero, view=view))
    simulation.tick()
    pose, view = seen[1][hero], simulation.world.table.pose(simulation.world.spectator).copy()
    behind = pose[:2] - 10.0 * np.array([np.cos(pose[5]), np.sin(pose[5])])
    assert view[:2] == pytest.approx(behind, abs=0.02) and view[2] == pytest.approx(pose[2] + 5.0, abs=0.3)
    assert np.cos(view[5] - pose[5]) == pytest.approx(1.0, abs=1e-6) and view[4] == pytest.approx(0.44, abs=0.03)


def test_sensors_ride_along_where_they_are_asked_for(tmp_path: Path) -> None:
    simulation = simulation_in(tmp_path)
    car = simulation.world.spawn(Description("vehicle.audi.tt", ()), simulation.world.town.spawn_points[0])
    mount = np.array([1.0, 0.5, 2.0, 0.0, 0.1, 0.3])
    simulation.world.spawn(Description("sensor.other.imu", ()), mount, car.id)
    simulation.world.vehicles.set_velocity(car.id, np.array([5.0, 0.0, 0.0]))
    simulation.tick()
    simulation.recorder.start("drive", simulation.world)
    for _ in range(5):
        simulation.tick()
    simulation.recorder.stop()
    for sensors in (False, True):
        again = replayed(tmp_path, ReplayOrder(sensors=sensors))
        for _ in range(3):
            again.tick()
        assert len(again.world.sensors) == int(sensors)
    (sensor,) = again.world.sensors
    assert sensor.parent == car.id and sensor.relative == pytest.approx(mount, abs=1e-3)


def test_a_broken_recording_is_refused_and_the_world_stays(drive: Any, tmp_path: Path) -> None:
    whole = (drive[0] / "drive.log").read_bytes()
    rng = np.random.default_rng(0)
    simulation = simulation_in(tmp_path, "street_0")
    world, refused = simulation.world, 0
    for number in range(150):
        data = bytearray(whole[: int(rng.integers(40, len(whole)))] if number % 2 else whole)
        for place in rng.integers(0, len(data), 3).tolist():
            data[place] ^= int(rng.integers(1, 256))
        (tmp_path / "broken.log").write_bytes(data)
        order = ["broken", 0.0, 0.0, 0, True, [[0, 0, 0], [0, 0, 0]]]
        ((ok, _),) = call_table(simulation).dispatch("replay_file", [[False], *order])
        if not ok:
            refused += 1
            if simulation.world is not world:
                simulation.load("street_0", True)
                world = simulation.world
            continue
        for _ in range(3):
            simulation.tick()
        assert np.isfinite(simulation.world.table.motion).all()
    assert 75 <= refused < 150
    (tmp_path / "broken.log").write_bytes(whole[:-30])
    with pytest.raises(CarlaLogError, match="cut off"):
        read_recording(tmp_path / "broken.log")


def test_collisions_and_who_stood_are_told(tmp_path: Path) -> None:
    simulation = simulation_in(tmp_path, "street_0")
    world, begin = simulation.world, simulation.world.town.spawn_points[0]
    ahead = begin + np.array([12.0 * np.cos(begin[5]), 12.0 * np.sin(begin[5]), 0, 0, 0, 0])
    first = world.spawn(Description("vehicle.audi.tt", (("role_name", 4, "hero"),)), begin)
    second = world.spawn(Description("vehicle.tesla.model3", ()), ahead)
    simulation.recorder.start("crash", world)
    for frame in range(160):
        if frame == 100:
            world.vehicles.set_velocity(first.id, 10.0 * np.array([np.cos(begin[5]), np.sin(begin[5]), 0.0]))
        simulation.tick()
    simulation.recorder.stop()
    table = call_table(simulation)

    def told(name: str, *arguments: Any) -> list[str]:
        ((ok, text),) = table.dispatch(name, [[False], "crash.log", *arguments])
        assert ok == 1, text
        return [line for line in text.splitlines() if "vehicle." in line or "Collision" in line]

    (line,) = told("show_recorder_collisions", ord("h"), ord("v"))
    assert line.split()[:4] == ["6", "v", "v", str(first.id)] and line.split()[5] == str(second.id)
    assert told("show_recorder_collisions", "a", "a") == [line]
    assert told("show_recorder_collisions", "w", "a") == []
    rows = [line.split() for line in told("show_recorder_actors_blocked", 3.0, 10.0)]
    assert [(row[1], row[3]) for row in rows][:2] == [(str(second.id), "6"), (str(first.id), "5")]
    assert any("Collision id 1 between" in line and "(hero)" in line for line in told("show_recorder_file_info", False))
    assert len(told("show_recorder_file_info", True)) > 2


@needs_recording
def test_a_recording_of_a_carla_server_replays_on_its_map(tmp_path: Path) -> None:
    shutil.copy(RECORDING, tmp_path / "real.log")
    tracks = read_carla_log(RECORDING).vehicles
    simulation = simulation_in(tmp_path, "street_0")
    simulation.replay_options.time_factor = 1.0
    begun = simulation.start_replay(read_recording(tmp_path / "real.log"), ReplayOrder())
    assert simulation.world.town.name == "Town01" and set(begun.left_out) == {"static.prop.mesh"}
    compared = 0
    for _ in range(300):
        simulation.tick()
        for recorded_id, track in tracks.items():
            actor = simulation.world.table.by_id.get(begun.ids.get(recorded_id, 0))
            if actor is not None and track.time_s[0] <= begun.time_s <= track.time_s[-1]:
                assert actor.type_id == track.type_id
                pose = simulation.world.table.pose(actor)
                for found, column in ((pose[0], track.x), (pose[1], track.y), (pose[2], track.z)):
                    assert found == pytest.approx(float(np.interp(begun.time_s, track.time_s, column)), abs=1e-3)
                compared += 1
    assert compared > 300


SCRIPT = """
settings = world.get_settings()
client.start_recorder("client.log")
hero = world.spawn_actor(model3, points[3])
hero.apply_control(carla.VehicleControl(throttle=0.7, steer=-0.2))
path = []
for _ in range(40):
    world.tick()
    place = hero.get_location()
    path.append([place.x, place.y])
client.stop_recorder()
hero_id = hero.id
hero.destroy()
world.tick()
told = [client.show_recorder_file_info("client.log", False), client.show_recorder_collisions("client.log", "a", "a"),
        client.show_recorder_actors_blocked("client.log", 1.0, 100.0)]
client.set_replayer_time_factor(1.0)
client.set_replayer_ignore_hero(False)
client.set_replayer_ignore_spectator(True)
if other:
    world = client.load_world(other, reset_settings=False)
told.append(client.replay_file("client.log", 0.0, 0.0, hero_id, False))
again = []
for _ in range(40):
    world.tick()
    place = world.get_actor(hero_id).get_location()
    again.append([place.x, place.y])
view = world.get_spectator().get_transform().location.distance(place)
client.stop_replayer(False)
world.tick()
try:
    client.replay_file("../client.log", 0.0, 0.0, 0)
except RuntimeError as error:
    told.append(str(error))
print(json.dumps([path, again, told, view, world.get_map().name]))
"""


@needs_client
@pytest.mark.parametrize("other", ["", "street_1"])
def test_the_real_client_records_and_replays(other: str) -> None:
    script = BEGIN + f"other = {other!r}\n" + SCRIPT + END
    path, again, told, view, name = answer(script, map_name="street_0")
    assert np.array(again) == pytest.approx(np.array(path), abs=1e-3)
    info, _, _, begun, refused = told
    assert "vehicle.tesla.model3" in info and "Map: street_0" in info
    assert "Replaying from 0 s - 2 s" in begun
    assert 10.0 < view < 12.5
    assert "plain file name" in refused and name.endswith("street_0")
