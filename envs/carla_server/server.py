"""The server: a simulation behind the RPC port N and the stream port N + 1."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from envs.carla_server.calls.actors import actor_calls
from envs.carla_server.calls.batches import batch_calls
from envs.carla_server.calls.episode import episode_calls
from envs.carla_server.calls.files import file_calls
from envs.carla_server.calls.lights import light_calls
from envs.carla_server.calls.recorder import recorder_calls
from envs.carla_server.calls.scene import scene_calls
from envs.carla_server.calls.table import CallTable
from envs.carla_server.calls.vehicles import vehicle_calls
from envs.carla_server.calls.walkers import walker_calls
from envs.carla_server.payloads import Settings
from envs.carla_server.rpc import RpcServer
from envs.carla_server.simulation import Simulation
from envs.carla_server.streams import StreamServer
from envs.carla_server.town import TownLibrary

LOG = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
MOST_BEHIND_S = 0.2
"""How far the clock of asynchronous mode may be behind the real time before it gives up catching up (s)."""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Where a server listens and what it begins with."""

    map: str = "town"
    """Map that it begins with: a generated one, or the name of a file in ``map_folder``."""
    map_folder: Path | None = None
    """Folder of OpenDRIVE files (``.xodr``), which clients may load by their names."""
    host: str = LOOPBACK
    """Address to listen at."""
    port: int = 2000
    """Port of the calls; the streams have the next one. 0: any free pair."""
    recordings: Path = Path("recordings")
    """Folder that recordings are written to."""
    settings: Settings = field(default_factory=Settings)
    """Settings of the first episode, and of those that a client resets."""


class CarlaServer:
    """A server in the event loop that starts it."""

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self.streams = StreamServer()
        library = TownLibrary(config.map_folder)
        self.simulation = Simulation(library, config.map, self.streams, config.settings, config.recordings)
        self.rpc = RpcServer(call_table(self.simulation).dispatch, self._postpone)
        self.port = 0
        self._clock: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen at both ports, once the kernels are there; ``OSError`` where one is taken."""
        self.simulation.warm_up()
        for _ in range(16 if self.config.port == 0 else 1):
            port = await self.rpc.start(self.config.host, self.config.port)
            try:
                await self.streams.start(self.config.host, port + 1)
            except OSError:
                await self.rpc.stop()
                if self.config.port:
                    raise
                continue
            self.port, self.simulation.stream_port = port, port + 1
            self._clock = asyncio.create_task(self._run_clock())
            return
        raise OSError("no two free ports side by side were found: give a port")

    async def stop(self) -> None:
        """Close all connections."""
        if self._clock is not None:
            self._clock.cancel()
        self.simulation.wake_up.stop()
        await self.rpc.stop()
        await self.streams.stop()
        self.simulation.recorder.stop()

    def _postpone(self, name: str, go_on: Callable[[], None]) -> bool:
        """Let a tick wait for the listeners that are on their way, so that what they hear does not depend on luck."""
        if name != "tick_cue" or not self.streams.expected:
            return False
        self.streams.when_joined.append(go_on)
        return True

    async def _run_clock(self) -> None:
        """Let the world go on by itself, as fast as the real time, while it is in asynchronous mode."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            world = self.simulation.world
            due = max(due + world.step_s, loop.time() - MOST_BEHIND_S)
            await asyncio.sleep(max(due - loop.time(), 0.0))
            if not self.simulation.world.settings.synchronous:
                self._tick()

    def _tick(self) -> None:
        """Let the world make a step; what goes wrong in one is told, and the clock goes on."""
        try:
            self.simulation.tick()
        except Exception:
            LOG.exception("a step of the world failed")


def call_table(simulation: Simulation) -> CallTable:
    """Return all calls that the server answers."""
    calls = {
        **episode_calls(simulation), **actor_calls(simulation), **vehicle_calls(simulation),
        **light_calls(simulation), **walker_calls(simulation), **recorder_calls(simulation), **scene_calls(simulation),
        **file_calls(simulation),
    }  # fmt: skip
    return CallTable({**calls, **batch_calls(simulation, calls)})


def serve(config: ServerConfig, announce: Callable[[int], None]) -> None:
    """Serve until the process is interrupted; ``announce`` is told the port once clients may connect."""

    async def run() -> None:
        server = CarlaServer(config)
        await server.start()
        announce(server.port)
        try:
            await asyncio.Event().wait()
        finally:
            await server.stop()

    asyncio.run(run())


@contextmanager
def running(config: ServerConfig) -> Iterator[CarlaServer]:
    """Run a server in a thread of this process for as long as the body lasts.

    Not for the real client: it keeps Python's lock while it waits for an answer.
    """
    loop = asyncio.new_event_loop()
    server = CarlaServer(config)
    thread = threading.Thread(target=loop.run_forever, name="carla-server", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(30.0)
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(30.0)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30.0)
        loop.close()
