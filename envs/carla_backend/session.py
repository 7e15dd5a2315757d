"""The connection to one server: versions, maps, the synchronous clock, and leaving the server as it was found."""

from __future__ import annotations

import atexit
import socket
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import carla

from envs.carla_backend.config import CarlaConfig, CarlaError, WrongVersionError
from envs.carla_recording import WEATHER_NAMES
from envs.simulator import DECISION_PERIOD_S

T = TypeVar("T")
SUPPORTED = ("0.9.15", "0.9.16")
"""Server versions that may be driven; the first on a best effort."""

GUESTS = ("vehicle.", "walker.", "sensor.", "controller.")
"""What the types of actors begin with that are no part of a map."""


class CarlaSession:
    """A client of one server in synchronous mode.

    Args:
        config: where the server is and how its clock goes.

    Raises:
        CarlaError: nobody answers there in time, or a version that is not supported.
    """

    def __init__(self, config: CarlaConfig) -> None:
        self.config = config
        self.client = carla.Client(config.host, config.port)
        self.client.set_timeout(config.timeout_s)
        self.server_version = str(self._asked("its version", self.client.get_server_version))
        check_versions(str(self.client.get_client_version()), self.server_version)
        self.world = self._asked("its world", self.client.get_world)
        self.settings_before = self._asked("its settings", self.world.get_settings)
        self.map_key = ""
        self.closed = False
        self._manager: Any = None
        atexit.register(self.close)

    def load(self, key: str, opendrive: str) -> None:
        """Make the server's world the map ``opendrive`` (its text), unless it is already that of ``key``."""
        if key == self.map_key:
            return
        parameters = carla.OpendriveGenerationParameters(wall_height=0.0, enable_mesh_visibility=self.config.rendering)
        self._load(key, lambda: self.client.generate_opendrive_world(opendrive, parameters, False))

    def towns(self) -> dict[str, str]:
        """Return the maps that the server has: name -> its path there."""
        paths = self._asked("its maps", self.client.get_available_maps)
        return {_short(path): str(path) for path in sorted(paths)}

    def load_town(self, name: str) -> str:
        """Make the server's world a map of its own, unless it is that, without anybody on it; return its OpenDRIVE.

        Raises:
            CarlaError: the server has no such map, or cannot load it.
        """
        if name != self.map_key:
            towns = self.towns()
            if name not in towns:
                raise CarlaError(f"the CARLA server at {self._address} has no map {name!r}: it has {', '.join(towns)}")
            found = _short(self._asked("its map", self.world.get_map).name)
            if found != name or self._is_used():
                self._load(name, lambda: self.client.load_world(towns[name], False))
            else:
                self.map_key = name
        return str(self._asked(f"the OpenDRIVE of {name!r}", lambda: self.world.get_map().to_opendrive()))

    def weather(self) -> dict[str, float]:
        """Return the weather by ``WEATHER_NAMES``; older clients lack the last of them."""
        held = self._asked("its weather", self.world.get_weather)
        return {name: float(getattr(held, name)) for name in WEATHER_NAMES if hasattr(held, name)}

    def traffic_manager(self) -> Any:
        """Return this session's own Traffic Manager, at a port that is free.

        It is in step with the server's clock from the next tick on: until then its thread may still be in a free step,
        and whoever is handed to it already drives a step that others do not.
        """
        if self._manager is None:
            self._manager = self._asked("a Traffic Manager", lambda: self.client.get_trafficmanager(_free_port()))
            self._manager.set_synchronous_mode(True)
        return self._manager

    def end_traffic_manager(self) -> None:
        """End the Traffic Manager: one that is left in synchronous mode would wait for ticks for ever.

        On its way out it asks for every actor of the last tick, and one that is gone by then ends the process: call it
        before actors are destroyed. Those that were destroyed since the last tick are forgotten in one more.
        """
        if self._manager is not None:
            manager, self._manager = self._manager, None
            try:
                self.tick()
            finally:
                manager.set_synchronous_mode(False)
                manager.shut_down()

    def _load(self, key: str, call: Callable[[], Any]) -> None:
        self.client.set_timeout(self.config.load_timeout_s)
        self.world = self._asked(f"the map {key!r}", call)
        self.client.set_timeout(self.config.timeout_s)
        self.map_key = key
        self.synchronise()

    def _is_used(self) -> bool:
        """Return whether somebody has left actors in the server's world: those of a worker that ended, for example.

        A server that waits for ticks, as that worker left it, tells a new client of nobody before its next one.
        """
        self.synchronise()
        self.tick()
        actors = self._asked("its actors", self.world.get_actors)
        return any(actor.type_id.startswith(GUESTS) for actor in actors)

    def synchronise(self) -> None:
        """Stop the server's own clock: it ticks when it is told to, by a fixed step."""
        settings = self.world.get_settings()
        period = DECISION_PERIOD_S / self.config.ticks_per_decision
        settings.synchronous_mode, settings.fixed_delta_seconds = True, period
        settings.substepping = True
        settings.max_substeps = max(1, round(period / self.config.substep_s))
        settings.max_substep_delta_time = period / settings.max_substeps
        settings.no_rendering_mode = not self.config.rendering
        self._asked("synchronous mode", lambda: self.world.apply_settings(settings, self.config.timeout_s))

    def tick(self) -> Any:
        """Let the server make one step; return the snapshot after it."""
        self._asked("a tick", lambda: self.world.tick(self.config.timeout_s))
        return self.world.get_snapshot()

    def send(self, commands: list[Any]) -> None:
        """Send commands that the server carries out before its next tick; failures show in the world alone."""
        self._asked("a batch of commands", lambda: self.client.apply_batch(commands))

    def carry_out(self, commands: list[Any], what: str) -> list[int]:
        """Send commands and wait for their outcome; return the actors' ids.

        Raises:
            CarlaError: one of them failed; the message says which and why.
        """
        # Without a tick here: with one, this call holds the interpreter while listeners wait for it.
        answers = self._asked(what, lambda: self.client.apply_batch_sync(commands, False))
        for number, answer in enumerate(answers):
            if answer.has_error():
                raise CarlaError(f"the server refused {what} ({number + 1} of {len(commands)}): {answer.error}")
        return [int(answer.actor_id) for answer in answers]

    def close(self) -> None:
        """Give the server its own settings back, and asynchronous mode in any case."""
        if self.closed:
            return
        self.closed = True
        atexit.unregister(self.close)
        settings = self.settings_before
        settings.synchronous_mode, settings.fixed_delta_seconds = False, None
        try:
            self.end_traffic_manager()
            self.world.apply_settings(settings, self.config.timeout_s)
        except RuntimeError as error:
            warnings.warn(
                f"the CARLA server at {self._address} could not be set back to asynchronous mode: {error}",
                stacklevel=2,
            )

    @property
    def _address(self) -> str:
        return f"{self.config.host}:{self.config.port}"

    def _asked(self, what: str, call: Callable[[], T]) -> T:
        """Return what the server answers, or raise with its address where it does not."""
        try:
            return call()
        except RuntimeError as error:
            raise CarlaError(
                f"the CARLA server at {self._address} did not give {what}: {' '.join(str(error).split())}"
            ) from error


def check_versions(client: str, server: str) -> None:
    """Refuse a server that this client may misunderstand: the wire protocol changes between versions."""
    if _release(server) not in SUPPORTED:
        raise WrongVersionError(
            f"the server is CARLA {server}, and {' and '.join(SUPPORTED)} are supported: start one of those"
        )
    if _release(client) != _release(server):
        warnings.warn(f"the carla package is {client} and the server {server}: install the same version", stacklevel=3)


def _free_port() -> int:
    """Return a port that nobody listens at: the servers' ports are of no use, for a client may be on any machine."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def _short(path: str) -> str:
    """Return "Town02" of "/Game/Carla/Maps/Town02"."""
    return str(path).rpartition("/")[2]


def _release(version: str) -> str:
    """Return "0.9.16" of "0.9.16-3-gabc-dirty"."""
    return version.split("-")[0]
