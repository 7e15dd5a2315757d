"""Where walkers go: the mesh of a map, and the real client's walkers on it."""

from __future__ import annotations

import struct
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from envs.carla_frame import mirrored
from envs.carla_server.navigation import detour
from envs.carla_server.navigation.corridors import NavigationMesh, corridors, is_convex
from envs.carla_server.navigation.ways import NavArea, WalkWays, walk_ways
from envs.carla_server.payloads import Description, Settings
from envs.carla_server.server import CarlaServer, ServerConfig, call_table, running
from envs.carla_server.simulation import Simulation
from envs.carla_server.streams import StreamServer
from envs.carla_server.town import TownLibrary
from envs.roads.lane_graph import LaneGraph, SampleColumn
from envs.scene import BoolArray, FloatArray
from tests.envs.carla_server.raw import RawClient
from tests.envs.carla_server.serving import MAPS
from tests.envs.carla_server.test_first_contact import told

needs_client = pytest.mark.skipif(find_spec("carla") is None, reason="the carla client is not installed")
TOWN02 = pytest.param(
    "Town02", marks=pytest.mark.skipif(not (MAPS / "Town02.xodr").exists(), reason="needs ../shared/data/carla_maps")
)


@lru_cache(maxsize=4)
def mesh_of(name: str) -> tuple[NavigationMesh, LaneGraph]:
    town = TownLibrary(MAPS if MAPS.is_dir() else None).load(name)
    return corridors(walk_ways(town.opendrive, town.graph)), town.graph


def ways(points: list[list[float]], edges: list[tuple[int, int]]) -> WalkWays:
    count = len(points)
    area = np.full(len(edges), NavArea.SIDEWALK, dtype=np.int64)
    return WalkWays(np.array(points), np.full(count, 1.0), np.full(count, 0.5), np.array(edges), area)


def beyond(mesh: NavigationMesh) -> list[list[int]]:
    """Return the neighbours (from 0) of each polygon, by the edges that are shared."""
    return [[number - 1 for number in row if number] for row in detour.neighbours(mesh)]


def inside(mesh: NavigationMesh, points: FloatArray, areas: set[NavArea], reach_m: float) -> BoolArray:
    """Return which of the points ``(n, 2)`` lie on the mesh's areas, or within ``reach_m`` of them."""
    found = np.zeros(len(points), dtype=np.bool_)
    for number, area in enumerate(mesh.areas):
        if area in areas:
            corners = mesh.outline(number)[:, :2]
            along = np.roll(corners, -1, axis=0) - corners
            offset = points[:, None] - corners
            left = along[:, 0] * offset[..., 1] - along[:, 1] * offset[..., 0]
            found |= (left >= -reach_m * np.hypot(*along.T)).all(axis=1)
    return found


def test_a_straight_way_is_one_rectangle_of_its_width() -> None:
    mesh = corridors(ways([[0.0, 0.0], [10.0, 0.0]], [(0, 1)]))
    assert mesh.outline(0).tolist() == [[0.0, -1.0, 0.5], [10.0, -1.0, 0.5], [10.0, 1.0, 0.5], [0.0, 1.0, 0.5]]


def test_ways_that_meet_share_edges_with_what_is_between_them() -> None:
    """A T: three corridors, and around the node a triangle for each and one in both right angles."""
    mesh = corridors(ways([[0.0, 0.0], [10.0, 0.0], [20.0, 0.0], [10.0, 9.0]], [(0, 1), (1, 2), (1, 3)]))
    assert sorted(len(polygon) for polygon in mesh.polygons) == [3] * 5 + [4] * 3
    reached, waiting = {0}, [0]
    while waiting:
        for other in beyond(mesh)[waiting.pop()]:
            if other not in reached:
                reached.add(other)
                waiting.append(other)
    assert len(reached) == 8
    total = sum(_area(mesh.outline(number)) for number in range(8))
    # Corridors 2 m wide that end 1 m before the node with 1.7 m, a triangle to the node for each, and two between.
    wide, between = 0.5 * (2.0 + 1.7), 0.5 * (1.0 - 0.85**2)
    assert total == pytest.approx((9.0 + 9.0 + 8.0) * wide + 3 * 0.5 * 1.7 + 2 * between)


def test_a_walker_led_by_a_client_shows_its_speed_and_stands_when_it_is_led_no_more() -> None:
    settings = Settings(synchronous=True, fixed_delta_s=0.05)
    simulation = Simulation(TownLibrary(), "street_0", StreamServer(), settings)
    world = simulation.world
    actor = world.spawn(Description("walker.pedestrian.0001", ()), np.array([50.0, 7.0, 1.0, 0.0, 0.0, 0.0]))
    feet = [[60.0, -7.0, 0.0], [0.0, -90.0, 0.0]]
    assert call_table(simulation).dispatch("apply_walker_state", [[False], actor.id, feet, 1.4]) == [[False]]
    for speed in (1.4, 0.0):
        world.tick()
        motion = world.table.motion[actor.row]
        assert motion[:3] == pytest.approx([60.0, 7.0, actor.extent[2]])  # its feet are on the ground
        assert motion[6:8] == pytest.approx([0.0, speed])
        assert world.table.walker_records["speed"][actor.row] == pytest.approx(speed)


def test_a_way_too_winding_for_its_width_is_narrowed_and_stays_whole() -> None:
    winding = [[0.0, 0.0], [1.0, 0.0], [1.7, 0.7], [1.7, 1.7], [1.0, 2.4], [0.0, 2.4]]
    mesh = corridors(ways(winding, [(k, k + 1) for k in range(5)]))
    assert sum(len(polygon) == 4 for polygon in mesh.polygons) == 5
    assert all(is_convex(mesh.outline(number).tolist()) for number in range(len(mesh.polygons)))


@pytest.mark.parametrize("name", ["town", "street_0", "on_ramp_0", TOWN02])
def test_the_mesh_of_a_map_is_sound_connected_and_off_the_lanes(name: str) -> None:
    mesh, graph = mesh_of(name)
    assert all(is_convex(mesh.outline(number).tolist()) for number in range(len(mesh.polygons)))
    near = beyond(mesh)
    assert all(number in near[other] for number, row in enumerate(near) for other in row)
    parts = _parts([number for number, area in enumerate(mesh.areas) if area != NavArea.ROAD], near)
    assert max(map(len, parts)) > 0.9 * sum(map(len, parts))
    middles = np.array([
        mesh.outline(number)[:, :2].mean(axis=0) for number, area in enumerate(mesh.areas) if area == NavArea.SIDEWALK
    ])  # fmt: skip
    assert not any(_on_lane(graph, point) for point in middles)


def test_the_bytes_are_a_set_of_one_tile() -> None:
    mesh, _ = mesh_of("street_0")
    data = detour.mesh_bytes(mesh)
    magic, version, tiles = struct.unpack_from("<4sii", data)
    assert (magic[::-1], version, tiles) == (b"MSET", 1, 1)
    reference, size = struct.unpack_from("<Ii", data, 40)
    assert reference > 0 and size == len(data) - 48
    magic, version, _, _, _, _, polygons, vertices = struct.unpack_from("<4s7i", data, 48)
    assert (magic[::-1], version, polygons, vertices) == (b"DNAV", 7, len(mesh.polygons), len(mesh.vertices))
    first = np.frombuffer(data, "<f4", 3, 148)
    assert first[[0, 2, 1]] == pytest.approx(mirrored(np.array(mesh.vertices[0])), abs=1e-4)
    corners = sum(map(len, mesh.polygons))
    assert size == 100 + 12 * vertices + 32 * polygons + 12 * corners + 12 * polygons + 4 * (corners - 2 * polygons)


def test_a_mesh_that_no_tile_holds_is_refused_and_nothing_is_no_mesh() -> None:
    mesh = NavigationMesh([(0.0, 0.0, 0.0)], [(0, 0, 0)] * 2**15, [NavArea.ROAD] * 2**15)
    with pytest.raises(detour.MeshTooLargeError, match="32768 polygons"):
        detour.mesh_bytes(mesh)
    assert detour.mesh_bytes(NavigationMesh()) == b""


def test_the_file_is_named_by_the_map_and_no_other_is_given(tmp_path: Path) -> None:
    with running(ServerConfig("street_0", port=0, recordings=tmp_path)) as server, RawClient(server.port) as client:
        assert client.value("get_required_files", "") == []
        (name,) = client.value("get_required_files", "Nav")
        assert client.value("request_file", name) == client.value("get_navigation_mesh") != b""
        for other in ("../../etc/passwd", "/etc/passwd", name + "x", ""):
            with pytest.raises(RuntimeError, match="there is no file"):
                client.value("request_file", other)
        assert _name_on(server, client, "street_1") != name == _name_on(server, client, "street_0")


WALK = """
world.set_pedestrians_seed(11)
world.set_pedestrians_cross_factor({crossing})
places = [world.get_random_location_from_navigation() for _ in range({walkers})]
blueprints = library.filter("walker.pedestrian.*")
walkers = [world.spawn_actor(blueprints[i], carla.Transform(place + carla.Location(z=1.0)))
           for i, place in enumerate(places)]
ai = library.find("controller.ai.walker")
controllers = [world.spawn_actor(ai, carla.Transform(), walker) for walker in walkers]
world.tick()
goals = []
for controller, walker in zip(controllers, walkers):
    controller.start()
    found = [world.get_random_location_from_navigation() for _ in range(200)]
    away = lambda place: place.distance_2d(walker.get_location())
    goals.append(min((place for place in found if away(place) > 6.0), key=away))
    controller.go_to_location(goals[-1])
    controller.set_max_speed(2.4)
path, nearest = [], [1e9] * len(walkers)
for _ in range({ticks}):
    world.tick()
    for i, walker in enumerate(walkers):
        place = walker.get_location()
        path.append([place.x, place.y, place.z - walker.bounding_box.extent.z])
        nearest[i] = min(nearest[i], place.distance_2d(goals[i]))
speed = max(walker.get_velocity().length() for walker in walkers)
before = [walker.get_location() for walker in walkers]
for controller in controllers:
    controller.stop()
world.tick(); world.tick()
stopped = max(walker.get_location().distance(place) for walker, place in zip(walkers, before))
print(json.dumps([[[place.x, place.y, place.z] for place in places], path, nearest, speed, stopped]))
"""


@needs_client
@pytest.mark.parametrize("name", ["town", TOWN02])
def test_the_clients_walkers_walk_on_sidewalks_and_crosswalks_and_arrive(name: str) -> None:
    places, path, nearest, speed, stopped = told(WALK.format(walkers=20, ticks=600, crossing=0.0), name)
    mesh, _ = mesh_of(name)
    begun = mirrored(np.array(places))
    assert inside(mesh, begun[:, :2], {NavArea.SIDEWALK}, 0.02).all()
    track = mirrored(np.array(path)).reshape(600, 20, 3)
    assert inside(mesh, track.reshape(-1, 3)[:, :2], {NavArea.SIDEWALK, NavArea.CROSSWALK}, 0.05).all()
    heights = np.array(mesh.vertices)[:, 2]
    assert heights.min() - 0.05 < track[..., 2].min() <= track[..., 2].max() < heights.max() + 0.05
    steps = np.hypot(*np.diff(track[..., :2], axis=0).T)
    assert steps.max() < 2.4 * 0.05 * 1.2  # nobody jumps
    assert (steps.sum(axis=1) > 10.0).all()
    assert sum(away < 1.5 for away in nearest) >= 15
    assert 1.0 < speed < 2.6 and stopped < 0.15


@needs_client
def test_only_walkers_who_may_cross_the_road_do() -> None:
    """On a long street with crosswalks at its ends alone, those who may take the short way over the road."""
    mesh, _ = mesh_of("street_0")
    on_road = []
    for crossing in (0.0, 1.0):
        path = told(WALK.format(walkers=12, ticks=300, crossing=crossing), "street_0")[1]
        track = mirrored(np.array(path))[:, :2]
        assert inside(mesh, track, set(NavArea), 0.05).all()
        on_road.append(int(inside(mesh, track, {NavArea.ROAD}, -0.05).sum()))
    assert on_road[0] == 0 and on_road[1] > 10


def _name_on(server: CarlaServer, client: RawClient, map_name: str) -> str:
    client.call("load_new_episode", map_name, True, 0)
    return str(client.value("get_required_files", "Nav/")[0])


def _area(outline: FloatArray) -> float:
    x, y = outline[:, 0], outline[:, 1]
    return float(0.5 * np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


def _parts(polygons: list[int], near: list[list[int]]) -> list[set[int]]:
    """Return the polygons that hang together."""
    left, parts = set(polygons), []
    while left:
        waiting, part = [left.pop()], set[int]()
        while waiting:
            number = waiting.pop()
            part.add(number)
            following = [other for other in near[number] if other in left]
            left -= set(following)
            waiting += following
        parts.append(part)
    return parts


def _on_lane(graph: LaneGraph, point: FloatArray) -> bool:
    offset = point - graph.samples[:, :2]
    heading, width = graph.samples[:, SampleColumn.HEADING], graph.samples[:, SampleColumn.WIDTH]
    along = np.cos(heading) * offset[:, 0] + np.sin(heading) * offset[:, 1]
    across = np.cos(heading) * offset[:, 1] - np.sin(heading) * offset[:, 0]
    return bool(((np.abs(along) < 0.75) & (np.abs(across) < 0.5 * width - 0.2)).any())
