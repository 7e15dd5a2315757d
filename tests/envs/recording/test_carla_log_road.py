"""The road of a recording: what the map tells of it, with lights as they were recorded."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from envs.carla_recording import CarlaLogError
from envs.carla_server.payloads import Description, Settings, VehicleControl
from envs.carla_server.simulation import Simulation
from envs.carla_server.streams import StreamServer
from envs.carla_server.town import TownLibrary
from envs.recording import DriveLog
from envs.recording.carla_log import drive_of_carla_log
from envs.recording.carla_log.matching import DETOUR_M
from envs.risk import time_to_collision
from envs.roads.gate_lines import shown_state
from envs.roads.lane_graph import SampleColumn
from envs.roads.projection import pose_at
from envs.roads.route_plan import route_tree
from envs.scene import RoadCategory, SignalState, StopLine
from hcrmp.exchange_config import ImportConfig
from hcrmp.import_job import load_map, map_of
from tests.envs.recording.recordings import MKZ, Moment, actor, written

SHARED = Path(__file__).parents[4] / "shared" / "data"
REAL = SHARED / "carla_recordings" / "Town01_two_vehicles.log"
LIGHT = "traffic.traffic_light"


def along(map_name: str, lanes: list[int], speed: float, first_s: float, seconds: float) -> list[Moment]:
    """The hero, id 7, drives along lanes of a map in their middle."""
    graph, moments = load_map(map_name).graph, []
    for k in range(int(seconds / 0.1)):
        s, rest = first_s + speed * 0.1 * k, list(lanes)
        while s > graph.length[rest[0]] and len(rest) > 1:
            s -= float(graph.length[rest.pop(0)])
        x, y, yaw = pose_at(graph.samples, graph.start, graph.step, rest[0], s, 0.0)
        moments.append(Moment(0.1 * k, {7: (100.0 * x, -100.0 * y, 0.0, -math.degrees(yaw))}))
    moments[0].new = [actor(7, MKZ, "hero")]
    return moments


def way_with_light() -> tuple[int, int, int, int]:
    """Return lanes of the town: before, through and behind a junction, and the signal group that holds there."""
    graph = load_map("town").graph
    for way in np.flatnonzero(graph.controls.group >= 0).tolist():
        before = int(graph.predecessors[way, 0])
        if before >= 0 and graph.length[before] > 60.0:
            return before, way, int(graph.successors[way, 0]), int(graph.controls.group[way])
    raise AssertionError("the town has no light behind a long lane")


def read(path: Path, map_name: str) -> DriveLog:
    return drive_of_carla_log(path, lambda name: load_map(map_name))


def test_a_street_s_road_and_route_are_the_map_s(tmp_path: Path) -> None:
    drive = read(written(tmp_path, along("street_0", [0], 10.0, 20.0, 5.0)), "street_0")
    road, route, graph = drive.scenes.road, drive.scenes.route, load_map("street_0").graph
    assert road.category.tolist() == [int(graph.category[0])] * 50 and road.category[0] in list(RoadCategory)
    assert road.speed_limit == pytest.approx(graph.speed_limit[0] * np.ones(50))
    assert np.abs(road.lane_offset).max() < 1e-4 and np.abs(road.heading_error).max() < 1e-5
    assert route.progress_m == pytest.approx(np.arange(50), abs=1e-3)
    assert route.length_m == pytest.approx(49.0 * np.ones(50), abs=1e-3)
    ahead = np.hypot(route.points[0, 0, 0] - drive.scenes.ego.x[0], route.points[0, 0, 1] - drive.scenes.ego.y[0])
    assert ahead == pytest.approx(8.0, abs=1e-3)
    assert not drive.scenes.events.block[2:].any()
    assert drive.drawing.areas and drive.meta.map_name == "street_0"


@pytest.mark.parametrize(("state", "shown", "ran"), [(0, SignalState.RED, 1), (2, SignalState.GREEN, 0)])
def test_lights_are_those_recorded(tmp_path: Path, state: int, shown: SignalState, ran: int) -> None:
    """CARLA's states are 0 red, 2 green; whoever passes the line on red has run it, once."""
    before, way, behind, group = way_with_light()
    known = load_map("town")
    head = known.graph.controls.signal_ids[group][0]
    moments = along("town", [before, way, behind], 8.0, float(known.graph.length[before]) - 40.0, 8.0)
    moments[0].new = [*moments[0].new, actor(50, LIGHT, sign_id=head)]
    for moment in moments:
        moment.lights = {50: state}
    drive = read(written(tmp_path, moments), "town")
    road = drive.scenes.road
    assert set(road.signal[:20].tolist()) == {int(shown)} and road.stop_line[0] == StopLine.SIGNAL
    assert np.diff(road.distance_to_stop_line[:20]) == pytest.approx(-0.8, abs=1e-3)
    assert int(drive.scenes.events.red_light.sum()) == ran
    mine = [gate for gate in drive.drawing.gates if len(gate.shown) and gate.shown[0, 1] == shown]
    assert mine and all(shown_state(gate, 3.0, 0) == shown for gate in mine)


def test_lights_that_nothing_tells_of_are_none(tmp_path: Path) -> None:
    before, way, behind, _ = way_with_light()
    moments = along("town", [before, way, behind], 8.0, float(load_map("town").graph.length[before]) - 40.0, 8.0)
    drive = read(written(tmp_path, moments), "town")
    assert not drive.scenes.road.signal.any() and not drive.scenes.events.red_light.any()


def test_another_map_is_refused(tmp_path: Path) -> None:
    moments = along("street_0", [0], 10.0, 20.0, 2.0)
    for moment in moments:
        moment.poses = {7: (moment.poses[7][0] + 500_000.0, *moment.poses[7][1:])}
    with pytest.raises(CarlaLogError, match="m from any lane of street_0 most of the time"):
        read(written(tmp_path, moments), "street_0")


def test_our_server_s_recording_has_what_the_server_had(tmp_path: Path) -> None:
    """With additional data: places, velocities, turn rates, sizes and the lights of the drive are the world's."""
    settings = Settings(synchronous=True, fixed_delta_s=0.05)
    simulation = Simulation(TownLibrary(), "town", StreamServer(), settings, tmp_path)
    world = simulation.world
    hero = world.spawn(Description("vehicle.tesla.model3", (("role_name", 4, "hero"),)), world.town.spawn_points[3])
    path = simulation.recorder.start("drive", world, additional=True)
    world.vehicles.control(hero.id, VehicleControl(throttle=0.75, steer=0.1))
    motion, lights = [world.table.motion[hero.row].copy()], [world.lights.states.copy()]
    for _ in range(60):
        simulation.tick()
        motion.append(world.table.motion[hero.row].copy())
        lights.append(world.lights.states.copy())
    simulation.recorder.stop()
    drive = drive_of_carla_log(path, lambda name: map_of(name, ImportConfig(recording=str(path))))
    x, y, _, _, _, yaw, vx, vy, _, _, _, turn = np.array(motion)[:, :12].T
    ego = drive.scenes.ego
    assert drive.meta.map_name == "town" and drive.meta.extra["sizes"] == "recorded"
    assert ego.x == pytest.approx(x, abs=1e-4) and ego.y == pytest.approx(y, abs=1e-4)
    assert ego.speed == pytest.approx(vx * np.cos(yaw) + vy * np.sin(yaw), abs=1e-4)
    assert ego.yaw_rate == pytest.approx(turn, abs=1e-5)
    assert ego.length[0] == pytest.approx(2.0 * hero.extent[0], abs=1e-5)
    told = {0: SignalState.RED, 1: SignalState.YELLOW, 2: SignalState.GREEN}
    for group, names in enumerate(world.town.graph.controls.signal_ids):
        head = world.lights.number[names[0]]
        gate = next(
            gate for gate in drive.drawing.gates
            if gate.plan == world.town.graph.controls.plan[group]
            and np.array_equal(gate.program, world.town.graph.controls.programs[group])
        )  # fmt: skip
        assert [shown_state(gate, 0.05 * k, 0) for k in (0, 30, 60)] == [
            told[int(lights[k][head])] for k in (0, 30, 60)
        ]


@pytest.mark.skipif(not REAL.exists(), reason="needs ../shared/data/carla_recordings")
def test_a_real_recording_on_its_map() -> None:
    wishes = ImportConfig(recording=str(REAL), map_folder=str(SHARED / "carla_maps"))
    drive = drive_of_carla_log(REAL, lambda name: map_of(name, wishes))
    scenes = drive.scenes
    assert (len(drive), drive.meta.planner, drive.meta.extra["recorded_map"]) == (846, "hero", "Town01")
    assert scenes.route.length_m[-1] == pytest.approx(193.58, abs=0.05)
    assert scenes.ego.speed.max() == pytest.approx(14.6, abs=0.2)
    assert all(len(gate.shown) for gate in drive.drawing.gates if gate.kind == "signal")
    patrol = scenes.actors.valid & (scenes.actors.id == 175)
    assert not patrol[:50].any() and patrol[300:800].any(axis=1).all()
    assert np.isfinite(scenes.actors.block).all() and 1.0 < float(time_to_collision(scenes).min()) < 1.5


def across(map_name: str, place: Callable[[float], tuple[int, float, float]], count: int) -> list[Moment]:
    """The hero, id 7, is at lane, s and d that ``place`` tells for each share of the way."""
    graph, points = load_map(map_name).graph, []
    for k in range(count):
        lane, s, d = place(k / (count - 1))
        points.append(pose_at(graph.samples, graph.start, graph.step, lane, s, d))
    moments = [Moment(0.1 * k, {7: (100.0 * x, -100.0 * y, 0.0, -math.degrees(yaw))})
               for k, (x, y, yaw) in enumerate(points)]  # fmt: skip
    moments[0].new = [actor(7, MKZ, "hero")]
    return moments


def test_a_lane_change_is_part_of_the_route(tmp_path: Path) -> None:
    """From the middle of a lane to that of its left neighbour, evenly over 60 of 100 m.

    The route's line changes over the middle 30 m: where it begins to, the ego is a quarter of a lane (0.9 m) out.
    """
    graph = load_map("multi_lane_0").graph
    right = int(np.flatnonzero((graph.left >= 0) & (graph.length > 150.0))[0])
    width = float(graph.lane_samples(right)[0, SampleColumn.WIDTH])

    def place(share: float) -> tuple[int, float, float]:
        return right, 20.0 + 100.0 * share, width * min(max((share - 0.2) / 0.6, 0.0), 1.0)

    scenes = read(written(tmp_path, across("multi_lane_0", place, 101)), "multi_lane_0").scenes
    route = scenes.route
    assert route.progress_m[-1] == pytest.approx(100.0, abs=0.5) and (np.diff(route.progress_m) > 0.0).all()
    assert route.lateral_offset[[0, -1]] == pytest.approx([0.0, 0.0], abs=0.02)
    assert 0.9 < np.abs(route.lateral_offset).max() < 1.1 and not scenes.events.route_deviation.any()
    assert int(np.diff(scenes.events.lane_invasion.astype(int)).clip(0).sum()) >= 1
    assert scenes.road.lanes_left[0] == scenes.road.lanes_left[-1] + 1


def test_a_way_round_an_obstacle_stays_on_the_route(tmp_path: Path) -> None:
    """On a street the ego swings out by 3.5 m into the oncoming lane, and back: its route is its own lane."""

    def place(share: float) -> tuple[int, float, float]:
        return 0, 20.0 + 150.0 * share, 3.5 * math.sin(math.pi * share) ** 2

    scenes = read(written(tmp_path, across("street_0", place, 121)), "street_0").scenes
    assert scenes.route.lateral_offset.max() == pytest.approx(3.5, abs=0.05)
    assert scenes.route.progress_m[-1] == pytest.approx(150.0, abs=0.5)
    assert scenes.events.lane_invasion.any() and not scenes.events.off_road.any()


def test_who_is_put_elsewhere_has_a_road_but_no_route(tmp_path: Path) -> None:
    graph = load_map("town").graph
    before, *_ = way_with_light()
    away = route_tree(graph, before).distance
    other = int(np.argmax(np.where((graph.junction < 0) & (graph.length > 60.0) & np.isfinite(away), away, 0.0)))
    moments = across("town", lambda share: (before, 5.0 + 20.0 * share, 0.0), 20)
    elsewhere = across("town", lambda share: (other, 5.0 + 20.0 * share, 0.0), 20)
    for k, moment in enumerate(elsewhere):
        moments.append(Moment(2.0 + 0.1 * k, moment.poses))
    scenes = read(written(tmp_path, moments), "town").scenes
    assert scenes.road.lane_width.all() and np.abs(scenes.road.lane_offset).max() < 0.01
    assert scenes.ego.speed.max() < 25.0
    assert away[other] > graph.length[before] + DETOUR_M
    assert not scenes.route.block.any() and not scenes.road.signal.any()


def test_who_is_on_a_bridge_is_there_and_not_seen(tmp_path: Path) -> None:
    moments = along("street_0", [0], 10.0, 20.0, 1.0)
    moments[0].new = [*moments[0].new, actor(8), actor(9)]
    for moment in moments:
        x, y, z, yaw = moment.poses[7]
        moment.poses = {**moment.poses, 8: (x + 2000.0, y, z + 1000.0, yaw), 9: (x + 3000.0, y, z, yaw)}
    actors = read(written(tmp_path, moments), "street_0").scenes.actors
    seen = {int(actors.id[3, slot]): bool(actors.visible[3, slot]) for slot in range(2)}
    assert actors.valid[3].all() and seen == {8: False, 9: True}
