"""Calls about actors of every kind: blueprints, spawning, destroying, moving."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from envs.carla_frame import turn_rate_from_carla
from envs.carla_server.actors import Actor, ActorKind
from envs.carla_server.calls.table import Call, nothing, value
from envs.carla_server.payloads import Description, description, integer, location, rows, text, transform, truth, vector
from envs.carla_server.simulation import Simulation
from envs.carla_server.world import WorldError
from envs.scene import FloatArray


def actor_calls(simulation: Simulation) -> dict[str, Call]:
    """Return the calls by name."""
    motion = ActorMotion(simulation)

    def payload(actor: Actor) -> list[Any]:
        return actor.payload(simulation.stream_port)

    def by_id(ids: list[int]) -> list[Any]:
        known = simulation.world.table.by_id
        return [payload(known[actor_id]) for actor_id in ids if actor_id in known]

    def spawn(wanted: Description, pose: FloatArray) -> list[Any]:
        return payload(simulation.world.spawn(wanted, pose))

    def spawn_on(wanted: Description, pose: FloatArray, parent: int, _attachment: int, _socket: str) -> list[Any]:
        return payload(simulation.world.spawn(wanted, pose, parent))

    def definitions() -> list[Any]:
        return [blueprint.payload() for blueprint in simulation.catalogue.by_id.values()]

    return {
        "get_actor_definitions": value(definitions),
        "get_spectator": value(lambda: payload(simulation.world.spectator)),
        "get_actors_by_id": value(by_id, rows(integer)),
        "get_actor_bounding_box": value(lambda actor_id: simulation.world.actor(actor_id).box_payload(), integer),
        "spawn_actor": value(spawn, description, transform),
        "spawn_actor_with_parent": value(spawn_on, description, transform, integer, integer, text),
        "destroy_actor": value(motion.destroy, integer),
        "set_actor_location": nothing(motion.set_location, integer, location),
        "set_actor_transform": nothing(motion.set_transform, integer, transform),
        "set_actor_simulate_physics": nothing(motion.set_physics, integer, truth),
        "set_actor_enable_gravity": nothing(motion.require, integer, truth),
        "set_actor_collisions": nothing(motion.require, integer, truth),
        "set_actor_dead": nothing(motion.require, integer),
        "set_actor_autopilot": nothing(motion.require, integer, truth),
        "set_actor_target_velocity": nothing(motion.set_velocity, integer, location),
        "set_actor_target_angular_velocity": nothing(motion.set_turn_rate, integer, vector),
        "enable_actor_constant_velocity": nothing(motion.pin, integer, vector),
        "disable_actor_constant_velocity": nothing(motion.unpin, integer),
        "add_actor_impulse": nothing(motion.push, integer, location),
        "add_actor_impulse_at_location": nothing(motion.push, integer, location, location),
        "add_actor_force": nothing(motion.pull, integer, location),
        "add_actor_force_at_location": nothing(motion.pull, integer, location, location),
    }


class ActorMotion:
    """What can be done to an actor by its id; also what a batch's commands do."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation

    def require(self, actor_id: int, *_: Any) -> None:
        """Refuse an actor that is not there; what else was asked has no effect in a flat world."""
        self.simulation.world.actor(actor_id)

    def destroy(self, actor_id: int) -> bool:
        """Take an actor out; lights and the spectator stay."""
        world = self.simulation.world
        actor = world.table.by_id.get(actor_id)
        if actor is None or actor.kind in (ActorKind.LIGHT, ActorKind.SIGN, ActorKind.SPECTATOR):
            return False
        return bool(world.destroy([actor_id]))

    def set_location(self, actor_id: int, place: FloatArray) -> None:
        """Move an actor; it keeps its rotation."""
        world = self.simulation.world
        actor = world.actor(actor_id)
        pose = (actor.relative if actor.parent else world.table.pose(actor)).copy()
        pose[:3] = place
        world.put(actor, pose)

    def set_transform(self, actor_id: int, pose: FloatArray) -> None:
        """Move and turn an actor."""
        self.simulation.world.put(self.simulation.world.actor(actor_id), pose)

    def set_physics(self, actor_id: int, on: bool) -> None:
        """Let a vehicle move by itself, or not."""
        self._if_vehicle(actor_id, lambda: self.simulation.world.vehicles.set_physics(actor_id, on))

    def set_velocity(self, actor_id: int, velocity: FloatArray) -> None:
        """Give a vehicle a velocity (m/s)."""
        self._if_vehicle(actor_id, lambda: self.simulation.world.vehicles.set_velocity(actor_id, velocity))

    def set_turn_rate(self, actor_id: int, rates_degps: FloatArray) -> None:
        """Give a vehicle a yaw rate."""
        rate = float(turn_rate_from_carla(rates_degps)[2])
        self._if_vehicle(actor_id, lambda: self.simulation.world.vehicles.set_turn_rate(actor_id, rate))

    def pin(self, actor_id: int, velocity: FloatArray) -> None:
        """Hold a vehicle's speed at the forward component of a velocity in its own frame (m/s)."""
        self._if_vehicle(actor_id, lambda: self.simulation.world.vehicles.pin(actor_id, float(velocity[0])))

    def unpin(self, actor_id: int) -> None:
        """Let a vehicle's speed go."""
        self._if_vehicle(actor_id, lambda: self.simulation.world.vehicles.pin(actor_id, None))

    def push(self, actor_id: int, impulse: FloatArray, *_: FloatArray) -> None:
        """Change a vehicle's velocity by an impulse (kg m/s) at its centre."""
        self._if_vehicle(actor_id, lambda: self._add_velocity(actor_id, impulse))

    def pull(self, actor_id: int, force: FloatArray, *_: FloatArray) -> None:
        """Let a force (N) act on a vehicle's centre for one step."""
        self.push(actor_id, force * self.simulation.world.step_s)

    def _add_velocity(self, actor_id: int, impulse: FloatArray) -> None:
        world = self.simulation.world
        velocity = world.table.motion[world.actor(actor_id).row, 6:9]
        mass = world.vehicles.masses[world.vehicles.slot[actor_id]]
        world.vehicles.set_velocity(actor_id, velocity + impulse / mass)

    def _if_vehicle(self, actor_id: int, change: Callable[[], None]) -> None:
        """Change a vehicle; other actors have no velocity of their own to change, unknown ones are refused."""
        if self.simulation.world.actor(actor_id).kind == ActorKind.VEHICLE:
            change()


def vehicle_only(simulation: Simulation, actor_id: int) -> Actor:
    """Return a vehicle; ``WorldError`` where the actor is none."""
    actor = simulation.world.actor(actor_id)
    if actor.kind != ActorKind.VEHICLE:
        raise WorldError(f"actor {actor_id} is a {actor.type_id}, not a vehicle")
    return actor
