"""The infractions of B running episodes, noted step by step: what ``infractions_of`` finds in a recorded drive."""

from __future__ import annotations

import numpy as np

from envs.metrics.infractions import Infraction, Kind, collision, is_late, record
from envs.metrics.rules import off_road
from envs.scene import BoolArray, IntArray, SceneBatch

_NOTED: tuple[Kind, ...] = ("red_light", "stop_sign", "wrong_way", "route_deviation", "route_timeout")
_ONCE: frozenset[Kind] = frozenset({"route_deviation", "route_timeout"})
"""Kinds that end a route: the first counts."""


class InfractionLog:
    """Call ``start`` when episodes begin, ``update`` after every step, ``of`` when one has ended."""

    def __init__(self, batch_size: int) -> None:
        self._found: list[list[Infraction]] = [[] for _ in range(batch_size)]
        self._first_off: list[tuple[float, float, float] | None] = [None] * batch_size
        self._before = np.zeros((len(_NOTED), batch_size), np.bool_)
        self._struck_before = np.full(batch_size, -2, np.int64)
        self._xy = np.zeros((2, batch_size))
        # Metres driven, and those of them off road.
        self._metres = np.zeros((2, batch_size))

    def start(self, rows: IntArray, scene: SceneBatch) -> None:
        """Forget the episodes of the worlds ``rows``: new ones begin with ``scene``."""
        for world in rows.tolist():
            self._found[world], self._first_off[world] = [], None
        self._before[:, rows], self._struck_before[rows], self._metres[:, rows] = False, -2, 0.0
        self._xy[:, rows] = scene.ego.x[rows], scene.ego.y[rows]

    def update(self, scene: SceneBatch) -> None:
        """Note what happened in one step, which led to ``scene``."""
        self._note_events(scene)
        self._note_collisions(scene)
        self._note_off_road(scene)

    def of(self, world: int) -> tuple[Infraction, ...]:
        """Return the infractions of the present episode of a world, by time."""
        found, first = list(self._found[world]), self._first_off[world]
        driven, off = self._metres[:, world].tolist()
        if first is not None and off > 0.0:
            found.append(Infraction("outside_route_lanes", *first, share=min(off / driven, 1.0)))
        return tuple(sorted(found, key=lambda infraction: infraction.time_s))

    def _note_events(self, scene: SceneBatch) -> None:
        events = scene.events
        now = np.stack([events.red_light, events.stop_sign, events.wrong_way, events.route_deviation, is_late(scene)])
        for row, world in np.argwhere(now & ~self._before).tolist():
            kind = _NOTED[row]
            if kind not in _ONCE or all(one.kind != kind for one in self._found[world]):
                self._found[world].append(record(kind, scene, world))
        self._before = now

    def _note_collisions(self, scene: SceneBatch) -> None:
        struck = scene.events.collision
        slots = np.where(struck, scene.events.collision_actor, -2)
        for world in np.flatnonzero(struck & (slots != self._struck_before)).tolist():
            self._found[world].append(collision(scene, world, int(slots[world])))
        self._struck_before = slots

    def _note_off_road(self, scene: SceneBatch) -> None:
        off: BoolArray = off_road(scene)
        step = np.hypot(scene.ego.x - self._xy[0], scene.ego.y - self._xy[1])
        self._metres += step, np.where(off, step, 0.0)
        self._xy[:] = scene.ego.x, scene.ego.y
        for world in np.flatnonzero(off).tolist():
            if self._first_off[world] is None:
                self._first_off[world] = float(scene.time_s[world]), *self._xy[:, world].tolist()
