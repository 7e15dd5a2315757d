"""Batches: lists of commands, each answered with the actor's id or an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from envs.carla_server.calls.actors import ActorMotion, vehicle_only
from envs.carla_server.calls.table import CLIENT_ERRORS, Call, bare
from envs.carla_server.payloads import (
    PayloadError,
    anything,
    description,
    integer,
    location,
    optional,
    row,
    rows,
    text,
    transform,
    truth,
    vector,
)
from envs.carla_server.simulation import Simulation

SPAWN, SPAWNED = 0, 0
"""Number of the command that spawns, and the id by which commands after it name what it has spawned."""

Action = tuple[Callable[..., Any], tuple[Callable[[Any], Any], ...]]


def batch_calls(simulation: Simulation, calls: dict[str, Call]) -> dict[str, Call]:
    """Return the calls by name; ``calls`` are those whose work the commands do."""
    batches = _Batches(simulation, calls)
    return {"apply_batch": bare(batches.apply, rows(_command), truth)}


def _command(value: Any) -> tuple[int, list[Any]]:
    """Return (number, payload) of a command, which travels as ``[[number, payload]]``."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    number, payload = row(value, integer, anything)
    if not isinstance(payload, list):
        raise PayloadError("a command's payload is no array")
    return number, payload


class _Batches:
    def __init__(self, simulation: Simulation, calls: dict[str, Call]) -> None:
        self.simulation = simulation
        motion = ActorMotion(simulation)
        self.actions: dict[int, Action] = {
            1: (lambda actor: self._destroy(motion, actor), (integer,)),
            2: _of(calls, "apply_control_to_vehicle"),
            5: _of(calls, "apply_physics_control"),
            6: (motion.set_transform, (integer, transform)),
            8: (motion.set_velocity, (integer, location)),
            9: (motion.set_turn_rate, (integer, vector)),
            10: (motion.push, (integer, location)),
            11: (motion.pull, (integer, location)),
            14: (motion.set_physics, (integer, truth)),
            15: (motion.require, (integer, truth)),
            16: (motion.require, (integer, truth)),
            17: (motion.require, (integer, truth)),
            18: (self._set_lamps, (integer, integer)),
            19: (motion.set_location, (integer, location)),
        }
        named = {
            3: "apply_ackermann_control_to_vehicle", 4: "apply_control_to_walker", 7: "apply_walker_state",
            21: "set_traffic_light_state",
        }  # fmt: skip
        self.actions |= {number: _of(calls, name) for number, name in named.items()}

    def apply(self, commands: list[tuple[int, list[Any]]], tick: bool) -> list[Any]:
        """Do the commands in their order; return a response for each."""
        responses = [self._response(number, payload, 0) for number, payload in commands]
        if tick:
            self.simulation.tick()
        return responses

    def _response(self, number: int, payload: list[Any], spawned: int) -> list[Any]:
        try:
            if number == SPAWN:
                return [[1, self._spawn(payload)]]
            return [[1, self._act(number, payload, spawned)]]
        except CLIENT_ERRORS as error:
            return [[0, [f"apply_batch, command {number}: {' '.join(str(error).split())}"]]]

    def _spawn(self, payload: list[Any]) -> int:
        wanted, pose, parent, _, _, after = row(
            payload, description, transform, optional(integer), integer, text, rows(_command)
        )
        actor = self.simulation.world.spawn(wanted, pose, parent or 0)
        for number, following in after:
            self._act(number, following, actor.id)
        return actor.id

    def _act(self, number: int, payload: list[Any], spawned: int) -> int:
        if number not in self.actions:
            raise PayloadError("this server does not implement it")
        function, parsers = self.actions[number]
        arguments = row(payload, *parsers)
        if spawned and arguments[0] == SPAWNED:
            arguments[0] = spawned
        function(*arguments)
        return int(arguments[0])

    def _destroy(self, motion: ActorMotion, actor_id: int) -> None:
        if not motion.destroy(actor_id):
            raise PayloadError(f"unable to destroy actor {actor_id}: it is not there, or cannot be destroyed")

    def _set_lamps(self, actor_id: int, flags: int) -> None:
        vehicle_only(self.simulation, actor_id)
        self.simulation.world.vehicles.lamps[actor_id] = flags & 0xFFFFFFFF


def _of(calls: dict[str, Call], name: str) -> Action:
    call = calls[name]
    return call.function, call.parsers
