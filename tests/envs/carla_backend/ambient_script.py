"""Drive among the Traffic Manager's vehicles with the real client and print, as JSON, what came of it.

``main(port, "close")`` leaves in order, ``main(port, "leave")`` without a word; both wait for their input to end first.
"""

from __future__ import annotations

import hashlib
import json
import socket
import sys
from typing import Any

import numpy as np

from envs.carla_backend.config import CarlaConfig
from envs.embedded.simulator import EmbeddedConfig
from envs.scenarios.catalogue import ScenarioSet, scenario_set
from envs.scene import ActorRow
from envs.traffic.agents import AgentRow

STEPS = 80
ROUTES, OVERTAKING = 0, 1
BRAKE = np.array([[0.0, 1.0, 0.0]])


def main(port: int, end: str) -> None:
    """Use the server at ``port``."""
    from envs.carla_backend.simulator import CarlaSimulator

    found = scenario_set(("route", "overtaking"), "low")
    slots = EmbeddedConfig(found.most_actors, found.most_pedestrians)
    config = CarlaConfig(port=port, background="traffic_manager", ticks_per_decision=2)
    simulator = CarlaSimulator(found.maps, slots, config)
    told: dict[str, Any] = {"first": drive(simulator, found, 3), "again": drive(simulator, found, 3)}
    told["other"], told["state"] = drive(simulator, found, 4), drive_on_from_state(simulator)
    manager_port = simulator._session.traffic_manager().get_port()
    told["port"], told["listens"] = manager_port, [listens(manager_port)]
    simulator.reset([found.sample(OVERTAKING, 0)])
    simulator.step(BRAKE)
    told["listens"].append(listens(manager_port))
    told["after_map_change"] = drive(simulator, found, 3)
    print(json.dumps(told), flush=True)
    sys.stdin.read()
    if end == "close":
        last = simulator._session.traffic_manager().get_port()
        simulator.close()
        print(json.dumps(listens(last)), flush=True)


def drive(simulator: Any, scenarios: ScenarioSet, seed: int) -> dict[str, Any]:
    """Stand for some seconds in the case of ``seed``; return what the others did meanwhile."""
    case = scenarios.sample(ROUTES, seed)
    scene = simulator.reset([case])
    driven, riders = np.flatnonzero(case.ambient), np.flatnonzero(~case.ambient)
    begin, digest, worst = scene.actors.block[:, 0].copy(), hashlib.sha256(), 0.0
    for _ in range(STEPS):
        scene = simulator.step(BRAKE)
        digest.update(scene.actors.block[[ActorRow.X, ActorRow.Y, ActorRow.YAW], 0].tobytes())
        worst = max(worst, float(np.abs(simulator.mirror.agents(0)[AgentRow.D, driven]).max()))
    moved = np.hypot(*(scene.actors.block[[ActorRow.X, ActorRow.Y], 0] - begin[[ActorRow.X, ActorRow.Y]]))
    return {
        "hash": digest.hexdigest(), "worst_offset_m": worst, "time_s": float(scene.time_s[0]),
        "driven_m": moved[driven].tolist(), "ridden_m": moved[riders].tolist(),
        "apart_m": apart(simulator, scene),
    }  # fmt: skip


def drive_on_from_state(simulator: Any) -> list[float]:
    """Return how far each of the others is, after a step, from where it was after the same step from the same state."""
    state = simulator.state()
    rows = [ActorRow.X, ActorRow.Y]
    then = simulator.step(BRAKE).actors.block[rows, 0].copy()
    simulator.step(BRAKE)
    simulator.set_state(state)
    again = simulator.step(BRAKE).actors.block[rows, 0]
    return np.hypot(*(again - then)).tolist()  # type: ignore[no-any-return]


def apart(simulator: Any, scene: Any) -> float:
    """Return the largest distance between a body on the server and where the scene has it (m)."""
    snapshot = simulator._session.world.get_snapshot()
    places = {
        slot: body.box.pose(snapshot.find(body.actor_id).get_transform())
        for slot, body in simulator._bodies.in_use.items()
    }
    return max(float(np.hypot(scene.actors.x[0, k] - x, scene.actors.y[0, k] - y)) for k, (x, y, _) in places.items())


def listens(port: int) -> bool:
    """Return whether somebody listens at a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(2.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
