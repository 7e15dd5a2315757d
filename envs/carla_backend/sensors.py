"""Sensors on the ego: what they hear is kept until it is asked for, or waited for."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

import carla

from envs.carla_backend.config import CarlaError
from envs.carla_backend.session import CarlaSession

Heard = TypeVar("Heard")


class Sensor(Generic[Heard]):
    """A sensor on an actor.

    Args:
        session: the server.
        actor: what it is attached to.
        type_id: its blueprint.
        hear: what is kept of a message; runs in a thread of the client.
        place: where on the actor; None: at its origin.
        attributes: the blueprint's, by name.
    """

    def __init__(
        self, session: CarlaSession, actor: Any, type_id: str, hear: Callable[[Any], Heard], place: Any = None,
        **attributes: object,
    ) -> None:  # fmt: skip
        blueprint = session.world.get_blueprint_library().find(type_id)
        for name, value in attributes.items():
            blueprint.set_attribute(name, str(value))
        self._type_id = type_id
        self._heard: SimpleQueue[Heard] = SimpleQueue()
        self._sensor = session.world.spawn_actor(blueprint, place or carla.Transform(), attach_to=actor)
        heard = self._heard
        self._sensor.listen(lambda message: heard.put(hear(message)))

    @property
    def actor_id(self) -> int:
        """The sensor's own id on the server."""
        return int(self._sensor.id)

    def take(self) -> list[Heard]:
        """Return what was heard since the last call, in order."""
        heard = []
        while True:
            try:
                heard.append(self._heard.get_nowait())
            except Empty:
                return heard

    def take_within(self, within_s: float) -> list[Heard]:
        """Return what was heard since the last call; where that is nothing yet, wait so many seconds for it."""
        try:
            return self.take() or [self._heard.get(timeout=within_s), *self.take()]
        except Empty:
            return []

    def wait(self, within_s: float) -> Heard:
        """Return the next that is heard.

        Raises:
            CarlaError: nothing within ``within_s`` seconds.
        """
        try:
            return self._heard.get(timeout=within_s)
        except Empty:
            raise CarlaError(f"the {self._type_id} sent nothing within {within_s:g} s of its tick") from None

    def stop(self) -> None:
        """Listen no more: a sensor that is destroyed while it listens can end the process."""
        if self._sensor.is_listening:
            self._sensor.stop()


def contact_sensor(session: CarlaSession, actor: Any) -> Sensor[int]:
    """Return a sensor that hears the ids of the actors that ``actor`` hits (0: the map itself)."""
    return Sensor(
        session, actor, "sensor.other.collision", lambda event: event.other_actor.id if event.other_actor else 0
    )
