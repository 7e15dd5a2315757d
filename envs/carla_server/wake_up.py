"""A guard against a lost wake-up in the client: its Traffic Manager sometimes sleeps through a tick, for ever.

In synchronous mode ``world.tick()`` wakes the Traffic Manager's thread and waits for it; between two instructions the
signal can be lost (about once in 70,000 ticks; CARLA's issue 9172). Leaving and entering its synchronous mode wakes it.
So when a Traffic Manager that answered the tick before is not heard after one, the server calls the manager's port: as
soon as its process is seen to sleep, where that can be seen, else after ``SILENCE_S``. Where nothing is lost it does
nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import msgpack

from envs.carla_server.sleepers import listener, turns

LOG = logging.getLogger(__name__)
SILENCE_S = 1.5
"""How long a Traffic Manager may be silent after a tick (s). One that is woken while it only was slow, on a busy
machine, may take a step too many, and the run is no longer the same as others: so not too soon."""

LOOK_S = 0.02
"""Time between two looks at a silent one's process (s): it slept through the tick if it sleeps from one to the next."""

CALL_S = 2.0
"""Deadline of a call to it (s)."""


class WakeUp:
    """Watches the Traffic Managers (host by port) of the clients."""

    def __init__(self, managers: Mapping[int, str]) -> None:
        self.managers = managers
        self.woken = 0
        self._heard = self._answered_before = False
        self._timer: asyncio.TimerHandle | None = None
        self._ticked_s = 0.0
        self._processes: dict[int, int | None] = {}
        self._seen: dict[int, dict[str, str] | None] = {}
        self._calls: set[asyncio.Task[None]] = set()

    def forget(self, port: int) -> None:
        """Note that another process may have the port from now on."""
        self._processes.pop(port, None)

    def heard(self) -> None:
        """Note that a Traffic Manager has called since the last tick."""
        self._heard = True

    def ticked(self) -> None:
        """Note a tick, and begin to wait for the Traffic Manager's calls."""
        self._answered_before, self._heard = self._heard, False
        self.stop()
        if self.managers and self._answered_before:
            loop = asyncio.get_running_loop()
            self._ticked_s, self._seen = loop.time(), {}
            self._timer = loop.call_later(min(LOOK_S, SILENCE_S), self._look)

    def stop(self) -> None:
        """Wait no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """Wake the managers if they sleep, or have been silent for too long; else look again in a moment."""
        if self._heard:
            return
        loop = asyncio.get_running_loop()
        if self._all_sleep() or loop.time() - self._ticked_s >= SILENCE_S:
            self._wake_all()
        else:
            self._timer = loop.call_later(min(LOOK_S, SILENCE_S), self._look)

    def _all_sleep(self) -> bool:
        """Return whether every manager has a process here that has slept since the last look."""
        before, self._seen = self._seen, {port: self._turns(port) for port in self.managers}
        return all(self._seen[port] is not None and self._seen[port] == before.get(port) for port in self.managers)

    def _turns(self, port: int) -> dict[str, str] | None:
        if port not in self._processes:
            self._processes[port] = listener(port)
        pid = self._processes[port]
        return None if pid is None else turns(pid)

    def _wake_all(self) -> None:
        self.woken += 1
        for port, host in self.managers.items():
            LOG.warning("the Traffic Manager at port %d slept through a tick: it is woken", port)
            call = asyncio.get_running_loop().create_task(_wake(host, port))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)


async def _wake(host: str, port: int) -> None:
    """Let a Traffic Manager leave and enter its synchronous mode."""
    try:
        await asyncio.wait_for(_switch(host or "127.0.0.1", port), CALL_S)
    except (OSError, asyncio.TimeoutError) as error:  # noqa: UP041 (in Python 3.10 they are two)
        LOG.warning("the Traffic Manager at port %d could not be woken: %s", port, error or type(error).__name__)


async def _switch(host: str, port: int) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        # Both at once: between the two it runs free, and would take steps that no tick asked for.
        calls = [msgpack.packb([0, k, "set_synchronous_mode", [mode]]) for k, mode in enumerate((False, True))]
        writer.write(b"".join(calls))
        await writer.drain()
        answers, answered = msgpack.Unpacker(), 0
        while answered < len(calls) and (data := await reader.read(64)):
            answers.feed(data)
            answered += sum(1 for _ in answers)
    finally:
        writer.close()
