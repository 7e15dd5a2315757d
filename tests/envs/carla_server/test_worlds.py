"""Episodes of the real client: loading maps, sending one, asynchronous mode, lights, walkers, weather."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.envs.carla_server.test_first_contact import told

pytestmark = pytest.mark.skipif(find_spec("carla") is None, reason="the carla client is not installed")


def test_maps_are_loaded_again_and_again() -> None:
    """The client's own race at ``load_world`` ends its process where the server writes to its old session."""
    script = """
names = []
for number in range(20):
    world = client.load_world(("street_0", "street_1")[number % 2], reset_settings=False)
    world.get_settings()
    names.append(world.get_map().name.rpartition("/")[2])
    world.spawn_actor(model3, world.get_map().get_spawn_points()[0])
    world.tick()
    actors = len(world.get_actors().filter("vehicle.*"))
snapshot = world.get_snapshot()
print(json.dumps([names[:4], actors, world.id, round(snapshot.timestamp.elapsed_seconds, 3) < 1.0]))
"""
    names, actors, episode, young = told(script, "street_0")
    assert names == ["street_0", "street_1", "street_0", "street_1"]
    assert (actors, episode, young) == (1, 21, True)


def test_a_map_is_sent_and_loaded() -> None:
    script = """
from envs.roads.generate import Street
text = Street(length_m=150.0).opendrive()
world = client.generate_opendrive_world(text, carla.OpendriveGenerationParameters(), False)
world.tick()
road = world.get_map().get_topology()
print(json.dumps([world.get_map().name, len(road), len(world.get_map().get_spawn_points())]))
"""
    name, roads, points = told(script)
    assert name.endswith("OpenDriveMap")
    assert roads >= 1 and points >= 4


def test_a_reload_is_a_new_episode_without_actors_and_an_unknown_map_is_told() -> None:
    script = """
world.spawn_actor(model3, points[0])
world.tick()
world = client.reload_world(False)
world.tick()
try:
    client.load_world("Town99")
except RuntimeError as error:
    message = str(error)
print(json.dumps([len(world.get_actors().filter("vehicle.*")), world.id, message]))
"""
    vehicles, episode, message = told(script, "street_0")
    assert (vehicles, episode) == (0, 2)
    assert "load_new_episode" in message and "Town99" in message


def test_time_goes_on_by_itself_in_asynchronous_mode() -> None:
    script = """
import time
begin, clock = world.wait_for_tick().timestamp, time.monotonic()
for _ in range(20):
    end = world.wait_for_tick().timestamp
spent = time.monotonic() - clock
settings = world.get_settings()
settings.synchronous_mode = True
world.apply_settings(settings)
frame = world.get_snapshot().frame
time.sleep(0.3)
print(json.dumps([end.frame - begin.frame, end.elapsed_seconds - begin.elapsed_seconds, spent,
                  world.tick() - frame]))
"""
    frames, simulated, spent, between = told(script, "street_0", synchronous=False)
    assert frames >= 20 and simulated == pytest.approx(0.05 * frames)
    assert spent > 0.5 * simulated  # as fast as the real time, not faster
    assert between == 1


def test_lights_take_turns_can_be_set_and_frozen() -> None:
    script = """
lights = world.get_actors().filter("traffic.traffic_light")
world.tick()
seen = {light.id: set() for light in lights}
for _ in range(1300):
    world.tick()
    for light in lights:
        seen[light.id].add(str(light.get_state()))
group = lights[0].get_group_traffic_lights()
lights[0].set_state(carla.TrafficLightState.Green)
lights[0].set_green_time(4.0)
world.freeze_all_traffic_lights(True)
world.tick()
before = [lights[0].get_elapsed_time(), str(lights[0].get_state()), lights[0].get_green_time(), lights[0].is_frozen()]
world.tick()
stops = [len(light.get_stop_waypoints()) for light in lights]
affected = [len(light.get_affected_lane_waypoints()) for light in lights]
print(json.dumps([len(lights), sorted(map(len, seen.values()))[0], len(group), before, lights[0].get_elapsed_time(),
                  min(stops), min(affected), lights[0].get_opendrive_id() != ""]))
"""
    count, states, group, (elapsed, state, green, frozen), later, stops, affected, named = told(script)
    assert count >= 9 and states == 3 and group >= 2
    assert (state, green, frozen) == ("Green", 4.0, True)
    assert later == elapsed
    assert stops >= 1 and affected >= 1 and named


def test_signs_are_actors_where_the_map_has_them() -> None:
    script = """
world.tick()
signs = [actor for actor in world.get_actors().filter("traffic.*") if "light" not in actor.type_id]
marks = {kind: len(town.get_all_landmarks_of_type(kind)) for kind in ("205", "206")}
stops = [actor for actor in signs if actor.type_id == "traffic.stop"]
yields = [actor for actor in signs if actor.type_id == "traffic.yield"]
print(json.dumps([len(stops), len(yields), marks["206"] > 0, marks["205"] > 0, signs[0].destroy()]))
"""
    stops, yields, any_stop, any_yield, destroyed = told(script)
    assert stops >= 6 and yields >= 2 and any_stop and any_yield
    assert destroyed is False


def test_only_one_approach_of_a_junction_is_green_at_a_time() -> None:
    script = """
lights = world.get_actors().filter("traffic.traffic_light")
world.tick()
most, group, red = 0, lights[0].get_group_traffic_lights(), carla.TrafficLightState.Red
for _ in range(1200):
    world.tick()
    ways = {round(light.get_transform().rotation.yaw) % 180 for light in group if light.get_state() != red}
    most = max(most, len(ways))
print(json.dumps(most))
"""
    assert told(script) <= 1


def test_a_walker_walks_and_a_controller_rides_on_it() -> None:
    script = """
blueprint = library.filter("walker.pedestrian.*")[0]
walker = world.spawn_actor(blueprint, carla.Transform(points[0].location + carla.Location(z=1.0)))
controller = world.spawn_actor(library.find("controller.ai.walker"), carla.Transform(), walker)
world.tick()
begin = walker.get_location()
walker.apply_control(carla.WalkerControl(carla.Vector3D(0.0, 1.0, 0.0), 1.5))
for _ in range(20):
    world.tick()
end = walker.get_location()
print(json.dumps([end.x - begin.x, end.y - begin.y, walker.get_velocity().y, walker.get_control().speed,
                  walker.get_transform().rotation.yaw, controller.parent.id == walker.id,
                  world.get_random_location_from_navigation() is None]))
"""
    dx, dy, speed, asked, yaw, rides, _ = told(script)
    assert (dx, dy) == pytest.approx((0.0, 1.5), abs=1e-3)
    assert speed == pytest.approx(1.5) and asked == 1.5
    assert yaw == pytest.approx(90.0, abs=1e-3)
    assert rides


def test_weather_is_kept_and_the_spectator_moves() -> None:
    script = """
weather = carla.WeatherParameters(cloudiness=80.0, precipitation=30.0, sun_altitude_angle=70.0)
world.set_weather(weather)
world.get_spectator().set_transform(points[3])
world.tick()
told = world.get_weather()
print(json.dumps([told.cloudiness, told.precipitation, told.sun_altitude_angle,
                  world.get_spectator().get_location().distance(points[3].location)]))
"""
    clouds, rain, sun, away = told(script)
    assert (clouds, rain, sun) == (80.0, 30.0, 70.0)
    assert away < 1e-3
