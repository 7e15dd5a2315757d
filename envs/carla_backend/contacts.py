"""Whom the ego has hit, as its collision sensor tells it."""

from __future__ import annotations

from queue import Empty, SimpleQueue
from typing import Any

import carla

from envs.carla_backend.session import CarlaSession


class ContactSensor:
    """A collision sensor on an actor; events are kept until they are taken."""

    def __init__(self, session: CarlaSession, actor: Any) -> None:
        blueprint = session.world.get_blueprint_library().find("sensor.other.collision")
        self._events: SimpleQueue[int] = SimpleQueue()
        self._sensor = session.world.spawn_actor(blueprint, carla.Transform(), attach_to=actor)
        events = self._events
        self._sensor.listen(lambda event: events.put(event.other_actor.id if event.other_actor else 0))

    @property
    def actor_id(self) -> int:
        """The sensor's own id on the server."""
        return int(self._sensor.id)

    def take(self) -> list[int]:
        """Return the ids of the actors that were hit since the last call, in order (0: the map itself)."""
        ids = []
        while True:
            try:
                ids.append(self._events.get_nowait())
            except Empty:
                return ids

    def stop(self) -> None:
        """Listen no more: a sensor that is destroyed while it listens can end the process."""
        if self._sensor.is_listening:
            self._sensor.stop()
