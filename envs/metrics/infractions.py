"""Infractions as records: what happened, when, where and with whom.

The kinds are those of the CARLA Leaderboard. ``infractions_of`` finds them in a recorded drive; the driving scores add
them up.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np

from envs.errors import choose, require
from envs.metrics.rules import off_road, off_road_share, onsets
from envs.scene import ActorKind, SceneBatch

Kind = Literal[
    "collision_pedestrian",
    "collision_vehicle",
    "collision_static",
    "red_light",
    "stop_sign",
    "scenario_timeout",
    "yield_emergency_vehicle",
    "min_speed",
    "outside_route_lanes",
    "route_deviation",
    "vehicle_blocked",
    "route_timeout",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
ENDING: tuple[Kind, ...] = ("route_deviation", "vehicle_blocked", "route_timeout")
"""Kinds that end the route: they cost the rest of it, and no coefficient."""
SHARED: tuple[Kind, ...] = ("min_speed", "outside_route_lanes")
"""Kinds that carry a share."""

_COLLISIONS: dict[ActorKind, Kind] = {
    ActorKind.PEDESTRIAN: "collision_pedestrian",
    ActorKind.STATIC: "collision_static",
}


@dataclass(frozen=True, slots=True)
class Infraction:
    """One infraction.

    ``time_s`` since the drive began; ``x``, ``y`` of the ego then (m); ``actor_id`` and ``actor_kind`` of the other
    (-1 and "": nobody, or the road's furniture); ``share`` in [0, 1], which two kinds have: of the surrounding
    traffic's speed that was driven (``min_speed``), of the way that was off the road (``outside_route_lanes``).
    """

    kind: Kind
    time_s: float = 0.0
    x: float = 0.0
    y: float = 0.0
    actor_id: int = -1
    actor_kind: str = ""
    share: float | None = None

    def __post_init__(self) -> None:
        choose("kind of infraction", self.kind, KINDS)
        valid = self.share is not None and 0.0 <= self.share <= 1.0 if self.kind in SHARED else self.share is None
        allowed = "in [0, 1]" if self.kind in SHARED else "None"
        require(valid, f"the share of a {self.kind} is {self.share}, it must be {allowed}")

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values for JSON."""
        return asdict(self)


def infractions_of(scenes: SceneBatch) -> list[Infraction]:
    """Return the infractions of one drive (``scenes``: its batch axis is time), by time.

    Collisions with another actor than in the tick before, red lights, stop signs, the route's end by deviation or by
    its time limit, and the share of the way that was off road as ``outside_route_lanes``. An event that lasts counts
    once. Cyclists and motorcycles are vehicles, as in CARLA. What a scene does not tell (scenario timeout, emergency
    vehicles, minimum speed, blocking) is left to whoever runs the scenario.
    """
    found = _collisions(scenes)
    events = scenes.events
    found += [_record("red_light", scenes, tick) for tick in onsets(events.red_light)]
    found += [_record("stop_sign", scenes, tick) for tick in onsets(events.stop_sign)]
    found += [_record("route_deviation", scenes, tick) for tick in onsets(events.route_deviation)[:1]]
    late = (scenes.time_s >= scenes.route.time_limit_s) & (scenes.route.time_limit_s > 0.0) & ~events.goal_reached
    found += [_record("route_timeout", scenes, tick) for tick in onsets(late)[:1]]
    share = off_road_share(scenes)
    if share > 0.0:
        found.append(_record("outside_route_lanes", scenes, int(onsets(off_road(scenes))[0]), share))
    return sorted(found, key=lambda infraction: infraction.time_s)


def _collisions(scenes: SceneBatch) -> list[Infraction]:
    struck = scenes.events.collision
    slots = np.where(struck, scenes.events.collision_actor, -2)
    changed = np.concatenate([[True], slots[1:] != slots[:-1]])
    return [_collision(scenes, int(tick), int(slots[tick])) for tick in np.flatnonzero(struck & changed)]


def _collision(scenes: SceneBatch, tick: int, slot: int) -> Infraction:
    if slot < 0:
        return _record("collision_static", scenes, tick)
    actor = ActorKind(int(scenes.actors.kind[tick, slot]))
    kind = _COLLISIONS.get(actor, "collision_vehicle")
    who = int(scenes.actors.id[tick, slot]), actor.name.lower()
    return Infraction(kind, float(scenes.time_s[tick]), float(scenes.ego.x[tick]), float(scenes.ego.y[tick]), *who)


def _record(kind: Kind, scenes: SceneBatch, tick: int, share: float | None = None) -> Infraction:
    x, y = float(scenes.ego.x[tick]), float(scenes.ego.y[tick])
    return Infraction(kind, float(scenes.time_s[tick]), x, y, share=share)
