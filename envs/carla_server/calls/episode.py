"""Calls about the episode as a whole: handshake, map, settings, ticks, weather, traffic managers."""

from __future__ import annotations

from typing import Any

from envs.carla_server import wire
from envs.carla_server.calls.table import Call, nothing, value
from envs.carla_server.payloads import (
    PayloadError,
    Settings,
    anything,
    integer,
    row,
    settings,
    text,
    to_transform,
    truth,
)
from envs.carla_server.simulation import Simulation
from envs.carla_server.weather import weather


def episode_calls(simulation: Simulation) -> dict[str, Call]:
    """Return the calls by name."""

    def token(stream: int) -> list[bytes]:
        return [wire.token(stream, simulation.stream_port)]

    def sensor_token(stream: int) -> list[bytes]:
        # A client connects in the background after this: its next tick waits for it, or it would miss that frame.
        if simulation.has_stream(stream):
            simulation.streams.expect(stream)
        return token(stream)

    def episode_info() -> list[Any]:
        return [simulation.world.episode, token(wire.WORLD_STREAM)]

    def map_info() -> list[Any]:
        town = simulation.world.town
        return [town.path, [to_transform(pose) for pose in town.spawn_points]]

    def set_settings(given: Settings) -> int:
        simulation.world.change_settings(given)
        return simulation.world.frame

    def set_weather(values: list[float]) -> None:
        simulation.world.weather.set(values)

    def load(name: str, reset_settings: bool, _layers: int) -> None:
        simulation.load(name, reset_settings)

    def take_map(content: str, _parameters: Any) -> None:
        simulation.take_map(content)

    return {
        "version": value(lambda: wire.VERSION),
        "get_episode_info": value(episode_info),
        "get_sensor_token": value(sensor_token, stream_id),
        "get_episode_settings": value(lambda: simulation.world.settings.payload()),
        "set_episode_settings": value(set_settings, settings),
        "get_map_info": value(map_info),
        "get_map_data": value(lambda: simulation.world.town.text),
        "get_available_maps": value(lambda: [f"/Game/Carla/Maps/{name}" for name in simulation.library.names()]),
        "load_new_episode": nothing(load, text, truth, integer),
        "copy_opendrive_to_file": nothing(take_map, text, anything),
        "load_map_layer": nothing(lambda _layer: None, integer),
        "unload_map_layer": nothing(lambda _layer: None, integer),
        "tick_cue": value(simulation.tick),
        "get_weather_parameters": value(lambda: simulation.world.weather.get()),
        "set_weather_parameters": nothing(set_weather, weather),
        **_traffic_manager_calls(simulation),
    }


def stream_id(value: Any) -> int:
    """Return the id of a stream, a u32."""
    stream = integer(value)
    if not 0 <= stream < 2**32:
        raise PayloadError(f"expected the id of a stream, 0 to 2^32 - 1, got {stream}")
    return stream


def _traffic_manager_calls(simulation: Simulation) -> dict[str, Call]:
    """Return the register of the clients' traffic managers: who serves which port."""
    managers = simulation.traffic_managers

    def add(info: list[Any]) -> bool:
        host, port = info
        if port in managers:
            return False
        managers[port] = host
        simulation.wake_up.forget(port)
        return True

    def where(port: int) -> list[Any]:
        return [managers[port], port] if port in managers else ["", port]

    def address(info: Any) -> list[Any]:
        return row(info, text, integer)

    return {
        "is_traffic_manager_running": value(lambda port: port in managers, integer),
        "get_traffic_manager_running": value(where, integer),
        "add_traffic_manager_running": value(add, address),
        "destroy_traffic_manager": value(lambda port: managers.pop(port, None) is not None, integer),
    }
