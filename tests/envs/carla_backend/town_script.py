"""Drive on a town of a server with the real client and print, as JSON, what the server then says of it."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from envs.carla_backend.config import CarlaConfig, CarlaError
from envs.embedded.simulator import EmbeddedConfig
from envs.scenarios.catalogue import ScenarioSet, scenario_set

NAME = "Hillside"
SLOPING = 3
"""Seed of a case whose ego begins on a slope."""


def main(port: int) -> None:
    """Use the server at ``port``, which has the town but is not on it."""
    config = CarlaConfig(port=port)
    text, episodes = load(config)
    found = scenario_set("route", "low", NAME, towns={NAME: text})
    other = scenario_set("route", "low", NAME, towns={NAME: text + " "})
    before = frozen(config)
    told = drive(found, config)
    told["frozen"] = [before, told["frozen"], frozen(config)]
    told |= {"episodes": episodes, "refused": refusal(other, config)}
    print(json.dumps(told), flush=True)


def load(config: CarlaConfig) -> tuple[str, list[int]]:
    """Return the town's text, and the server's episode after each of four ways to load it."""
    from envs.carla_backend.session import CarlaSession

    first = CarlaSession(config)
    text = first.load_town(NAME)
    episodes = [first.world.id]
    first.load_town(NAME)
    episodes.append(first.world.id)
    first.close()
    again = CarlaSession(config)
    again.load_town(NAME)
    episodes.append(again.world.id)
    blueprint = again.world.get_blueprint_library().find("vehicle.audi.tt")
    again.world.spawn_actor(blueprint, again.world.get_map().get_spawn_points()[0])
    again.close()
    last = CarlaSession(config)
    last.load_town(NAME)
    episodes.append(last.world.id)
    last.close()
    return text, episodes


def drive(scenarios: ScenarioSet, config: CarlaConfig) -> dict[str, Any]:
    """Return where all bodies are after some steps and the ground below them, and how many lights are frozen."""
    simulator = make(scenarios, config)
    simulator.reset([scenarios.sample(0, SLOPING)])
    world, plan = simulator._session.world, simulator._session.world.get_map()
    first = world.get_snapshot().find(simulator._ego.actor_id).get_transform().location
    slope = simulator.mirror.ego_slope(0)
    for _ in range(10):
        simulator.step(np.array([[0.2, 0.0, 0.0]]))
    feet = {body.actor_id: body.box.foot_m for body in simulator._bodies.in_use.values()}
    places = {actor.id: actor.get_transform().location for actor in world.get_actors()}
    ego = places[simulator._ego.actor_id]
    told = {
        "bodies_m": [places[number].z - foot for number, foot in feet.items()],
        "ground_m": [plan.get_waypoint(places[number]).transform.location.z for number in feet],
        "ego_m": ego.z,
        "ego_ground_m": plan.get_waypoint(ego).transform.location.z,
        "slope": slope,
        "ground_slope": math.tan(math.radians(plan.get_waypoint(first).transform.rotation.pitch)),
        "lights": len(lights(world)),
        "frozen": sum(light.is_frozen() for light in lights(world)),
    }
    simulator.close()
    return told


def refusal(scenarios: ScenarioSet, config: CarlaConfig) -> str:
    """Return what is said where the server's town is not the one that the scenarios are made for."""
    simulator = make(scenarios, config)
    try:
        simulator.reset([scenarios.sample(0, 3)])
    except CarlaError as error:
        return str(error)
    finally:
        simulator.close()
    return "nothing"


def make(scenarios: ScenarioSet, config: CarlaConfig) -> Any:
    """Return the simulator of one world."""
    from envs.carla_backend.simulator import CarlaSimulator

    return CarlaSimulator(scenarios.maps, EmbeddedConfig(scenarios.most_actors, scenarios.most_pedestrians), config)


def frozen(config: CarlaConfig) -> int:
    """Return how many lights of the server are frozen."""
    import carla

    client = carla.Client(config.host, config.port)
    client.set_timeout(10.0)
    return sum(light.is_frozen() for light in lights(client.get_world()))


def lights(world: Any) -> list[Any]:
    """Return the traffic lights of a world."""
    return list(world.get_actors().filter("traffic.traffic_light*"))
