"""Traffic signs as actors: stop and yield signs and speed limits, where the map has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from envs.carla_server import wire
from envs.carla_server.actors import Actor, ActorKind, ActorTable
from envs.carla_server.town import TownMap
from envs.roads.elements import Road, Signal
from envs.roads.geometry import evaluate_line
from envs.roads.opendrive_signals import SPEED_SIGN, STOP_SIGN, YIELD_SIGN
from envs.scene import FloatArray

_TYPES = {STOP_SIGN: "traffic.stop", YIELD_SIGN: "traffic.yield"}
_HALF_SIZES = (0.1, 0.4, 1.2)


def add_signs(town: TownMap, table: ActorTable, next_id: Callable[[], int]) -> list[Actor]:
    """Bring the signs of a map into the table, in the order of the file; return them."""
    signs = []
    for type_id, signal, pose in _signs(town):
        half = np.array(_HALF_SIZES)
        actor = Actor(
            next_id(), type_id, ActorKind.SIGN, attributes=(("role_name", 4, "default"),), extent=half,
            centre=np.array([0.0, 0.0, half[2]]), tags=bytes([wire.Tag.TRAFFIC_SIGNS]),
        )  # fmt: skip
        table.add(actor, pose)
        table.light_records["sign_id"][actor.row] = signal.id.encode("utf-8", "replace")[:31]
        signs.append(actor)
    return signs


def _signs(town: TownMap) -> Iterator[tuple[str, Signal, FloatArray]]:
    for road in town.opendrive.roads.values():
        for signal in road.signals:
            if signal.kind in _TYPES:
                yield _TYPES[signal.kind], signal, signal_pose(road, signal)
            elif signal.kind == SPEED_SIGN and signal.value is not None and signal.value > 0.0:
                yield f"traffic.speed_limit.{signal.value:.0f}", signal, signal_pose(road, signal)


def signal_pose(road: Road, signal: Signal) -> FloatArray:
    """Return the pose ``(6,)`` of a sign: where it stands, looking the way of the traffic that it is for."""
    curve = evaluate_line(road.geometries, np.array([signal.s]))
    heading = float(curve.heading[0])
    x, y = float(curve.x[0]) - signal.t * np.sin(heading), float(curve.y[0]) + signal.t * np.cos(heading)
    turned = heading if signal.direction >= 0 else heading + np.pi
    return np.array([x, y, 0.0, 0.0, 0.0, np.arctan2(np.sin(turned), np.cos(turned))])
