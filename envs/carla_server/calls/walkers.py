"""Calls about walkers."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.carla_server.actors import Actor, ActorKind
from envs.carla_server.calls.table import Call, nothing
from envs.carla_server.payloads import anything, bounded, integer, location, number, row, transform, truth
from envs.carla_server.simulation import Simulation
from envs.carla_server.walkers import FASTEST_MPS, WalkerControl
from envs.scene import FloatArray


def walker_control(value: Any) -> WalkerControl:
    """Return a walker's control."""
    direction, speed, jump = row(value, location, bounded(0.0, FASTEST_MPS), truth)
    return WalkerControl(direction, speed, jump)


def walker_calls(simulation: Simulation) -> dict[str, Call]:
    """Return the calls by name."""

    def walker(actor_id: int) -> Actor:
        return simulation.world.actor(actor_id, ActorKind.WALKER)

    def control(actor_id: int, wanted: WalkerControl) -> None:
        simulation.world.walkers.control(walker(actor_id).id, wanted)

    def put(actor_id: int, feet: FloatArray, speed: float) -> None:
        actor = walker(actor_id)
        pose = feet + np.array([0.0, 0.0, actor.extent[2], 0.0, 0.0, 0.0])
        simulation.world.walkers.put(actor, pose, speed, simulation.world.table)

    return {
        "apply_control_to_walker": nothing(control, integer, walker_control),
        "apply_walker_state": nothing(put, integer, transform, number),
        "set_bones_transform": nothing(lambda actor_id, _bones: _drop(walker(actor_id)), integer, anything),
        "blend_pose": nothing(lambda actor_id, _blend: _drop(walker(actor_id)), integer, number),
        "get_pose_from_animation": nothing(lambda actor_id: _drop(walker(actor_id)), integer),
    }


def _drop(_actor: Actor) -> None:
    """Do nothing but have the walker be there: it is a box without limbs."""
