"""Infractions as records: what happened, when, where and with whom.

The kinds are those of the CARLA Leaderboard, and ``wrong_way``, which is ours and costs nothing in the scores: the
leaderboard counts the way in an oncoming lane with ``outside_route_lanes``, and a scene does not tell it.
``infractions_of`` finds them in a recorded drive, ``infraction_log`` while it is driven; the driving scores add them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np

from envs.errors import choose, require
from envs.metrics.rules import off_road, off_road_share, onsets
from envs.scene import ActorKind, BoolArray, SceneBatch

Side = Literal["", "front", "rear", "left", "right"]
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
    "wrong_way",
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
    traffic's speed that was driven (``min_speed``), of the way that was off the road (``outside_route_lanes``);
    ``side`` of the ego that was struck ("": no collision, or with the road's furniture);
    ``road`` and ``lane`` the OpenDRIVE ids of the nearest driving lane, where somebody has looked them up ("", 0).
    """

    kind: Kind
    time_s: float = 0.0
    x: float = 0.0
    y: float = 0.0
    actor_id: int = -1
    actor_kind: str = ""
    share: float | None = None
    road: str = ""
    lane: int = 0
    side: Side = ""

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

    Collisions with another actor than in the tick before, red lights, stop signs, wrong ways, the route's end by
    deviation or by its time limit, and the share of the way that was off road as ``outside_route_lanes``. An event that
    lasts counts once. Cyclists and motorcycles are vehicles, as in CARLA. What a scene does not tell (scenario timeout,
    emergency vehicles, minimum speed, blocking) is left to whoever runs the scenario.
    """
    found = _collisions(scenes)
    events = scenes.events
    found += [record("red_light", scenes, tick) for tick in onsets(events.red_light)]
    found += [record("stop_sign", scenes, tick) for tick in onsets(events.stop_sign)]
    found += [record("wrong_way", scenes, tick) for tick in onsets(events.wrong_way)]
    found += [record("route_deviation", scenes, tick) for tick in onsets(events.route_deviation)[:1]]
    late = is_late(scenes)
    found += [record("route_timeout", scenes, tick) for tick in onsets(late)[:1]]
    share = off_road_share(scenes)
    if share > 0.0:
        found.append(record("outside_route_lanes", scenes, int(onsets(off_road(scenes))[0]), share))
    return sorted(found, key=lambda infraction: infraction.time_s)


def is_late(scenes: SceneBatch) -> BoolArray:
    """Return whether the time limit is over ``(B,)`` and the goal not reached."""
    # Times are sums of 0.1 s: the tolerance is that of the termination.
    over = scenes.time_s >= scenes.route.time_limit_s - 1e-6
    late: BoolArray = over & (scenes.route.time_limit_s > 0.0) & ~scenes.events.goal_reached
    return late


def _collisions(scenes: SceneBatch) -> list[Infraction]:
    struck = scenes.events.collision
    slots = np.where(struck, scenes.events.collision_actor, -2)
    changed = np.concatenate([[True], slots[1:] != slots[:-1]])
    return [collision(scenes, int(tick), int(slots[tick])) for tick in np.flatnonzero(struck & changed)]


def collision(scenes: SceneBatch, tick: int, slot: int) -> Infraction:
    """Return the collision of row ``tick`` of ``scenes`` with the actor of ``slot`` (-1: with nobody)."""
    if slot < 0:
        return record("collision_static", scenes, tick)
    actor = ActorKind(int(scenes.actors.kind[tick, slot]))
    kind = _COLLISIONS.get(actor, "collision_vehicle")
    who = int(scenes.actors.id[tick, slot]), actor.name.lower()
    place = float(scenes.time_s[tick]), float(scenes.ego.x[tick]), float(scenes.ego.y[tick])
    return Infraction(kind, *place, *who, side=struck_side(scenes, tick, slot))


def struck_side(scenes: SceneBatch, tick: int, slot: int) -> Side:
    """Return the side of the ego that the actor of ``slot`` touches in row ``tick``.

    It is the one across which their bodies overlap least, measured in the ego's frame by the extent of both.
    """
    ego, actors = scenes.ego, scenes.actors
    yaw, turned = float(ego.yaw[tick]), float(actors.yaw[tick, slot] - ego.yaw[tick])
    dx, dy = float(actors.x[tick, slot] - ego.x[tick]), float(actors.y[tick, slot] - ego.y[tick])
    along, across = dx * np.cos(yaw) + dy * np.sin(yaw), dy * np.cos(yaw) - dx * np.sin(yaw)
    length, width = float(actors.length[tick, slot]), float(actors.width[tick, slot])
    reach_along = float(ego.length[tick]) + length * abs(np.cos(turned)) + width * abs(np.sin(turned))
    reach_across = float(ego.width[tick]) + length * abs(np.sin(turned)) + width * abs(np.cos(turned))
    if reach_along / 2 - abs(along) <= reach_across / 2 - abs(across):
        return "front" if along > 0.0 else "rear"
    return "left" if across > 0.0 else "right"


def record(kind: Kind, scenes: SceneBatch, tick: int, share: float | None = None) -> Infraction:
    """Return an infraction of ``kind`` at row ``tick`` of ``scenes``."""
    x, y = float(scenes.ego.x[tick]), float(scenes.ego.y[tick])
    return Infraction(kind, float(scenes.time_s[tick]), x, y, share=share)
