"""What runs in a farm's worker process: one CarlaSimulator, told what to do by messages.

A process of its own, because the client's native code can hang or end its process, and a call into it cannot be
interrupted. The same ``FarmWorker`` serves a pipe (here) and a Ray actor (``ray_worker``).
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from envs.cameras import CameraConfig
from envs.carla_backend.config import CarlaConfig, CarlaError, WrongVersionError
from envs.carla_backend.rows import SceneRow, take_row
from envs.carla_backend.server_process import end_group
from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.errors import EnvsError
from envs.scenarios.maps import MapLibrary
from envs.scene import SceneBatch

RETRY_S = 0.2
"""Time between two attempts to reach a server that is still starting (s)."""


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """What a worker that drives is built from: ``maps`` by name, slots, the server, how long it may take to answer (s).

    ``server_group`` the process group of a server that the farm has launched, 0: none; ``towns``: OpenDRIVE, by name,
    of maps that are not ours; ``cameras`` of the ego.
    """

    maps: tuple[str, ...]
    slots: EmbeddedConfig
    server: CarlaConfig
    ready_s: float
    server_group: int = 0
    towns: dict[str, str] = field(default_factory=dict)
    cameras: CameraConfig = field(default_factory=CameraConfig)

    def make(self) -> FarmWorker:
        """Return the worker."""
        return FarmWorker(self)


@dataclass(frozen=True, slots=True)
class MapSetup:
    """What a worker that reads a server's maps is built from; see ``WorkerSetup``."""

    server: CarlaConfig
    ready_s: float
    server_group: int = 0

    def make(self) -> MapReader:
        """Return the worker."""
        return MapReader(self)


Setup = WorkerSetup | MapSetup


class MapReader:
    """Reads the maps that a server has; every public method is a message."""

    def __init__(self, setup: MapSetup) -> None:
        from envs.carla_backend.session import CarlaSession

        self._session = _when_ready(lambda: CarlaSession(setup.server), setup.ready_s)

    def names(self) -> list[str]:
        """Return the names of the server's maps."""
        return list(self._session.towns())

    def opendrive(self, name: str) -> str:
        """Load a map of the server; return its OpenDRIVE text."""
        text: str = self._session.load_town(name)
        return text

    def close(self) -> None:
        """Give the server its clock back."""
        self._session.close()


class FarmWorker:
    """Drives one world, one message at a time; every public method is a message."""

    def __init__(self, setup: WorkerSetup) -> None:
        from envs.carla_backend.simulator import CarlaSimulator

        maps = MapLibrary(setup.maps, setup.towns)
        # Before any deadline: on an empty cache the kernels are compiled here, for minutes.
        EmbeddedSimulator(1, maps, setup.slots).prepare()
        self._simulator = _when_ready(
            lambda: CarlaSimulator(maps, setup.slots, setup.server, setup.cameras), setup.ready_s
        )

    def reset(self, case: Any) -> SceneRow:
        """Start a case; return its first scene."""
        return self._row(self._simulator.reset([case]))

    def step(self, control: Any) -> SceneRow:
        """Advance by one decision; ``control`` ``(1, 3)``."""
        return self._row(self._simulator.step(control))

    def state(self) -> dict[str, Any]:
        """Return the simulator's state."""
        state: dict[str, Any] = self._simulator.state()
        return state

    def set_state(self, state: dict[str, Any]) -> SceneRow:
        """Restore a state."""
        return self._row(self._simulator.set_state(state))

    def close(self) -> None:
        """Leave the server as it was found."""
        self._simulator.close()

    def _row(self, scene: SceneBatch) -> SceneRow:
        return take_row(scene, self._simulator.images, self._simulator.weather(0), 0)


def _when_ready(make: Callable[[], Any], within_s: float) -> Any:
    deadline = time.monotonic() + within_s
    while True:
        try:
            return make()
        except WrongVersionError:
            raise
        except CarlaError:
            if time.monotonic() > deadline:
                raise
            if _is_orphan():
                raise EOFError("the farm is gone") from None
            time.sleep(RETRY_S)


def _is_orphan() -> bool:
    """Return whether the process that started this one has ended."""
    parent = multiprocessing.parent_process()
    return parent is not None and not parent.is_alive()


def _end_orphaned(server_group: int) -> None:
    """End the server of a farm that is gone: nobody else would."""
    if server_group:
        end_group(server_group)


def work(pipe: Connection, setup: Setup) -> None:
    """Serve messages ``(number, name, argument)`` until the pipe closes.

    Answers are ``(number, "ok", value)`` or ``(number, "error", text)``; that of the start has the number 0.
    """
    # Ctrl-C is the farm's to hear: it still asks for states, and closes in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker: FarmWorker | MapReader | None = None
    number = 0
    try:
        try:
            worker = setup.make()
            pipe.send((number, "ok", None))
            while True:
                number, name, argument = pipe.recv()
                answer = getattr(worker, name)() if argument is None else getattr(worker, name)(argument)
                pipe.send((number, "ok", answer))
        except (EnvsError, RuntimeError, ValueError, KeyError) as error:
            pipe.send((number, "error", f"{type(error).__name__}: {error}"))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        _end_orphaned(setup.server_group)
    finally:
        if worker is not None:
            worker.close()
