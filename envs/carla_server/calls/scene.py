"""Calls about the scene: rays, level objects (the maps have none), debug drawings (nobody sees them)."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.carla_server.calls.table import Call, nothing, value
from envs.carla_server.payloads import anything, integer, location, number, text, to_location, truth
from envs.carla_server.sensors.rays import boxes_of, first_hit
from envs.carla_server.simulation import Simulation
from envs.carla_server.wire import Tag
from envs.embedded.vehicle import GRAVITY_MPS2
from envs.scene import FloatArray


def scene_calls(simulation: Simulation) -> dict[str, Call]:
    """Return the calls by name."""

    def project(place: FloatArray, direction: FloatArray, reach: float) -> list[Any]:
        length = float(np.linalg.norm(direction))
        if length < 1e-9 or reach <= 0.0:
            return [False, [[0.0, 0.0, 0.0], int(Tag.NONE)]]
        hits = _hits(simulation, place, direction / length, reach)
        return [True, hits[0]] if hits else [False, [[0.0, 0.0, 0.0], int(Tag.NONE)]]

    def cast(begin: FloatArray, end: FloatArray) -> list[Any]:
        length = float(np.linalg.norm(end - begin))
        return _hits(simulation, begin, (end - begin) / length, length) if length > 1e-9 else []

    return {
        "project_point": value(project, location, location, number),
        "cast_ray": value(cast, location, location),
        "get_all_level_BBs": value(lambda _tag: [], integer),
        "get_environment_objects": value(lambda _tag: [], integer),
        "enable_environment_objects": nothing(lambda _ids, _on: None, anything, truth),
        "draw_debug_shape": nothing(lambda _shape: None, anything),
        "get_imui_gravity": value(lambda: GRAVITY_MPS2),
        "set_imui_gravity": nothing(lambda _gravity: None, number),
        "enable_sensor_for_ros": nothing(lambda _stream: None, integer),
        "disable_sensor_for_ros": nothing(lambda _stream: None, integer),
        "is_sensor_enabled_for_ros": value(lambda _stream: False, integer),
        "send": nothing(lambda actor_id, _message: _there(simulation, actor_id), integer, text),
    }


def _there(simulation: Simulation, actor_id: int) -> None:
    simulation.world.actor(actor_id)


def _hits(simulation: Simulation, begin: FloatArray, way: FloatArray, reach: float) -> list[Any]:
    """Return [location, tag] of what a ray meets: the first body, then the ground (the road's height below it)."""
    world = simulation.world
    boxes = boxes_of(world)
    box, distance = first_hit(boxes.centre, boxes.yaw, boxes.half_sizes, begin, way, reach)
    found = [(distance, int(boxes.tags[box]))] if box >= 0 else []
    ground = world.town.ground.height_at(float(begin[0]), float(begin[1]), 0.0)
    if way[2] < -1e-9 and 0.0 <= (ground - begin[2]) / way[2] <= reach:
        found.append((float((ground - begin[2]) / way[2]), int(Tag.ROADS)))
    return [[to_location(begin + at * way), tag] for at, tag in sorted(found)]
