"""Calls about traffic lights, and about the street lamps that this server has none of."""

from __future__ import annotations

from envs.carla_server.actors import ActorKind
from envs.carla_server.calls.table import Call, nothing, value
from envs.carla_server.payloads import PayloadError, anything, integer, number, text, truth
from envs.carla_server.simulation import Simulation
from envs.carla_server.wire import LightState


def light_calls(simulation: Simulation) -> dict[str, Call]:
    """Return the calls by name."""

    def lights() -> object:
        return simulation.world.lights

    def light(actor_id: int) -> int:
        actor = simulation.world.actor(actor_id, ActorKind.LIGHT)
        return actor.row - simulation.world.lights.first_row

    def duration(phase: int) -> Call:
        return nothing(
            lambda actor_id, seconds: simulation.world.lights.set_duration(light(actor_id), phase, seconds),
            integer, number,
        )  # fmt: skip

    def freeze_one(actor_id: int, frozen: bool) -> None:
        light(actor_id)
        simulation.world.lights.freeze(frozen)

    return {
        "set_traffic_light_state": nothing(
            lambda actor_id, state: simulation.world.lights.set_state(light(actor_id), state), integer, _state
        ),
        "set_traffic_light_green_time": duration(0),
        "set_traffic_light_yellow_time": duration(1),
        "set_traffic_light_red_time": duration(2),
        "freeze_traffic_light": nothing(freeze_one, integer, truth),
        "freeze_all_traffic_lights": nothing(lambda frozen: simulation.world.lights.freeze(frozen), truth),
        "reset_traffic_light_group": nothing(
            lambda actor_id: simulation.world.lights.reset_group(light(actor_id)), integer
        ),
        "reset_all_traffic_lights": nothing(lambda: simulation.world.lights.reset()),
        "get_group_traffic_lights": value(
            lambda actor_id: simulation.world.lights.together(light(actor_id)), integer
        ),
        "get_light_boxes": value(lambda actor_id: [simulation.world.actor(actor_id).box_payload()], integer),
        "query_lights_state": value(lambda _client: [], text),
        "update_lights_state": nothing(lambda _client, _lights, _discard: None, text, anything, truth),
        "update_day_night_cycle": nothing(lambda _client, _active: None, text, truth),
    }


def _state(given: object) -> int:
    state = integer(given)
    if state not in tuple(LightState):
        raise PayloadError(f"expected a state of a traffic light, 0 to 4, got {state}")
    return state
